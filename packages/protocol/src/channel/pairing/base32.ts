/** Crockford's base 32 (https://www.crockford.com/base32.html): no letter that looks like another. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** One character per value of 0 to 31. */
export function encodeSymbols(symbols: Iterable<number>): string {
  let text = '';
  for (const symbol of symbols) text += ALPHABET[symbol & 31] ?? '';
  return text;
}

/** The values of the characters, read as people write them; undefined where one is none of the alphabet. */
export function decodeSymbols(text: string): readonly number[] | undefined {
  const symbols = [...text.toUpperCase()].map((character) =>
    ALPHABET.indexOf(character.replace('O', '0').replace(/[IL]/, '1')),
  );
  return symbols.includes(-1) ? undefined : symbols;
}

/** `ABCD-EFGH-…`: groups of four, as people read them aloud. */
export function grouped(text: string): string {
  return text.match(/.{1,4}/g)?.join('-') ?? '';
}
