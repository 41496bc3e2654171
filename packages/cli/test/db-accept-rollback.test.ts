import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Aico } from './fixtures/aico.ts';

async function startAndStop(aico: Aico): Promise<void> {
  const { child, exited } = await aico.serve();
  child.kill('SIGTERM');
  assert.deepEqual(await exited, { code: 0, signal: null });
}

test('a start on an older database has an exit code of its own, until aico db accept-rollback', async (t) => {
  const aico = await Aico.create(t);
  const database = path.join(aico.home, 'data', 'aico.db');
  await startAndStop(aico);
  await copyFile(database, `${database}.old`);
  await startAndStop(aico);
  await copyFile(`${database}.old`, database);

  const refused = await aico.run(['start']);
  assert.equal(refused.code, 15, refused.stderr);
  assert.match(refused.stderr, /is older than it was[\s\S]*accept-rollback/);

  const unasked = await aico.run(['db', 'accept-rollback']);
  assert.equal(unasked.code, 2, unasked.stderr);
  const accepted = await aico.run(['db', 'accept-rollback', '--yes', '--json']);
  assert.equal(accepted.code, 0, accepted.stderr);
  const { state, missing, accepted: taken } = accepted.json() as Record<string, unknown>;
  assert.ok(state === 'older' && typeof missing === 'number' && missing > 0 && taken === true);

  const running = await aico.serve();
  assert.equal((await aico.run(['db', 'accept-rollback', '--yes'])).code, 12);
  assert.deepEqual((await aico.run(['db', 'check', '--json'])).json(), {
    ok: true,
    problems: [],
    brokenReferences: 0,
  });
  running.child.kill('SIGTERM');
  await running.exited;
});
