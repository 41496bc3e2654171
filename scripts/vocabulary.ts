/**
 * The vocabulary gate. Refuses words that make a reader guess: comments that begin with a relative pronoun, indefinite pronouns for
 * persons, unidiomatic phrases, and private words where the field has a standard one. It prints each line with the words to use instead.
 */
import { globSync, readFileSync } from 'node:fs';

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
  [/\banew\b/, 'again, or from the beginning'],
  [/\bunder way\b/, 'in progress, in flight'],
  [/\ball the same\b/, 'still, nevertheless'],
  [/\bof before\b/, 'earlier'],
  [/\b(?:passes|passed|passing) over\b/, 'skip, ignore'],
  [/^\s*(?:\/\*\*|\*|\/\/).*\b(?:hears|heard)\b/, 'receives, is called with'],
  [/\blets? go of\b/, 'releases'],
  [/\bstands? (?:up)?on\b/, 'depends on, uses'],
  [/\bas it stands\b/, 'unchanged'],
  [/\bhalf-way\b/, 'before the end'],
  [/\b(?:for ever|in the midst of|in good order)\b/, 'endlessly; during; correct'],
  [/\b(?:MessageRun|RunHead|RunView|OpenRun|WaitingRun)\b/, 'message batch'],
];

const FILES = [
  'packages/**/*.{ts,tsx}',
  'examples/*/{src,test,demo}/**/*.ts',
  '{benchmarks,scripts,torture}/**/*.ts',
  ...['README.md', 'CONTRIBUTING.md', 'docs/*.md', 'examples/*/*.md'],
];

/**
 * Files that are not checked: dependencies, build output, generated types, this list of words, and a migration, since its checksum
 * covers the comments in its SQL: existing homes would refuse to start after a change.
 */
const EXEMPT =
  /node_modules|\/dist\/|client\/src\/core\/api\.ts$|scripts\/vocabulary\.ts$|shared\/src\/data\/streams\/schema\.ts$/;

const findings = globSync(FILES)
  .filter((file) => !EXEMPT.test(file))
  .sort()
  .flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((text, index) => {
        const found = REFUSED.find(([pattern]) => pattern.test(text));
        return found === undefined ? [] : [`${file}:${index + 1}: ${text.trim()} (${found[1]})`];
      }),
  );
if (findings.length > 0) {
  process.stderr.write(`${findings.length} lines with refused words:\n${findings.join('\n')}\n`);
  process.exitCode = 1;
}
