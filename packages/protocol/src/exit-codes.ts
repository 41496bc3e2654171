/**
 * The exit codes of the process and of the command line. Each kind of failure with its own remedy has its own code, so that a
 * script can tell a taken port from a wrong password. A second signal `n` during the stop ends the process with 128 + `n`.
 */
export const ExitCode = {
  ok: 0,
  /** A failure without a code of its own; see the message. */
  failure: 1,
  /** The command line is invalid. */
  usage: 2,
  /** A configuration file or variable is invalid. */
  config: 10,
  /** The home or a folder in it cannot be used. */
  home: 11,
  /** Another backend uses this home. */
  instance: 12,
  /** The port is in use. */
  port: 13,
  /** There is no key, the password is wrong, or a key file cannot be trusted. */
  key: 14,
  /** The database cannot be opened or is damaged. */
  database: 15,
  /** The dependencies of the services are missing, circular or duplicate. */
  graph: 16,
  /** A plugin or service could not be loaded or failed to start. */
  plugin: 17,
  /** A service did not start in time. */
  startTimeout: 18,
  /** The stop exceeded its budget. */
  stopTimeout: 19,
  /** The command needs a running backend, and none is running. */
  notRunning: 20,
  /** The backend is running and unhealthy. */
  unhealthy: 21,
  /** The operating system refused a call: no space, no permission, no file descriptors, a failing disk. */
  system: 22,
  /** An uncaught error; 70 is EX_SOFTWARE in sysexits.h. */
  crash: 70,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
