import { types } from 'node:util';
import { DataBoundsError, MAX_DATA_DEPTH, MAX_MESSAGE_BYTES } from '@aico/protocol';
import { PayloadInvalidError } from '../errors.ts';
import { copyOfKind, NotDataError } from './platform-data.ts';

/** Bytes counted for each value besides its characters or bytes, and for each object besides its values. */
const VALUE_BYTES = 8;
const OBJECT_BYTES = 64;

/** A payload with bytes, dates, maps or sets, which cannot be frozen. Each subscription gets its own copy of the snapshot. */
export class UnshareablePayload {
  /** A copy of the payload, made when it was published. */
  readonly snapshot: unknown;

  constructor(snapshot: unknown) {
    this.snapshot = snapshot;
  }
}

/**
 * Ensures that no handler can change the data of another one or of the publisher. Subscriptions get a copy, made here property
 * by property, of the part of a payload that JSON would carry (elements of arrays, and enumerable properties of plain objects
 * with string names) and of bytes, dates, maps and sets. A getter is read once; symbols, non-enumerable properties and names on
 * arrays are omitted; everything else is refused. Thus no memory of the publisher reaches a subscription, and the delivery of a
 * published message cannot fail on its payload.
 *
 * Plain data is copied once, frozen and shared by all subscriptions. The original is frozen as well, so that publishing it
 * again needs no second copy.
 */
export class Isolation {
  /** The copies of payloads that were already frozen when they were published, such as constants. */
  readonly #copies = new WeakMap<object, unknown>();
  #last: object | undefined;
  #lastCopy: unknown;

  /**
   * Returns the copy of `payload` that subscriptions receive.
   *
   * @throws {PayloadInvalidError} when `payload` contains a value that is not data
   * @throws {DataBoundsError} when `payload` is nested too deeply, or too large
   */
  take(topic: string, payload: unknown): unknown {
    if (typeof payload !== 'object' || payload === null) return takePrimitive(topic, payload);
    if (payload === this.#last) return this.#lastCopy;
    const known = this.#copies.get(payload);
    if (known !== undefined) return known;
    const copying = new Copying();
    try {
      const copy = copying.copy(payload, 1);
      if (copying.isUnshareable) return new UnshareablePayload(copy);
      if (Object.isFrozen(payload)) this.#copies.set(payload, copy);
      freeze(payload, 1, { objects: copying.objects });
      this.#last = payload;
      this.#lastCopy = copy;
      return copy;
    } catch (error) {
      throw copying.explain(topic, error);
    }
  }

  /** Releases the payload that was published last. */
  forget(): void {
    this.#last = undefined;
    this.#lastCopy = undefined;
  }
}

/** Copies the snapshot of an {@link UnshareablePayload} for one subscription. */
export function copyOfSnapshot(snapshot: unknown): unknown {
  return typeof snapshot === 'object' && snapshot !== null ? new Copying().copy(snapshot, 1) : snapshot;
}

function takePrimitive(topic: string, payload: unknown): unknown {
  if (typeof payload === 'function' || typeof payload === 'symbol')
    throw new PayloadInvalidError(topic, [
      { path: '', message: `is a ${typeof payload}, which is not data` },
    ]);
  if (typeof payload === 'string' && payload.length > MAX_MESSAGE_BYTES)
    throw new DataBoundsError(`the message for "${topic}"`, 'bytes', MAX_MESSAGE_BYTES);
  return payload;
}

/** Copies one payload. The bounds on depth and bytes end the copying of cycles, repeated references and endless getters. */
class Copying {
  /** Whether the payload contains a value that cannot be frozen. */
  isUnshareable = false;
  /** How many objects have been copied. */
  objects = 0;
  #bytesLeft = MAX_MESSAGE_BYTES;
  /** The path to the value that is being copied; only the first `#level` names are valid. */
  readonly #path: (string | number)[] = [];
  #level = 0;

  copy(value: object, level: number): object {
    this.objects += 1;
    if (level > MAX_DATA_DEPTH) throw new TooMuch('depth', MAX_DATA_DEPTH);
    if (types.isProxy(value)) throw new NotDataError('is a proxy, which is not data');
    if (Array.isArray(value)) return this.#array(value, level);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#object(value, level);
    this.isUnshareable = true;
    return copyOfKind(value, {
      count: (bytes) => this.#count(bytes),
      copy: (item, name) => {
        this.#level = level;
        return this.#item(item, name, level);
      },
    });
  }

  /** The error to throw when copying failed with `error`. */
  explain(topic: string, error: unknown): Error {
    if (error instanceof TooMuch)
      return new DataBoundsError(`the message for "${topic}"`, error.measure, error.limit);
    const path = this.#path
      .slice(0, this.#level)
      .map((name) => `/${String(name)}`)
      .join('');
    const message = error instanceof NotDataError ? error.message : 'cannot be read';
    return new PayloadInvalidError(topic, [{ path, message }], error);
  }

  #array(values: readonly unknown[], level: number): readonly unknown[] {
    const { length } = values;
    this.#level = level;
    this.#count(OBJECT_BYTES + length * VALUE_BYTES);
    const copy: unknown[] = [];
    for (let index = 0; index < length; index += 1) {
      const item = values[index];
      copy.push(typeof item === 'number' ? item : this.#item(item, index, level));
    }
    return Object.freeze(copy);
  }

  #object(value: object, level: number): object {
    const copy: Record<string, unknown> = {};
    this.#level = level;
    let bytes = OBJECT_BYTES;
    for (const name in value) {
      bytes += name.length + VALUE_BYTES;
      let item: unknown = Reflect.get(value, name);
      if (typeof item !== 'number') item = this.#item(item, name, level);
      // An assignment to this name would set the prototype.
      if (name === '__proto__') Object.defineProperty(copy, name, { value: item, enumerable: true });
      else copy[name] = item;
    }
    this.#count(bytes);
    return Object.freeze(copy);
  }

  #item(item: unknown, name: string | number, level: number): unknown {
    if (typeof item === 'string') {
      this.#count(item.length);
      return item;
    }
    if (typeof item === 'object') {
      if (item === null) return null;
      this.#path[level - 1] = name;
      const copy = this.copy(item, level + 1);
      this.#level = level;
      return copy;
    }
    if (typeof item !== 'function' && typeof item !== 'symbol') return item;
    this.#path[level - 1] = name;
    throw new NotDataError(`is a ${typeof item}, which is not data`);
  }

  #count(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0) throw new TooMuch('bytes', MAX_MESSAGE_BYTES);
  }
}

class TooMuch extends Error {
  readonly measure: 'depth' | 'bytes';
  readonly limit: number;

  constructor(measure: 'depth' | 'bytes', limit: number) {
    super(measure);
    this.measure = measure;
    this.limit = limit;
  }
}

/** Freezes at most `left.objects` objects, since a getter may return another object on each call. */
function freeze(value: object, level: number, left: { objects: number }): void {
  left.objects -= 1;
  if (level > MAX_DATA_DEPTH || left.objects < 0) return;
  Object.freeze(value);
  // Arrays and objects have separate loops: a common loop takes twice as long.
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null) freeze(item, level + 1, left);
    return;
  }
  for (const name in value) {
    const item: unknown = Reflect.get(value, name);
    if (typeof item === 'object' && item !== null) freeze(item, level + 1, left);
  }
}
