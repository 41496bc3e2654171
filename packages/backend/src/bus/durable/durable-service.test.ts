import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Consumption, MessageBusClient, RequestFailedError } from '@aico/shared/core/bus';
import { DurableRefusedError, RemoteTransactionError } from '@aico/shared/core/bus/remote';
import { BusDeniedError } from '@aico/shared/core/bus/zeromq';
import { DiskFullError } from '@aico/shared/data';
import type { TestComponent } from '../../../test/fixtures/broker.ts';
import { BOTH, startDurableBroker } from '../../../test/fixtures/durable-broker.ts';

/** A broker with a store, and a bus client within the same process. */
async function start(
  t: TestContext,
  components: Readonly<Record<string, TestComponent>>,
  limits: { readonly maxBytes?: number } = {},
) {
  const { hub, ...rest } = await startDurableBroker(t, components, limits);
  const plugin = new MessageBusClient({ source: 'plugin', transport: hub, durable: rest.streams });
  await plugin.connect();
  t.after(() => plugin.close());
  return { plugin, ...rest };
}

test('another process publishes durably and consumes: each message once, with all its attributes', async (t) => {
  const { broker, plugin } = await start(t, { shop: BOTH });
  const shop = await broker.client('shop');
  await shop.publish('orders.placed', { n: 1 }, { durable: true, id: 'a' });
  await shop.publish('orders.placed', { n: 1 }, { durable: true, id: 'a' });
  await shop.publish('orders.placed', new Uint8Array([1, 2, 255]), { durable: true, id: 'b' });
  await shop.publish(
    'orders.placed',
    { at: new Date(0) },
    { durable: true, contentType: 'application/msgpack' },
  );
  await plugin.publish('orders.placed', undefined, { durable: true });
  const seen: unknown[] = [];
  const consumption = await shop.consume('orders.*', 'mailer', (topic, message, { source, attempt }) => {
    seen.push([topic, message, source, attempt]);
  });
  await consumption.whenIdle();
  const expected: unknown[] = [
    ['orders.placed', { n: 1 }, 'shop', 1],
    ['orders.placed', new Uint8Array([1, 2, 255]), 'shop', 1],
    ['orders.placed', { at: new Date(0) }, 'shop', 1],
    ['orders.placed', undefined, 'plugin', 1],
  ];
  assert.deepEqual(seen, expected);
  await consumption.stop();
  // Acknowledged messages are not delivered again; a consumer of the same name continues.
  await plugin.publish('orders.placed', 'later', { durable: true });
  const again = await shop.consume('orders.*', 'mailer', (_topic, message) => void seen.push(message));
  await again.whenIdle();
  assert.deepEqual(seen.slice(4), ['later']);
});

test('a client cannot reuse the message ids of another publisher', async (t) => {
  const { broker } = await start(t, { shop: BOTH, mallory: BOTH });
  const shop = await broker.client('shop');
  const mallory = await broker.client('mallory');
  await mallory.publish('orders.placed', 'false', { durable: true, id: 'order-1' });
  await shop.publish('orders.placed', 'true', { durable: true, id: 'order-1' });
  const seen: unknown[] = [];
  const consumption = await shop.consume('orders.*', 'mailer', (_topic, message, { source }) => {
    seen.push([source, message]);
  });
  await consumption.whenIdle();
  assert.deepEqual(seen, [
    ['mallory', 'false'],
    ['shop', 'true'],
  ]);
});

test('the rights to the topic itself decide, and no right covers the topics of the bus', async (t) => {
  const { broker } = await start(t, {
    reader: { subscribe: ['orders.*'] },
    writer: { publish: ['orders.*'] },
  });
  const reader = await broker.client('reader');
  const writer = await broker.client('writer');
  await assert.rejects(reader.publish('orders.placed', 1, { durable: true }), BusDeniedError);
  await assert.rejects(writer.publish('other.topic', 1, { durable: true }), BusDeniedError);
  await assert.rejects(writer.publish('_durable.publish', 1, { durable: true }), BusDeniedError);
  await assert.rejects(
    writer.publish('_reply.reader.0123456789abcdef.x', 1, { durable: true }),
    BusDeniedError,
  );
  await assert.rejects(
    writer.consume('orders.*', 'w', () => {}),
    BusDeniedError,
  );
  await assert.rejects(
    reader.consume('>', 'r', () => {}),
    BusDeniedError,
  );
  await assert.rejects(
    reader.consume('_cancel.orders.x', 'r', () => {}),
    BusDeniedError,
  );
  await assert.rejects(
    reader.subscribe('_durable.publish', () => {}),
    BusDeniedError,
  );
  await writer.publish('orders.placed', 1, { durable: true });
});

