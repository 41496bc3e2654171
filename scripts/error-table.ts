import { globSync, readFileSync } from 'node:fs';
import { exitCodeOf } from '../packages/cli/src/report-error.ts';

/** One error class as its source describes it. */
export interface ErrorEntry {
  readonly code: string;
  readonly what: string;
  readonly hint: string;
  readonly file: string;
}

const CLASS =
  /\/\*\*((?:(?!\*\/)[\s\S])*?)\*\/\s*export (?:abstract )?class \w+ extends \w*Error \{([\s\S]*?)\n\}/g;
const CODE = /super\(\s*(?:[\w.]+ \?\? )?'(AICO_[A-Z0-9_]+)'/;
const HINT = /\bhint: (?!string)[^'"`]*?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/;
/\bhint(?:: string)?\s*[:=][^'"`]*?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/;

export function sourceFiles(): readonly string[] {
  return globSync(['packages/*/src/**/*.ts', 'examples/*/src/**/*.ts']).filter(
    (file) => !file.endsWith('.test.ts'),
  );
}

/** Every error of the project, from its class: the docstring says what happened, the hint what to do. */
export function errorEntries(): readonly ErrorEntry[] {
  return sourceFiles()
    .flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(CLASS)].flatMap(([, comment = '', body = '']): ErrorEntry[] => {
        const code = CODE.exec(body)?.[1];
        if (code === undefined) return [];
        const [, single, double, template] = HINT.exec(body) ?? [];
        const hint = (single ?? double ?? template ?? '')
          .replaceAll(/\\(['"`])/g, '$1')
          .replaceAll(/\$\{[^}]*\}/g, '…');
        return [{ code, what: sentenceOf(comment), hint, file }];
      }),
    )
    .sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** The table of docs/errors.md. */
export function errorTable(): string {
  const rows = errorEntries().map(
    ({ code, what, hint }) =>
      `| \`${code}\` | ${cell(what)} | ${cell(hint) || 'see the message'} | ${exitCodeOf(withCode(code))} |`,
  );
  return ['| code | what happened | what to do | exit code |', '|---|---|---|---|', ...rows].join('\n');
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

function withCode(code: string): Error {
  return Object.assign(new Error(code), { code });
}
