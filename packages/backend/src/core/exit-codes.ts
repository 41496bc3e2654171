import { ExitCode } from '@aico/protocol';

/**
 * The exit code for a failure. The error at the root decides: a plugin that failed because the database is corrupt is a failure
 * of the database. If it declares no exit code, the nearest error above it decides. A refusal by the operating system counts
 * only if no error above it declares an exit code: on a full disk, the database's does.
 *
 * @example exitCodeFor(new ServiceStartError('inbox', new DatabaseBusyError(cause))) === ExitCode.database
 */
export function exitCodeFor(error: unknown): number {
  const codes = exitCodesIn(error, new Set());
  return codes.find((code) => code !== ExitCode.system) ?? codes[0] ?? ExitCode.failure;
}

/** The declared exit codes, from the root upwards. */
function exitCodesIn(error: unknown, seen: Set<unknown>): readonly number[] {
  // A cyclic chain of causes must not keep the process from exiting.
  if (!(error instanceof Error) || seen.has(error)) return [];
  seen.add(error);
  const causes = error instanceof AggregateError ? [error.cause, ...error.errors] : [error.cause];
  const below = causes.flatMap((cause) => exitCodesIn(cause, seen));
  // A hint marks an error of the project or of a plugin: in a library's error, `exitCode` has another meaning.
  const isDeclared = 'hint' in error && 'exitCode' in error && typeof error.exitCode === 'number';
  return isDeclared ? [...below, Number(error.exitCode)] : below;
}
