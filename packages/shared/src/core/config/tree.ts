import { ConfigKeyError } from './errors.ts';

/** Configuration as nested maps without a prototype. */
export interface Tree {
  [key: string]: unknown;
}

const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

export function emptyTree(): Tree {
  return Object.create(null) as Tree;
}

export function isTree(value: unknown): value is Tree {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

export function isForbiddenKey(key: string): boolean {
  return key === '' || FORBIDDEN.has(key);
}

/** @throws {ConfigKeyError} when the dotted path has an empty or forbidden word */
export function splitKey(key: string): readonly string[] {
  const words = key.split('.');
  if (words.some(isForbiddenKey)) throw new ConfigKeyError(key);
  return words;
}

export function valueAt(tree: unknown, words: readonly string[]): unknown {
  let value = tree;
  for (const word of words) {
    if (!isTree(value) || !Object.hasOwn(value, word)) return undefined;
    value = value[word];
  }
  return value;
}

export function setAt(tree: Tree, words: readonly string[], value: unknown): void {
  const last = words.at(-1);
  if (last === undefined) return;
  let folder = tree;
  for (const word of words.slice(0, -1)) {
    const next = folder[word];
    const child = isTree(next) ? next : emptyTree();
    folder[word] = child;
    folder = child;
  }
  folder[last] = value;
}

/** Every value that is not a map, with its dotted key; an empty map counts as a value. */
export function* leaves(tree: Tree, prefix = ''): Generator<readonly [key: string, value: unknown]> {
  for (const [word, value] of Object.entries(tree)) {
    const key = prefix === '' ? word : `${prefix}.${word}`;
    if (isTree(value) && Object.keys(value).length > 0) yield* leaves(value, key);
    else yield [key, value];
  }
}

/** Merges two trees into a new one, where `over` takes precedence: maps are merged, a `null` adds nothing to a map, and every other value replaces. */
export function merge(under: Tree, over: Tree): Tree {
  const merged = Object.assign(emptyTree(), under);
  for (const [word, value] of Object.entries(over)) {
    const below = merged[word];
    if (value === null && isTree(below)) continue;
    merged[word] = isTree(value) ? merge(isTree(below) ? below : emptyTree(), value) : value;
  }
  return merged;
}

/** Freezes a value and everything in it. */
export function freeze<T>(value: T): T {
  if (!isTree(value) && !Array.isArray(value)) return value;
  for (const item of Object.values(value)) freeze(item);
  return Object.freeze(value);
}
