import { AicoError } from '@aico/protocol';
import type { AICOKeyManager } from '@aico/shared/security';

/** A first start in production without a password: the data would lie there unprotected. */
export class UnprotectedStartError extends AicoError {
  constructor() {
    super(
      'AICO_KEY_UNPROTECTED',
      'a backend in production does not make a key that anybody with the disk can use',
      {
        hint: 'Set AICO_CORE__SECURITY__PASSWORD for the first start, or start in development (AICO_ENVIRONMENT).',
      },
    );
  }
}

/** There is a database and no key slots: a new key could never open it. */
export class KeySlotsLostError extends AicoError {
  readonly slotsFile: string;

  constructor(slotsFile: string, databaseFile: string) {
    super(
      'AICO_KEY_SLOTS_LOST',
      `${databaseFile} is there, but the key slots that open it (${slotsFile}) are not`,
      {
        hint: 'Put the key slots back from your backup. Without them nobody can read the database; to begin anew, move it away.',
      },
    );
    this.slotsFile = slotsFile;
  }
}

export interface OpenKeysOptions {
  readonly keyManager: AICOKeyManager;
  readonly environment: string;
  readonly password: string | undefined;
  readonly slotsFile: string;
  readonly databaseFile: string;
  readonly databaseExists: boolean;
}

/** How the keys were opened, and whether this start made them. */
export interface OpenedKeys {
  readonly made: 'key-file' | 'password' | undefined;
}

/**
 * Unlocks the keys, or makes them at the first start: behind a password where one is given, else, in development
 * alone, behind a key file.
 *
 * @throws {UnprotectedStartError} at a first start in production without a password
 * @throws {KeySlotsLostError} when the database is there and its key slots are gone
 * @throws {AicoError} of the key manager: wrong password, no key, damaged slots
 */
export async function openKeys(options: OpenKeysOptions): Promise<OpenedKeys> {
  const { keyManager, environment, password, slotsFile, databaseFile, databaseExists } = options;
  if (await keyManager.exists()) {
    await keyManager.unlock(password === undefined ? {} : { password });
    return { made: undefined };
  }
  if (databaseExists) throw new KeySlotsLostError(slotsFile, databaseFile);
  if (password !== undefined) {
    await keyManager.setUp({ password });
    return { made: 'password' };
  }
  if (environment === 'production') throw new UnprotectedStartError();
  await keyManager.setUp({ keyFile: true });
  return { made: 'key-file' };
}
