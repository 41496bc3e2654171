import { AicoError, type Problem } from '@aico/protocol';

/** Nobody serves the local socket. */
export class BackendNotRunningError extends AicoError {
  readonly socketPath: string;

  constructor(socketPath: string, cause: unknown) {
    super('AICO_CLIENT_NOT_RUNNING', `no backend answers on ${socketPath}`, {
      hint: 'Start it with `aico start`. If it runs on another home, name it: --home DIR or AICO_HOME.',
      cause,
    });
    this.socketPath = socketPath;
  }
}

/** The connection broke before the answer was complete. */
export class ConnectionBrokenError extends AicoError {
  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super('AICO_CLIENT_BROKEN', `the connection to the backend broke: ${reason}`, {
      hint: 'See whether it still runs: `aico status`. The request may or may not have been done.',
      cause,
    });
  }
}

/** The backend refused, and said why (RFC 9457). */
export class ProblemError extends AicoError {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super('AICO_CLIENT_PROBLEM', problem.detail ?? problem.title, {
      ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    });
    this.problem = problem;
  }
}
