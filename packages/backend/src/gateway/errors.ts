import { AicoError } from '@aico/protocol';

/** Another program already listens on the configured port. */
export class PortTakenError extends AicoError {
  readonly host: string;
  readonly port: number;

  constructor(host: string, port: number, cause: unknown) {
    super('AICO_GATEWAY_PORT_TAKEN', `cannot listen on ${host}:${port}: another program already does`, {
      hint: 'Stop that program, or choose another port: AICO_CORE__API_GATEWAY__REST__PORT=8772 (0 picks a free one).',
      cause,
    });
    this.host = host;
    this.port = port;
  }
}

/** The gateway could not open one of its addresses for another reason than a taken port. */
export class ListenError extends AicoError {
  readonly address: string;

  constructor(address: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super('AICO_GATEWAY_LISTEN', `cannot listen on ${address}: ${reason}`, {
      hint: 'Check core.api_gateway.rest.host and port, and that the runtime folder is writable.',
      cause,
    });
    this.address = address;
  }
}

/** Two owners asked for the same place below `/api/v1`. */
export class MountTakenError extends AicoError {
  readonly mount: string;

  constructor(mount: string) {
    super('AICO_GATEWAY_MOUNT_TAKEN', `/api/v1/${mount} is already served by somebody else`, {
      hint: 'A plugin mounts its routes once, under its own name; declare all of them in one call to addRoutes().',
    });
    this.mount = mount;
  }
}

/** A mount's name cannot be a path segment. */
export class MountNameError extends AicoError {
  constructor(mount: string) {
    super('AICO_GATEWAY_MOUNT_NAME', `"${mount}" cannot be a path below /api/v1`, {
      hint: 'Use lower-case letters, digits, "-" and "_", starting with a letter.',
    });
  }
}

/** The header `Idempotency-Key` holds no key. */
export class IdempotencyKeyInvalidError extends AicoError {
  readonly statusCode = 400;

  constructor() {
    super('AICO_GATEWAY_IDEMPOTENCY_KEY', 'the Idempotency-Key is not 1 to 255 visible ASCII characters', {
      hint: 'Make one for each thing to be done, such as a UUID, and send it again with each try.',
    });
  }
}

/** An idempotency key came a second time with another request. */
export class IdempotencyKeyReusedError extends AicoError {
  readonly statusCode = 422;

  constructor() {
    super('AICO_GATEWAY_IDEMPOTENCY_REUSED', 'this Idempotency-Key belongs to another request', {
      hint: 'Make a new key for each thing to be done.',
    });
  }
}

/** A route does not say who may call it. */
export class RouteAccessError extends AicoError {
  constructor(method: string, url: string, found: unknown) {
    const said = found === undefined ? 'does not say who may call it' : `names ${JSON.stringify(found)}`;
    super('AICO_GATEWAY_ROUTE_ACCESS', `the route ${method} ${url} ${said}`, {
      hint: "Give it { config: { access: 'notes:read' } }: a capability, or 'public' for every paired device.",
    });
  }
}

/** A handler for paths that nobody serves would answer everybody. */
export class NotFoundAccessError extends AicoError {
  constructor() {
    super('AICO_GATEWAY_NOT_FOUND_ACCESS', 'the not-found handler of a mount does not say who may call it', {
      hint: "Mount it with { access: 'notes:read' }, or declare a route for '*' that names its access.",
    });
  }
}

/** The caller may not do what the route asks for. */
export class CapabilityMissingError extends AicoError {
  readonly statusCode = 403;

  constructor(capability: string | undefined) {
    const isOrdinary = capability?.startsWith('root:') !== true;
    super(
      'AICO_GATEWAY_CAPABILITY',
      capability === undefined
        ? 'the route does not say who may call it'
        : `this needs the capability "${capability}"`,
      {
        hint: isOrdinary
          ? 'Give the device a role that has it.'
          : 'No wildcard covers it, since it reaches everything that is stored: name it in a role of core.devices.roles, or ask on the machine itself.',
      },
    );
  }
}

/** More bytes of request bodies wait in memory than may. */
export class UploadsFullError extends AicoError {
  readonly statusCode: number;

  constructor(whose: 'sender' | 'all', limit: number) {
    const bytes = `${Math.floor(limit / 1_048_576)} MiB`;
    super(
      'AICO_GATEWAY_UPLOADS',
      whose === 'sender'
        ? `the uploads of one device come to more than ${bytes} at once`
        : `all uploads together come to more than ${bytes} at once`,
      { hint: 'Send it again when the uploads under way have been answered; send fewer at once.' },
    );
    this.statusCode = whose === 'sender' ? 429 : 503;
  }
}

/** A middleware went on to the route a second time. */
export class NextCalledTwiceError extends AicoError {
  constructor(middleware: string) {
    super('AICO_GATEWAY_NEXT_TWICE', `middleware ${middleware} called callNext() a second time`, {
      hint: 'Call it once, and keep what it returns.',
    });
  }
}

/** A route that takes WebSockets was called as any other, or by another version of the protocol. */
export class UpgradeRequiredError extends AicoError {
  readonly statusCode = 426;

  constructor() {
    super('AICO_GATEWAY_UPGRADE_REQUIRED', 'this route takes WebSockets alone', {
      hint: 'Ask for an upgrade: Connection: Upgrade, Upgrade: websocket, Sec-WebSocket-Version: 13, Sec-WebSocket-Key.',
    });
  }
}

/** Whoever asked for a WebSocket has gone before it was open. */
export class WebSocketGoneError extends AicoError {
  constructor() {
    super('AICO_GATEWAY_WEBSOCKET_GONE', 'the client has gone before its WebSocket was open', {
      hint: 'Nothing is to be done: it may come again.',
    });
  }
}

/** A request that does not fit its route's schema. Names places and reasons, never the values sent. */
export class RequestInvalidError extends AicoError {
  readonly statusCode = 400;
  readonly issues: readonly { readonly path: string; readonly message: string }[];

  constructor(issues: readonly { readonly path: string; readonly message: string }[]) {
    const [first] = issues;
    const where = first ? `${first.path} ${first.message}` : 'it does not fit the schema';
    super('AICO_GATEWAY_REQUEST_INVALID', `the request does not fit what the route takes: ${where}`, {
      hint: 'See "errors" for every place that does not fit.',
    });
    this.issues = issues;
  }
}
