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

/** The default content type of `payload`. */
export function contentTypeOf(payload: unknown): ContentType {
  return payload instanceof Uint8Array ? 'application/octet-stream' : 'application/json';
}

/**
 * Whether the bus encodes and decodes this content type.
 *
 * @example isContentType('application/json'); // true
 */
export function isContentType(text: string): text is ContentType {
  return text === 'application/json' || text === 'application/msgpack' || text === 'application/octet-stream';
}

/** @throws {PayloadInvalidError} when `contentType` is for bytes and `payload` is something else */
export function checkContentType(topic: string, payload: unknown, contentType: ContentType): void {
  if (contentType !== 'application/octet-stream' || payload instanceof Uint8Array) return;
  throw new PayloadInvalidError(topic, [
    { path: '', message: `is not a Uint8Array, as ${contentType} requires` },
  ]);
}

/**
 * Encodes the body of a message: JSON as a string, everything else as bytes. An `undefined` payload becomes an empty body.
 * Values that the format would lose or change (a date in JSON, a map, an instance of a class, a number that is not finite)
 * are refused, so that the decoded payload equals the published one.
 *
 * @throws {PayloadInvalidError} when the payload does not fit the content type
 * @throws {DataBoundsError} when the payload is nested too deeply, or too large for any transport
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
    // A getter returned another value than during the check, or the JSON exceeds the maximum length of a string.
    throw new PayloadInvalidError(
      topic,
      [{ path: '', message: `cannot be encoded as ${contentType}` }],
      error,
    );
  }
  throw new PayloadInvalidError(topic, [{ path: '', message: 'has a toJSON method that returns no value' }]);
}

function nameOf(topic: string): string {
  return `the message for "${topic}"`;
}

/**
 * Decodes a body that {@link encodeBody} made into new memory. A body of an unknown content type is returned as bytes.
 *
 * @throws {PayloadInvalidError} when the body does not match its content type
 * @throws {DataBoundsError} when the payload is nested too deeply
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
  // The library returns bytes within MessagePack as views of its input, so it gets a copy of the frame.
  return decodeMessagePack(Uint8Array.from(body), nameOf(topic));
}

interface Fault {
  readonly path: string;
  readonly message: string;
}

/** The first location in `value` that the format would lose or change. */
function findFault(value: unknown, binary: boolean): Fault | undefined {
  switch (typeof value) {
    case 'string':
      // JSON escapes a lone surrogate; UTF-8, which MessagePack uses, cannot encode it.
      return !binary || value.isWellFormed() ? undefined : { path: '', message: 'is not well-formed text' };
    case 'boolean':
      return undefined;
    case 'undefined':
      // A property whose value is `undefined` is omitted, as in JSON.
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
      if (item === undefined) return { path: `/${index}`, message: 'is undefined in an array' };
      const fault = findFault(item, binary);
      if (fault !== undefined) return { ...fault, path: `/${index}${fault.path}` };
      index += 1;
    }
    return undefined;
  }
  if (binary && value instanceof Uint8Array) return undefined;
  if (binary && value instanceof Date)
    return Number.isNaN(value.valueOf()) ? { path: '', message: 'is an invalid date' } : undefined;
  if (prototype !== Object.prototype && prototype !== null)
    return { path: '', message: 'is neither a plain object nor an array' };
  for (const name in value) {
    // The MessagePack decoder refuses this name, which could change the prototype of the receiver's objects.
    if (binary && name === '__proto__')
      return { path: '/__proto__', message: 'is a name that MessagePack decoders refuse' };
    if (binary && !name.isWellFormed())
      return { path: `/${name.toWellFormed()}`, message: 'is a name that is not well-formed text' };
    const fault = findFault(Reflect.get(value, name), binary);
    if (fault !== undefined) return { ...fault, path: `/${name}${fault.path}` };
  }
  return undefined;
}
