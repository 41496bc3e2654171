import { distance } from 'fastest-levenshtein';
import { type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { isSecretSchema } from './secret.ts';
import { emptyTree, isTree, leaves, type Tree } from './tree.ts';

/** The properties of an object schema; `undefined` for every other schema. */
export function propertiesOf(schema: unknown): Readonly<Record<string, TSchema>> | undefined {
  return Type.IsObject(schema) ? schema.properties : undefined;
}

/** The schema at a key, where every word on the way is a declared property. */
export function schemaAt(schema: unknown, words: readonly string[]): TSchema | undefined {
  let current = schema;
  for (const word of words) {
    const properties = propertiesOf(current);
    if (properties === undefined || !Object.hasOwn(properties, word)) return undefined;
    current = properties[word];
  }
  return Type.IsSchema(current) ? current : undefined;
}

/** What the schema says a value is when nobody says anything. */
export function defaultsOf(schema: TSchema): Tree {
  const tree = emptyTree();
  for (const [word, property] of Object.entries(propertiesOf(schema) ?? {})) {
    if ('default' in property) tree[word] = structuredClone(property.default);
    else if (propertiesOf(property) !== undefined) tree[word] = defaultsOf(property);
  }
  return tree;
}

/** Every key a schema declares, in full. */
export function* declaredKeys(schema: TSchema, prefix = ''): Generator<string> {
  for (const [word, property] of Object.entries(propertiesOf(schema) ?? {})) {
    const key = prefix === '' ? word : `${prefix}.${word}`;
    if (propertiesOf(property) === undefined) yield key;
    else yield* declaredKeys(property, key);
  }
}

/** The key nearest to a misspelt one, if any is near enough to be meant. */
export function nearestKey(key: string, valid: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(key.length / 3)) + 1;
  for (const candidate of valid) {
    const apart = distance(key, candidate);
    if (apart < least) [best, least] = [candidate, apart];
  }
  return best;
}

/** What a schema expects, in words. */
export function expectationOf(schema: TSchema): string {
  if (isSecretSchema(schema)) return 'text (a secret)';
  if ('enum' in schema && Array.isArray(schema.enum)) return `one of ${schema.enum.join(', ')}`;
  if (Type.IsUnion(schema)) {
    const choices = schema.anyOf.map((choice) =>
      'const' in choice ? String(choice.const) : expectationOf(choice),
    );
    return `one of ${choices.join(', ')}`;
  }
  if ('const' in schema) return String(schema.const);
  const bounds = boundsOf(schema);
  if (Type.IsInteger(schema)) return `an integer${bounds}`;
  if (Type.IsNumber(schema)) return `a number${bounds}`;
  if (Type.IsBoolean(schema)) return 'true or false';
  if (Type.IsArray(schema)) return `a list, each item ${expectationOf(schema.items)}`;
  if (Type.IsObject(schema)) return 'a section with keys';
  if (Type.IsString(schema)) return 'pattern' in schema ? `text like ${String(schema.pattern)}` : 'text';
  return 'a value of another kind';
}

function boundsOf(schema: object): string {
  const lowest = 'minimum' in schema ? schema.minimum : undefined;
  const highest = 'maximum' in schema ? schema.maximum : undefined;
  if (lowest !== undefined && highest !== undefined) return ` from ${String(lowest)} to ${String(highest)}`;
  if (lowest !== undefined) return ` of ${String(lowest)} or more`;
  return highest === undefined ? '' : ` of ${String(highest)} or less`;
}

/** The kind of a value: all that an error may say of it. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isTree(value)) return 'a section';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a number';
  return typeof value === 'boolean' ? 'true or false' : `a ${typeof value}`;
}

/** A problem found while a tree is held against a schema; `key` is in full. */
export interface SchemaProblem {
  readonly key: string;
  readonly message: string;
  readonly unknown: boolean;
}

/** Everything in `tree` that does not fit `schema`, at once. With `open`, undeclared keys are let through. */
export function* schemaProblems(
  schema: TSchema,
  tree: Tree,
  prefix: string,
  open = false,
): Generator<SchemaProblem> {
  const properties = propertiesOf(schema) ?? {};
  const at = (word: string): string => (prefix === '' ? word : `${prefix}.${word}`);
  for (const word of Object.keys(tree)) {
    if (Object.hasOwn(properties, word) || open) continue;
    yield { key: at(word), message: 'is not a known key', unknown: true };
  }
  for (const [word, property] of Object.entries(properties)) {
    const value = Object.hasOwn(tree, word) ? tree[word] : undefined;
    const key = at(word);
    if (value === undefined) {
      if (!Type.IsOptional(property)) yield { key, message: 'is required', unknown: false };
    } else if (propertiesOf(property) !== undefined && isTree(value)) {
      yield* schemaProblems(property, value, key);
    } else if (!Value.Check(property, value)) {
      const expected = expectationOf(property);
      const found = kindOf(value);
      const but = expected.startsWith(found) || expected.startsWith('one of') ? '' : `, not ${found}`;
      yield { key, message: `must be ${expected}${but}`, unknown: false };
    }
  }
}

/** The keys of a tree as written, for finding what a section's schema does not know. */
export function keysOf(tree: Tree): readonly string[] {
  return [...leaves(tree)].map(([key]) => key);
}
