import type { SqlValue } from '../types.ts';

/** Checked parameters of a statement: an array for positional placeholders, an object for numbered and named ones. */
export type BoundParameters = readonly SqlValue[] | Readonly<Record<string, SqlValue>>;

/** Whether parameters are given by position instead of by name. */
export function isPositional<T>(params: readonly T[] | Readonly<Record<string, T>>): params is readonly T[] {
  return Array.isArray(params);
}
