import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { test } from 'node:test';
import { createTestBackend, localRequest } from '../../testing/index.ts';

const QUERY = '/api/v1/database/query';
const ENDLESS = 'WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c';

test('endless queries delay nothing, and end with their callers', async (t) => {
  const backend = await createTestBackend();
  t.after(() => backend.stop());
  const ask = (sql: string) => localRequest(backend.socket ?? '', QUERY, { method: 'POST', body: { sql } });
  // More than may run at once, all left by their callers after the backend has them.
  for (let round = 0; round < 2; round += 1) {
    const callers = Array.from({ length: 5 }, () => {
      const caller = request({
        socketPath: backend.socket,
        path: QUERY,
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/json' },
      });
      caller.on('error', () => undefined);
      caller.end(JSON.stringify({ sql: ENDLESS }));
      return caller;
    });
    await Promise.all(callers.map((caller) => once(caller, 'finish')));
    const health = await localRequest(backend.socket ?? '', '/api/v1/database/stats');
    assert.equal(health.status, 200);
    for (const caller of callers) caller.destroy();
  }
  const answer = await ask('SELECT 1 AS one');
  assert.deepEqual(answer.json(), { columns: ['one'], rows: [[1]], truncated: false });
  const check = await localRequest(backend.socket ?? '', '/api/v1/database/check', { method: 'POST' });
  assert.deepEqual(check.json(), { ok: true, problems: [], brokenReferences: 0 });
});
