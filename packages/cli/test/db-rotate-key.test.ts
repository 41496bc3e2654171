import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Aico } from './fixtures/aico.ts';

test('db rotate-key encrypts the database under another key, and is refused while a backend runs', async (t) => {
  const aico = await Aico.create(t);
  const password = path.join(aico.home, 'password');
  await writeFile(password, 'seven green owls on a wire\n', { mode: 0o600 });
  const running = await aico.serve(['--password-file', password]);
  const refused = await aico.run(['db', 'rotate-key', '--password-file', password]);
  assert.equal(refused.code, 12, refused.stderr);
  running.child.kill('SIGTERM');
  await running.exited;

  const database = path.join(aico.home, 'data', 'aico.db');
  const before = await readFile(database);
  const rotated = await aico.run(['db', 'rotate-key', '--password-file', password, '--json']);
  assert.equal(rotated.code, 0, rotated.stderr);
  assert.equal((rotated.json() as { rotated: boolean }).rotated, true);
  assert.ok(!before.subarray(4_096, 8_192).equals((await readFile(database)).subarray(4_096, 8_192)));
  const again = await aico.serve(['--password-file', password]);
  const status = await aico.run(['db', 'status', '--json']);
  assert.equal(status.code, 0, status.stderr);
  again.child.kill('SIGTERM');
  assert.deepEqual(await again.exited, { code: 0, signal: null });
});
