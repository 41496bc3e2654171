/** Checks cheaply whether a text can contain an inexact number: most bodies have neither so many digits nor an exponent. */
const MAY_BE_INEXACT = /\d{16}|\d[eE]/;
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * The first number in a JSON text that `JSON.parse` would silently change: an integer with more digits than a double holds,
 * also when it is written with a fraction, or a number so large or small that it would become infinity or zero. Other numbers
 * with a fraction are rounded to the nearest double, as usual.
 *
 * @returns the number as it is written, or `undefined` if all are exact
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
