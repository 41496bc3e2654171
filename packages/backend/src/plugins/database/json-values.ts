import type { SqlParameter, SqlValue } from '@aico/shared/data';
import { Type } from 'typebox';

/**
 * A value of a column as JSON. Values that JSON cannot represent have a form of their own: integers beyond 2^53, infinities and
 * negative zero, and bytes.
 */
export const JsonValue = Type.Union(
  [
    Type.Null(),
    Type.String(),
    Type.Number(),
    Type.Object(
      { integer: Type.String({ pattern: '^-?[0-9]{1,19}$' }) },
      { additionalProperties: false, description: 'An integer of 64 bits as digits.' },
    ),
    Type.Object({ real: Type.Enum(['Infinity', '-Infinity', '-0']) }, { additionalProperties: false }),
    Type.Object(
      {
        base64: Type.String({ pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$' }),
      },
      { additionalProperties: false, description: 'Bytes.' },
    ),
  ],
  { description: 'A value of a column, or of a parameter.' },
);

export type JsonValue = Type.Static<typeof JsonValue>;

/** Converts a value of a column to JSON without loss. */
export function toJson(value: SqlValue): JsonValue {
  if (typeof value === 'bigint') return { integer: value.toString() };
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return { real: '-0' };
    if (value === Number.POSITIVE_INFINITY) return { real: 'Infinity' };
    return value === Number.NEGATIVE_INFINITY ? { real: '-Infinity' } : value;
  }
  return value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value;
}

/** The parameter for a JSON value. */
export function fromJson(value: JsonValue | boolean): SqlParameter {
  if (typeof value !== 'object' || value === null) return value;
  if ('integer' in value) return BigInt(value.integer);
  return 'real' in value ? Number(value.real) : Buffer.from(value.base64, 'base64');
}
