import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { DetachedStartError, UsageError } from './errors.ts';

/**
 * The first line of the file, or of the input for `-`.
 *
 * @throws {UsageError} when there is none
 */
export async function passwordFrom(file: string): Promise<string> {
  let content: string;
  try {
    content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the password file cannot be read: ${reason}`, undefined, error);
  }
  const [password = ''] = content.split(/\r?\n/, 1);
  if (password === '') {
    throw new UsageError(
      `the first line of ${file === '-' ? 'the input' : file} is empty`,
      'The password is the first line.',
    );
  }
  return password;
}

/** Asks the person at the terminal; what is typed is not shown. */
export async function askPassword(): Promise<string> {
  const { password } = await import('@inquirer/prompts');
  // Beside the answer, not in it: stdout may go to a file.
  return password({ message: 'Password' }, { output: process.stderr });
}

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/** Whether the failure is that the keys want a password and none was given. */
export function wantsPassword(error: unknown): boolean {
  if (error instanceof DetachedStartError) return error.wantsPassword;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && cause.code === 'AICO_KEY_NOT_GIVEN') return true;
  }
  return false;
}
