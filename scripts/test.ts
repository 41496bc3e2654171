/** `npm test`: every test of the workspace, or those in the files named on the command line. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { installInto } from './pack/pack.ts';
import { ROOT } from './pack/workspace.ts';
import { bundleTypeBox } from './typebox/bundle.ts';

const files = process.argv.slice(2);
const everything = [
  'packages/**/*.test.ts',
  'examples/**/*.test.ts',
  'torture/**/*.test.ts',
  'scripts/**/*.test.ts',
];
const CACHE = path.join(ROOT, 'node_modules/.cache');
/** Milliseconds after which a test counts as hanging. It then fails, and the other tests continue. */
const TIMEOUT_MS = 180_000;
/** Limits each file as a whole: a file whose tests are over runs endlessly if one left something open. */
const FILE_BOUND = `--import ${pathToFileURL(path.join(ROOT, 'scripts/test-file-bound.js')).href}`;

mkdirSync(CACHE, { recursive: true });
// Tests start the command hundreds of times, from its sources at four times the cost. It is built for this run alone, so that it
// is never older than the sources.
const installation = mkdtempSync(path.join(CACHE, 'aico-'));
try {
  const [typeBox, command] = await Promise.all([bundleTypeBox(), installInto(installation)]);
  const child = spawn(
    process.execPath,
    [
      '--test',
      '--test-concurrency=2',
      `--test-timeout=${TIMEOUT_MS}`,
      ...(files.length > 0 ? files : everything),
    ],
    {
      stdio: 'inherit',
      env: {
        // Each test file is a separate process. They share a cache of compiled code, which saves a third of the whole run.
        NODE_COMPILE_CACHE: path.join(CACHE, 'compiled'),
        ...process.env,
        NODE_OPTIONS: [process.env.NODE_OPTIONS, typeBox, FILE_BOUND]
          .filter((each) => each !== undefined)
          .join(' '),
        TEST_AICO_COMMAND: command,
        TEST_AICO_CACHE: path.join(installation, 'cache'),
      },
    },
  );
  // A terminal interrupts both; this process waits for the tests, and then removes the command.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'close')) as [number | null];
  process.exitCode = code ?? 1;
} finally {
  rmSync(installation, { recursive: true, force: true });
}
