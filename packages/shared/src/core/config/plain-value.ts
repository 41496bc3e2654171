import { ConfigInvalidError } from './errors.ts';
import { Secret } from './secret.ts';
import { emptyTree, isForbiddenKey, isTree } from './tree.ts';

/**
 * A copy of a value from code: text, numbers, booleans, null, {@link Secret}, and lists and maps of these. A copy, so that
 * a later change of the caller's object does not change the configuration, nor the other way round.
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
