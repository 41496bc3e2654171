/**
 * The docs gate. Every error code stands in docs/errors.md and nothing else does; every relative link resolves; every
 * code block that names its source (`<!-- source: path -->` above it) is that file, to the letter. With `--write`
 * such blocks are brought up to date instead.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errorEntries, errorTable, sourceFiles } from './error-table.ts';

const write = process.argv.includes('--write');
const problems: string[] = [];
const documents = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/*/*.md']);

function checkErrorCodes(): void {
  const thrown = new Map(errorEntries().map(({ code, file }) => [code, file]));
  // Replies that no class stands behind. The engine's threads have codes among themselves, which no one else sees.
  for (const source of sourceFiles().filter((file) => !file.includes('/data/engine'))) {
    for (const [, code = ''] of readFileSync(source, 'utf8').matchAll(/\bcode: '(AICO_[A-Z0-9_]+)'/g))
      thrown.set(code, source);
  }
  const file = 'docs/errors.md';
  const text = readFileSync(file, 'utf8');
  const updated = text.replace(
    /(<!-- generated from the error classes -->\n)[\s\S]*?(\n<!-- end -->)/,
    (_all, before: string, after: string) => before + errorTable() + after,
  );
  if (updated !== text) {
    if (write) writeFileSync(file, updated);
    else problems.push(`${file}: the table is out of date; run node scripts/check-docs.ts --write`);
  }
  const listed = new Set([...updated.matchAll(/^\| `(AICO_[A-Z0-9_]+)`/gm)].map(([, code = '']) => code));
  for (const [code, source] of thrown) {
    if (!listed.has(code)) problems.push(`${file}: ${code} is missing (${source})`);
  }
  for (const code of listed) {
    if (!thrown.has(code)) problems.push(`${file}: ${code} is listed, and nothing throws it`);
  }
}

function checkLinks(file: string, text: string): void {
  for (const [, target] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
    if (target === undefined || /^[a-z]+:/.test(target)) continue;
    if (!existsSync(path.join(path.dirname(file), target)))
      problems.push(`${file}: link to ${target} leads nowhere`);
  }
}

function checkSources(file: string, text: string): void {
  const updated = text.replaceAll(
    /(<!-- source: (\S+) -->\n)```ts\n([\s\S]*?)```/g,
    (block, marker: string, source: string, code: string) => {
      if (!existsSync(source)) {
        problems.push(`${file}: the source ${source} of a code block does not exist`);
        return block;
      }
      const current = readFileSync(source, 'utf8');
      if (current === code) return block;
      if (!write)
        problems.push(
          `${file}: the block of ${source} is out of date; run node scripts/check-docs.ts --write`,
        );
      return `${marker}\`\`\`ts\n${current}\`\`\``;
    },
  );
  if (write && updated !== text) writeFileSync(file, updated);
}

checkErrorCodes();
for (const file of documents) {
  const text = readFileSync(file, 'utf8');
  checkLinks(file, text);
  checkSources(file, text);
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
