import { types } from 'node:util';

/** A payload contains a value that cannot be copied for subscriptions. */
export class NotDataError extends Error {}

/** Lets {@link copyOfKind} count bytes and copy the contents of a map or a set. */
interface CopyContext {
  /** @throws when the payload has become too large */
  count(bytes: number): void;
  copy(item: unknown, name: string | number): unknown;
}

const TYPED_ARRAYS: ReadonlyMap<unknown, new (buffer: ArrayBuffer) => object> = new Map<
  unknown,
  new (
    buffer: ArrayBuffer,
  ) => object
>([
  ['Uint8Array', Uint8Array],
  ['Uint8ClampedArray', Uint8ClampedArray],
  ['Uint16Array', Uint16Array],
  ['Uint32Array', Uint32Array],
  ['Int8Array', Int8Array],
  ['Int16Array', Int16Array],
  ['Int32Array', Int32Array],
  ['Float32Array', Float32Array],
  ['Float64Array', Float64Array],
  ['BigInt64Array', BigInt64Array],
  ['BigUint64Array', BigUint64Array],
  ['DataView', DataView],
]);

/** Bytes counted for each entry of a map or a set. */
const ENTRY_BYTES = 16;

/**
 * Copies bytes, a date, a map or a set into new memory.
 *
 * @throws {NotDataError} when `value` is anything else, such as an instance of a class or a `SharedArrayBuffer`
 */
export function copyOfKind(value: object, { count, copy }: CopyContext): object {
  if (ArrayBuffer.isView(value)) {
    const Kind = TYPED_ARRAYS.get(Reflect.get(value, Symbol.toStringTag));
    if (Kind === undefined) throw notData(value);
    count(value.byteLength);
    return new Kind(bytesOf(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)));
  }
  if (types.isArrayBuffer(value)) {
    count(value.byteLength);
    return bytesOf(new Uint8Array(value));
  }
  if (types.isDate(value)) return new Date(Date.prototype.getTime.call(value));
  let index = 0;
  if (types.isMap(value)) {
    const entries = new Map<unknown, unknown>();
    Map.prototype.forEach.call(value, (item: unknown, key: unknown) => {
      count(ENTRY_BYTES);
      entries.set(copy(key, index), copy(item, index));
      index += 1;
    });
    return entries;
  }
  if (types.isSet(value)) {
    const members = new Set<unknown>();
    Set.prototype.forEach.call(value, (member: unknown) => {
      count(ENTRY_BYTES);
      members.add(copy(member, index));
      index += 1;
    });
    return members;
  }
  throw notData(value);
}

function bytesOf(view: Uint8Array): ArrayBuffer {
  const bytes = new Uint8Array(view.byteLength);
  bytes.set(view);
  return bytes.buffer;
}

function notData(value: object): NotDataError {
  if (types.isSharedArrayBuffer(value)) return new NotDataError('is a SharedArrayBuffer, which is not data');
  const maker: unknown = Reflect.get(value, 'constructor');
  const name = typeof maker === 'function' ? maker.name : 'a class';
  return new NotDataError(`is an instance of ${name}, which is not data: publish a plain object`);
}