test('a transaction of this process does not reach the store', async (t) => {
  const { broker } = await start(t, { shop: BOTH });
  const shop = await broker.client('shop');
  const tx = { afterCommit: () => {} };
  await assert.rejects(shop.publish('orders.placed', 1, { tx }), RemoteTransactionError);
  const failures: Error[] = [];
  const consumption = await shop.consume('orders.*', 'mailer', async (_topic, _message, { ack }) => {
    await ack(tx).catch((error: Error) => failures.push(error));
  });
  await shop.publish('orders.placed', 1, { durable: true });
  await consumption.whenIdle();
  assert.ok(failures[0] instanceof RemoteTransactionError);
});

test('a message whose handler fails is delivered again, and finally becomes a dead letter', async (t) => {
  const { broker, streams } = await start(t, { shop: BOTH });
  const shop = await broker.client('shop');
  const attempts: number[] = [];
  const dead = Promise.withResolvers<void>();
  const consumption = await shop.consume(
    'orders.*',
    'mailer',
    (_topic, _message, { attempt }) => {
      attempts.push(attempt);
      if (attempt === 3) dead.resolve();
      throw new Error('no paper');
    },
    { maxAttempts: 3, retryDelayMs: 1 },
  );
  await shop.publish('orders.placed', 1, { durable: true });
  await dead.promise;
  await consumption.whenIdle();
  const letters = await streams.deadLetters(undefined, 10);
  assert.deepEqual(attempts, [1, 2, 3]);
  assert.deepEqual(
    letters.map(({ consumer, error }) => ({ consumer, error })),
    [{ consumer: 'shop/mailer', error: 'no paper' }],
  );
});

test('an error of any type thrown by a handler counts as a failure', async (t) => {
  const { broker, streams } = await start(t, { shop: BOTH });
  const shop = await broker.client('shop');
  const textless = Object.defineProperty(new Error('x'), 'message', { value: 7 });
  const thrown = [undefined, null, Object.create(null), textless, Symbol('s'), 'half \ud800'];
  let next = 0;
  const consumption = await shop.consume(
    'orders.*',
    'mailer',
    () => {
      throw thrown[next++];
    },
    { maxAttempts: 1 },
  );
  for (const number of thrown.keys()) await shop.publish('orders.placed', number, { durable: true });
  await consumption.whenIdle();
  assert.equal((await streams.deadLetters(undefined, 10)).length, thrown.length);
});

test('messages in flight when a connection ends are delivered to the next consumer; settled ones are not', async (t) => {
  const { broker, plugin } = await start(t, { shop: BOTH });
  const first = await broker.client('shop');
  for (let n = 1; n <= 4; n += 1) await plugin.publish('orders.placed', n, { durable: true });
  const held = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  await first.consume(
    'orders.*',
    'mailer',
    async (_topic, message) => {
      if (Number(message) <= 2) return;
      held.resolve();
      await released.promise;
    },
    { retryDelayMs: 1 },
  );
  await held.promise;
  // A new key ends the connection with nothing said by the client, whose handler still runs.
  broker.grant('shop', BOTH);
  const next = await broker.client('shop');
  const seen: unknown[] = [];
  let second: Consumption | undefined;
  while (second === undefined)
    second = await next
      .consume('orders.*', 'mailer', (_topic, message, { attempt }) => void seen.push([message, attempt]))
      .catch((error: unknown) => {
        // Until the store has recovered the messages of the first consumer.
        assert.ok(error instanceof DurableRefusedError);
        assert.equal(error.remoteCode, 'AICO_STREAM_CONSUMER_TAKEN');
        return undefined;
      });
  await second.whenIdle();
  while (seen.length < 2) await second.whenIdle();
  released.resolve();
  // Both were handed out, and count as tried.
  assert.deepEqual(seen.map(String).sort(), ['3,2', '4,2']);
});

