import { types } from 'node:util';

/** Something in a payload that no subscription can be given. */
export class NotDataError extends Error {}

/** The parts of the walk that copying an object which is neither plain nor an array needs. */
export interface Surroundings {
  /** Notes how many bytes it holds. @throws when that is too much */
  count(bytes: number): void;
  /** Copies what it holds. */
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

/** Bytes that an entry of a map or a set counts. */
const ENTRY_BYTES = 16;

/**
 * A copy of bytes, a date, a map or a set, which shares no memory with the original.
 *
 * @throws {NotDataError} when it is anything else, such as an instance of a class, or memory that threads share
 */
export function copyOfKind(value: object, { count, copy }: Surroundings): object {
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
  if (types.isSharedArrayBuffer(value)) return new NotDataError('is memory that threads share');
  const maker: unknown = Reflect.get(value, 'constructor');
  const name = typeof maker === 'function' ? maker.name : 'a class';
  return new NotDataError(`is an instance of ${name}, which is not data: publish a plain object`);
}
