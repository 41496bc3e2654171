import { type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { parseDocument } from 'yaml';
import { partsOf } from './schema.ts';
import { isSecretSchema } from './secret.ts';
import { isTree } from './tree.ts';

const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/**
 * Converts the text of a variable to the type that a schema expects. Text that is not of that type stays text, and the check
 * reports it. Nothing is rounded or guessed: TypeBox's own `Value.Convert` turns empty text into 0, 3.7 into 3 and `true`
 * into 1.
 */
export function convert(text: string, schemas: readonly TSchema[]): unknown {
  const parts = schemas.flatMap(partsOf);
  // Where the schema allows text it is text, unless it is exactly the value of another alternative.
  const texts = parts.filter((part) => isSecretSchema(part) || Type.IsString(part));
  for (const part of parts) {
    if (texts.includes(part)) continue;
    const value = convertTo(text, part);
    if (value !== undefined && (Value.Check(part, value) || parts.length === 1)) return value;
  }
  return text;
}

function convertTo(text: string, schema: TSchema): unknown {
  const named = choicesOf(schema).find((choice) => String(choice) === text);
  if (named !== undefined) return named;
  const word = text.trim();
  if (Type.IsInteger(schema)) return INTEGER.test(word) ? exactly(Number(word)) : undefined;
  if (Type.IsNumber(schema)) return NUMBER.test(word) ? finite(Number(word)) : undefined;
  if (Type.IsBoolean(schema)) {
    const lower = word.toLowerCase();
    return lower === 'true' ? true : lower === 'false' ? false : undefined;
  }
  if (Type.IsNull(schema)) return word === '' || word === 'null' ? null : undefined;
  if (Type.IsString(schema) || choicesOf(schema).length > 0) return undefined;
  return fromYaml(text);
}

function choicesOf(schema: TSchema): readonly unknown[] {
  if ('enum' in schema && Array.isArray(schema.enum)) return schema.enum;
  return 'const' in schema ? [schema.const] : [];
}

function exactly(value: number): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}

function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

/** Reads a list or a map, written as YAML or JSON. Aliases and tags are not allowed. */
function fromYaml(text: string): unknown {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: true });
  if (document.errors.length > 0 || document.warnings.length > 0) return undefined;
  try {
    const value: unknown = document.toJS({ maxAliasCount: 0 });
    return Array.isArray(value) || isTree(value) ? value : undefined;
  } catch {
    // An alias: the text stays text, and the check reports it.
    return undefined;
  }
}
