/**
 * The docs gate. docs/errors.md lists exactly the error codes of the sources; every relative link resolves; every
 * code block that names its source (`<!-- source: path -->` above it) equals that file; every topic pattern
 * matches a topic that exists; versions and the list of dependencies agree. With `--write` it updates the generated parts.
 * snippets.test.ts runs the blocks without a source.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { matchesTopic } from '@aico/protocol';
import { dependencyProblems, writeDependencies } from './dependencies.ts';
import { errorEntries, errorTable, sourceFiles } from './error-table.ts';
import { workspacePackages } from './pack/workspace.ts';
import { DOCUMENTS } from './snippets/blocks.ts';

const write = process.argv.includes('--write');
const problems: string[] = [];

function checkErrorCodes(): void {
  const thrown = new Map(errorEntries().map(({ code, file }) => [code, file]));
  // Replies that no class stands behind. Codes that only the engine's threads use among themselves begin with ENGINE_: the
  // command line takes a code that begins with AICO_ from any cause of an error.
  for (const source of sourceFiles()) {
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

/** A pattern with a wildcard, in quotes, backticks or a query. */
const PATTERN = /(?<=['"`=])([a-z_]\w*(?:\.[\w*]+)*\.[*>])(?=['"`&])/g;
const TOPIC = /\bdefineTopic\(\s*'([\w.]+)'/g;

/**
 * Finds patterns that match none of the topics with the same first word, such as `inbox.*` for
 * `inbox.message.imported`.
 */
function checkPatterns(): void {
  const sources = [...sourceFiles(), ...globSync('packages/backend/test/guide/*.ts')];
  const texts = [...sources, ...DOCUMENTS].map((file) => [file, readFileSync(file, 'utf8')] as const);
  const topics = texts.flatMap(([, text]) => [...text.matchAll(TOPIC)].map(([, topic = '']) => topic));
  for (const [file, text] of texts) {
    // The changelog names patterns of earlier versions.
    if (file === 'CHANGELOG.md') continue;
    for (const [, pattern = ''] of text.matchAll(PATTERN)) {
      const related = topics.filter((topic) => topic.split('.')[0] === pattern.split('.')[0]);
      if (related.length > 0 && !related.some((topic) => matchesTopic(pattern, topic)))
        problems.push(`${file}: the pattern ${pattern} matches none of ${related.join(', ')}`);
    }
  }
}

/** A path of the repository in backticks, as a document names a file to read or to copy. */
const NAMED_FILE =
  /`((?:packages|examples|benchmarks|torture|scripts|docs)\/[\w./-]+\.(?:ts|js|json|md|py))`/g;

function checkNamedFiles(file: string, text: string): void {
  if (file === 'CHANGELOG.md') return;
  for (const [, named = ''] of text.matchAll(NAMED_FILE))
    if (!existsSync(named)) problems.push(`${file}: ${named} does not exist`);
}

/** Each figure and campaign has a row in docs/targets.md, and each row a file unless it says that there is none yet. */
function checkTargets(): void {
  const file = 'docs/targets.md';
  const rows = new Map(
    [...readFileSync(file, 'utf8').matchAll(/^\| ([PR]\d+) \|(.*)$/gm)].map(([, id = '', row = '']) => [
      id,
      row,
    ]),
  );
  const files = globSync(['benchmarks/P+([0-9]).ts', 'torture/R+([0-9]).ts']);
  const present = new Set(files.map((each) => path.basename(each, '.ts')));
  for (const id of present) if (!rows.has(id)) problems.push(`${file}: ${id} has no row`);
  for (const [id, row] of rows) {
    const isAnnounced = !/\bNo (?:benchmark|campaign) yet\b/.test(row);
    if (isAnnounced !== present.has(id))
      problems.push(
        `${file}: ${id} ${isAnnounced ? 'has no file' : 'has a file, and its row says that it has none'}`,
      );
  }
}

/** The packages are published together: one version, which the changelog names, and by which each names the others. */
function checkVersions(): void {
  const packages = workspacePackages();
  const [version = '', ...others] = new Set(packages.map(({ manifest }) => manifest.version));
  if (others.length > 0)
    problems.push(`the packages have different versions: ${[version, ...others].join(', ')}`);
  for (const { manifest } of packages) {
    for (const [name, wanted] of Object.entries(manifest.dependencies ?? {})) {
      if (name.startsWith('@aico/') && wanted !== version)
        problems.push(`${manifest.name} depends on ${name} ${wanted}, and the version is ${version}`);
    }
  }
  const released = /^## (?!Unreleased)\[?v?([\d.]+)/m.exec(readFileSync('CHANGELOG.md', 'utf8'))?.[1];
  if (released !== undefined && released !== version)
    problems.push(
      `CHANGELOG.md names ${released} as the last release, and the packages have the version ${version}`,
    );
}

checkErrorCodes();
checkPatterns();
checkTargets();
checkVersions();
if (write) writeDependencies();
problems.push(...dependencyProblems());
for (const file of DOCUMENTS) {
  const text = readFileSync(file, 'utf8');
  checkLinks(file, text);
  checkNamedFiles(file, text);
  checkSources(file, text);
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;
