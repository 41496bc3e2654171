import type { TSchema } from 'typebox';

/** A topic whose payload has a schema: checked by the compiler at the sender, by the schema at the border. */
export interface Topic<S extends TSchema = TSchema> {
  readonly name: string;
  readonly schema: S;
}

/** The encodings in which a payload leaves the process. */
export type ContentType = 'application/json' | 'application/msgpack' | 'application/octet-stream';

/** The part of a database transaction that the bus needs. */
export interface BusTransaction {
  /** Runs `effect` once the outermost transaction is durable; never when this one, or one around it, is rolled back. */
  afterCommit(effect: () => unknown): void;
}

/** How a message is published, and its attributes. */
export interface PublishOptions {
  /** Defaults to a fresh UUID. */
  readonly id?: string;
  readonly traceparent?: string;
  /**
   * How it is written where it leaves the process. Default: bytes for a `Uint8Array`, otherwise JSON. MessagePack
   * also holds dates and bytes within data.
   */
  readonly contentType?: ContentType;
  /**
   * Keeps it until every consumer has acknowledged it; resolves once it is durable. Subscriptions get it as
   * well, after that.
   */
  readonly durable?: boolean;
  /** Publishes it with this transaction of the database: durable when that commits, and never if it does not. */
  readonly tx?: BusTransaction;
}

/** How a request is published, and how long its answer is awaited. */
export interface RequestOptions {
  /** Milliseconds until it is given up. Default 5 000. */
  readonly timeoutMs?: number;
  /** Aborted: given up at once, with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly traceparent?: string;
}
