import {
  DataBoundsError,
  isDeeperThan,
  MAX_DATA_DEPTH,
  MAX_MESSAGE_BYTES,
  parseBoundedJson,
} from '@aico/protocol';
import { encode as encodeMessagePack } from '@msgpack/msgpack';
import { PayloadInvalidError } from '../errors.ts';
import type { ContentType } from '../publish-options.ts';
import { decodeMessagePack } from './message-pack.ts';

export type { ContentType };

const NOTHING = new Uint8Array(0);
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The content type of `payload` when the publisher states none. */
export function contentTypeOf(payload: unknown): ContentType {
  return payload instanceof Uint8Array ? 'application/octet-stream' : 'application/json';
}

/**
 * Whether it is one this bus writes and reads.
 *
 * @example isContentType('application/json'); // true
 */
export function isContentType(text: string): text is ContentType {
  return text === 'application/json' || text === 'application/msgpack' || text === 'application/octet-stream';
}

/** @throws {PayloadInvalidError} when bytes are promised and `payload` is something else */
export function checkContentType(topic: string, payload: unknown, contentType: ContentType): void {
  if (contentType !== 'application/octet-stream' || payload instanceof Uint8Array) return;
  throw new PayloadInvalidError(topic, [{ path: '', message: `is not the bytes ${contentType} stands for` }]);
}

/**
 * The body of a message: JSON as a string, everything else as bytes. An `undefined` payload is an empty body. What a
 * format would lose or change (a date in JSON, a map, an instance of a class, a number that is not finite) is refused,
 * so that data arrives as it was.
 *
 * @throws {PayloadInvalidError} when the payload does not fit the content type
 * @throws {DataBoundsError} when it is nested too deeply, or too large for any transport
 */
export function encodeBody(topic: string, payload: unknown, contentType: ContentType): string | Uint8Array {
  const body = writeBody(topic, payload, contentType);
  if (body.length > MAX_MESSAGE_BYTES) throw new DataBoundsError(nameOf(topic), 'bytes', MAX_MESSAGE_BYTES);
  return body;
}

function writeBody(topic: string, payload: unknown, contentType: ContentType): string | Uint8Array {
  checkContentType(topic, payload, contentType);
  if (contentType === 'application/octet-stream' && payload instanceof Uint8Array) return payload;
  if (payload === undefined) return NOTHING;
  if (isDeeperThan(MAX_DATA_DEPTH, payload))
    throw new DataBoundsError(nameOf(topic), 'depth', MAX_DATA_DEPTH);
  const fault = findFault(payload, contentType === 'application/msgpack');
  if (fault !== undefined) throw new PayloadInvalidError(topic, [fault]);
  try {
    if (contentType === 'application/msgpack')
      return encodeMessagePack(payload, { maxDepth: MAX_DATA_DEPTH + 2, ignoreUndefined: true });
    const text: string | undefined = JSON.stringify(payload);
    if (text !== undefined) return text;
  } catch (error) {
    // A getter said something else when it was asked again, or what is left of it is too long for a string.
    throw new PayloadInvalidError(
      topic,
      [{ path: '', message: `cannot be written as ${contentType}` }],
      error,
    );
  }
  throw new PayloadInvalidError(topic, [{ path: '', message: 'says that it has no JSON' }]);
}

function nameOf(topic: string): string {
  return `the message for "${topic}"`;
}

/**
 * Decodes a payload of {@link encodeBody} into new memory. A body of an unknown content type is returned as bytes.
 *
 * @throws {PayloadInvalidError} when the body does not match its content type
 * @throws {DataBoundsError} when it is nested too deeply
 */
export function decodeBody(topic: string, body: Uint8Array, contentType: string): unknown {
  try {
    if (contentType === 'application/json')
      return body.length === 0 ? undefined : parseBoundedJson(utf8.decode(body), nameOf(topic));
    if (contentType === 'application/msgpack') return decodeBounded(topic, body);
  } catch (error) {
    if (error instanceof DataBoundsError) throw error;
    throw new PayloadInvalidError(topic, [{ path: '', message: `is not ${contentType}` }], error);
  }
  return Uint8Array.from(body);
}

function decodeBounded(topic: string, body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  // Bytes within MessagePack come back as views of what was decoded, so a copy of the frame is decoded.
  return decodeMessagePack(Uint8Array.from(body), nameOf(topic));
}

interface Fault {
  readonly path: string;
  readonly message: string;
}

/** The first place that would not arrive as it is. */
function findFault(value: unknown, binary: boolean): Fault | undefined {
  switch (typeof value) {
    case 'string':
      // JSON writes half of a surrogate pair as an escape; UTF-8, which MessagePack uses, has nothing for it.
      return !binary || value.isWellFormed() ? undefined : { path: '', message: 'is no well-formed text' };
    case 'boolean':
      return undefined;
    case 'undefined':
      // A property without a value is left out, as JSON does everywhere.
      return undefined;
    case 'number':
      return binary || Number.isFinite(value) ? undefined : { path: '', message: 'is not a finite number' };
    case 'object':
      return value === null ? undefined : findFaultWithin(value, binary);
    default:
      return { path: '', message: `is a ${typeof value}, which is not data` };
  }
}

function findFaultWithin(value: object, binary: boolean): Fault | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (Array.isArray(value) && prototype === Array.prototype) {
    let index = 0;
    for (const item of value) {
      if (item === undefined) return { path: `/${index}`, message: 'is undefined within an array' };
      const fault = findFault(item, binary);
      if (fault !== undefined) return { ...fault, path: `/${index}${fault.path}` };
      index += 1;
    }
    return undefined;
  }
  if (binary && value instanceof Uint8Array) return undefined;
  if (binary && value instanceof Date)
    return Number.isNaN(value.valueOf()) ? { path: '', message: 'is a date that is none' } : undefined;
  if (prototype !== Object.prototype && prototype !== null)
    return { path: '', message: 'is neither a plain object nor an array' };
  for (const name in value) {
    // Its decoder refuses it, as a way to tamper with every object of the reader.
    if (binary && name === '__proto__')
      return { path: '/__proto__', message: 'is a name that MessagePack does not carry' };
    if (binary && !name.isWellFormed())
      return { path: `/${name.toWellFormed()}`, message: 'is a name that is no well-formed text' };
    const fault = findFault(Reflect.get(value, name), binary);
    if (fault !== undefined) return { ...fault, path: `/${name}${fault.path}` };
  }
  return undefined;
}
