import { globSync, readFileSync } from 'node:fs';
import { ExitCode } from '@aico/protocol';

/** One error as its declaration describes it. */
interface ErrorEntry {
  readonly code: string;
  readonly what: string;
  readonly hint: string;
  /** The HTTP statuses of a reply; empty if a peer learns only that the backend failed. */
  readonly statuses: readonly number[];
  readonly exitCode: number;
  readonly file: string;
}

/** A comment, the head of a declaration, and its code. The declaration ends with the first of ENDS after it. */
const DECLARATION =
  /\/\*\*((?:(?!\*\/)[\s\S])*?)\*\/\s*(?:export class \w+ extends \w+\(|export const \w+ = )?\{\s*code: '(AICO_[A-Z0-9_]+)',/g;
const ENDS = /\n\}\) \{\}|\n {2}\},\n {2}\/\*\*|\n\];|\n\} as const;/;
const HINT = /\bhint:\s(?!string)[^'"`,]*?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/;
const STATUS = /\b(?:status|statusCode|replyStatus): ([^,\n}]*\d{3})/;
const EXIT = /\bexit: '(\w+)'/;

export function sourceFiles(): readonly string[] {
  return globSync(['packages/*/src/**/*.ts', 'examples/*/src/**/*.ts']).filter(
    (file) => !file.endsWith('.test.ts'),
  );
}

/** Every error of the project. The comment above its declaration says what happened, the hint what to do. */
export function errorEntries(): readonly ErrorEntry[] {
  return sourceFiles()
    .flatMap((file) => entriesIn(file, readFileSync(file, 'utf8')))
    .sort((a, b) => (a.code < b.code ? -1 : 1));
}

function entriesIn(file: string, text: string): readonly ErrorEntry[] {
  // An example inside a comment is no declaration.
  const source = text.replaceAll(/^ \* .*$/gm, (line) => line.replaceAll("code: '", 'code '));
  return [...source.matchAll(DECLARATION)].map(([head, comment = '', code = ''], index, all) => {
    const start = (all[index]?.index ?? 0) + head.length;
    const rest = source.slice(start);
    const body = rest.slice(0, ENDS.exec(rest)?.index);
    const [, single, double, template] = HINT.exec(body) ?? [];
    const hint = (single ?? double ?? template ?? '')
      .replaceAll(/\\(['"`])/g, '$1')
      .replaceAll(/\$\{[^}]*\}/g, '…');
    const statuses = [...(STATUS.exec(body)?.[1] ?? '').matchAll(/\b[45]\d\d\b/g)].map(Number);
    return { code, what: sentenceOf(comment), hint, statuses, exitCode: exitCodeOf(code, body), file };
  });
}

function exitCodeOf(code: string, body: string): number {
  if (code.startsWith('AICO_SYSTEM_')) return ExitCode.system;
  const name = EXIT.exec(body)?.[1] ?? 'failure';
  const found = Object.entries(ExitCode).find(([each]) => each === name)?.[1];
  if (found === undefined) throw new TypeError(`${code}: there is no exit code "${name}"`);
  return found;
}

/** The table of docs/errors.md. */
export function errorTable(): string {
  const rows = errorEntries().map(
    ({ code, what, hint, statuses, exitCode }) =>
      `| \`${code}\` | ${cell(what)} | ${cell(hint) || 'see the message'} | ${statuses.join(', ')} | ${exitCode} |`,
  );
  return [
    '| code | what happened | what to do | HTTP status | exit code |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

function sentenceOf(comment: string): string {
  return (
    comment
      .split('\n')
      .map((line) => line.replace(/^\s*\*? ?/, ''))
      .join(' ')
      .split(/ @\w+/)[0]
      ?.replaceAll(/\s+/g, ' ')
      .trim() ?? ''
  );
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\{@link ([^}]*)\}/g, '`$1`');
}
