import { randomUUID } from 'node:crypto';
import type { TSchema } from 'typebox';
import { BusOptionError, PayloadInvalidError } from '../errors.ts';
import type { Envelope } from '../types.ts';
import { type ContentType, checkContentType, contentTypeOf } from './codec.ts';

/**
 * What messages published one after another on a topic have in common. A message travels as its head, its number
 * and its payload, so that none needs an object of its own before a handler gets one.
 */
export interface MessageHead {
  readonly type: string;
  readonly source: string;
  readonly timeMs: number;
  /** Numbers made with the same prefix are unique. */
  readonly idPrefix: string;
  readonly id: string | undefined;
  readonly traceparent: string | undefined;
  readonly replyto: string | undefined;
  /** The moment, by `performance.now()`, after which nobody awaits an answer. */
  readonly deadline: number | undefined;
  /** How to write the payload where it leaves the process; `undefined`: as its type suggests. */
  readonly contentType: ContentType | undefined;
  /** The schema the payload was held against, so that a subscriber with the same need not repeat it. */
  readonly checkedBy: TSchema | undefined;
}

/** What a publisher may say of a message besides topic and payload. */
export interface MessageAttributes {
  readonly id?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly replyto?: string | undefined;
  readonly deadline?: number | undefined;
  readonly contentType?: ContentType | undefined;
}

/** The first 74 random bits of a UUID of version 8 (RFC 9562, 5.8), whose last 48 bits are a message's number. */
export function createIdPrefix(): string {
  const uuid = randomUUID();
  return `${uuid.slice(0, 14)}8${uuid.slice(15, 24)}`;
}

/** Bytes of an attribute: its length takes one byte in a frame. */
const LONGEST_ATTRIBUTE = 255;
const PLAIN = /^[ -~]*$/;
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;

/**
 * Whether `text` may be an attribute of a message. CloudEvents excludes control characters, noncharacters and lone
 * surrogates (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system).
 */
export function isAttribute(text: string): boolean {
  return PLAIN.test(text) || !FORBIDDEN.test(text);
}

/** What is wrong with `text` as an attribute; `undefined` when nothing is. The same rule holds in process and in frames. */
export function attributeFault(text: string): string | undefined {
  if (!isAttribute(text)) return 'holds a control character, or another that no attribute may hold';
  if (text.length * 3 > LONGEST_ATTRIBUTE && Buffer.byteLength(text) > LONGEST_ATTRIBUTE)
    return `is longer than ${LONGEST_ATTRIBUTE} bytes`;
  return undefined;
}

/** @throws {BusOptionError} when a client must not publish under that name */
export function checkSource(source: string): void {
  const fault = attributeFault(source);
  if (fault !== undefined) throw new BusOptionError('source', fault);
}

/** @throws {PayloadInvalidError} when an attribute that the publisher gave must not travel, or does not fit the payload */
export function checkAttributes(topic: string, payload: unknown, attributes: MessageAttributes): void {
  if (attributes.contentType !== undefined) checkContentType(topic, payload, attributes.contentType);
  for (const name of ['id', 'traceparent'] as const) {
    const value = attributes[name];
    const fault = value === undefined ? undefined : attributeFault(value);
    if (fault !== undefined) throw new PayloadInvalidError(topic, [{ path: `/${name}`, message: fault }]);
  }
  if (attributes.id === '') throw new PayloadInvalidError(topic, [{ path: '/id', message: 'is empty' }]);
}

/** A message as a handler sees it. Nothing of it can be assigned; id and time are written out when asked for. */
export class Message implements Envelope {
  readonly #head: MessageHead;
  readonly #sequence: number;
  readonly #data: unknown;

  constructor(head: MessageHead, sequence: number, data: unknown) {
    this.#head = head;
    this.#sequence = sequence;
    this.#data = data;
  }

  get id(): string {
    const { id, idPrefix } = this.#head;
    return id ?? idPrefix + this.#sequence.toString(16).padStart(12, '0');
  }

  get source(): string {
    return this.#head.source;
  }

  get type(): string {
    return this.#head.type;
  }

  get time(): string {
    return new Date(this.#head.timeMs).toISOString();
  }

  get datacontenttype(): string {
    return this.#head.contentType ?? contentTypeOf(this.#data);
  }

  get traceparent(): string | undefined {
    return this.#head.traceparent;
  }

  get replyto(): string | undefined {
    return this.#head.replyto;
  }

  get timeLeftMs(): number | undefined {
    const { deadline } = this.#head;
    return deadline === undefined ? undefined : deadline - performance.now();
  }

  get data(): unknown {
    return this.#data;
  }

  toJSON(): Envelope {
    const { id, source, type, time, datacontenttype, data, traceparent, replyto, timeLeftMs } = this;
    return {
      id,
      source,
      type,
      time,
      datacontenttype,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(replyto === undefined ? {} : { replyto }),
      ...(timeLeftMs === undefined ? {} : { timeLeftMs }),
      data,
    };
  }
}
