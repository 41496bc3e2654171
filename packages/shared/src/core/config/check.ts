import { type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { expectationOf, kindOf } from './expectation.ts';
import { childrenOf, isOpen, partsOf } from './schema.ts';
import { isSecretSchema, Secret } from './secret.ts';
import { isTree, type Tree } from './tree.ts';

/** Something that does not fit; `key` is in full. Never holds a value. */
export interface SchemaProblem {
  readonly key: string;
  readonly message: string;
  readonly kind: 'unknown' | 'missing' | 'wrong';
}

/**
 * Everything in `value` that does not fit `schema`, at once. One layer is no `whole`: what it does not say, another
 * may. Keys that the schema does not declare are problems, unless it is open by its own word.
 */
export function* problemsIn(
  schema: TSchema,
  value: unknown,
  key: string,
  whole: boolean,
): Generator<SchemaProblem> {
  const isSection = Type.IsObject(schema) || Type.IsRecord(schema);
  if (isSection && value === null && !whole) return;
  if (isSection && !isTree(value)) return yield wrong(schema, value, key);
  if ((Type.IsArray(schema) || Type.IsTuple(schema)) && !Array.isArray(value))
    return yield wrong(schema, value, key);
  if (isEmptyText(schema, value))
    return yield { key, message: 'must not be empty: leave it out to have the default', kind: 'wrong' };
  let clean = true;
  for (const problem of problemsBelow(schema, value, key, whole)) {
    clean = false;
    yield problem;
  }
  // A section, and a choice between sections, can only be judged as a whole.
  const judged = whole || !partsOf(schema).some((part) => Type.IsObject(part) || Type.IsRecord(part));
  const hasItems = Type.IsArray(schema) || Type.IsTuple(schema);
  if (clean && judged && (whole || !hasItems) && !fits(schema, value)) yield wrong(schema, value, key);
}

function* problemsBelow(
  schema: TSchema,
  value: unknown,
  key: string,
  whole: boolean,
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
    } else if (single && others.length === 0) yield* problemsIn(child, below.get(word), at(word), whole);
    else yield* unknownIn([child, ...others], below.get(word), at(word));
  }
  if (!whole || !Type.IsObject(schema) || !isTree(value)) return;
  for (const [word, property] of Object.entries(schema.properties)) {
    if (Object.hasOwn(value, word) || Type.IsOptional(property)) continue;
    yield { key: at(word), message: 'is required', kind: 'missing' };
  }
}

/** Below a choice it is the whole that is judged, but a key that no alternative knows is named by itself. */
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
 * Whether the value is text with nothing in it, where the schema does not say by `minLength: 0` or as one of its choices
 * that this is meant. An empty host listens everywhere, and an empty path is the current folder: what is left empty by
 * mistake must not widen anything.
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
      ? 'does not hold together: its keys do not fit each other'
      : `must be ${expected}${isPlain ? '' : `, not ${found}`}`;
  return { key, message, kind: 'wrong' };
}

function fits(schema: TSchema, value: unknown): boolean {
  return Value.Check(schema, revealed([schema], value));
}

/** A {@link Secret} as text where a secret is expected, and nowhere else: there it stays one, and does not fit. */
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

/** A copy in which all text that a schema calls secret is a {@link Secret}. */
export function hideSecrets(schemas: readonly TSchema[], value: unknown): unknown {
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

/** The same for a section. */
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
