import { exitCodeFor } from '@aico/backend/exit-codes';
import { ExitCode, reasonOf } from '@aico/protocol';
import { type SystemError, systemErrorIn } from '@aico/shared/core/system-errors';
import { write } from './terminal/output.ts';
import { styles } from './terminal/style.ts';

/** As if SIGINT had ended it. */
const INTERRUPTED = 130;

/** What is said of an error. */
export interface ErrorDescription {
  readonly message: string;
  /** The project's own code; foreign errors have none. */
  readonly code: string | undefined;
  readonly hint: string | undefined;
  readonly exitCode: number;
}

/** What an error says of itself. Looked at by its shape: the classes are loaded only by what throws them. */
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

/** What the operating system refused is told with what failed because of it. */
function messageWith(error: unknown, message: string, system: SystemError): string {
  // A bare error of Node's says nothing that its translation does not say better.
  if (rootCode(error) === undefined) return system.message;
  if (isOwnMatter(system) || message.includes(system.condition)) return message;
  return message.endsWith('.') ? `${message} The cause: ${system.message}.` : `${message}: ${system.message}`;
}

/** A missing file and a refused connection mean something else to each caller, whose own message says what. */
function isOwnMatter({ code }: SystemError): boolean {
  return code === 'AICO_SYSTEM_NOT_THERE' || code === 'AICO_SYSTEM_REFUSED';
}

/**
 * Which of the two hints helps. An error that does not know of the system's failure would have somebody restore what is
 * not damaged, so its hint gives way.
 */
function hintOf(error: unknown, system: SystemError | undefined): string | undefined {
  const own = textOf(error, 'hint');
  if (system === undefined || own === undefined) return own ?? system?.hint;
  const knows = isOwnMatter(system) || (error instanceof Error && error.message.includes(system.condition));
  return knows ? own : system.hint;
}

/** The code of the failure at the root, as the exit code is: of a service that failed because the key is wrong, the key's. */
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
  const exitCode = exitCodeFor(error);
  return exitCode === ExitCode.failure && systemErrorIn(error) !== undefined ? ExitCode.system : exitCode;
}

/** Says what happened and what to do, on stderr; as one JSON object where JSON was asked for. */
export function printError(error: unknown, json: boolean): void {
  const { message, code, hint, exitCode } = describeError(error);
  // Who pressed Ctrl-C knows.
  if (exitCode === INTERRUPTED) return;
  if (json) {
    write(process.stderr, JSON.stringify({ error: { code, message, hint, exitCode } }));
    return;
  }
  const lines = [`${styles.red('error')}: ${message}`];
  if (hint !== undefined) lines.push(`${styles.cyan('hint')}: ${hint}`);
  if (code !== undefined) lines.push(styles.dim(`code: ${code}`));
  // An error that is not ours is a fault of the program: whoever reports it needs the place.
  else if (error instanceof Error && error.stack !== undefined) lines.push(styles.dim(error.stack));
  write(process.stderr, lines.join('\n'));
}

function textOf(value: unknown, name: string): string | undefined {
  const text: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof text === 'string' ? text : undefined;
}
