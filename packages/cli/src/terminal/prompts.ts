import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { AICOPaths } from '@aico/shared/core/paths';
import { UsageError } from '../errors.ts';

/**
 * The first line of the file, or of the input for `-`.
 *
 * @throws {UsageError} when there is none
 */
export async function passwordFrom(file: string, what = 'password'): Promise<string> {
  let content: string;
  try {
    content = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the ${what} file cannot be read: ${reason}`, undefined, error);
  }
  const [password = ''] = content.split(/\r?\n/, 1);
  if (password === '') {
    throw new UsageError(
      `the first line of ${file === '-' ? 'the input' : file} is empty`,
      `The ${what} is the first line.`,
    );
  }
  return password;
}

/**
 * Whether a start on this home will want a password that nobody has given yet. Asked for before the start, so that a
 * person sees a question and not first a start that fails.
 */
export async function startWantsPassword(paths: AICOPaths): Promise<boolean> {
  const { AICOKeyManager } = await import('@aico/shared/security');
  const keys = new AICOKeyManager({ slotsFile: paths.keySlotsFile, keyFile: paths.keyFile });
  if (!(await keys.exists())) return false;
  // Slots that cannot be read are for the start to tell about.
  const kinds = (await keys.slots().catch(() => [])).map(({ kind }) => kind);
  if (!kinds.includes('password') || (kinds.includes('key-file') && (await keys.hasKeyFile()))) return false;
  // Tried by the start itself; where they fail it starts locked, for `aico security unlock`.
  if (kinds.includes('keyring') || (kinds.includes('credential') && process.env.CREDENTIALS_DIRECTORY))
    return false;
  const [{ ConfigurationManager }, { coreSections, securitySection }] = await Promise.all([
    import('@aico/shared/core/config'),
    import('@aico/backend/config'),
  ]);
  const config = new ConfigurationManager({ paths, sections: coreSections });
  await config.initialize({ lightweight: true });
  return config.section(securitySection).password === undefined;
}

/** Asks the person at the terminal. */
export async function askPassword(message = 'Password'): Promise<string> {
  const { password } = await import('@inquirer/prompts');
  // Beside the answer, not in it: stdout may go to a file.
  return password({ message }, { output: process.stderr });
}

/** Asks twice: what is mistyped here would lock its owner out. */
export async function askNewPassword(message = 'New password'): Promise<string> {
  const first = await askPassword(message);
  if ((await askPassword(`${message}, again`)) === first) return first;
  throw new UsageError('the two do not match', 'Nothing was changed; try again.');
}

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}
