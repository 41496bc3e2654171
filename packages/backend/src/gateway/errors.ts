import { defineError, reasonOf } from '@aico/protocol';

/** Another program already listens on the configured port. */
export class PortTakenError extends defineError({
  code: 'AICO_GATEWAY_PORT_TAKEN',
  exit: 'port',
  hint: 'Stop that program, or choose another port: AICO_CORE__API_GATEWAY__REST__PORT=8772 (0 picks a free one).',
  make: (host: string, port: number, cause: unknown) => ({
    message: `cannot listen on ${host}:${port}: another program already does`,
    cause,
    host,
    port,
  }),
}) {}

/** The gateway could not open one of its addresses for another reason than a taken port. */
export class ListenError extends defineError({
  code: 'AICO_GATEWAY_LISTEN',
  hint: 'Check core.api_gateway.rest.host and port, and that the runtime folder is writable.',
  make: (address: string, cause: unknown) => {
    const reason = reasonOf(cause);
    return { message: `cannot listen on ${address}: ${reason}`, cause, address };
  },
}) {}

/** Two owners asked for the same place below `/api/v1`. */
export class MountTakenError extends defineError({
  code: 'AICO_GATEWAY_MOUNT_TAKEN',
  hint: 'A plugin mounts its routes once, under its own name; declare all of them in one call to addRoutes().',
  make: (mount: string) => ({ message: `/api/v1/${mount} is already served by somebody else`, mount }),
}) {}

/** A mount's name cannot be a path segment. */
export class MountNameError extends defineError({
  code: 'AICO_GATEWAY_MOUNT_NAME',
  hint: 'Use lower-case letters, digits, "-" and "_", starting with a letter.',
  make: (mount: string) => ({ message: `"${mount}" cannot be a path below /api/v1` }),
}) {}

/** The header `Idempotency-Key` holds no key. */
export class IdempotencyKeyInvalidError extends defineError({
  code: 'AICO_GATEWAY_IDEMPOTENCY_KEY',
  status: 400,
  hint: 'Make one for each thing to be done, such as a UUID, and send it again with each try.',
  make: () => ({ message: 'the Idempotency-Key is not 1 to 255 visible ASCII characters' }),
}) {}

/** An idempotency key came a second time with another request. */
export class IdempotencyKeyReusedError extends defineError({
  code: 'AICO_GATEWAY_IDEMPOTENCY_REUSED',
  status: 422,
  hint: 'Make a new key for each thing to be done.',
  make: () => ({ message: 'this Idempotency-Key belongs to another request' }),
}) {}

/** A route does not say who may call it. */
export class RouteAccessError extends defineError({
  code: 'AICO_GATEWAY_ROUTE_ACCESS',
  hint: "Give it { config: { access: 'notes:read' } }: a capability, or 'public' for every paired device.",
  make: (method: string, url: string, found: unknown) => {
    const said = found === undefined ? 'does not say who may call it' : `names ${JSON.stringify(found)}`;
    return { message: `the route ${method} ${url} ${said}` };
  },
}) {}

/** A handler for paths that nobody serves would answer everybody. */
export class NotFoundAccessError extends defineError({
  code: 'AICO_GATEWAY_NOT_FOUND_ACCESS',
  hint: "Mount it with { access: 'notes:read' }, or declare a route for '*' that names its access.",
  make: () => ({ message: 'the not-found handler of a mount does not say who may call it' }),
}) {}

/** The caller may not do what the route asks for. */
export class CapabilityMissingError extends defineError({
  code: 'AICO_GATEWAY_CAPABILITY',
  status: 403,
  make: (capability: string | undefined) => {
    const isOrdinary = capability?.startsWith('root:') !== true;
    return {
      message:
        capability === undefined
          ? 'the route does not say who may call it'
          : `this needs the capability "${capability}"`,
      hint: isOrdinary
        ? 'Give the device a role that has it.'
        : 'No wildcard covers it, since it reaches everything that is stored: name it in a role of core.devices.roles, or ask on the machine itself.',
    };
  },
}) {}

/** More bytes of request bodies wait in memory than may. */
export class UploadsFullError extends defineError({
  code: 'AICO_GATEWAY_UPLOADS',
  hint: 'Send it again when the uploads under way have been answered; send fewer at once.',
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

/** A middleware went on to the route a second time. */
export class NextCalledTwiceError extends defineError({
  code: 'AICO_GATEWAY_NEXT_TWICE',
  hint: 'Call it once, and keep what it returns.',
  make: (middleware: string) => ({ message: `middleware ${middleware} called callNext() a second time` }),
}) {}

/** A route that takes WebSockets was called as any other, or by another version of the protocol. */
export class UpgradeRequiredError extends defineError({
  code: 'AICO_GATEWAY_UPGRADE_REQUIRED',
  status: 426,
  hint: 'Ask for an upgrade: Connection: Upgrade, Upgrade: websocket, Sec-WebSocket-Version: 13, Sec-WebSocket-Key.',
  make: () => ({ message: 'this route takes WebSockets alone' }),
}) {}

/** Whoever asked for a WebSocket has gone before it was open. */
export class WebSocketGoneError extends defineError({
  code: 'AICO_GATEWAY_WEBSOCKET_GONE',
  hint: 'Nothing is to be done: it may come again.',
  make: () => ({ message: 'the client has gone before its WebSocket was open' }),
}) {}

/** A request that does not fit its route's schema. Names places and reasons, never the values sent. */
export class RequestInvalidError extends defineError({
  code: 'AICO_GATEWAY_REQUEST_INVALID',
  status: 400,
  hint: 'See "errors" for every place that does not fit.',
  make: (issues: readonly { readonly path: string; readonly message: string }[]) => {
    const [first] = issues;
    const where = first ? `${first.path} ${first.message}` : 'it does not fit the schema';
    return { message: `the request does not fit what the route takes: ${where}`, issues };
  },
}) {}
