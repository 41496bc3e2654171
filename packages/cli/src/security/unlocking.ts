import type { SlotInfo, UnlockCredentials } from '@aico/shared/security';
import { askSecret, requireTerminal } from '../terminal/prompts.ts';
import { credentialsFrom, type SecretFiles } from './secret-files.ts';

export interface Unlocking<T> {
  /**
   * Unlocks the keys with the given credentials or, without any, with the slots that need no person (credential, keyring, key
   * file).
   */
  open(credentials: UnlockCredentials): Promise<T>;
  /** The kinds of existing slots, which determine the secrets that a person can be asked for. */
  kinds(): Promise<readonly SlotInfo['kind'][]>;
}

/**
 * Unlocks keys with the given files. Without files, slots that need no person are tried first, and a person at a terminal is
 * asked only if there is no such slot.
 *
 * @throws {UsageError} when a person would have to be asked and there is no terminal
 */
export async function unlocking<T>(files: SecretFiles, { open, kinds }: Unlocking<T>): Promise<T> {
  const given = await credentialsFrom(files);
  if (given !== undefined) return open(given);
  try {
    return await open({});
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'AICO_KEY_NOT_GIVEN')) throw error;
    const found = await kinds();
    if (found.includes('password')) {
      requireTerminal('the password', 'Give it in a file: --password-file FILE, or - for the input.', error);
      return open({ password: await askSecret('Password') });
    }
    if (!found.includes('recovery')) throw error;
    requireTerminal(
      'the recovery code',
      'Give it in a file: --recovery-file FILE, or - for the input.',
      error,
    );
    return open({ recoveryCode: await askSecret('Recovery code') });
  }
}
