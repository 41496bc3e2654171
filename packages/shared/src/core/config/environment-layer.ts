import { type TObject, type TSchema, Type } from 'typebox';
import { convert } from './convert.ts';
import { ConfigInvalidError, type ConfigProblem, type Origin } from './errors.ts';
import { type Layer, layerOf } from './layer.ts';
import { copyPlain } from './plain-value.ts';
import { allows, childrenOf, declaredKeys, nearestKey, partsOf, schemasAt } from './schema.ts';
import { emptyTree, isForbiddenKey, isTree, setAt, type Tree } from './tree.ts';
import { isReservedVariable, PREFIX, variableFor, wordInVariable } from './variable.ts';

/** The variables of an environment, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the variables that start with `AICO_` as a layer. Text is converted to the type that the schema of its key expects;
 * text that cannot be converted is kept, and the check refuses it.
 *
 * @param below the layers below this one, whose spelling of a plugin's name applies
 */
export function readEnvironmentLayer(env: Environment, schema: TObject, below: Tree): Layer {
  const tree = emptyTree();
  const origins = new Map<string, Origin>();
  const problems: ConfigProblem[] = [];
  const set = Object.entries(env)
    .filter(([variable]) => variable.startsWith(PREFIX) && !isReservedVariable(variable))
    .map(([variable, text]) => ({ variable, text, words: wordsOf(variable, schema, below) }))
    // A map comes before the keys in it, so that these take precedence.
    .sort((a, b) => a.words.length - b.words.length);
  for (const { variable, text, words } of set) {
    if (text === undefined) continue;
    const key = words.join('.');
    const origin: Origin = { layer: 'environment variable', variable };
    const add = (message: string, nearest?: string): number =>
      problems.push({ key, message, origin, ...(nearest === undefined ? {} : { nearest }) });
    const schemas = schemasAt(schema, words);
    if (words.some(isForbiddenKey) || !allows(schema, words)) {
      add('is not a known key', nearestKey(key, schema));
    } else if (origins.has(key)) {
      add('is set by two variables that differ only in case');
    } else if (schemas.some((one) => Type.IsObject(one))) {
      const example = [...declaredKeys(schema)].find((declared) => declared.startsWith(`${key}.`));
      add(
        `is a section: set its keys one by one${example === undefined ? '' : `, such as ${variableFor(example)}`}`,
      );
    } else {
      try {
        setAt(tree, words, copyPlain(convert(text, schemas), key));
        origins.set(key, origin);
      } catch (error) {
        if (!(error instanceof ConfigInvalidError)) throw error;
        for (const problem of error.problems) problems.push({ ...problem, origin });
      }
    }
  }
  return layerOf(tree, origins, problems);
}

/** Finds the key of a variable: each word is matched to a known word by its spelling in a variable, which is upper case. */
function wordsOf(variable: string, schema: TObject, below: Tree): readonly string[] {
  let schemas: readonly TSchema[] = [schema];
  let values: unknown = below;
  return variable
    .slice(PREFIX.length)
    .split('__')
    .map((part) => {
      const declared = schemas
        .flatMap(partsOf)
        .flatMap((one) => (Type.IsObject(one) ? Object.keys(one.properties) : []));
      const present = isTree(values) ? Object.keys(values) : [];
      const upper = part.toUpperCase();
      const word =
        [...declared, ...present].find((name) => wordInVariable(name) === upper) ?? part.toLowerCase();
      schemas = schemas.flatMap((one) => childrenOf(one, word));
      values = isTree(values) ? values[word] : undefined;
      return word;
    });
}
