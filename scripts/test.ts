/** `npm test`: every test of the workspace, or those in the files named on the command line. */
import { spawnSync } from 'node:child_process';

const files = process.argv.slice(2);
const everything = [
  'packages/**/*.test.ts',
  'examples/**/*.test.ts',
  'torture/**/*.test.ts',
  'scripts/**/*.test.ts',
];
const run = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=2', ...(files.length > 0 ? files : everything)],
  { stdio: 'inherit' },
);
process.exitCode = run.status ?? 1;
