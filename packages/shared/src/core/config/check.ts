import { type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { expectationOf, kindOf } from './expectation.ts';
import { childrenOf, isOpen, partsOf } from './schema.ts';
import { isSecretSchema, Secret } from './secret.ts';
import { isTree, type Tree } from './tree.ts';

/** One mismatch with a schema; `key` is the full key. It never contains a value. */
export interface SchemaProblem {
  readonly key: string;
  readonly message: string;
  readonly kind: 'unknown' | 'missing' | 'wrong';
}

/**
 * Every mismatch between `value` and `schema`. A key that the schema does not declare is one, unless the schema allows
 * others.
 *
 * @param whole `false` for a single layer, where a required key may be missing because another layer has it
 * @param isPartOfFitting whether `value` is a part of a section that fits its schema, so that the part fits as well
 */
export function* problemsIn(
  schema: TSchema,
  value: unknown,
  key: string,
  whole: boolean,
  isPartOfFitting = false,
): Generator<SchemaProblem> {
  const isSection = Type.IsObject(schema) || Type.IsRecord(schema);
  if (isSection && value === null && !whole) return;
  if (isSection && !isTree(value)) return yield wrong(schema, value, key);
  if ((Type.IsArray(schema) || Type.IsTuple(schema)) && !Array.isArray(value))
    return yield wrong(schema, value, key);
  if (isEmptyText(schema, value))
    return yield { key, message: 'must not be empty; leave it out for the default', kind: 'wrong' };
  // A section, a list, and a choice between sections can only be checked as a whole.
  const hasItems = Type.IsArray(schema) || Type.IsTuple(schema);
  const isJudged = whole || !(hasItems || isStructured(schema));
  const isFitting = isPartOfFitting || (isJudged && fits(schema, value));
  let clean = true;
  for (const problem of problemsBelow(schema, value, key, whole, isFitting)) {
    clean = false;
    yield problem;
  }
  if (clean && isJudged && !isFitting) yield wrong(schema, value, key);
}

function* problemsBelow(
  schema: TSchema,
  value: unknown,
  key: string,
  whole: boolean,
  isFitting: boolean,
): Generator<SchemaProblem> {
  const at = (word: string): string => (key === '' ? word : `${key}.${word}`);
  const single = !Type.IsUnion(schema) && !Type.IsIntersect(schema);
  const words: readonly string[] = isTree(value) || Array.isArray(value) ? Object.keys(value) : [];
  const below = isTree(value) || Array.isArray(value) ? new Map(Object.entries(value)) : new Map();
  for (const word of words) {
    const [child, ...others] = childrenOf(schema, word);
    if (child === undefined) {
      if (isTree(value) && isStructured(schema) && !isOpen(schema))
        yield { key: at(word), message: 'is not a known key', kind: 'unknown' };
    } else if (single && others.length === 0)
      yield* problemsIn(child, below.get(word), at(word), whole, isFitting);
    else yield* unknownIn([child, ...others], below.get(word), at(word));
  }
  if (!whole || !Type.IsObject(schema) || !isTree(value)) return;
  for (const [word, property] of Object.entries(schema.properties)) {
    if (Object.hasOwn(value, word) || Type.IsOptional(property)) continue;
    yield { key: at(word), message: 'is required', kind: 'missing' };
  }
}

/** Below a choice only the whole is checked, but a key that no alternative knows is reported by its name. */
function* unknownIn(schemas: readonly TSchema[], value: unknown, key: string): Generator<SchemaProblem> {
  if (!isTree(value) || schemas.some(isOpen) || !schemas.some(isStructured)) return;
  for (const [word, below] of Object.entries(value)) {
    const children = schemas.flatMap((schema) => childrenOf(schema, word));
    if (children.length === 0)
      yield { key: `${key}.${word}`, message: 'is not a known key', kind: 'unknown' };
    else yield* unknownIn(children, below, `${key}.${word}`);
  }
}

/**
 * Whether the value is empty text where the schema does not allow it, by `minLength: 0` or as one of its choices. An empty
 * host would listen on every interface, and an empty path would be the current folder.
 */
function isEmptyText(schema: TSchema, value: unknown): boolean {
  const text = value instanceof Secret ? value.reveal() : value;
  if (typeof text !== 'string' || text.trim() !== '') return false;
  const isText = Type.IsString(schema) || isSecretSchema(schema);
  return isText && !('minLength' in schema && schema.minLength === 0) && !('enum' in schema);
}

function isStructured(schema: TSchema): boolean {
  return partsOf(schema).some((part) => Type.IsObject(part) || Type.IsRecord(part));
}

function wrong(schema: TSchema, value: unknown, key: string): SchemaProblem {
  const expected = expectationOf(schema);
  const found = kindOf(value);
  const isPlain = expected.startsWith(found) || expected.startsWith('one of');
  const message =
    isTree(value) && isStructured(schema)
      ? 'has keys that do not match each other'
      : `must be ${expected}${isPlain ? '' : `, not ${found}`}`;
  return { key, message, kind: 'wrong' };
}

function fits(schema: TSchema, value: unknown): boolean {
  return Value.Check(schema, revealed([schema], value));
}

/** Reveals a {@link Secret} where the schema expects one. Elsewhere it stays a secret, and so does not match. */
function revealed(schemas: readonly TSchema[], value: unknown): unknown {
  if (value instanceof Secret) return schemas.flatMap(partsOf).some(isSecretSchema) ? value.reveal() : value;
  const below = (word: string, item: unknown): unknown =>
    revealed(
      schemas.flatMap((schema) => childrenOf(schema, word)),
      item,
    );
  if (Array.isArray(value)) return value.map((item: unknown, index) => below(String(index), item));
  if (!isTree(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([word, item]) => [word, below(word, item)]));
}

/** A copy in which all text that a schema declares secret is a {@link Secret}. */
function hideSecrets(schemas: readonly TSchema[], value: unknown): unknown {
  if (typeof value === 'string')
    return schemas.flatMap(partsOf).some(isSecretSchema) ? new Secret(value) : value;
  const below = (word: string, item: unknown): unknown =>
    hideSecrets(
      schemas.flatMap((schema) => childrenOf(schema, word)),
      item,
    );
  if (Array.isArray(value)) return value.map((item: unknown, index) => below(String(index), item));
  return isTree(value) ? hideSecretsInTree(schemas, value) : value;
}

/** {@link hideSecrets} for a section. */
export function hideSecretsInTree(schemas: readonly TSchema[], tree: Tree): Tree {
  const hidden: Tree = Object.create(null);
  for (const [word, item] of Object.entries(tree)) {
    hidden[word] = hideSecrets(
      schemas.flatMap((schema) => childrenOf(schema, word)),
      item,
    );
  }
  return hidden;
}
