import { ConfigTypeError } from './errors.ts';
import { kindOf } from './schema.ts';
import { Secret } from './secret.ts';
import { emptyTree, isTree, splitKey, type Tree, valueAt } from './tree.ts';

/**
 * What `get(key, fallback)` gives: a section where the fallback is an object, else a value of the fallback's type.
 */
export type ValueLike<F> = F extends string
  ? string
  : F extends number
    ? number
    : F extends boolean
      ? boolean
      : F extends readonly unknown[] | Secret
        ? F
        : F extends object
          ? ConfigSection
          : unknown;

/**
 * A part of the configuration that can be asked in turn, as the guide does.
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

  constructor(path: string, tree: Tree) {
    this.#path = path;
    this.#tree = tree;
  }

  /**
   * The value at a dotted key below this section, or `fallback` where there is none.
   *
   * @throws {ConfigTypeError} when the value is of another type than `fallback`
   */
  get<F = unknown>(key: string, fallback?: F): ValueLike<F> {
    return readValue(this.#tree, this.#path, key, fallback) as ValueLike<F>;
  }

  /** A plain copy; secrets stay {@link Secret}. */
  toObject(): Record<string, unknown> {
    return plain(this.#tree);
  }

  /** For JSON.stringify; secrets print as `[redacted]`. */
  toJSON(): Record<string, unknown> {
    return this.toObject();
  }
}

/** @throws {ConfigTypeError} when the value is of another type than `fallback` */
export function readValue(tree: Tree, base: string, key: string, fallback: unknown): unknown {
  const full = base === '' ? key : `${base}.${key}`;
  const value = valueAt(tree, splitKey(key));
  const wantsSection = isTree(fallback);
  if (value === undefined || value === null) {
    return wantsSection ? new ConfigSection(full, Object.assign(emptyTree(), fallback)) : fallback;
  }
  if (isTree(value)) {
    if (fallback === undefined || wantsSection) return new ConfigSection(full, value);
    throw new ConfigTypeError(full, kindOf(fallback), 'a section');
  }
  if (fallback === undefined || sameType(value, fallback)) return value;
  throw new ConfigTypeError(full, kindOf(fallback), value instanceof Secret ? 'a secret' : kindOf(value));
}

function sameType(value: unknown, fallback: unknown): boolean {
  if (Array.isArray(fallback)) return Array.isArray(value);
  if (fallback instanceof Secret) return value instanceof Secret;
  return typeof value === typeof fallback && !(value instanceof Secret);
}

function plain(tree: Tree): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(tree).map(([word, value]) => [word, isTree(value) ? plain(value) : value]),
  );
}
