import { distance } from 'fastest-levenshtein';
import { type TObject, type TSchema, Type } from 'typebox';
import { emptyTree, isTree, merge, type Tree } from './tree.ts';

/** The alternatives of a union, the parts of an intersection, or the schema itself. */
export function partsOf(schema: TSchema): readonly TSchema[] {
  if (Type.IsUnion(schema)) return schema.anyOf.flatMap(partsOf);
  if (Type.IsIntersect(schema)) return schema.allOf.flatMap(partsOf);
  return [schema];
}

/** The schemas of a word below this schema; none for an unknown word. */
export function childrenOf(schema: TSchema, word: string): readonly TSchema[] {
  return partsOf(schema).flatMap((part): readonly TSchema[] => {
    if (Type.IsRecord(part)) {
      return Object.entries(part.patternProperties)
        .filter(([pattern]) => new RegExp(pattern, 'u').test(word))
        .map(([, value]) => value);
    }
    if (Type.IsArray(part)) return /^\d+$/.test(word) ? [part.items] : [];
    if (Type.IsTuple(part)) return part.items.filter((_item, index) => String(index) === word);
    if (!Type.IsObject(part)) return [];
    const property = Object.hasOwn(part.properties, word) ? part.properties[word] : undefined;
    if (property !== undefined) return [property];
    const others: unknown = 'additionalProperties' in part ? part.additionalProperties : undefined;
    return Type.IsSchema(others) ? [others] : [];
  });
}

/** Whether the schema itself allows words that it does not declare. */
export function isOpen(schema: TSchema): boolean {
  return partsOf(schema).some((part) => {
    if (Type.IsUnknown(part) || Type.IsAny(part)) return true;
    return Type.IsObject(part) && 'additionalProperties' in part && part.additionalProperties === true;
  });
}

/** The schemas that describe a key, from the root. */
export function schemasAt(root: TSchema, words: readonly string[]): readonly TSchema[] {
  let schemas: readonly TSchema[] = [root];
  for (const word of words) schemas = schemas.flatMap((schema) => childrenOf(schema, word));
  return schemas;
}

/** Whether a key may be set: it is declared, or the schema allows additional keys at its position. */
export function allows(root: TSchema, words: readonly string[]): boolean {
  let schemas: readonly TSchema[] = [root];
  for (const word of words) {
    const below = schemas.flatMap((schema) => childrenOf(schema, word));
    if (below.length === 0) return schemas.some(isOpen);
    schemas = below;
  }
  return true;
}

/**
 * A value completed by the defaults of its schema. A section without a value counts as absent, since its lines may all be
 * comments. An optional section that is absent stays absent.
 */
function withDefaults(schema: TSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((item: unknown, index) => {
      const [child, ...others] = childrenOf(schema, String(index));
      return child === undefined || others.length > 0 ? item : withDefaults(child, item);
    });
  }
  return isTree(value) && (Type.IsObject(schema) || Type.IsRecord(schema))
    ? treeWithDefaults(schema, value)
    : value;
}

export function treeWithDefaults(schema: TSchema, tree: Tree): Tree {
  const full = emptyTree();
  const declared = Type.IsObject(schema) ? Object.keys(schema.properties) : [];
  for (const word of new Set([...declared, ...Object.keys(tree)])) {
    const [child, ...others] = childrenOf(schema, word);
    const value =
      child === undefined || others.length > 0 ? tree[word] : valueWithDefaults(child, tree[word]);
    if (value !== undefined) full[word] = value;
  }
  return full;
}

function valueWithDefaults(schema: TSchema, value: unknown): unknown {
  const isSection = Type.IsObject(schema) || Type.IsRecord(schema);
  const otherwise: unknown = 'default' in schema ? structuredClone(schema.default) : undefined;
  if (value === undefined || (value === null && isSection)) {
    const absent = Type.IsObject(schema) && !Type.IsOptional(schema) ? emptyTree() : undefined;
    return withDefaults(schema, otherwise ?? absent);
  }
  return withDefaults(schema, isTree(value) && isTree(otherwise) ? merge(otherwise, value) : value);
}

/** Every full key that a schema declares. */
export function* declaredKeys(schema: TObject, prefix = ''): Generator<string> {
  for (const [word, property] of Object.entries(schema.properties)) {
    const key = prefix === '' ? word : `${prefix}.${word}`;
    if (Type.IsObject(property)) yield* declaredKeys(property, key);
    else yield key;
  }
}

/** The key or section nearest to a misspelt key, if one is near enough to be meant. */
export function nearestKey(key: string, root: TObject): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(key.length / 3)) + 1;
  const seen = new Set<string>();
  for (const declared of [...declaredKeys(root), ...siblingsOf(key, root)]) {
    for (let at = declared; at !== '' && !seen.has(at); at = parentOf(at)) {
      seen.add(at);
      // A section above the key is spelt correctly already.
      const apart = key.startsWith(`${at}.`) ? least : distance(key, at);
      if (apart < least) [best, least] = [at, apart];
    }
  }
  return best;
}

/** The possible keys beside a key in the item of a list or in a choice, which `declaredKeys()` does not enter. */
function siblingsOf(key: string, root: TObject): readonly string[] {
  const parent = parentOf(key);
  return schemasAt(root, parent.split('.'))
    .flatMap(partsOf)
    .flatMap((part) => (Type.IsObject(part) ? Object.keys(part.properties) : []))
    .map((word) => `${parent}.${word}`);
}

/** The key above a key; empty at the root. */
export function parentOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('.')));
}
