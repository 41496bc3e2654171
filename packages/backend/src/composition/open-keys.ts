import { type AICOKeyManager, KeyNotGivenError, type SlotInfo } from '@aico/shared/security';
import { KeySlotsLostError, UnprotectedStartError } from './errors.ts';

interface OpenKeysOptions {
  readonly keyManager: AICOKeyManager;
  readonly environment: string;
  readonly password: string | undefined;
  readonly slotsFile: string;
  readonly databaseFile: string;
  readonly databaseExists: boolean;
}

/** The state of the keys, and how this start protected them if it created them. */
interface OpenedKeys {
  /** `locked`: a person has to unlock the keys. */
  readonly state: 'unlocked' | 'locked';
  readonly made: 'key-file' | 'password' | undefined;
}

/** Unlock methods that need a person, possibly after the start. */
const BY_A_PERSON: ReadonlySet<SlotInfo['kind'] | 'recovery'> = new Set(['password', 'recovery']);

/**
 * Unlocks the keys, or creates them at the first start: protected by a password if one is given, otherwise, in development
 * only, by a key file. If only a person can unlock them and has not, they remain locked.
 *
 * @throws {UnprotectedStartError} at a first start in production without a password
 * @throws {KeySlotsLostError} when the database exists and its key slots are gone
 * @throws {AicoError} of the key manager: wrong password, no key, damaged slots
 */
export async function openKeys(options: OpenKeysOptions): Promise<OpenedKeys> {
  const { keyManager, environment, password, slotsFile, databaseFile, databaseExists } = options;
  if (await keyManager.exists()) {
    try {
      await keyManager.unlock(password === undefined ? {} : { password });
    } catch (error) {
      if (!(error instanceof KeyNotGivenError) || password !== undefined) throw error;
      const slots = await keyManager.slots();
      if (!slots.some(({ kind }) => BY_A_PERSON.has(kind))) throw error;
      return { state: 'locked', made: undefined };
    }
    return { state: 'unlocked', made: undefined };
  }
  if (databaseExists) throw new KeySlotsLostError(slotsFile, databaseFile);
  if (password !== undefined) {
    await keyManager.setUp({ password });
    return { state: 'unlocked', made: 'password' };
  }
  if (environment === 'production') throw new UnprotectedStartError();
  await keyManager.setUp({ keyFile: true });
  return { state: 'unlocked', made: 'key-file' };
}
