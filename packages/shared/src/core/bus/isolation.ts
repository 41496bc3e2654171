/** How many objects of one payload are looked at before it is copied instead. */
const MAX_OBJECTS = 100_000;
const MAX_DEPTH = 64;

/** A payload made safe to hand out. */
export interface Isolated {
  readonly data: unknown;
  /** Frozen through and through: every subscriber may have the same. Otherwise each needs its own copy. */
  readonly shared: boolean;
}

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

  /** @throws {DOMException} `DataCloneError` when the payload holds a function or another thing that is not data */
  isolate(data: unknown): Isolated | undefined {
    if (typeof data !== 'object' || data === null) {
      if (typeof data === 'function' || typeof data === 'symbol') structuredClone(data);
      return undefined;
    }
    if (data === this.#last || this.#known.has(data)) return undefined;
    const budget = { objects: MAX_OBJECTS };
    if (!isPlain(data, 0, budget)) return { data: structuredClone(data), shared: false };
    if (Object.isFrozen(data)) this.#known.add(data);
    freeze(data);
    this.#last = data;
    return undefined;
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
  for (const item of Object.values(value)) if (!isPlainValue(item, depth, budget)) return false;
  return true;
}

function isPlainValue(value: unknown, depth: number, budget: { objects: number }): boolean {
  if (typeof value !== 'object') return typeof value !== 'function' && typeof value !== 'symbol';
  return value === null || isPlain(value, depth + 1, budget);
}

function freeze(value: object): void {
  Object.freeze(value);
  for (const item of Array.isArray(value) ? value : Object.values(value))
    if (typeof item === 'object' && item !== null) freeze(item);
}
