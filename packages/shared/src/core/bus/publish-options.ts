import type { TSchema } from 'typebox';

/** A topic whose payload has a schema, which the compiler checks in the code and the bus checks at run time. */
export interface Topic<S extends TSchema = TSchema> {
  readonly name: string;
  readonly schema: S;
}

/** The encodings of a payload that leaves the process. */
export type ContentType = 'application/json' | 'application/msgpack' | 'application/octet-stream';

/** The part of a database transaction that the bus uses. */
export interface BusTransaction {
  /** Runs `effect` once the outermost transaction is durable; never if this transaction or an enclosing one is rolled back. */
  afterCommit(effect: () => unknown): void;
}

/** Options of `publish`: the attributes of the message, and whether it is durable. */
export interface PublishOptions {
  /** Defaults to a fresh UUID. */
  readonly id?: string;
  readonly traceparent?: string;
  /**
   * The encoding of the payload where it leaves the process. Default: bytes for a `Uint8Array`, otherwise JSON. MessagePack
   * also encodes dates and bytes within data.
   */
  readonly contentType?: ContentType;
  /**
   * Stores the message until every consumer has acknowledged it; `publish` resolves once the message is durable.
   * Subscriptions receive it as well, afterwards.
   */
  readonly durable?: boolean;
  /** Publishes the message as part of this database transaction: it is stored if and only if the transaction commits. */
  readonly tx?: BusTransaction;
}

/** Options of `request`. */
export interface RequestOptions {
  /** Milliseconds until the request is cancelled. Default 5 000. */
  readonly timeoutMs?: number;
  /** Cancels the request when it aborts; `request` then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  readonly traceparent?: string;
}
