import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { reasonOf } from '@aico/protocol';
import { resolveUserPath } from '@aico/shared/core/paths';
import type { UnlockCredentials } from '@aico/shared/security';
import type { Command } from 'commander';
import { UsageError } from '../errors.ts';

/** Files that hold a secret. A command line could be read by every user of the machine. */
export interface SecretFiles {
  readonly passwordFile?: string;
  readonly recoveryFile?: string;
}

/** Adds the options for the files that unlock the keys. */
export function withSecretFiles(command: Command): Command {
  return command
    .option('--password-file <file>', 'the present password: the first line of a file; - reads the input')
    .option('--recovery-file <file>', 'the recovery code: the first line of a file; - reads the input');
}

/** @throws {UsageError} when both are given, and as {@link readSecret} */
export async function credentialsFrom({
  passwordFile,
  recoveryFile,
}: SecretFiles): Promise<UnlockCredentials | undefined> {
  if (passwordFile !== undefined && recoveryFile !== undefined)
    throw new UsageError('a password and a recovery code are given', 'Give one of them.');
  if (passwordFile !== undefined) return { password: await readSecret(passwordFile, 'password') };
  if (recoveryFile !== undefined) return { recoveryCode: await readSecret(recoveryFile, 'recovery code') };
  return undefined;
}

/**
 * The first line of a file, or of the input for `-`.
 *
 * @param what names the content of the file in the message
 * @throws {UsageError} when the file cannot be read, is not UTF-8 text, or begins with an empty line
 */
export async function readSecret(file: string, what: string): Promise<string> {
  const place = file === '-' ? 'the input' : file;
  let bytes: Uint8Array;
  try {
    bytes = file === '-' ? await buffer(process.stdin) : await readFile(resolveUserPath(file));
  } catch (error) {
    throw new UsageError(`the ${what} file cannot be read: ${reasonOf(error)}`, undefined, error);
  }
  const [secret = ''] = decoded(bytes, place).split(/\r?\n/, 1);
  if (secret === '')
    throw new UsageError(`the first line of ${place} is empty`, `The ${what} is the first line.`);
  return secret;
}

/** Refuses bytes that are not UTF-8: all of them would become the same character, and different secrets would be equal. */
function decoded(bytes: Uint8Array, place: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UsageError(`${place} is not UTF-8 text`, 'Save it as UTF-8.', error);
  }
}
