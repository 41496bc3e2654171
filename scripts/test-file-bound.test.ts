import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

test('a test file that leaves something open is ended and named, and its tests fail', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'aico-bound-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'open.test.ts');
  await writeFile(file, "import { createServer } from 'node:net';\ncreateServer().listen(0);\n");
  const bound = new URL('./test-file-bound.js', import.meta.url).href;
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--import', bound, '--test', file], {
    env: { ...env, NODE_OPTIONS: `--import ${bound}`, TEST_FILE_BOUND_MS: '300' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  assert.equal(code, 1);
  assert.match(output, /open\.test\.ts did not end within 0\.3 s .*TCPServerWrap/);
});
