import type { TSchema } from 'typebox';
import { Check } from 'typebox/value';

const INTEGER = /^(?:0|-?[1-9]\d*)$/;
/** A number in JSON, except `-0`. */
const NUMBER = /^(?:0|-?[1-9]\d*|-?(?:0|[1-9]\d*)\.\d+)(?:[eE][+-]?\d+)?$/;

type Schema = Readonly<Record<string, unknown>>;

/**
 * Converts text (path parameters, query strings, headers) to the types of `schema`. Only the canonical spelling of a value is
 * converted: `7` is an integer, while `07`, `7.0`, `true` and an empty text remain text, which the schema refuses. Thus no
 * value is silently changed.
 *
 * @example readText(Type.Object({ limit: Type.Integer() }), { limit: '7' }); // { limit: 7 }
 */
export function readText(schema: unknown, value: unknown): unknown {
  if (!isSchema(schema)) return value;
  if (Array.isArray(schema.anyOf)) return readAny(schema.anyOf, value);
  switch (schema.type) {
    case 'object':
      return readFields(schema, value);
    case 'array':
      // A parameter that is given once is a list of one.
      return (Array.isArray(value) ? value : [value]).map((item) => readText(schema.items, item));
    default:
      return typeof value === 'string' ? readScalar(schema, value) : value;
  }
}

function readFields({ properties }: Schema, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !isSchema(properties)) return value;
  const read: Record<string, unknown> = { ...value };
  for (const [name, schema] of Object.entries(properties))
    if (Object.hasOwn(read, name)) read[name] = readText(schema, read[name]);
  return read;
}

/** Converts to the first variant that accepts the text. */
function readAny(variants: readonly unknown[], value: unknown): unknown {
  for (const variant of variants) {
    const read = readText(variant, value);
    if (isTypeBox(variant) && Check(variant, read)) return read;
  }
  return value;
}

function readScalar(schema: Schema, text: string): unknown {
  const values = Array.isArray(schema.enum) ? schema.enum : 'const' in schema ? [schema.const] : undefined;
  if (values !== undefined) return values.find((each) => String(each) === text) ?? text;
  if (schema.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (schema.type === 'integer') return INTEGER.test(text) ? exact(text) : text;
  if (schema.type === 'number') return NUMBER.test(text) ? exact(text) : text;
  return text;
}

/** The number, or the text if the number would be inexact. */
function exact(text: string): number | string {
  const number = Number(text);
  return Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER ? number : text;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null;
}

function isTypeBox(value: unknown): value is TSchema {
  return isSchema(value);
}
