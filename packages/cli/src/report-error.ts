import { exitCodeFor } from '@aico/backend/exit-codes';
import { ExitCode, reasonOf } from '@aico/protocol';
import { type SystemError, systemErrorIn } from '@aico/shared/core/system-errors';
import { write } from './terminal/output.ts';
import { styles } from './terminal/style.ts';

/** The exit code of a process that SIGINT ends. */
const INTERRUPTED = 130;

/** The reported parts of an error. */
export interface ErrorDescription {
  readonly message: string;
  /** The project's own code; errors of other software have none. */
  readonly code: string | undefined;
  readonly hint: string | undefined;
  readonly exitCode: number;
}

/** Describes an error by its shape, so that its class need not be loaded. */
export function describeError(error: unknown): ErrorDescription {
  const message = reasonOf(error);
  const system = systemErrorIn(error);
  return {
    message: system === undefined ? message : messageWith(error, message, system),
    code: rootCode(error) ?? system?.code,
    hint: hintOf(error, system),
    exitCode: exitCodeOf(error),
  };
}

/** Combines the failure of the operating system with the operation that failed because of it. */
function messageWith(error: unknown, message: string, system: SystemError): string {
  // A bare Node error adds nothing to its translation.
  if (rootCode(error) === undefined) return system.message;
  if (isOwnMatter(system) || message.includes(system.condition)) return message;
  return message.endsWith('.') ? `${message} The cause: ${system.message}.` : `${message}: ${system.message}`;
}

/** Whether the caller's own message is more specific, as for a missing file or a refused connection. */
function isOwnMatter({ code }: SystemError): boolean {
  return code === 'AICO_SYSTEM_NOT_THERE' || code === 'AICO_SYSTEM_EXISTS' || code === 'AICO_SYSTEM_REFUSED';
}

/**
 * Chooses between two hints. An error that does not know of the system's failure would give a wrong hint, such as to restore
 * undamaged files.
 */
function hintOf(error: unknown, system: SystemError | undefined): string | undefined {
  const own = textOf(error, 'hint');
  if (system === undefined || own === undefined) return own ?? system?.hint;
  const knows = isOwnMatter(system) || (error instanceof Error && error.message.includes(system.condition));
  return knows ? own : system.hint;
}

/** The code of the root failure, as for the exit code: that of a wrong key if a service failed because of it. */
function rootCode(error: unknown): string | undefined {
  const seen = new Set<unknown>();
  let code: string | undefined;
  for (let at = error; at instanceof Error && !seen.has(at); at = at.cause) {
    seen.add(at);
    const own = textOf(at, 'code');
    // Errors that a plugin declares have codes of their own, and a hint; errors of the system and of libraries have none.
    if (own?.startsWith('AICO_') || (own !== undefined && 'hint' in at)) code = own;
  }
  return code;
}

/** The exit code an error leads to. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof Error)) return ExitCode.failure;
  // Ctrl-C at a prompt.
  if (error.name === 'ExitPromptError') return INTERRUPTED;
  // An invalid command line is for the caller to correct, whatever the cause.
  if (textOf(error, 'code') === 'AICO_CLI_USAGE') return ExitCode.usage;
  const exitCode = exitCodeFor(error);
  return exitCode === ExitCode.failure && systemErrorIn(error) !== undefined ? ExitCode.system : exitCode;
}

/** Reports an error on stderr: with `--json` as one JSON object. */
export function printError(error: unknown, json: boolean): void {
  const { message, code, hint, exitCode } = describeError(error);
  // After Ctrl-C no message is needed.
  if (exitCode === INTERRUPTED) return;
  if (json) {
    write(process.stderr, JSON.stringify({ error: { code, message, hint, exitCode } }));
    return;
  }
  const lines = [`${styles.red('error')}: ${message}`];
  if (hint !== undefined) lines.push(`${styles.cyan('hint')}: ${hint}`);
  if (code !== undefined) lines.push(styles.dim(`code: ${code}`));
  // An error without a code is a bug, and a report of it needs the stack.
  else if (error instanceof Error && error.stack !== undefined) lines.push(styles.dim(error.stack));
  write(process.stderr, lines.join('\n'));
}

function textOf(value: unknown, name: string): string | undefined {
  const text: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof text === 'string' ? text : undefined;
}
