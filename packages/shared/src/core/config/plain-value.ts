import { ConfigInvalidError } from './errors.ts';
import { Secret } from './secret.ts';
import { emptyTree, isForbiddenKey, isTree } from './tree.ts';

/**
 * A copy of what code hands in: text, numbers, booleans, null, {@link Secret}, and lists and maps of these. So that
 * nothing the caller does with it afterwards changes the configuration, nor the other way round.
 *
 * @throws {ConfigInvalidError} for anything else
 */
export function copyPlain(value: unknown, key: string, above: readonly unknown[] = []): unknown {
  const refuse = (message: string): never => {
    throw new ConfigInvalidError([{ key, message, origin: { layer: 'runtime' } }]);
  };
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || value instanceof Secret)
    return value;
  if (typeof value === 'number') return value;
  if (!Array.isArray(value) && !isTree(value))
    return refuse('must be plain data: text, numbers, lists, maps');
  if (above.includes(value)) return refuse('contains itself');
  const within = [...above, value];
  if (Array.isArray(value))
    return value.map((item: unknown, index) => copyPlain(item, `${key}.${index}`, within));
  const copy = emptyTree();
  for (const [word, item] of Object.entries(value)) {
    if (isForbiddenKey(word) || word.includes('.')) return refuse('has a key that cannot be one');
    copy[word] = copyPlain(item, `${key}.${word}`, within);
  }
  return copy;
}

/** Whether two values are the same all the way down, secrets by what they hold. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (a instanceof Secret || b instanceof Secret)
    return a instanceof Secret && b instanceof Secret && a.equals(b);
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item: unknown, index) => sameValue(item, b[index]));
  if (!isTree(a) || !isTree(b)) return false;
  const words = Object.keys(a);
  return (
    words.length === Object.keys(b).length &&
    words.every((word) => Object.hasOwn(b, word) && sameValue(a[word], b[word]))
  );
}
