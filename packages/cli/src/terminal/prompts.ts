import { UsageError } from '../errors.ts';

/** Questions go to stderr: stdout holds the answer of the command and may be a file. */
const ON_STDERR = { output: process.stderr };

/** Whether there is a terminal for questions. */
export function canAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

/**
 * @param what names the requested secret with its article: `the pairing code`
 * @param hint how to give it without a terminal
 * @throws {UsageError} when there is no terminal
 */
export function requireTerminal(what: string, hint: string, cause?: unknown): void {
  if (canAsk()) return;
  const reason = cause instanceof Error ? `${cause.message}. ` : '';
  throw new UsageError(`${reason}There is no terminal to ask for ${what}`, hint, cause);
}

/** Asks for one line that may be shown while it is typed. */
export async function askText(
  message: string,
  validate: (typed: string) => string | true = () => true,
): Promise<string> {
  const { input } = await import('@inquirer/prompts');
  return input({ message, validate }, ON_STDERR);
}

/** Asks for one line that is not shown. */
export async function askSecret(message: string): Promise<string> {
  const { password } = await import('@inquirer/prompts');
  return password({ message }, ON_STDERR);
}

/** Asks twice, since a mistyped new password would lock its owner out. */
export async function askNewPassword(message = 'New password'): Promise<string> {
  const first = await askSecret(message);
  if ((await askSecret(`${message}, again`)) === first) return first;
  throw new UsageError('the two do not match', 'Nothing was changed; try again.');
}

/**
 * Asks for confirmation of a change; `--yes` confirms in advance.
 * @throws {UsageError} when there is no terminal
 */
export async function confirmed(message: string, { yes }: { readonly yes?: boolean }): Promise<boolean> {
  if (yes === true) return true;
  requireTerminal('confirmation', 'Confirm it by --yes.');
  const { confirm } = await import('@inquirer/prompts');
  return confirm({ message, default: false }, ON_STDERR);
}
