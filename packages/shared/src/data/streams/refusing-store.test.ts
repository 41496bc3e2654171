import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { captured } from '../../../test/fixtures/capture-lines.ts';
import { setUp } from '../../../test/fixtures/streams.ts';
import { InProcessBus, MessageBusClient } from '../../core/bus/index.ts';
import { type Database, DiskFullError, type EncryptedDatabase } from '../index.ts';
import { DurableStreams } from './index.ts';

/** The limit of failures in one turn of the event loop: each waiting step is tried once. */
const PER_TURN = 16;

/** A database whose writes fail at once while its disk is full. */
function fillable(database: EncryptedDatabase) {
  const disk = { isFull: false, refused: 0, mostInOneTurn: 0, hasRefused: Promise.withResolvers<void>() };
  let inThisTurn = 0;
  const refuseIfFull = (): void => {
    if (!disk.isFull) return;
    disk.refused += 1;
    inThisTurn += 1;
    if (inThisTurn === 1) setImmediate(() => (inThisTurn = 0));
    disk.mostInOneTurn = Math.max(disk.mostInOneTurn, inThisTurn);
    // Ends a loop without a timer, which would block the test.
    if (inThisTurn > 10_000) disk.isFull = false;
    disk.hasRefused.resolve();
    throw new DiskFullError(new Error('full'));
  };
  const view = new Proxy<Database>(database, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      if (name !== 'execute' && name !== 'transaction') return member.bind(target);
      return async (...args: unknown[]): Promise<unknown> => {
        refuseIfFull();
        return member.apply(target, args);
      };
    },
  });
  return { disk, view };
}

describe('consumers of a store that fails at once', () => {
  test('do not block the event loop, log a few warnings, and continue when there is space', async (t) => {
    const { database, clock } = await setUp(t);
    const { disk, view } = fillable(database);
    const { logging, lines } = captured();
    const streams = new DurableStreams({
      database: view,
      now: () => clock.now,
      logger: logging.getLogger('streams', 'test'),
    });
    await streams.start();
    const bus = new MessageBusClient({ source: 'test', transport: new InProcessBus(), durable: streams });
    await bus.connect();
    t.after(() => bus.close());
    for (let n = 0; n < 20; n += 1) await bus.publish('a.b', n, { durable: true });
    const seen: unknown[] = [];
    const full = Promise.withResolvers<void>();
    const consumption = await bus.consume(
      'a.b',
      'c',
      async (_topic, message) => {
        await full.promise;
        seen.push(message);
      },
      { maxInFlight: 4 },
    );
    disk.isFull = true;
    full.resolve();
    const idle = consumption.whenIdle();
    await disk.hasRefused.promise;
    // Notifications arrive meanwhile, as from publishers that retry.
    for (let turn = 0; turn < 2_000; turn += 1) {
      void consumption.whenIdle();
      await assert.rejects(bus.publish('a.b', -1, { durable: true }), DiskFullError);
      await nextTurn();
    }
    disk.isFull = false;
    await idle;
    assert.ok(disk.mostInOneTurn <= PER_TURN, `${disk.mostInOneTurn} refusals in one turn of the event loop`);
    assert.deepEqual(
      seen,
      Array.from({ length: 20 }, (_, n) => n),
    );
    const complaints = lines().filter((line) => JSON.stringify(line).includes('DISK_FULL'));
    assert.ok(complaints.length >= 1 && complaints.length <= 8, `${complaints.length} lines`);
    await logging.close();
  });

  test('stop at once while it fails', async (t) => {
    const { database } = await setUp(t);
    const { disk, view } = fillable(database);
    const streams = new DurableStreams({ database: view });
    await streams.start();
    await streams.append(
      {
        id: '1',
        topic: 'a',
        source: 's',
        contentType: 'application/json',
        body: '1',
        traceparent: undefined,
      },
      undefined,
    );
    const begun = Promise.withResolvers<void>();
    const full = Promise.withResolvers<void>();
    await streams.consume(
      'a',
      'c',
      async () => {
        begun.resolve();
        await full.promise;
      },
      {},
    );
    await begun.promise;
    disk.isFull = true;
    full.resolve();
    await disk.hasRefused.promise;
    await streams.stop();
    assert.ok(disk.isFull);
  });
});

test('a message whose handler throws a value without text becomes a dead letter and does not block other messages', async (t) => {
  const { open } = await setUp(t);
  const { bus, streams } = await open();
  await bus.publish('a', 'bad', { durable: true });
  await bus.publish('a', 'good', { durable: true });
  const seen: unknown[] = [];
  const consumption = await bus.consume(
    'a',
    'c',
    (_topic, message) => {
      seen.push(message);
      if (message === 'bad') throw Object.create(null);
    },
    { maxAttempts: 1 },
  );
  await consumption.whenIdle();
  assert.deepEqual(seen, ['bad', 'good']);
  assert.equal((await streams.deadLetters('c', 10)).length, 1);
});
