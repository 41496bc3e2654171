import { AicoError } from '@aico/protocol';

/** The broker could not be reached in time. */
export class BusUnreachableError extends AicoError {
  readonly endpoint: string;

  constructor(endpoint: string, timeoutMs: number, cause?: unknown) {
    super('AICO_BUS_UNREACHABLE', `No broker answered at ${endpoint} within ${timeoutMs} ms`, {
      hint: 'Does the backend run (aico status), with core.message_bus.broker.enabled? Else ask for a new credential: its endpoint may have changed.',
      cause,
    });
    this.endpoint = endpoint;
  }
}

/** The broker refused the connection: the key is not, or no longer, allowed, or is not this component's. */
export class BusRefusedError extends AicoError {
  readonly component: string;
  /** The broker's own code for it. */
  readonly reason: string;

  constructor(component: string, reason: string) {
    super('AICO_BUS_REFUSED', `The broker refuses "${component}": ${reason}`, {
      hint: 'Make a new credential with `aico bus grant`, or renew it with `aico bus grant --renew`.',
    });
    this.component = component;
    this.reason = reason;
  }
}

/** A component has no right to publish on a topic, or to subscribe to a pattern. */
export class BusDeniedError extends AicoError {
  readonly topic: string;

  constructor(topic: string, reason: string) {
    super('AICO_BUS_DENIED', `The broker refuses "${topic}": ${reason}`, {
      hint: 'See what the component may do with `aico bus list`; give it more with `aico bus grant`.',
    });
    this.topic = topic;
  }
}

/** The connection went away before the broker had confirmed a message: it may have been delivered, or not. */
export class BusConnectionLostError extends AicoError {
  readonly topic: string;

  constructor(topic: string) {
    super(
      'AICO_BUS_CONNECTION_LOST',
      `The connection to the broker broke before it had confirmed a message for "${topic}"`,
      {
        hint: 'It may have arrived: publish it again if a second one does no harm. The connection restores itself.',
      },
    );
    this.topic = topic;
  }
}

/** More was published than could be sent, or nothing could be sent for too long. */
export class BusCongestedError extends AicoError {
  readonly topic: string;

  constructor(topic: string, reason: string) {
    super('AICO_BUS_CONGESTED', `A message for "${topic}" was not sent: ${reason}`, {
      hint: 'Await publish() before publishing more; it has not been delivered and may be published again.',
    });
    this.topic = topic;
  }
}

/** A message that is larger than the broker takes. */
export class MessageTooLargeError extends AicoError {
  readonly topic: string;
  readonly bytes: number;
  readonly limit: number;

  constructor(topic: string, bytes: number, limit: number) {
    super(
      'AICO_BUS_TOO_LARGE',
      `The message for "${topic}" has ${bytes} bytes, and ${limit} is the most the broker takes`,
      {
        hint: 'Store what is large elsewhere and publish where it is; or raise core.message_bus.broker.max_message_bytes.',
      },
    );
    this.topic = topic;
    this.bytes = bytes;
    this.limit = limit;
  }
}

/** A file that is not a credential of the bus. */
export class BusCredentialError extends AicoError {
  readonly file: string;

  constructor(file: string, reason: string, cause?: unknown) {
    super('AICO_BUS_CREDENTIAL', `${file} is no credential of the bus: ${reason}`, {
      hint: 'Make one with `aico bus grant NAME --publish … --subscribe … --out FILE`.',
      cause,
    });
    this.file = file;
  }
}

/** A peer sent a frame that the protocol does not know or that is malformed. */
export class BusProtocolError extends AicoError {
  constructor(reason: string) {
    super('AICO_BUS_PROTOCOL', `The other side broke the bus protocol: ${reason}`, {
      hint: 'Compare what it sends with docs/bus-protocol.md; do both sides run the same version?',
    });
  }
}
