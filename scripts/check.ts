/** `npm run check`: the one gate before a commit. Format, lint, types, rooms, docs, vocabulary. */
import { spawnSync } from 'node:child_process';

const TYPES_SEEN = 'node_modules/.cache/types.tsbuildinfo';
const PAGE_TYPES_SEEN = 'node_modules/.cache/page-types.tsbuildinfo';

const gates: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['format, lint, import directions', 'biome', 'ci', '--error-on-warnings', '.'],
  // Only files that changed since the last check are checked; one thread takes less than half of the processor time of several.
  ['types', 'tsc', '--project', '.', '--singleThreaded', '--incremental', '--tsBuildInfoFile', TYPES_SEEN],
  [
    'types of the page',
    'tsc',
    '--project',
    'packages/ui',
    '--incremental',
    '--tsBuildInfoFile',
    PAGE_TYPES_SEEN,
  ],
  // These tests run here because they only read the sources, and because the merge of two valid changes can break them.
  [
    'rooms, circles, clocks',
    process.execPath,
    ...['--test', '--test-reporter=dot', 'scripts/imports.test.ts', 'scripts/wall-clock.test.ts'],
  ],
  ['docs', process.execPath, 'scripts/check-docs.ts'],
  // A test compares the pages with the sources, so that a change of a comment need not update them immediately.
  ['comments of exports', process.execPath, 'scripts/api-reference.ts', '--comments'],
  ['vocabulary', process.execPath, 'scripts/vocabulary.ts'],
];

for (const [name, command, ...args] of gates) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) {
    process.stderr.write(`\ncheck failed: ${name} (${command} ${args.join(' ')})\n`);
    process.exit(1);
  }
}
process.stdout.write('check passed\n');
