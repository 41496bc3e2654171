import type { Placeholders } from '../sql/placeholders.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';
import { isPositional } from '../statements/bound-parameters.ts';
import type { SqlValue } from '../types.ts';

/** The types of parameters and columns by PostgreSQL's numbers. `unknown` lets the server infer the type. */
const TYPE = {
  unknown: 0,
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  oid: 26,
  float4: 700,
  float8: 701,
  numeric: 1700,
};

/** A parameter on the wire: text, or bytes. */
export type WireValue = string | Buffer | null;

/** Parameters on the wire, with the types that the server cannot infer from their text. */
export interface WireParameters {
  readonly values: readonly WireValue[];
  readonly types: readonly number[];
}

/**
 * Encodes parameters. An integer has a type, so that `? + 1` is computed with 64 bits; a fraction has none, so that the server refuses it
 * for a column of integers instead of rounding it.
 */
export function encodeParameters(placeholders: Placeholders, params: BoundParameters): WireParameters {
  const values: WireValue[] = [];
  const types: number[] = [];
  for (const value of inOrder(placeholders, params)) {
    types.push(typeOf(value));
    values.push(encode(value));
  }
  return { values, types };
}

function inOrder(placeholders: Placeholders, params: BoundParameters): readonly SqlValue[] {
  if (isPositional(params)) return params;
  if (placeholders.kind === 'named') return placeholders.names.map((name) => params[name] ?? null);
  return Array.from({ length: Object.keys(params).length }, (_, index) => params[index + 1] ?? null);
}

function typeOf(value: SqlValue): number {
  if (typeof value === 'bigint') return TYPE.int8;
  if (typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0)) return TYPE.int8;
  return value instanceof Uint8Array ? TYPE.bytea : TYPE.unknown;
}

function encode(value: SqlValue): WireValue {
  if (value === null || typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Decodes a value of a column from the text that the server sends. */
export function decodeValue(text: string | null, type: number): SqlValue {
  if (text === null) return null;
  switch (type) {
    case TYPE.int2:
    case TYPE.int4:
    case TYPE.oid:
      return Number(text);
    case TYPE.int8:
      return integer(text);
    case TYPE.float4:
    case TYPE.float8:
      return Number(text);
    case TYPE.numeric:
      return /^-?\d+$/.test(text) ? integer(text) : Number(text);
    case TYPE.bool:
      return text === 't' ? 1 : 0;
    case TYPE.bytea:
      return new Uint8Array(Buffer.from(text.slice(2), 'hex'));
    default:
      return text;
  }
}

function integer(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}
