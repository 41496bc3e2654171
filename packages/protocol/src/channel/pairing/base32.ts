/** Crockford's base 32 (https://www.crockford.com/base32.html), which avoids letters that look alike. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Encodes values from 0 to 31, one character each. */
export function encodeSymbols(symbols: Iterable<number>): string {
  let text = '';
  for (const symbol of symbols) text += ALPHABET[symbol & 31] ?? '';
  return text;
}

/** Decodes characters as people write them. Returns undefined if one is not in the alphabet. */
export function decodeSymbols(text: string): readonly number[] | undefined {
  const symbols = [...text.toUpperCase()].map((character) =>
    ALPHABET.indexOf(character.replace('O', '0').replace(/[IL]/, '1')),
  );
  return symbols.includes(-1) ? undefined : symbols;
}

/** Groups of four characters for reading aloud: `ABCD-EFGH-…`. */
export function grouped(text: string): string {
  return text.match(/.{1,4}/g)?.join('-') ?? '';
}
