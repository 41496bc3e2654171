import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createLogging } from '@aico/shared/core/logging';
import { EncryptedDatabase } from '@aico/shared/data';
import { OWNER, type Principal } from '../core/access.ts';
import { createApp } from './app.ts';
import { Idempotency } from './idempotency.ts';

const logger = createLogging({ console: { enabled: false } }).getLogger('test', 'gateway');

async function setUp(t: TestContext) {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-idempotency-'));
  const database = await EncryptedDatabase.open({ file: path.join(folder, 'a.db'), key: randomBytes(32) });
  t.after(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
  await database.migrate('test', [{ id: '001', sql: 'CREATE TABLE note (text TEXT NOT NULL)' }]);
  const clock = { now: 1_000_000 };
  const idempotency = new Idempotency({ database, keepMs: 1_000, now: () => clock.now });
  await idempotency.start();
  const sender: { principal: Principal } = { principal: OWNER };
  const app = await createApp({
    prefix: '/t',
    logger,
    bodyLimitBytes: 1_000,
    access: 'public',
    principalOf: () => sender.principal,
    declare: (routes) => {
      routes.post('/', { config: { idempotent: true } }, (request) =>
        idempotency.run(request, async (tx) => {
          await tx.execute('INSERT INTO note VALUES (?)', [JSON.stringify(request.body)]);
          if (JSON.stringify(request.body).includes('fail')) throw new Error('after the effect');
          const { rows } = await tx.execute<{ n: number }>('SELECT count(*) AS n FROM note');
          return { number: rows[0]?.n };
        }),
      );
    },
  });
  const post = async (key: string | undefined, payload: object) => {
    const headers = key === undefined ? {} : { 'idempotency-key': key };
    const reply = await app.inject({ method: 'POST', url: '/t', headers, payload });
    return [reply.statusCode, reply.json()];
  };
  const count = async () =>
    (await database.execute<{ n: number }>('SELECT count(*) AS n FROM note')).rows[0]?.n;
  return { post, count, clock, sender };
}

describe('Idempotency', () => {
  test('the same request with the same key has one effect and one reply, also concurrently', async (t) => {
    const { post, count } = await setUp(t);
    const replies = await Promise.all(Array.from({ length: 8 }, () => post('k1', { text: 'a' })));
    for (const reply of replies) assert.deepEqual(reply, [200, { number: 1 }]);
    assert.deepEqual(await post('k1', { text: 'a' }), [200, { number: 1 }]);
    assert.equal(await count(), 1);
    assert.deepEqual(await post('k2', { text: 'a' }), [200, { number: 2 }]);
    assert.deepEqual(await post(undefined, { text: 'a' }), [200, { number: 3 }]);
    assert.deepEqual(await post(undefined, { text: 'a' }), [200, { number: 4 }]);
  });

  test('a key with another request is refused, and so is an invalid one', async (t) => {
    const { post, count } = await setUp(t);
    await post('k1', { text: 'a' });
    assert.equal((await post('k1', { text: 'b' }))[0], 422);
    assert.equal((await post('x'.repeat(256), { text: 'a' }))[0], 400);
    assert.equal((await post('two words', { text: 'a' }))[0], 400);
    assert.equal(await count(), 1);
  });

  test('a failure leaves neither effect nor key: the next attempt runs', async (t) => {
    const { post, count } = await setUp(t);
    assert.equal((await post('k1', { text: 'fail' }))[0], 500);
    assert.equal(await count(), 0);
    assert.deepEqual(await post('k1', { text: 'a' }), [200, { number: 1 }]);
  });

  test('keys of different senders are independent, and an old key is deleted', async (t) => {
    const { post, clock, sender } = await setUp(t);
    await post('k1', { text: 'a' });
    sender.principal = { ...OWNER, id: 'phone' };
    assert.deepEqual(await post('k1', { text: 'a' }), [200, { number: 2 }]);
    clock.now += 1_001;
    for (let index = 0; index < 300; index += 1)
      await post(`other ${index}`.replace(' ', '-'), { text: 'a' });
    assert.deepEqual(await post('k1', { text: 'a' }), [200, { number: 303 }]);
  });
});
