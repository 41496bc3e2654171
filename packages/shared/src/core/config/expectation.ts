import { type TSchema, Type } from 'typebox';
import { isSecretSchema, Secret } from './secret.ts';
import { isTree } from './tree.ts';

/** Describes the value that a schema expects. */
export function expectationOf(schema: TSchema): string {
  if (isSecretSchema(schema)) return 'text (a secret)';
  if ('enum' in schema && Array.isArray(schema.enum)) return `one of ${schema.enum.join(', ')}`;
  if (Type.IsUnion(schema)) {
    const choices = schema.anyOf.map((choice) =>
      'const' in choice ? String(choice.const) : expectationOf(choice),
    );
    return `one of ${[...new Set(choices)].join(', ')}`;
  }
  if ('const' in schema) return String(schema.const);
  const bounds = boundsOf(schema);
  if (Type.IsInteger(schema)) return `an integer${bounds}`;
  if (Type.IsNumber(schema)) return `a number${bounds}`;
  if (Type.IsBoolean(schema)) return 'true or false';
  if (Type.IsNull(schema)) return 'nothing';
  if (Type.IsArray(schema)) return `a list${itemsOf(schema)}, each item ${expectationOf(schema.items)}`;
  if (Type.IsTuple(schema)) return `a list of ${schema.items.map(expectationOf).join(', ')}`;
  if (Type.IsObject(schema) || Type.IsRecord(schema)) return 'a section with keys';
  if (Type.IsString(schema)) return textOf(schema);
  return 'a value that fits its schema';
}

function textOf(schema: object): string {
  if ('expectation' in schema) return String(schema.expectation);
  if ('pattern' in schema) return `text like ${String(schema.pattern)}`;
  if ('format' in schema) return `text in the format ${String(schema.format)}`;
  const shortest = 'minLength' in schema ? ` of ${String(schema.minLength)} or more characters` : '';
  const longest = 'maxLength' in schema ? ` of at most ${String(schema.maxLength)} characters` : '';
  return `text${shortest}${longest}`;
}

function itemsOf(schema: object): string {
  const fewest = 'minItems' in schema ? ` of ${String(schema.minItems)} or more` : '';
  const most = 'maxItems' in schema ? ` of at most ${String(schema.maxItems)}` : '';
  return fewest + most;
}

function boundsOf(schema: object): string {
  const lowest = 'minimum' in schema ? schema.minimum : undefined;
  const highest = 'maximum' in schema ? schema.maximum : undefined;
  if (lowest !== undefined && highest !== undefined) return ` from ${String(lowest)} to ${String(highest)}`;
  if (lowest !== undefined) return ` of ${String(lowest)} or more`;
  return highest === undefined ? '' : ` of ${String(highest)} or less`;
}

/** The kind of a value, which is all that an error may reveal of it. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (value instanceof Secret) return 'a secret';
  if (Array.isArray(value)) return 'a list';
  if (isTree(value)) return 'a section';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return Number.isInteger(value) ? 'an integer' : 'a number';
  return typeof value === 'boolean' ? 'true or false' : `a ${typeof value}`;
}
