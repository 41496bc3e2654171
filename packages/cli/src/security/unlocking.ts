import type { SlotInfo, UnlockCredentials } from '@aico/shared/security';
import { askSecret, requireTerminal } from '../terminal/prompts.ts';
import { credentialsFrom, type SecretFiles } from './secret-files.ts';

export interface Unlocking<T> {
  /** Opens the keys: by what is given or, where nothing is, by what needs no person (credential, keyring, key file). */
  open(credentials: UnlockCredentials): Promise<T>;
  /** The kinds of slots there are, which tell what a person can be asked for. */
  kinds(): Promise<readonly SlotInfo['kind'][]>;
}

/**
 * Opens keys by what the files hold. Without files, what needs no person is tried first, and a person at a terminal is
 * asked only where that has nothing to offer.
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
