import { PayloadInvalidError } from '../errors.ts';

const BYTES = 'application/octet-stream';
const JSON_TYPE = 'application/json';
const MAX_DEPTH = 128;

/** A payload as it travels. */
export interface EncodedPayload {
  readonly contentType: string;
  readonly content: string | Uint8Array;
}

/** @throws {PayloadInvalidError} when it is not data */
export function encodePayload(topic: string, payload: unknown): EncodedPayload {
  if (payload instanceof Uint8Array) return { contentType: BYTES, content: payload };
  if (!isData(payload, 0))
    throw new PayloadInvalidError(topic, [{ path: '', message: 'holds something that is not data' }]);
  return { contentType: JSON_TYPE, content: JSON.stringify(payload) ?? 'null' };
}

export function decodePayload(contentType: string, bytes: Buffer): unknown {
  if (contentType === JSON_TYPE) return JSON.parse(bytes.toString());
  return Uint8Array.from(bytes);
}

function isData(value: unknown, depth: number): boolean {
  if (typeof value !== 'object') return typeof value !== 'function' && typeof value !== 'symbol';
  if (value === null) return true;
  if (depth > MAX_DEPTH) return false;
  for (const name in value) if (!isData(Reflect.get(value, name), depth + 1)) return false;
  return true;
}
