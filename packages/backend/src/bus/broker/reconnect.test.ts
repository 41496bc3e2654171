import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MessageBusClient } from '@aico/shared/core/bus';
import { curveKeyPair, type LinkStatus, ZeroMqTransport } from '@aico/shared/core/bus/zeromq';
import { TestBroker } from '../../../test/fixtures/broker.ts';
import { RawPeer } from '../../../test/fixtures/raw-peer.ts';

const BOTH = { publish: ['a.>'], subscribe: ['a.>'] };

async function start(t: TestContext, ...args: Parameters<typeof TestBroker.start>): Promise<TestBroker> {
  const broker = await TestBroker.start(...args);
  t.after(() => broker.stop());
  return broker;
}

test('a client restores its subscriptions when the broker comes back, and messages published meanwhile arrive', async (t) => {
  const keys = curveKeyPair();
  const first = await TestBroker.start({ one: BOTH, two: BOTH }, { keys });
  const { endpoint } = first;
  const statuses: LinkStatus['name'][] = [];
  const lost = Promise.withResolvers<void>();
  const transport = new ZeroMqTransport({
    credential: first.credential('one'),
    timeoutMs: 10_000,
    onStatus: ({ name }) => {
      statuses.push(name);
      if (name === 'disconnected') lost.resolve();
    },
  });
  const client = new MessageBusClient({ source: 'one', transport });
  t.after(() => client.close());
  await client.connect();
  const heard: unknown[] = [];
  const both = Promise.withResolvers<void>();
  await client.subscribe('a.*', (_topic, message) => {
    heard.push(message);
    if (heard.length === 2) both.resolve();
  });
  await client.publish('a.b', 1);
  await first.broker.stop();
  await lost.promise;
  const meanwhile = client.publish('a.b', 2);
  const second = await TestBroker.start({}, { keys, endpoints: [endpoint] });
  t.after(() => second.stop());
  for (const [component, grant] of first.grants) second.grants.set(component, grant);
  second.broker.reload();
  await meanwhile;
  await both.promise;
  assert.deepEqual(heard, [1, 2]);
  assert.deepEqual(statuses, ['connected', 'disconnected', 'connected']);
});

test('a message that cannot be sent in time is refused with an error', async (t) => {
  const broker = await TestBroker.start({ one: BOTH });
  const client = await broker.client('one', {}, 300);
  t.after(() => client.close());
  const sent = client.publish('a.b', 1);
  await sent;
  await broker.broker.stop();
  await assert.rejects(
    (async () => {
      for (;;) await client.publish('a.b', 2);
    })(),
    ({ code }: { code?: string }) => code === 'AICO_BUS_CONGESTED' || code === 'AICO_BUS_CONNECTION_LOST',
  );
});

test('a subscriber that never reads has a bounded queue, delays no other client, and every drop is counted', async (t) => {
  const broker = await start(t, { good: BOTH, deaf: BOTH });
  const keys = broker.secrets.get('deaf');
  assert.ok(keys !== undefined);
  const deaf = new RawPeer({ endpoint: broker.endpoint, serverKey: broker.keys.publicKey, keys });
  t.after(() => deaf.close());
  await deaf.join('deaf', keys.secretKey, broker.keys.publicKey);
  // Never confirms a frame: the window closes, and then the queue of 16 fills.
  assert.equal(await deaf.trySubscribe(1, 'a.*'), 'taken');
  const good = await broker.client('good');
  let heard = 0;
  const all = Promise.withResolvers<void>();
  const count = 400;
  await good.subscribe('a.*', () => {
    heard += 1;
    if (heard === count) all.resolve();
  });
  const body = Buffer.alloc(16_384);
  for (let n = 0; n < count; n += 1) await good.publish('a.b', body);
  await all.promise;
  const session = [...broker.broker.sessions].find(({ component }) => component === 'deaf');
  const [subscription] = [...(session?.subscriptions.values() ?? [])];
  assert.ok(session !== undefined && subscription !== undefined);
  assert.equal(subscription.queued, 16);
  assert.equal(session.queues.delivered + subscription.queued + subscription.dropped, count);
  assert.ok(session.queues.queuedBytes <= 17 * 16_500);
});

test('revoking a right of a connected component ends its session and subscriptions', async (t) => {
  const broker = await start(t, { good: BOTH, other: BOTH });
  const other = await broker.client('other');
  await other.subscribe('a.*', () => assert.fail('it has no access any more'));
  broker.revoke('other');
  const good = await broker.client('good');
  await good.publish('a.b', 1);
  assert.deepEqual(
    [...broker.broker.sessions].map(({ component }) => component),
    ['good'],
  );
});
