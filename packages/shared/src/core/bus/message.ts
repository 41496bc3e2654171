import { randomUUID } from 'node:crypto';
import type { TSchema } from 'typebox';
import type { Envelope } from './types.ts';

export interface MessageAttributes {
  readonly id?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly replyto?: string | undefined;
}

/**
 * A message on its way. Its attributes cannot be assigned, so one message serves all subscribers; id and time are
 * written out only when somebody asks, since most never do.
 */
export class Message implements Envelope {
  readonly #type: string;
  readonly #data: unknown;
  readonly #source: string;
  readonly #timeMs: number;
  readonly #attributes: MessageAttributes | undefined;
  readonly #checkedBy: TSchema | undefined;
  #id: string | undefined;

  constructor(
    type: string,
    data: unknown,
    source: string,
    timeMs: number,
    attributes: MessageAttributes | undefined,
    checkedBy: TSchema | undefined,
  ) {
    this.#type = type;
    this.#data = data;
    this.#source = source;
    this.#timeMs = timeMs;
    this.#attributes = attributes;
    this.#checkedBy = checkedBy;
    this.#id = undefined;
  }

  get id(): string {
    this.#id ??= this.#attributes?.id ?? randomUUID();
    return this.#id;
  }

  get source(): string {
    return this.#source;
  }

  get type(): string {
    return this.#type;
  }

  get time(): string {
    return new Date(this.#timeMs).toISOString();
  }

  get datacontenttype(): string {
    return this.#data instanceof Uint8Array ? 'application/octet-stream' : 'application/json';
  }

  get traceparent(): string | undefined {
    return this.#attributes?.traceparent;
  }

  get replyto(): string | undefined {
    return this.#attributes?.replyto;
  }

  get data(): unknown {
    return this.#data;
  }

  /** The schema the publisher's payload was held against, so that a subscriber with the same need not repeat it. */
  get checkedBy(): TSchema | undefined {
    return this.#checkedBy;
  }

  /** The same message, id included, with another copy of its payload. */
  withData(data: unknown): Message {
    const attributes = { ...this.#attributes, id: this.id };
    return new Message(this.#type, data, this.#source, this.#timeMs, attributes, this.#checkedBy);
  }

  toJSON(): Envelope {
    const { id, source, type, time, datacontenttype, data, traceparent, replyto } = this;
    return {
      id,
      source,
      type,
      time,
      datacontenttype,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(replyto === undefined ? {} : { replyto }),
      data,
    };
  }
}
