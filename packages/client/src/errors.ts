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

/** The socket is there, and this user may not open it. */
export class SocketDeniedError extends AicoError {
  readonly socketPath: string;

  constructor(socketPath: string, cause: unknown) {
    super('AICO_CLIENT_DENIED', `this user may not open ${socketPath}`, {
      hint: 'Only the user who started the backend may use it: run this as that user, or name your own home.',
      cause,
    });
    this.socketPath = socketPath;
  }
}

/** The backend took the request and said nothing for too long. */
export class ReplyTimeoutError extends AicoError {
  readonly timeoutMs: number;

  constructor(timeoutMs: number, cause: unknown) {
    super('AICO_CLIENT_TIMEOUT', `the backend did not answer within ${timeoutMs / 1_000} s`, {
      hint: 'It is busy or hangs. `aico stop --force` ends it where nothing else does; nothing stored is lost.',
      cause,
    });
    this.timeoutMs = timeoutMs;
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

/** The backend refused, and said why (RFC 9457). Carries the backend's own code and hint. */
export class ProblemError extends AicoError {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.code ?? 'AICO_CLIENT_PROBLEM', sentence(problem), {
      ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    });
    this.problem = problem;
  }
}

/** The answer is neither what was asked for nor a problem as RFC 9457 has it. */
export class UnexpectedReplyError extends AicoError {
  readonly status: number;

  constructor(status: number, reason: string, cause?: unknown) {
    super('AICO_CLIENT_UNEXPECTED', `the backend answered ${status}, ${reason}`, {
      hint: 'Client and backend may be of different versions: compare `aico --version` and `aico status`.',
      ...(cause === undefined ? {} : { cause }),
    });
    this.status = status;
  }
}

function sentence({ title, detail = title, errors = [] }: Problem): string {
  return [detail, ...errors.map(({ path, message }) => `  ${path}: ${message}`)].join('\n');
}
