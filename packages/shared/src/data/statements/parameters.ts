import { ParametersInvalidError } from '../errors.ts';
import type { SqlParameter, SqlParameters, SqlValue } from '../types.ts';

/** Parameters as they cross to the engine: a copy, so that the caller may reuse what was passed. */
export type BoundParameters = readonly SqlValue[] | Readonly<Record<string, SqlValue>>;

const NONE: readonly SqlValue[] = [];

/**
 * Checks and copies parameters.
 * @throws {ParametersInvalidError} naming the parameter that is not a value a column can hold
 */
export function copyParameters(params: SqlParameters | undefined): BoundParameters {
  if (params === undefined) return NONE;
  if (isPositional(params)) {
    const values = new Array<SqlValue>(params.length);
    for (let index = 0; index < params.length; index += 1) values[index] = copyOf(params[index], index + 1);
    return values;
  }
  if (typeof params !== 'object' || params === null)
    throw new ParametersInvalidError('parameters are an array for "?", or an object for ":name"');
  const values: Record<string, SqlValue> = {};
  for (const [name, value] of Object.entries(params)) values[name] = copyOf(value, name);
  return values;
}

function isPositional(params: SqlParameters): params is readonly SqlParameter[] {
  return Array.isArray(params);
}

const SMALLEST = -(2n ** 63n);
const LARGEST = 2n ** 63n - 1n;

function copyOf(value: unknown, which: number | string): SqlValue {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      if (Number.isNaN(value))
        throw new ParametersInvalidError(`${named(which)} is NaN, which no column can hold`);
      return value;
    case 'boolean':
      return value ? 1 : 0;
    case 'bigint':
      if (value < SMALLEST || value > LARGEST)
        throw new ParametersInvalidError(`${named(which)} does not fit in 64 bits`);
      return value;
    default:
      if (value === null) return null;
      // A view's whole buffer would cross with it (a small Buffer shares one with strangers): copy what is seen.
      if (value instanceof Uint8Array) return new Uint8Array(value);
      throw new ParametersInvalidError(
        `${named(which)} is ${value instanceof Date ? 'a Date: store toISOString() or getTime()' : `of type ${typeof value}`}`,
      );
  }
}

function named(which: number | string): string {
  return typeof which === 'number' ? `parameter ${which}` : `parameter :${which}`;
}
