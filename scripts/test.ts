/** `npm test`: every test of the workspace, or those in the files named on the command line. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bundleTypeBox } from './typebox/bundle.ts';

const files = process.argv.slice(2);
const everything = [
  'packages/**/*.test.ts',
  'examples/**/*.test.ts',
  'torture/**/*.test.ts',
  'scripts/**/*.test.ts',
];
/** Every test file is a process of its own: what one has compiled, the others need not, which is a third of the whole run. */
const COMPILED = fileURLToPath(new URL('../node_modules/.cache/compiled', import.meta.url));
/** A test that takes so long hangs: it fails and says so, and the rest goes on. */
const TIMEOUT_MS = 180_000;
const options = [process.env.NODE_OPTIONS, await bundleTypeBox()].filter((each) => each !== undefined);
const run = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-concurrency=2',
    `--test-timeout=${TIMEOUT_MS}`,
    ...(files.length > 0 ? files : everything),
  ],
  {
    stdio: 'inherit',
    env: { NODE_COMPILE_CACHE: COMPILED, ...process.env, NODE_OPTIONS: options.join(' ') },
  },
);
process.exitCode = run.status ?? 1;
