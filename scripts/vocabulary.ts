/**
 * The vocabulary gate. Counts, for each part of the project, the lines with words that make a reader guess: comments that begin
 * with a relative pronoun, indefinite pronouns for persons, and private words where the field has a standard one. The check fails where a count is above
 * its limit in scripts/vocabulary.json; `--write` lowers the limits to the counts, `--list PART` prints the lines.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';

const LIMITS = 'scripts/vocabulary.json';

/** The refused patterns, each with the advice that goes with it. */
const REFUSED: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/^\s*(?:\/\*\*|\*|\/\/) ?(?:What|Whoever|Whom|Whose)\b/, 'begin the comment with the noun it is about'],
  [/\b(?:whoever|whomever|whatsoever)\b/i, 'name the caller, peer, plugin or user'],
  [/\b(?:[Nn]obody|[Ss]omebody|[Ee]verybody|[Aa]nybody)\b/, 'name the caller, peer, plugin or user'],
  [/(?<!\bin[ -])\bflights?\b/i, 'requests in flight'],
  [/\bsigns? of life\b/i, 'heartbeat'],
  [/\bways? in\b(?! which)/i, 'unlock method, or entry point'],
  [/\bof the house\b/i, "the project's"],
  [/\bin the hands of\b/i, 'delivered to, held by'],
  [/\b(?:MessageRun|RunHead|RunView|OpenRun|WaitingRun)\b/, 'message batch'],
];

const PARTS: Readonly<Record<string, readonly string[]>> = {
  protocol: ['packages/protocol/**/*.ts'],
  'shared/core/bus': ['packages/shared/src/core/bus/**/*.ts'],
  'shared/core': ['packages/shared/src/core/!(bus)/**/*.ts'],
  'shared/data': ['packages/shared/src/data/**/*.ts'],
  'shared/security': ['packages/shared/src/security/**/*.ts'],
  'backend/core': ['packages/backend/src/core/**/*.ts'],
  'backend/bus': ['packages/backend/src/bus/**/*.ts'],
  'backend/gateway': ['packages/backend/src/{gateway,channel,devices}/**/*.ts'],
  backend: [
    'packages/backend/src/*.ts',
    'packages/backend/src/{composition,instance,plugins,testing}/**/*.ts',
    'packages/backend/test/**/*.ts',
  ],
  client: ['packages/client/**/*.ts'],
  cli: ['packages/cli/**/*.ts'],
  examples: ['examples/*/{src,test,demo}/**/*.ts'],
  benchmarks: ['benchmarks/**/*.ts'],
  torture: ['torture/**/*.ts'],
  scripts: ['scripts/**/!(vocabulary).ts'],
  documents: ['README.md', 'CONTRIBUTING.md', 'docs/*.md', 'examples/*/*.md'],
};

/**
 * Files without findings: dependencies, generated types, and a migration. The checksum of a migration covers the comments in
 * its SQL, so changing one would make existing homes refuse to start.
 */
const EXEMPT = /node_modules|client\/src\/core\/api\.ts$|shared\/src\/data\/streams\/schema\.ts$/;

/** The refused lines of a part, as `file:line: text (what to write instead)`. */
function findingsIn(patterns: readonly string[]): readonly string[] {
  const files = globSync([...patterns]).filter((file) => !EXEMPT.test(file));
  return files.sort().flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((text, index) => {
        const found = REFUSED.find(([pattern]) => pattern.test(text));
        return found === undefined ? [] : [`${file}:${index + 1}: ${text.trim()} (${found[1]})`];
      }),
  );
}

const limits = JSON.parse(readFileSync(LIMITS, 'utf8')) as Readonly<Record<string, number>>;
const findings = Object.entries(PARTS).map(([part, patterns]) => [part, findingsIn(patterns)] as const);
const [option, wanted] = process.argv.slice(2);
if (option === '--list') {
  for (const [part, lines] of findings)
    if (wanted === undefined || part === wanted) for (const line of lines) process.stdout.write(`${line}\n`);
} else if (option === '--write') {
  const counts = Object.fromEntries(findings.map(([part, lines]) => [part, lines.length]));
  writeFileSync(LIMITS, `${JSON.stringify(counts, undefined, 2)}\n`);
} else {
  for (const [part, lines] of findings) {
    const limit = limits[part] ?? 0;
    if (lines.length <= limit) continue;
    process.stderr.write(
      `${part}: ${lines.length} lines with refused words, at most ${limit}; see node scripts/vocabulary.ts --list ${part}\n`,
    );
    process.exitCode = 1;
  }
}
