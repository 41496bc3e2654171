import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Aico } from './fixtures/aico.ts';

test('db backup of a running home can be restored into an empty home, with all data', async (t) => {
  const here = await Aico.create(t);
  const there = await Aico.create(t);
  const password = path.join(here.home, 'password');
  await writeFile(password, 'seven green owls on a wire\n', { mode: 0o600 });
  const running = await here.serve(['--password-file', password]);
  for (const command of ['stats', 'vacuum', 'check', 'status']) {
    const ran = await here.run(['db', command, '--json']);
    assert.equal(ran.code, 0, `${command}: ${ran.stderr}`);
    if (command === 'stats') assert.ok((ran.json() as { details: { commits: number } }).details.commits > 0);
  }
  const directory = path.join(here.home, 'backups');
  const online = await here.run(['db', 'backup', directory, '--json']);
  assert.equal(online.code, 0, online.stderr);
  const { folder } = online.json() as { folder: string };
  const busy = await here.run(['db', 'restore', folder, '--yes', '--password-file', password]);
  assert.equal(busy.code, 12, busy.stderr);
  running.child.kill('SIGTERM');
  await running.exited;
  const offline = await here.run(['db', 'backup', directory, '--password-file', password]);
  assert.equal(offline.code, 0, offline.stderr);
  assert.equal((await readdir(directory)).length, 2);

  const restored = await there.run(['db', 'restore', folder, '--yes', '--password-file', password]);
  assert.equal(restored.code, 0, restored.stderr);
  const again = await there.serve(['--password-file', password]);
  const logs = await there.run(['db', 'query', 'SELECT count(*) AS n FROM logs', '--json']);
  const { rows } = logs.json() as { rows: [number][] };
  assert.ok((rows[0]?.[0] ?? 0) > 0);
  again.child.kill('SIGTERM');
  assert.deepEqual(await again.exited, { code: 0, signal: null });
});
