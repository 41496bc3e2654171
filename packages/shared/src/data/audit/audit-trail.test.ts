import assert from 'node:assert/strict';
import { appendFile, readFile, truncate } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { testStore } from '../../../test/fixtures/store.ts';
import { AUDIT_ACTIONS, AuditTrail, note, PendingEvents } from './index.ts';

const AUDIT_KEY = new Uint8Array(32).fill(3);

test('an event commits with the change that it records, or not at all', async (context) => {
  const database = await (await testStore(context)).open();
  const trail = await AuditTrail.open({ database, key: AUDIT_KEY });
  await assert.rejects(
    database.transaction(async (tx) => {
      await trail.within(tx, { action: 'device.paired', subject: 'a' });
      throw new Error('the change is refused');
    }),
  );
  assert.deepEqual(await trail.query({}), []);
  await database.transaction((tx) => trail.within(tx, { action: 'device.paired', subject: 'b' }));
  await trail.record({ action: 'keys.unlock', outcome: 'failed', actor: 'local' });
  const found = await trail.query({ first: 'oldest' });
  assert.deepEqual(
    found.map(({ seq, action, subject, outcome, actor }) => [seq, action, subject, outcome, actor]),
    [
      [1, 'device.paired', 'b', 'done', 'backend'],
      [2, 'keys.unlock', '', 'failed', 'local'],
    ],
  );
  assert.deepEqual(await trail.verify(), { ok: true, rows: 2 });
  assert.deepEqual(
    (await trail.query({ action: 'device' })).map(({ seq }) => seq),
    [1],
  );
});

test('a trail is in order with its own key alone, also after a restart', async (context) => {
  const store = await testStore(context);
  const first = await store.open();
  await (await AuditTrail.open({ database: first, key: AUDIT_KEY })).record({ action: 'a.b' });
  await first.close();
  const database = await store.open();
  assert.deepEqual(await (await AuditTrail.open({ database, key: AUDIT_KEY })).verify(), {
    ok: true,
    rows: 1,
  });
  const other = await AuditTrail.open({ database, key: new Uint8Array(32).fill(4) });
  const verdict = await other.verify();
  assert.equal(!verdict.ok && verdict.firstBroken, 1);
});

test('events that happened without a database are taken over once, and damaged lines are counted', async (context) => {
  const store = await testStore(context);
  const database = await store.open();
  const trail = await AuditTrail.open({ database, key: AUDIT_KEY });
  const file = path.join(store.folder, 'audit-pending.ndjson');
  const pending = new PendingEvents(file);
  await pending.drain(() => assert.fail('there is nothing to take over'));
  await pending.append([note({ action: 'keys.unlock', outcome: 'failed', actor: 'local' })]);
  await appendFile(file, 'no event\n');
  await assert.rejects(
    pending.drain(async (events) => {
      await trail.recordNoted(events);
      throw new Error('the process dies here');
    }),
  );
  let counted = 0;
  await pending.drain(async (events, damaged) => {
    await trail.recordNoted(events);
    counted = damaged;
  });
  assert.equal(counted, 1);
  assert.equal((await trail.query({})).length, 1);
  assert.equal((await trail.verify()).ok, true);
});

test('of a file of pending events as large as the disk the first 4 MiB are read', async (context) => {
  const store = await testStore(context);
  const file = path.join(store.folder, 'audit-pending.ndjson');
  const pending = new PendingEvents(file);
  await pending.append([note({ action: 'keys.unlock', outcome: 'failed', actor: 'local' })]);
  await truncate(file, 8 * 2 ** 30);
  const taken: unknown[] = [];
  await pending.drain(async (events, damaged) => void taken.push(events.length, damaged));
  assert.deepEqual(taken, [1, 1]);
});

test('docs/audit.md lists every action, and no other', async () => {
  const text = await readFile(new URL('../../../../../docs/audit.md', import.meta.url), 'utf8');
  const rows = text.split('\n').filter((line) => /^\| `\w+\./.test(line));
  const listed = rows.flatMap((row) => row.split('|')[1]?.match(/\w+\.\w+/g) ?? []);
  assert.deepEqual(listed.sort(), Object.keys(AUDIT_ACTIONS).sort());
});
