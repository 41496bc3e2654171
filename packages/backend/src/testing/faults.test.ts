import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { definePlugin, type Plugin } from '../plugin.ts';
import { createTestBackend, type TestBackend } from './test-backend.ts';

let plugin: Plugin<'database' | 'message_bus'>;
let backend: TestBackend;

const keeper = definePlugin({
  name: 'keeper',
  version: '1.0.0',
  description: 'Keeps rows',
  dependencies: ['database', 'message_bus'],
  migrations: [{ id: '001_rows', sql: 'CREATE TABLE keeper (n INTEGER PRIMARY KEY)' }],
  start(started) {
    plugin = started;
  },
});

const insert = (n: number) => plugin.requireService('database').execute('INSERT INTO keeper VALUES (?)', [n]);
const inTransaction = (n: number) =>
  plugin.requireService('database').transaction((tx) => tx.execute('INSERT INTO keeper VALUES (?)', [n]));
const kept = async (): Promise<readonly unknown[]> => {
  const { rows } = await plugin.requireService('database').execute('SELECT n FROM keeper ORDER BY n');
  return rows.map(({ n }) => n);
};

describe('faults', () => {
  before(async () => {
    backend = await createTestBackend({ plugins: [keeper] });
  });
  after(() => backend.stop());

  test('failNextWrite() fails the given number of plugin writes, a transaction as a whole, and none of the backend', async () => {
    backend.faults.database.failNextWrite(3);
    await backend.container.getService('database').execute('CREATE TABLE own (n)');
    await assert.rejects(insert(1), { code: 'AICO_DATA_BUSY' });
    await assert.rejects(inTransaction(2), { code: 'AICO_DATA_BUSY' });
    const open = await plugin.requireService('database').begin();
    await open.execute('INSERT INTO keeper VALUES (3)');
    await assert.rejects(open.commit(), { code: 'AICO_DATA_BUSY' });
    assert.deepEqual(await kept(), []);
    await insert(4);
    await inTransaction(5);
    assert.deepEqual(await kept(), [4, 5]);
    backend.faults.database.failNextWrite(1, 'another');
    await insert(6);
    backend.faults.end();
  });

  test('a full disk refuses every write, but not reads, until there is room again', async () => {
    const { disk } = backend.faults;
    disk.fill();
    await assert.rejects(insert(10), { code: 'AICO_DATA_DISK_FULL' });
    await assert.rejects(inTransaction(11), { code: 'AICO_DATA_DISK_FULL' });
    const database = plugin.requireService('database');
    const kind = (): string => database.state.kind;
    assert.equal(kind(), 'read-only');
    assert.ok((await kept()).length > 0);
    disk.free();
    while (kind() !== 'ready') await new Promise((resolve) => setImmediate(resolve));
    await insert(12);
    assert.deepEqual((await kept()).at(-1), 12);
  });

  test('a slow disk delays the commit', async () => {
    backend.faults.disk.slowDown(50);
    const beganAt = performance.now();
    await insert(20);
    assert.ok(performance.now() - beganAt >= 49);
    backend.faults.end();
  });

  test('the bus refuses the topics of a pattern; a durable message still reaches its consumer', async () => {
    const bus = plugin.requireService('message_bus');
    const received: unknown[] = [];
    const consumption = await bus.consume(
      'keeper.>',
      'keeper',
      (_topic, message) => void received.push(message),
    );
    backend.faults.bus.refuse('keeper.*');
    await assert.rejects(bus.publish('keeper.a', 1), { code: 'AICO_BUS_FULL' });
    await bus.publish('keeper.a.b', 2);
    await bus.publish('keeper.a', 3, { durable: true }).catch(() => undefined);
    await consumption.whenIdle();
    assert.deepEqual(received, [3]);
    backend.faults.bus.accept();
    await bus.publish('keeper.a', 4);
    assert.throws(() => backend.faults.bus.refuse('a..b'), { code: 'AICO_TOPIC_INVALID' });
    await consumption.stop();
  });

  test('no write is acknowledged after the disk fails', async () => {
    backend.faults.disk.fail();
    await assert.rejects(insert(30), { code: 'AICO_DATA_STORAGE_FAILED' });
    backend.faults.end();
    await assert.rejects(insert(31), { code: 'AICO_DATA_STORAGE_FAILED' });
    assert.equal(plugin.requireService('database').state.kind, 'failed');
  });
});