test('a consumer survives its connection: it opens again and continues', async (t) => {
  const { broker, plugin } = await start(t, { shop: BOTH });
  const shop = await broker.client('shop');
  const seen = new Set<unknown>();
  const wanted = Promise.withResolvers<void>();
  // A message that was in flight when the connection ended comes again after a wait, and then out of order.
  const take = (_topic: string, message: unknown): void => {
    seen.add(message);
    if (seen.size === 2) wanted.resolve();
  };
  await shop.consume('orders.*', 'mailer', take, { retryDelayMs: 1 });
  const component = broker.grants.get('shop');
  assert.ok(component !== undefined);
  // Another right, and the same key: the client connects again.
  broker.grants.set('shop', { ...component, publish: ['orders.*', 'more.*'] });
  await plugin.publish('orders.placed', 1, { durable: true });
  broker.broker.reload();
  await plugin.publish('orders.placed', 2, { durable: true });
  await wanted.promise;
  assert.deepEqual([...seen].map(Number).sort(), [1, 2]);
});

test('an opening whose answer was lost can be repeated; another client waits its turn', async (t) => {
  const { broker, plugin } = await start(t, { shop: BOTH });
  const shop = await broker.client('shop');
  await plugin.publish('orders.placed', 1, { durable: true });
  const asked = { consumption: 'one', pattern: 'orders.*', consumer: 'mailer', retryDelayMs: 1 };
  const pull = { consumption: 'one', holding: [], waitMs: 5_000 };
  const numbers = async (): Promise<unknown> => {
    const { messages } = (await shop.request('_durable.pull', pull)) as {
      messages: { number: number; attempt: number }[];
    };
    return messages.map(({ number, attempt }) => [number, attempt]);
  };
  await shop.request('_durable.open', asked);
  assert.deepEqual(await numbers(), [[1, 1]]);
  // The answer was lost, so the client does not list the message as in flight.
  assert.deepEqual(await numbers(), [[1, 1]]);
  await assert.rejects(shop.request('_durable.open', { ...asked, consumption: 'two' }), RequestFailedError);
  await shop.request('_durable.open', asked);
  assert.deepEqual(await numbers(), [[1, 2]]);
  await shop.request('_durable.close', { consumption: 'one' });
  await shop.request('_durable.open', { ...asked, consumption: 'two' });
});

test('a message that is too large to be sent becomes a dead letter, and delays no other', async (t) => {
  const { broker, plugin, streams } = await start(t, { shop: BOTH });
  const shop = await broker.client('shop');
  await plugin.publish('orders.placed', 'x'.repeat(70_000), { durable: true });
  await plugin.publish('orders.placed', 'small', { durable: true });
  const seen: unknown[] = [];
  const consumption = await shop.consume('orders.*', 'mailer', (_topic, message) => void seen.push(message), {
    maxAttempts: 1,
  });
  await consumption.whenIdle();
  assert.deepEqual(seen, ['small']);
  const [letter] = await streams.deadLetters('shop/mailer', 10);
  assert.match(String(letter?.error), /may be sent/);
});

test('on a full disk a durable message is refused, reaches no subscription, and is accepted once there is room', async (t) => {
  const { broker, plugin, database } = await start(t, { shop: BOTH }, { maxBytes: 400_000 });
  const shop = await broker.client('shop');
  const consumed: unknown[] = [];
  const heard: unknown[] = [];
  await plugin.subscribe('orders.*', (_topic, message) => void heard.push(message));
  const consumption = await plugin.consume('orders.*', 'mailer', (_topic, message) => {
    consumed.push(message);
  });
  const isReady = async (): Promise<void> => {
    while (database.state.kind !== 'ready') await nextTurn();
  };
  await database.execute('CREATE TABLE hog (v BLOB)');
  const fill = async (): Promise<void> => {
    for (;;) await database.execute('INSERT INTO hog VALUES (zeroblob(4000))');
  };
  await assert.rejects(fill(), DiskFullError);
  await isReady();
  const large = 'x'.repeat(20_000);
  const once = { durable: true, id: 'large-1' };
  await assert.rejects(plugin.publish('orders.placed', `plugin ${large}`, once), DiskFullError);
  await isReady();
  await assert.rejects(shop.publish('orders.placed', `shop ${large}`, once), (error) => {
    assert.ok(error instanceof DurableRefusedError, String(error));
    assert.equal(error.remoteCode, 'AICO_DATA_DISK_FULL');
    assert.match(error.message, /AICO_DATA_DISK_FULL/);
    return true;
  });
  await isReady();
  await database.execute('DELETE FROM hog');
  await isReady();
  assert.deepEqual([heard, consumed], [[], []]);
  await plugin.publish('orders.placed', `plugin ${large}`, once);
  await shop.publish('orders.placed', `shop ${large}`, once);
  await consumption.whenIdle();
  assert.deepEqual(
    consumed.map((message) => String(message).split(' ')[0]),
    ['plugin', 'shop'],
  );
});
