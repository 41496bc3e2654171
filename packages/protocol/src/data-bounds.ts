import { DataBoundsError } from './errors.ts';
import { parseJson } from './exact-json.ts';

/**
 * The most levels of objects and arrays in a message or a JSON body: `{}` has one level, `{ a: [] }` has two. Every entry point
 * enforces it (HTTP, WebSocket, the broker, the in-process bus), so that code behind it may recurse.
 */
export const MAX_DATA_DEPTH = 64;

/** The largest message, in bytes, on any transport. An entry point may have a lower limit. */
export const MAX_MESSAGE_BYTES = 67_108_864;

/** Whether `value` has more than `limit` levels of objects and arrays. Stops at that depth. */
export function isDeeperThan(limit: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (limit <= 0) return true;
  if (Array.isArray(value)) {
    for (const item of value)
      if (typeof item === 'object' && item !== null && isDeeperThan(limit - 1, item)) return true;
    return false;
  }
  for (const name in value) {
    const item: unknown = Reflect.get(value, name);
    if (typeof item === 'object' && item !== null && isDeeperThan(limit - 1, item)) return true;
  }
  return false;
}

/**
 * Parses JSON that a peer sent.
 *
 * @param what names the data in the error
 * @throws {DataBoundsError} when it has more than {@link MAX_DATA_DEPTH} levels
 * @throws {SyntaxError} when it is not JSON
 * @example parseBoundedJson('{"a":[1]}', 'the request body'); // { a: [1] }
 */
export function parseBoundedJson(text: string, what: string): unknown {
  const value: unknown = parseJson(text);
  if (isDeeperThan(MAX_DATA_DEPTH, value)) throw new DataBoundsError(what, 'depth', MAX_DATA_DEPTH);
  return value;
}
