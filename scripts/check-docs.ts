/**
 * The docs gate. Every error code stands in docs/errors.md and nothing else does; every relative link resolves; every
 * code block that names its source (`<!-- source: path -->` above it) is that file, to the letter. With `--write`
 * such blocks are brought up to date instead.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const write = process.argv.includes('--write');
const problems: string[] = [];
const documents = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/*/*.md']);

/** Variables of the environment look like codes and are not. */
const VARIABLES = new Set(['AICO_HOME', 'AICO_ENVIRONMENT']);

function checkErrorCodes(): void {
  const sources = globSync(['packages/*/src/**/*.ts', 'examples/*/src/**/*.ts']).filter(
    (file) => !file.endsWith('.test.ts'),
  );
  const thrown = new Map<string, string>();
  for (const file of sources) {
    for (const [, code = ''] of readFileSync(file, 'utf8').matchAll(
      /^(?!\s*(?:\*|\/\/)).*?'(AICO_[A-Z]+(?:_[A-Z0-9]+)+)'/gm,
    )) {
      if (!VARIABLES.has(code)) thrown.set(code, file);
    }
  }
  const listed = new Set(
    [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `(AICO_[A-Z0-9_]+)`/gm)].map(
      ([, code = '']) => code,
    ),
  );
  for (const [code, file] of thrown) {
    if (!listed.has(code)) problems.push(`docs/errors.md: ${code} is missing (${file})`);
  }
  for (const code of listed) {
    if (!thrown.has(code)) problems.push(`docs/errors.md: ${code} is listed, and nothing throws it`);
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
