/**
 * What the process tells whoever started it. One number per kind of trouble that has its own remedy, so that a
 * script can tell a busy port from a wrong password. 128 + n: left at once on a second signal n.
 */
export const ExitCode = {
  ok: 0,
  /** Something failed that has no number of its own; the message says what. */
  failure: 1,
  /** The command line is not understood. */
  usage: 2,
  /** A configuration file or variable is wrong. */
  config: 10,
  /** The home or a folder in it cannot be used. */
  home: 11,
  /** Another backend runs on this home. */
  instance: 12,
  /** The port is taken. */
  port: 13,
  /** No key, a wrong password, or a key file that cannot be trusted. */
  key: 14,
  /** The database cannot be opened or is not what it should be. */
  database: 15,
  /** The services' dependencies are missing, circular or double. */
  graph: 16,
  /** A plugin or service could not be loaded or failed to start. */
  plugin: 17,
  /** A service did not start in time. */
  startTimeout: 18,
  /** The stop did not end within its budget. */
  stopTimeout: 19,
  /** The command needs a running backend and there is none. */
  notRunning: 20,
  /** The backend runs and says that it is not well. */
  unhealthy: 21,
  /** The operating system refused something: no room, no rights, no open files left, a failing disk. */
  system: 22,
  /** An error nobody caught; 70 is EX_SOFTWARE in sysexits.h. */
  crash: 70,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Longest prefix first where one is the beginning of another. */
const BY_PREFIX: readonly (readonly [prefix: string, code: ExitCode])[] = [
  ['AICO_CONFIG_', ExitCode.config],
  ['AICO_PATHS_', ExitCode.home],
  ['AICO_HOME_', ExitCode.home],
  ['AICO_INSTANCE_LOCK', ExitCode.home],
  ['AICO_INSTANCE_', ExitCode.instance],
  ['AICO_GATEWAY_PORT_', ExitCode.port],
  ['AICO_KEY_', ExitCode.key],
  ['AICO_SECURITY_', ExitCode.key],
  ['AICO_DATA_', ExitCode.database],
  ['AICO_DATABASE_ROLLED_BACK', ExitCode.database],
  ['AICO_DATABASE_HEAD_', ExitCode.database],
  ['AICO_GRAPH_', ExitCode.graph],
  ['AICO_SERVICE_START_TIMEOUT', ExitCode.startTimeout],
  ['AICO_SERVICE_STOP_TIMEOUT', ExitCode.stopTimeout],
  ['AICO_SERVICE_STOP_BUDGET', ExitCode.stopTimeout],
  ['AICO_SERVICE_START_CANCELLED', ExitCode.ok],
  ['AICO_SERVICE_', ExitCode.plugin],
  ['AICO_PLUGIN_', ExitCode.plugin],
];

/**
 * The number for a failure. The culprit at the root decides: a plugin that failed because the database is corrupt
 * is a database failure. Errors that are not the project's own say nothing, so the nearest one above them counts. What
 * the operating system refused counts where nothing above it has a number: of a database on a full disk, it is the database's.
 *
 * @example exitCodeFor(new ServiceStartError('inbox', new DatabaseCorruptError())) === ExitCode.database
 */
export function exitCodeFor(error: unknown): ExitCode {
  return deepestCode(error, new Set()) ?? (hasSystemError(error) ? ExitCode.system : ExitCode.failure);
}

function deepestCode(error: unknown, seen: Set<unknown>): ExitCode | undefined {
  // A cause that leads back to itself must not keep the process from leaving.
  if (!(error instanceof Error) || seen.has(error)) return undefined;
  seen.add(error);
  for (const cause of error instanceof AggregateError ? [error.cause, ...error.errors] : [error.cause]) {
    const code = deepestCode(cause, seen);
    if (code !== undefined) return code;
  }
  const own = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return BY_PREFIX.find(([prefix]) => own.startsWith(prefix))?.[1];
}

function hasSystemError(error: unknown, seen = new Set<unknown>()): boolean {
  if (!(error instanceof Error) || seen.has(error)) return false;
  seen.add(error);
  if ('code' in error && typeof error.code === 'string' && error.code.startsWith('AICO_SYSTEM_')) return true;
  return hasSystemError(error.cause, seen);
}
