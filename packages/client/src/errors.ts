import { defineError, type Problem, reasonOf } from '@aico/protocol';

/** Nobody serves the local socket, or listens at the address. */
export class BackendNotRunningError extends defineError({
  code: 'AICO_CLIENT_NOT_RUNNING',
  exit: 'notRunning',
  make: (place: string, cause: unknown) => ({
    message: `no backend answers on ${place}`,
    hint: /[/\\]/.test(place)
      ? 'Start it with `aico start`. If it runs on another home, name it: --home DIR or AICO_HOME.'
      : 'Start it there with `aico start`, and check host and port. It listens on its own machine alone unless core.api_gateway.rest.host says otherwise.',
    cause,
    /** The socket's path, or host and port. */
    place,
  }),
}) {}

/** Something answers at the address, and it opens no channels. */
export class ChannelNotServedError extends defineError({
  code: 'AICO_CLIENT_NO_CHANNEL',
  hint: 'Is it a backend, and not locked? A name that is not its own must stand in its `core.api_gateway.allowed_hosts`.',
  make: (place: string, status: number) => ({
    message: `what answers at ${place} opens no channel: ${status}`,
    status,
  }),
}) {}

/** The backend has too many channels just now, or they were opened too often from here. Nothing was executed. */
export class TooManyChannelsError extends defineError({
  code: 'AICO_CLIENT_TOO_MANY_CHANNELS',
  make: (retryAfterSeconds: number) => ({
    message: 'the backend opens no more channels for this device or this address just now',
    hint: `Try again in ${retryAfterSeconds} s. One client reuses its channels: keep it instead of connecting anew.`,
    retryAfterSeconds,
  }),
}) {}

/** An address that cannot be one. */
export class AddressInvalidError extends defineError({
  code: 'AICO_CLIENT_ADDRESS',
  hint: 'Give a host and, unless it is 8771, a port: desk.local, 192.168.1.7:9000, or https://… behind a proxy.',
  make: (address: string) => ({ message: `"${address}" is no address of a backend` }),
}) {}

/** Credentials that pairing did not make. */
export class CredentialsInvalidError extends defineError({
  code: 'AICO_CLIENT_CREDENTIALS',
  hint: 'Give what `pair` returned, unchanged; if it is lost, pair this device anew.',
  make: (reason: string) => ({ message: `the credentials cannot be used: ${reason}` }),
}) {}

/** The socket is there, and this user may not open it. */
export class SocketDeniedError extends defineError({
  code: 'AICO_CLIENT_DENIED',
  hint: 'Only the user who started the backend may use it: run this as that user, or name your own home.',
  make: (socketPath: string, cause: unknown) => ({
    message: `this user may not open ${socketPath}`,
    cause,
    socketPath,
  }),
}) {}

/** The backend took the request and said nothing for too long. */
export class ReplyTimeoutError extends defineError({
  code: 'AICO_CLIENT_TIMEOUT',
  hint: 'It is busy or hangs. `aico stop --force` ends it where nothing else does; nothing stored is lost.',
  make: (timeoutMs: number, cause: unknown) => ({
    message: `the backend did not answer within ${timeoutMs / 1_000} s`,
    cause,
    timeoutMs,
  }),
}) {}

/** The connection broke before the answer was complete. */
export class ConnectionBrokenError extends defineError({
  code: 'AICO_CLIENT_BROKEN',
  hint: 'See whether it still runs: `aico status`. The request may or may not have been done.',
  make: (cause: unknown) => {
    const reason = reasonOf(cause);
    return { message: `the connection to the backend broke: ${reason}`, cause };
  },
}) {}

/** The client was closed, by this program, before or while it was asked. */
export class ClientClosedError extends defineError({
  code: 'AICO_CLIENT_CLOSED',
  hint: 'Make another with `connect`. What was in flight may or may not have been done.',
  make: () => ({ message: 'the client has been closed' }),
}) {}

/** The backend refused, and said why (RFC 9457). Carries the backend's own code and hint. */
export class ProblemError extends defineError({
  code: 'AICO_CLIENT_PROBLEM',
  make: (problem: Problem) => ({
    message: sentence(problem),
    hint: problem.hint,
    code: problem.code ?? 'AICO_CLIENT_PROBLEM',
    problem,
  }),
}) {}

/** The answer is neither what was asked for nor a problem as RFC 9457 has it. */
export class UnexpectedReplyError extends defineError({
  code: 'AICO_CLIENT_UNEXPECTED',
  hint: 'Client and backend may be of different versions: compare `aico --version` and `aico status`.',
  make: (status: number, reason: string, cause?: unknown) => ({
    message: `the backend answered ${status}, ${reason}`,
    cause,
    status,
  }),
}) {}

function sentence({ title, detail = title, errors = [] }: Problem): string {
  return [detail, ...errors.map(({ path, message }) => `  ${path}: ${message}`)].join('\n');
}

/** The answer is JSON, and not of the shape that this version knows. Says where, and never what was there. */
export class ReplyShapeError extends defineError({
  code: 'AICO_CLIENT_REPLY_SHAPE',
  hint: 'Client and backend are of different versions: bring both to the same one.',
  make: (operation: string, fault: string) => ({
    message: `the reply to ${operation} is of another shape: ${fault}`,
    /** Method and path, as the OpenAPI document has them. */
    operation,
  }),
}) {}
