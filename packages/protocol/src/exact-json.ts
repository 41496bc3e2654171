/** Looks for a number only where one could lose something: most bodies have neither so many digits nor an exponent. */
const MAY_BE_INEXACT = /\d{16}|\d[eE]/;
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * The first number in a JSON text that `JSON.parse` would silently change: an integer with more digits than a double holds,
 * also when it is written with a fraction, or one so large or so small that infinity or zero would stand in its place. Smaller
 * numbers with a fraction are rounded to the nearest double, as everywhere.
 *
 * @returns the number as it is written, or `undefined` where all of them are exact
 * @example inexactNumberIn('{"id": 9007199254740993}'); // '9007199254740993'
 */
export function inexactNumberIn(json: string): string | undefined {
  if (!MAY_BE_INEXACT.test(json)) return undefined;
  for (const [piece] of json.matchAll(STRING_OR_NUMBER))
    if (!piece.startsWith('"') && !isExact(piece)) return piece;
  return undefined;
}

function isExact(literal: string): boolean {
  const value = Number(literal);
  if (!Number.isFinite(value)) return false;
  const [whole = '', fraction = ''] = literal.split('.');
  if (/^-?\d+$/.test(literal)) return BigInt(literal) === BigInt(value);
  // Doubles of this size have no fraction.
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER && /^\d+$/.test(fraction))
    return /^0+$/.test(fraction) && BigInt(whole) === BigInt(value);
  return value !== 0 || /^-?0+(?:\.0+)?(?:[eE]|$)/.test(literal);
}
