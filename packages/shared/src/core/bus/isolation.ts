/** How many objects of one payload are looked at before it is copied instead. */
const MAX_OBJECTS = 100_000;
const MAX_DEPTH = 64;

/**
 * Makes sure that no handler can change what another one, or the publisher, sees.
 *
 * Plain data (objects and arrays as JSON has them) is frozen in place, once, at publish: the publisher hands it
 * over. A copy for everyone would cost four times as much at one subscriber and more at each further one. What
 * cannot be frozen (bytes, dates, maps, instances of classes) is copied by the structured clone algorithm, at
 * publish and for every subscriber.
 */
export class Isolation {
  /** Payloads found frozen when they were published again: a constant message is not walked each time. */
  readonly #known = new WeakSet<object>();
  #last: object | undefined;

  /** Whether all may have the same: it is frozen now, if it was not before. Otherwise each needs its own copy. */
  isShared(payload: unknown): boolean {
    if (payload === this.#last) return true;
    if (typeof payload !== 'object' || payload === null)
      return typeof payload !== 'function' && typeof payload !== 'symbol';
    if (this.#known.has(payload)) return true;
    if (!isPlain(payload, 0, { objects: MAX_OBJECTS })) return false;
    if (Object.isFrozen(payload)) this.#known.add(payload);
    freeze(payload);
    this.#last = payload;
    return true;
  }

  /** Lets go of the payload seen last. */
  forget(): void {
    this.#last = undefined;
  }
}

/** Whether `value` holds nothing but plain objects, arrays and primitives, to a depth that data has. */
function isPlain(value: object, depth: number, budget: { objects: number }): boolean {
  budget.objects -= 1;
  if (depth > MAX_DEPTH || budget.objects < 0) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Array.prototype && Array.isArray(value)) {
    for (const item of value) if (!isPlainValue(item, depth, budget)) return false;
    return true;
  }
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const name in value) if (!isPlainValue(Reflect.get(value, name), depth, budget)) return false;
  return true;
}

function isPlainValue(value: unknown, depth: number, budget: { objects: number }): boolean {
  if (typeof value !== 'object') return typeof value !== 'function' && typeof value !== 'symbol';
  return value === null || isPlain(value, depth + 1, budget);
}

function freeze(value: object): void {
  Object.freeze(value);
  // Arrays and objects apart: one loop for both takes twice as long.
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null) freeze(item);
    return;
  }
  for (const name in value) {
    const item: unknown = Reflect.get(value, name);
    if (typeof item === 'object' && item !== null) freeze(item);
  }
}
