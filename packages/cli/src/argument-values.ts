import { existsSync } from 'node:fs';
import { hasDoubledKey, inexactNumberIn, parseJson } from '@aico/protocol';
import { momentOf } from '@aico/protocol/timing';
import { isPathLike, PathInvalidError, resolveUserPath } from '@aico/shared/core/paths';
import { InvalidArgumentError } from 'commander';
import { UsageError } from './errors.ts';

/**
 * The absolute path of an argument: see `resolveUserPath`.
 * @throws {UsageError} for an invalid path
 */
export function pathArgument(text: string): string {
  try {
    return resolveUserPath(text);
  } catch (error) {
    if (error instanceof PathInvalidError) throw new UsageError(error.message, error.hint, error);
    throw error;
  }
}

/** A plugin named by an argument: the full path of a file or folder, or the unchanged name of a package. */
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

/** Collects the values of a repeatable option. */
export function collected(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/**
 * Parses JSON; any other text remains text.
 *
 * @throws {UsageError} for a number that would be altered (`9007199254740993`, `1e400`), and for an object with a key twice
 */
export function jsonOrText(text: string): unknown {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return text;
  }
  const inexact = inexactNumberIn(text);
  if (inexact !== undefined)
    throw new UsageError(
      `the number ${inexact} cannot be sent exactly`,
      'Whole numbers may be up to 9007199254740991. In quotes it is sent as text.',
    );
  if (hasDoubledKey(text, value))
    throw new UsageError('the JSON has an object with the same key twice', 'Remove one of the two.');
  return value;
}

/** The forms of a time on the command line. */
export const TIMES = '10m, 1h30m, 3d, today, yesterday, 14:30, 2026-11-27 or 2026-11-27T14:30';

/** A time in the time zone of this terminal, which the backend does not know. */
export function instant(text: string): string {
  const moment = momentOf(text, new Date());
  if (moment === undefined) throw new InvalidArgumentError(`It is not a time: ${TIMES}.`);
  return moment.toISOString();
}
