import type { LogRecord } from '@aico/shared/core/logging';

/** A word as the index of the table has it (FTS5, `unicode61`): letters, digits and the marks on them. */
const WORD = /[\p{L}\p{N}\p{Co}\p{M}]+/gu;

/** The words of a text, in lower case, as the index compares them. */
export function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(WORD) ?? [];
}

/** The expression of FTS5 for all of these words, each as the beginning of a word. */
export function matchOf(words: readonly string[]): string {
  return words.map((word) => `"${word}"*`).join(' ');
}

/** Whether each of these words begins a word of the line's message, or of a name or value of its fields. */
export function hasWords({ message, fields }: LogRecord, words: readonly string[]): boolean {
  const texts = [message];
  collect(fields, texts);
  const all = wordsOf(texts.join(' '));
  return words.every((word) => all.some((each) => each.startsWith(word)));
}

function collect(value: unknown, texts: string[]): void {
  if (typeof value === 'object' && value !== null)
    for (const [name, item] of Object.entries(value)) {
      if (!Array.isArray(value)) texts.push(name);
      collect(item, texts);
    }
  else if (value !== null && value !== undefined) texts.push(String(value));
}
