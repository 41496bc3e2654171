import { AicoError, type Problem } from '@aico/protocol';

/** Nobody serves the local socket, or listens at the address. */
export class BackendNotRunningError extends AicoError {
  /** The socket's path, or host and port. */
  readonly place: string;

  constructor(place: string, cause: unknown) {
    super('AICO_CLIENT_NOT_RUNNING', `no backend answers on ${place}`, {
      hint: /[/\\]/.test(place)
        ? 'Start it with `aico start`. If it runs on another home, name it: --home DIR or AICO_HOME.'
        : 'Start it there with `aico start`, and check host and port. It listens on its own machine alone unless core.api_gateway.rest.host says otherwise.',
      cause,
    });
    this.place = place;
  }
}

/** Something answers at the address, and it opens no channels. */
export class ChannelNotServedError extends AicoError {
  readonly status: number;

  constructor(place: string, status: number) {
    super('AICO_CLIENT_NO_CHANNEL', `what answers at ${place} opens no channel: ${status}`, {
      hint: 'Is it a backend, and not locked? A name that is not its own must stand in its `core.api_gateway.allowed_hosts`.',
    });
    this.status = status;
  }
}

/** The backend has too many channels just now, or they were opened too often from here. Nothing was executed. */
export class TooManyChannelsError extends AicoError {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super(
      'AICO_CLIENT_TOO_MANY_CHANNELS',
      'the backend opens no more channels for this device or this address just now',
      {
        hint: `Try again in ${retryAfterSeconds} s. One client reuses its channels: keep it instead of connecting anew.`,
      },
    );
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** An address that cannot be one. */
export class AddressInvalidError extends AicoError {
  constructor(address: string) {
    super('AICO_CLIENT_ADDRESS', `"${address}" is no address of a backend`, {
      hint: 'Give a host and, unless it is 8771, a port: desk.local, 192.168.1.7:9000, or https://… behind a proxy.',
    });
  }
}

/** Credentials that pairing did not make. */
export class CredentialsInvalidError extends AicoError {
  constructor(reason: string) {
    super('AICO_CLIENT_CREDENTIALS', `the credentials cannot be used: ${reason}`, {
      hint: 'Give what `pair` returned, unchanged; if it is lost, pair this device anew.',
    });
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

/** The client was closed, by this program, before or while it was asked. */
export class ClientClosedError extends AicoError {
  constructor() {
    super('AICO_CLIENT_CLOSED', 'the client has been closed', {
      hint: 'Make another with `connect`. What was in flight may or may not have been done.',
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

/** The answer is JSON, and not of the shape that this version knows. Says where, and never what was there. */
export class ReplyShapeError extends AicoError {
  /** Method and path, as the OpenAPI document has them. */
  readonly operation: string;

  constructor(operation: string, fault: string) {
    super('AICO_CLIENT_REPLY_SHAPE', `the reply to ${operation} is of another shape: ${fault}`, {
      hint: 'Client and backend are of different versions: bring both to the same one.',
    });
    this.operation = operation;
  }
}
