import type { Placeholders } from '../sql/placeholders.ts';
import type { SqlParameter, SqlParameters, SqlValue } from '../types.ts';
import { type BoundParameters, isPositional } from './bound-parameters.ts';
import { ParametersInvalidError } from './errors.ts';

const NONE: readonly SqlValue[] = [];

/**
 * Checks parameters against the placeholders of the statement, and copies them, so that the caller may change its own.
 * @throws {ParametersInvalidError} for parameters that do not fit the placeholders, or a value that no column can hold
 */
export function bindParameters(
  placeholders: Placeholders,
  params: SqlParameters | undefined = NONE,
): BoundParameters {
  if (isPositional(params)) {
    if (placeholders.kind !== 'positional' || placeholders.count !== params.length)
      return bindNumbered(placeholders, params);
    if (params.length === 0) return NONE;
    const values = new Array<SqlValue>(params.length);
    for (let index = 0; index < params.length; index += 1) values[index] = copyOf(params[index], index + 1);
    return values;
  }
  if (typeof params !== 'object' || params === null)
    throw new ParametersInvalidError('parameters are an array for "?", or an object for ":name"');
  return bindNamed(placeholders, params);
}

/** Binds an array to numbered placeholders. @throws {ParametersInvalidError} for all other placeholders */
function bindNumbered(placeholders: Placeholders, params: readonly SqlParameter[]): BoundParameters {
  const values = `${params.length} ${params.length === 1 ? 'value was' : 'values were'} given`;
  switch (placeholders.kind) {
    case 'mixed':
      throw mixed();
    case 'named':
      throw new ParametersInvalidError(
        `the statement has named placeholders, but ${values} in an array: pass an object with ${listed(placeholders.names)}`,
      );
    case 'positional':
    case 'numbered':
      if (placeholders.count !== params.length)
        throw new ParametersInvalidError(
          `the statement has ${placeholders.count} ${placeholders.count === 1 ? 'placeholder' : 'placeholders'}, but ${values}`,
        );
      return Object.fromEntries(params.map((value, index) => [index + 1, copyOf(value, index + 1)]));
  }
}

function bindNamed(
  placeholders: Placeholders,
  params: Readonly<Record<string, SqlParameter>>,
): BoundParameters {
  if (placeholders.kind === 'mixed') throw mixed();
  const names =
    placeholders.kind === 'named'
      ? placeholders.names
      : placeholders.kind === 'numbered'
        ? Array.from({ length: placeholders.count }, (_, index) => String(index + 1))
        : [];
  if (placeholders.kind === 'positional' && placeholders.count > 0)
    throw new ParametersInvalidError(
      'the statement has placeholders "?", but the values were given by name: pass an array',
    );
  const missing = names.filter((name) => !Object.hasOwn(params, name));
  if (missing.length > 0)
    throw new ParametersInvalidError(
      `there is no value for ${listed(missing)}; names are given without their prefix`,
    );
  // The superfluous names may be private, so the error does not contain them.
  const extra = Object.keys(params).length - names.length;
  if (extra > 0)
    throw new ParametersInvalidError(
      `${extra} ${extra === 1 ? 'value has a name' : 'values have names'} without a placeholder in the statement`,
    );
  return Object.fromEntries(names.map((name) => [name, copyOf(params[name], name)]));
}

function mixed(): ParametersInvalidError {
  return new ParametersInvalidError(
    'the statement mixes kinds of placeholders or omits a number: use only "?", only "?1" and so on without a gap, or only ":name"',
  );
}

function listed(names: readonly string[]): string {
  return names.map((name) => `:${name}`).join(', ');
}

const SMALLEST = -(2n ** 63n);
const LARGEST = 2n ** 63n - 1n;

function copyOf(value: unknown, which: number | string): SqlValue {
  switch (typeof value) {
    case 'string':
      // UTF-8 cannot encode a lone surrogate. A NUL ends the text in functions of SQLite, and PostgreSQL cannot store it.
      if (!value.isWellFormed())
        throw new ParametersInvalidError(
          `${named(which)} contains a lone surrogate: toWellFormed() replaces it`,
        );
      if (value.includes('\0'))
        throw new ParametersInvalidError(`${named(which)} contains a NUL character: store bytes instead`);
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
      // Copies the bytes: sending a view would send its whole buffer, which small Buffers share with other data.
      if (value instanceof Uint8Array) return new Uint8Array(value);
      throw new ParametersInvalidError(
        `${named(which)} is ${value instanceof Date ? 'a Date: store toISOString() or getTime()' : `of type ${typeof value}`}`,
      );
  }
}

function named(which: number | string): string {
  return typeof which === 'number' ? `parameter ${which}` : `parameter :${which}`;
}
