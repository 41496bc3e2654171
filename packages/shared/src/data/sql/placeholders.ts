import { codeOf } from './sql-text.ts';

/** The kind of a statement's placeholders. */
export type Placeholders =
  /** `?` for each value, or no placeholders. */
  | { readonly kind: 'positional'; readonly count: number }
  /** `?1`, `?2` and so on without a gap. */
  | { readonly kind: 'numbered'; readonly count: number }
  /** `:name`, `@name` or `$name`. The names have no prefix. */
  | { readonly kind: 'named'; readonly names: readonly string[] }
  /** A mixture of kinds, or numbers with a gap. */
  | { readonly kind: 'mixed' };

const PLACEHOLDER = /\?(\d*)|(?<![\w$\u0080-\uffff])[:@$]([\w$\u0080-\uffff]+(?:::[\w$\u0080-\uffff]+)*)/g;

/** The placeholders of `sql`. */
export function placeholdersOf(sql: string): Placeholders {
  let plain = 0;
  const numbers = new Set<number>();
  const names = new Set<string>();
  for (const [, number, name] of codeOf(sql).matchAll(PLACEHOLDER)) {
    if (name !== undefined) names.add(name);
    else if (number === '') plain += 1;
    else numbers.add(Number(number));
  }
  const kinds = [plain > 0, numbers.size > 0, names.size > 0].filter(Boolean).length;
  const count = Math.max(0, ...numbers);
  if (kinds > 1 || count !== numbers.size) return { kind: 'mixed' };
  if (names.size > 0) return { kind: 'named', names: [...names] };
  return numbers.size > 0 ? { kind: 'numbered', count } : { kind: 'positional', count: plain };
}
