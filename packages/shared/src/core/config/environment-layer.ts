import { type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import type { Origin } from './errors.ts';
import { propertiesOf, schemaAt } from './schema.ts';
import { isSecretSchema } from './secret.ts';
import { emptyTree, isForbiddenKey, setAt } from './tree.ts';
import type { Layer } from './yaml-file.ts';

const PREFIX = 'AICO_';

/** Read by others, and no keys. */
const RESERVED: ReadonlySet<string> = new Set(['AICO_HOME']);

export type Environment = Readonly<Record<string, string | undefined>>;

/** The variable that sets a key: `core.api_gateway.rest.port` is `AICO_CORE__API_GATEWAY__REST__PORT`. */
export function variableFor(key: string): string {
  return PREFIX + key.split('.').join('__').toUpperCase();
}

/**
 * The variables that start with `AICO_`, as a layer. Their text becomes what the schema at their key expects; text
 * that cannot is kept, for the check to refuse.
 */
export function readEnvironmentLayer(env: Environment, schema: TSchema): Layer {
  const tree = emptyTree();
  const origins = new Map<string, Origin>();
  for (const [variable, text] of Object.entries(env)) {
    if (text === undefined || !variable.startsWith(PREFIX) || RESERVED.has(variable)) continue;
    const words = wordsOf(variable, schema);
    if (words.some(isForbiddenKey)) continue;
    setAt(tree, words, convert(text, schemaAt(schema, words)));
    origins.set(words.join('.'), { layer: 'environment variable', variable });
  }
  return { tree, originOf: (key) => origins.get(key) };
}

/** Variables are upper-case; keys may not be: each word is matched to a declared one whatever its case. */
function wordsOf(variable: string, schema: TSchema): readonly string[] {
  let properties = propertiesOf(schema);
  return variable
    .slice(PREFIX.length)
    .toLowerCase()
    .split('__')
    .map((word) => {
      const declared = Object.keys(properties ?? {}).find((name) => name.toLowerCase() === word) ?? word;
      properties = properties === undefined ? undefined : propertiesOf(properties[declared]);
      return declared;
    });
}

function convert(text: string, schema: TSchema | undefined): unknown {
  if (schema === undefined || isSecretSchema(schema) || Type.IsString(schema)) return text;
  if (Type.IsArray(schema)) {
    try {
      return parse(text);
    } catch {
      // Kept as text: the check says what was expected, and where.
      return text;
    }
  }
  return Value.Convert(schema, text);
}
