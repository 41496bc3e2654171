/** The unit separator of ASCII. The search index treats it as a word boundary, and it is invisible. */
const MARK = '\u001f';

/**
 * A character of a script that puts no spaces between words, or joins particles to them, with its combining marks. An
 * index of words would hold a whole clause of it as one word.
 */
const UNSPACED =
  /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Bopomofo}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}\p{scx=Tibetan}\p{scx=Yi}]\p{M}*/gu;

const FOREIGN = /\P{ASCII}/u;

/**
 * Text as the search index takes it, in Unicode's form NFC: each character of a script without spaces is marked as a
 * word of its own. A run of them, in a query marked likewise, is a phrase, and is found wherever it stands.
 *
 * @example marked('三時 at noon') // '\u001f三\u001f時 at noon'
 */
export function marked(text: string): string {
  return FOREIGN.test(text) ? unmarked(text).normalize('NFC').replace(UNSPACED, `${MARK}$&`) : unmarked(text);
}

/** Text for a person: without the marks. */
export function unmarked(text: string): string {
  return text.includes(MARK) ? text.replaceAll(MARK, '') : text;
}
