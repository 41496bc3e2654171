import { existsSync } from 'node:fs';
import { inexactNumberIn } from '@aico/protocol';
import { isPathLike, PathInvalidError, resolveUserPath } from '@aico/shared/core/paths';
import { InvalidArgumentError } from 'commander';
import { UsageError } from './errors.ts';

/** The absolute path that an argument means: see `resolveUserPath`. @throws {UsageError} for one that is none */
export function pathArgument(text: string): string {
  try {
    return resolveUserPath(text);
  } catch (error) {
    if (error instanceof PathInvalidError) throw new UsageError(error.message, error.hint, error);
    throw error;
  }
}

/** A plugin as an argument names it: the full path where it is one, else the name of a package as it is. */
export function moduleArgument(text: string): string {
  return isPathLike(text) || existsSync(text) ? pathArgument(text) : text;
}

/** Reads a whole number, for `option()` and `argument()`. */
export function wholeNumber(min: number, max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const upTo = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `from ${min} to ${max}`;
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a whole number, ${upTo}.`);
    return value;
  };
}

/** Reads a number of seconds, which may have a fraction. */
export function secondsUpTo(max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value > 0 && value <= max))
      throw new InvalidArgumentError(`It must be a number of seconds, more than 0 and up to ${max}.`);
    return value;
  };
}

/** Gathers the values of an option that may be repeated. */
export function collected(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/**
 * Reads JSON, and takes any other text as text.
 *
 * @throws {UsageError} for a number that would arrive as another one: `9007199254740993`, `1e400`
 */
export function jsonOrText(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  const inexact = inexactNumberIn(text);
  if (inexact !== undefined)
    throw new UsageError(
      `the number ${inexact} cannot be sent exactly`,
      'Whole numbers may be up to 9007199254740991. In quotes it is sent as text.',
    );
  return value;
}
