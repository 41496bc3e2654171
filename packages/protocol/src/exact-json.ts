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

/**
 * Parses JSON as `JSON.parse` does. The error says where the text is wrong if that is known, and quotes none of the text, which
 * may be private or secret; the message of V8 quotes its beginning.
 *
 * @throws {SyntaxError} when it is not JSON
 * @example parseJson('{"text": dear diary}'); // SyntaxError: it is not JSON
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const place = / at position \d+ \((line \d+ column \d+)\)$/.exec(String(error))?.[1];
    throw new SyntaxError(`it is not JSON${place === undefined ? '' : `: see ${place}`}`);
  }
}

const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;

/**
 * Whether an object in a JSON text has a key twice, of which `JSON.parse` keeps the last.
 *
 * @param value the parsed text
 * @example hasDoubledKey('{"a":1,"a":2}', { a: 2 }); // true
 */
export function hasDoubledKey(json: string, value: unknown): boolean {
  // Each key of the text is followed by a colon.
  return colonsIn(json) !== keysOf(value);
}

/** The number of colons outside of strings. */
function colonsIn(json: string): number {
  let colons = 0;
  for (let at = 0; at < json.length; at += 1) {
    const code = json.charCodeAt(at);
    if (code === COLON) colons += 1;
    else if (code === QUOTE) at = endOfString(json, at);
  }
  return colons;
}

function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); ; end = json.indexOf('"', end + 1)) {
    if (end === -1) return json.length;
    let backslashes = 0;
    while (json.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
}

function keysOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const children = Object.values(value);
  return children.reduce<number>(
    (sum, child) => sum + keysOf(child),
    Array.isArray(value) ? 0 : children.length,
  );
}
