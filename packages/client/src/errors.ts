import { defineError, type Problem, reasonOf } from '@aico/protocol';

/** No backend answers on the socket or at the address. */
export class BackendNotRunningError extends defineError({
  code: 'AICO_CLIENT_NOT_RUNNING',
  exit: 'notRunning',
  make: (place: string, cause: unknown) => ({
    message: `no backend answers on ${place}`,
    hint: /[/\\]/.test(place)
      ? 'Start it with `aico start`. If it runs on another home, name it: --home DIR or AICO_HOME.'
      : 'Start it there with `aico start`, and check host and port. It listens on its own machine alone unless core.api_gateway.rest.host says otherwise.',
    cause,
    /** The path of the socket, or host and port. */
    place,
  }),
}) {}

/** The server at the address does not open channels. */
export class ChannelNotServedError extends defineError({
  code: 'AICO_CLIENT_NO_CHANNEL',
  hint: 'Check that it is a backend and not locked. A host name that is not its own must be in its `core.api_gateway.allowed_hosts`.',
  make: (place: string, status: number) => ({
    message: `the server at ${place} opens no channel: status ${status}`,
    status,
  }),
}) {}

/** The backend has too many channels, or this address opened them too often. Nothing was executed. */
export class TooManyChannelsError extends defineError({
  code: 'AICO_CLIENT_TOO_MANY_CHANNELS',
  make: (retryAfterSeconds: number) => ({
    message: 'the backend opens no more channels for this device or this address just now',
    hint: `Try again in ${retryAfterSeconds} s. Keep one client instead of connecting again: it reuses its channels.`,
    retryAfterSeconds,
  }),
}) {}

/** The address of a backend is not valid. */
export class AddressInvalidError extends defineError({
  code: 'AICO_CLIENT_ADDRESS',
  hint: 'Give a host and, unless it is 8771, a port: desk.local, 192.168.1.7:9000, or https://… behind a proxy.',
  make: (address: string) => ({ message: `"${address}" is not the address of a backend` }),
}) {}

/** The credentials were not created by pairing. */
export class CredentialsInvalidError extends defineError({
  code: 'AICO_CLIENT_CREDENTIALS',
  hint: 'Pass the value that `pair` returned, unchanged; if it is lost, pair this device again.',
  make: (reason: string) => ({ message: `the credentials cannot be used: ${reason}` }),
}) {}

/** This user may not open the socket of the backend. */
export class SocketDeniedError extends defineError({
  code: 'AICO_CLIENT_DENIED',
  hint: 'Only the user who started the backend may use it: run this as that user, or name your own home.',
  make: (socketPath: string, cause: unknown) => ({
    message: `this user may not open ${socketPath}`,
    cause,
    socketPath,
  }),
}) {}

/** The backend accepted the request and did not answer in time. */
export class ReplyTimeoutError extends defineError({
  code: 'AICO_CLIENT_TIMEOUT',
  hint: 'It is busy or hangs. `aico stop --force` ends it; nothing stored is lost.',
  make: (timeoutMs: number, cause: unknown) => ({
    message: `the backend did not answer within ${timeoutMs / 1_000} s`,
    cause,
    timeoutMs,
  }),
}) {}

/** The connection broke before the reply was complete. */
export class ConnectionBrokenError extends defineError({
  code: 'AICO_CLIENT_BROKEN',
  hint: 'Check whether the backend runs: `aico status`. The request may or may not have been carried out.',
  make: (cause: unknown) => {
    const reason = reasonOf(cause);
    return { message: `the connection to the backend broke: ${reason}`, cause };
  },
}) {}

/** The client was closed before or during the request. */
export class ClientClosedError extends defineError({
  code: 'AICO_CLIENT_CLOSED',
  hint: 'Make another client with `connect`. Requests in flight may or may not have been carried out.',
  make: () => ({ message: 'the client has been closed' }),
}) {}

/** The backend refused the request with a problem (RFC 9457). The error has the code and hint of the backend. */
export class ProblemError extends defineError({
  code: 'AICO_CLIENT_PROBLEM',
  make: (problem: Problem) => ({
    message: sentence(problem),
    hint: problem.hint,
    code: problem.code ?? 'AICO_CLIENT_PROBLEM',
    problem,
  }),
}) {}

/** The reply is neither the expected content nor a problem (RFC 9457). */
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

/**
 * A reply does not have the shape that this version of the client knows. The error names the place, never the values.
 */
export class ReplyShapeError extends defineError({
  code: 'AICO_CLIENT_REPLY_SHAPE',
  hint: 'Client and backend have different versions: update both to the same version.',
  make: (operation: string, fault: string) => ({
    message: `the reply to ${operation} has an unknown shape: ${fault}`,
    /** Method and path, as in the OpenAPI document. */
    operation,
  }),
}) {}
