import { randomUUID } from 'node:crypto';
import type { Envelope } from '@aico/protocol';
import { BusOptionError, PayloadInvalidError } from '../errors.ts';
import { type BatchHeader, NO_NUMBER } from './batch.ts';
import { type ContentType, checkContentType } from './codec.ts';

/** The attributes that a publisher may set besides topic and payload. */
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

/** The maximum length of an attribute in bytes: a frame encodes the length in one byte. */
const LONGEST_ATTRIBUTE = 255;
const PLAIN = /^[ -~]*$/;
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u;

/**
 * Whether `text` may be an attribute of a message. CloudEvents excludes control characters, noncharacters and lone surrogates:
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system
 */
function isAttribute(text: string): boolean {
  return PLAIN.test(text) || !FORBIDDEN.test(text);
}

/** The reason why `text` may not be an attribute; `undefined` when it may. The same rule holds in process and in frames. */
export function attributeFault(text: string): string | undefined {
  if (!isAttribute(text)) return 'contains a control character, a noncharacter or a lone surrogate';
  if (text.length * 3 > LONGEST_ATTRIBUTE && Buffer.byteLength(text) > LONGEST_ATTRIBUTE)
    return `is longer than ${LONGEST_ATTRIBUTE} bytes`;
  return undefined;
}

/** @throws {BusOptionError} when `source` is not a valid source of messages */
export function checkSource(source: string): void {
  const fault = attributeFault(source);
  if (fault !== undefined) throw new BusOptionError('source', fault);
}

/** @throws {PayloadInvalidError} when an attribute is invalid, or the content type does not fit the payload */
export function checkAttributes(topic: string, payload: unknown, attributes: MessageAttributes): void {
  if (attributes.contentType !== undefined) checkContentType(topic, payload, attributes.contentType);
  for (const name of ['id', 'traceparent'] as const) {
    const value = attributes[name];
    const fault = value === undefined ? undefined : attributeFault(value);
    if (fault !== undefined) throw new PayloadInvalidError(topic, [{ path: `/${name}`, message: fault }]);
  }
  if (attributes.id === '') throw new PayloadInvalidError(topic, [{ path: '/id', message: 'is empty' }]);
}

/** The envelope that a handler receives. Its properties are read-only; id and time are formatted on access. */
export class Message implements Envelope {
  readonly #header: BatchHeader;
  readonly #number: number;
  readonly #data: unknown;

  constructor(header: BatchHeader, number: number, data: unknown) {
    this.#header = header;
    this.#number = number;
    this.#data = data;
  }

  get id(): string {
    const { idPrefix } = this.#header;
    return this.#number === NO_NUMBER ? idPrefix : idPrefix + this.#number.toString(16).padStart(12, '0');
  }

  get source(): string {
    return this.#header.source;
  }

  get type(): string {
    return this.#header.topic;
  }

  get time(): string {
    return new Date(this.#header.timeMs).toISOString();
  }

  get datacontenttype(): string {
    return this.#header.contentType;
  }

  get traceparent(): string | undefined {
    return this.#header.traceparent;
  }

  get replyto(): string | undefined {
    return this.#header.replyto;
  }

  get timeLeftMs(): number | undefined {
    const { deadline } = this.#header;
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
