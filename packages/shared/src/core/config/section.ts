import { ConfigTypeError } from './errors.ts';
import { kindOf } from './expectation.ts';
import { REDACTED, Secret } from './secret.ts';
import { emptyTree, isTree, splitKey, type Tree, valueAt } from './tree.ts';

/**
 * The result of `get(key, fallback)`: a section where the fallback is an object, else a value of the fallback's type.
 */
export type ValueLike<F> = F extends string
  ? string
  : F extends number
    ? number
    : F extends boolean
      ? boolean
      : F extends Secret
        ? Secret
        : F extends readonly unknown[]
          ? readonly unknown[]
          : F extends object
            ? ConfigSection
            : unknown;

/** The tree that values are read from. */
export interface View {
  readonly tree: Tree;
  /** Whether a schema describes the key. A value without a schema may be a secret, and is not shown. */
  readonly describes: (key: string) => boolean;
}

/**
 * A part of the configuration, with the same `get()` as the whole.
 *
 * @example
 * ```ts
 * const gateway = config.get('core.api_gateway', {});
 * const port = gateway.get('rest.port', 8771);
 * ```
 */
export class ConfigSection {
  readonly #path: string;
  readonly #tree: Tree;
  readonly #describes: View['describes'];

  constructor(path: string, { tree, describes }: View) {
    this.#path = path;
    this.#tree = tree;
    this.#describes = describes;
  }

  /**
   * The value at a dotted key below this section, or `fallback` where there is none.
   *
   * @throws {ConfigTypeError} when the value is of another type than `fallback`
   */
  get<F = unknown>(key: string, fallback?: F): ValueLike<F> {
    const view = { tree: this.#tree, describes: this.#describes };
    return readValue(view, this.#path, key, fallback) as ValueLike<F>;
  }

  /** A plain copy, to read as properties; secrets stay {@link Secret}. */
  toObject(): Record<string, unknown> {
    return plainObject(this.#tree);
  }

  /** For JSON.stringify: secrets, and values no loaded schema describes, are `[redacted]`. */
  toJSON(): Record<string, unknown> {
    return plainObject(redacted({ tree: this.#tree, describes: this.#describes }, this.#path));
  }
}

/** @throws {ConfigTypeError} when the value is of another type than `fallback` */
export function readValue({ tree, describes }: View, base: string, key: string, fallback: unknown): unknown {
  const full = base === '' ? key : `${base}.${key}`;
  const value = valueAt(tree, splitKey(key));
  const wantsSection = isTree(fallback);
  if (value === undefined || value === null) {
    if (!wantsSection) return fallback;
    return new ConfigSection(full, { tree: Object.assign(emptyTree(), fallback), describes: () => true });
  }
  const wantsAny = fallback === undefined || fallback === null;
  if (isTree(value)) {
    if (wantsAny || wantsSection) return new ConfigSection(full, { tree: value, describes });
    throw new ConfigTypeError(full, kindOf(fallback), 'a section');
  }
  if (wantsAny || sameType(value, fallback)) return value;
  throw new ConfigTypeError(full, kindOf(fallback), kindOf(value));
}

function sameType(value: unknown, fallback: unknown): boolean {
  if (Array.isArray(fallback)) return Array.isArray(value);
  if (fallback instanceof Secret) return value instanceof Secret;
  return typeof value === typeof fallback && !(value instanceof Secret);
}

/** The tree at `base`, with `[redacted]` for every value that must not be shown. */
export function redacted({ tree, describes }: View, base: string): Tree {
  const shown = emptyTree();
  for (const [word, value] of Object.entries(tree)) {
    const key = base === '' ? word : `${base}.${word}`;
    if (isTree(value)) shown[word] = redacted({ tree: value, describes }, key);
    else shown[word] = describes(key) ? redactedValue(value) : REDACTED;
  }
  return shown;
}

/** A value with every secret in it redacted. */
export function redactedValue(value: unknown): unknown {
  if (value instanceof Secret) return REDACTED;
  if (Array.isArray(value)) return value.map(redactedValue);
  if (!isTree(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([word, item]) => [word, redactedValue(item)]));
}

/** A copy as ordinary objects. */
export function plainObject(tree: Tree): Record<string, unknown> {
  return Object.fromEntries(Object.entries(tree).map(([word, value]) => [word, plain(value)]));
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  return isTree(value) ? plainObject(value) : value;
}
