import { defineError, reasonOf } from '@aico/protocol';

/** Another program already listens on the configured port. */
export class PortTakenError extends defineError({
  code: 'AICO_GATEWAY_PORT_TAKEN',
  exit: 'port',
  hint: 'Stop that program, or choose another port: AICO_CORE__API_GATEWAY__REST__PORT=8780 (0 picks a free one).',
  make: (host: string, port: number, cause: unknown) => ({
    message: `cannot listen on ${host}:${port}: another program already does`,
    cause,
    host,
    port,
  }),
}) {}

/** The gateway could not listen on one of its addresses. */
export class ListenError extends defineError({
  code: 'AICO_GATEWAY_LISTEN',
  hint: 'Check core.api_gateway.rest.host and port, and that the runtime folder is writable.',
  make: (address: string, cause: unknown) => {
    const reason = reasonOf(cause);
    return { message: `cannot listen on ${address}: ${reason}`, cause, address };
  },
}) {}

/** Two owners mounted routes at the same path below `/api/v1`. */
export class MountTakenError extends defineError({
  code: 'AICO_GATEWAY_MOUNT_TAKEN',
  hint: 'A plugin mounts its routes once, under its own name; declare all of them in one call to addRoutes().',
  make: (mount: string) => ({ message: `/api/v1/${mount} is already mounted by another owner`, mount }),
}) {}

/** The name of a mount cannot be a path segment. */
export class MountNameError extends defineError({
  code: 'AICO_GATEWAY_MOUNT_NAME',
  hint: 'Use lower-case letters, digits, "-" and "_", starting with a letter.',
  make: (mount: string) => ({ message: `"${mount}" cannot be a path below /api/v1` }),
}) {}

/** The header `Idempotency-Key` is not valid. */
export class IdempotencyKeyInvalidError extends defineError({
  code: 'AICO_GATEWAY_IDEMPOTENCY_KEY',
  status: 400,
  hint: 'Make one key for each operation, such as a UUID, and send the same key with each retry.',
  make: () => ({ message: 'the Idempotency-Key is not 1 to 255 visible ASCII characters' }),
}) {}

/** An idempotency key was reused for a different request. */
export class IdempotencyKeyReusedError extends defineError({
  code: 'AICO_GATEWAY_IDEMPOTENCY_REUSED',
  status: 422,
  hint: 'Make a new key for each operation.',
  make: () => ({ message: 'this Idempotency-Key belongs to another request' }),
}) {}

/** A request has an `Idempotency-Key`, and its route does not remember keys. */
export class IdempotencyUnsupportedError extends defineError({
  code: 'AICO_GATEWAY_IDEMPOTENCY_UNSUPPORTED',
  status: 400,
  hint: 'Send it without the header, and do not repeat it by itself when the connection breaks.',
  make: () => ({ message: 'this route does not remember the Idempotency-Key of a request' }),
}) {}

/** A route does not declare its access. */
export class RouteAccessError extends defineError({
  code: 'AICO_GATEWAY_ROUTE_ACCESS',
  hint: "Give it { config: { access: 'notes:read' } }: a capability, or 'public' for every paired device.",
  make: (method: string, url: string, found: unknown) => {
    const said = found === undefined ? 'does not declare its access' : `names ${JSON.stringify(found)}`;
    return { message: `the route ${method} ${url} ${said}` };
  },
}) {}

/** The not-found handler of a mount does not declare its access. */
export class NotFoundAccessError extends defineError({
  code: 'AICO_GATEWAY_NOT_FOUND_ACCESS',
  hint: "Mount it with { access: 'notes:read' }, or declare a route for '*' that names its access.",
  make: () => ({ message: 'the not-found handler of a mount does not declare its access' }),
}) {}

/** The caller lacks the capability that the route requires. */
export class CapabilityMissingError extends defineError({
  code: 'AICO_GATEWAY_CAPABILITY',
  status: 403,
  make: (capability: string | undefined) => {
    const isOrdinary = capability?.startsWith('root:') !== true;
    return {
      message:
        capability === undefined
          ? 'the route does not declare its access'
          : `this needs the capability "${capability}"`,
      hint: isOrdinary
        ? 'Give the device a role that has it.'
        : 'No wildcard covers it, since it reaches everything that is stored: name it in a role of core.devices.roles, or ask on the machine itself.',
    };
  },
}) {}

/** The request bodies in memory exceed their limit. */
export class UploadsFullError extends defineError({
  code: 'AICO_GATEWAY_UPLOADS',
  hint: 'Send the request again when the uploads in progress have been answered, and send fewer at once.',
  make: (whose: 'sender' | 'all', limit: number) => {
    const bytes = `${Math.floor(limit / 1_048_576)} MiB`;
    return {
      message:
        whose === 'sender'
          ? `the uploads of one device come to more than ${bytes} at once`
          : `all uploads together come to more than ${bytes} at once`,
      statusCode: whose === 'sender' ? 429 : 503,
    };
  },
}) {}

/** A header of a reply cannot be sent over HTTP. */
export class ReplyHeaderError extends defineError({
  code: 'AICO_GATEWAY_REPLY_HEADER',
  hint: "A value is visible ASCII or Latin-1 on one line: percent-encode other text, as in filename*=UTF-8''….",
  make: (name: string, cause: unknown) => ({
    message: `the reply's header "${name}" is not one that HTTP can carry`,
    cause,
  }),
}) {}

/** A middleware called `callNext()` twice. */
export class NextCalledTwiceError extends defineError({
  code: 'AICO_GATEWAY_NEXT_TWICE',
  hint: 'Call it once, and keep the response that it returns.',
  make: (middleware: string) => ({ message: `middleware ${middleware} called callNext() a second time` }),
}) {}

/** A WebSocket route was called without an upgrade, or with another version of the protocol. */
export class UpgradeRequiredError extends defineError({
  code: 'AICO_GATEWAY_UPGRADE_REQUIRED',
  status: 426,
  hint: 'Ask for an upgrade: Connection: Upgrade, Upgrade: websocket, Sec-WebSocket-Version: 13, Sec-WebSocket-Key.',
  make: () => ({ message: 'this route accepts only WebSockets' }),
}) {}

/** The client disconnected before its WebSocket was open. */
export class WebSocketGoneError extends defineError({
  code: 'AICO_GATEWAY_WEBSOCKET_GONE',
  hint: 'No action is needed: the client may connect again.',
  make: () => ({ message: 'the client left before its WebSocket was open' }),
}) {}

/** A request does not match the schema of its route. The error names locations and reasons, never the values. */
export class RequestInvalidError extends defineError({
  code: 'AICO_GATEWAY_REQUEST_INVALID',
  status: 400,
  hint: 'See "errors" for every place that does not fit.',
  make: (issues: readonly { readonly path: string; readonly message: string }[]) => {
    const [first] = issues;
    const where = first ? `${first.path} ${first.message}` : 'it does not fit the schema';
    return { message: `the request does not fit the schema of the route: ${where}`, issues };
  },
}) {}
