import { ExitCode } from '@aico/protocol';

/**
 * The exit code for a failure. The error at the root decides: a plugin that failed because the database is corrupt is a
 * failure of the database. An error that declares no exit code leaves it to the nearest one above it. A refusal by the
 * operating system counts only where no error above it declares an exit code: on a full disk, the database's does.
 *
 * @example exitCodeFor(new ServiceStartError('inbox', new DatabaseBusyError(cause))) === ExitCode.database
 */
export function exitCodeFor(error: unknown): number {
  const codes = exitCodesIn(error, new Set());
  return codes.find((code) => code !== ExitCode.system) ?? codes[0] ?? ExitCode.failure;
}

/** The declared exit codes, from the root upwards. */
function exitCodesIn(error: unknown, seen: Set<unknown>): readonly number[] {
  // A cause that leads back to itself must not keep the process from exiting.
  if (!(error instanceof Error) || seen.has(error)) return [];
  seen.add(error);
  const causes = error instanceof AggregateError ? [error.cause, ...error.errors] : [error.cause];
  const below = causes.flatMap((cause) => exitCodesIn(cause, seen));
  // A hint marks an error of the project or of a plugin: an exit code of a library's error means something else.
  const isDeclared = 'hint' in error && 'exitCode' in error && typeof error.exitCode === 'number';
  return isDeclared ? [...below, Number(error.exitCode)] : below;
}
