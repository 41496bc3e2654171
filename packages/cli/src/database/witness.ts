import { HeadWitness } from '@aico/shared/data';
import { KeyringUnavailableError, openOsKeyring } from '@aico/shared/security';

/** The head in the operating system's keyring, if there is one. */
export async function openWitness(databaseFile: string): Promise<HeadWitness | undefined> {
  try {
    return new HeadWitness(await openOsKeyring(), databaseFile);
  } catch (error) {
    if (error instanceof KeyringUnavailableError) return undefined;
    throw error;
  }
}
