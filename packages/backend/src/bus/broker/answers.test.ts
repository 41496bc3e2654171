import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { InProcessBus, MessageBusClient } from '@aico/shared/core/bus';
import { type CurveKeyPair, curveKeyPair } from '@aico/shared/core/bus/zeromq';
import { TestBroker } from '../../../test/fixtures/broker.ts';
import { RawPeer } from '../../../test/fixtures/raw-peer.ts';
import { HubSide } from './hub-side.ts';
import { OpenRequests } from './open-requests.ts';

const COMPONENTS = {
  asker: { publish: ['ask.*', 'news'], subscribe: [] },
  server: { publish: [], subscribe: ['ask.*'] },
  listener: { publish: [], subscribe: ['news'] },
  rival: { publish: ['ask.*'], subscribe: [] },
};

async function start(t: TestContext) {
  const hub = new InProcessBus();
  const broker = await TestBroker.start(COMPONENTS, {
    local: new HubSide({ hub, messageBytes: 1_048_576, onError: () => {} }),
  });
  const plugin = new MessageBusClient({ source: 'plugin', transport: hub, onError: () => {} });
  await plugin.connect();
  t.after(async () => {
    await broker.stop();
    await plugin.close();
  });
  return { broker, plugin };
}

/** A server that has been sent a request and has not answered it yet. */
async function asked(broker: TestBroker, client: MessageBusClient) {
  const server = await broker.member('server');
  assert.equal(await server.trySubscribe(1, 'ask.*'), 'taken');
  assert.equal(await server.trySubscribe(2, '_cancel.ask.*'), 'taken');
  const answer = client.request('ask.it', 'what?', { timeoutMs: 20_000 });
  const request = await server.nextMessage();
  const replyto = request?.head.replyto;
  assert.ok(replyto !== undefined);
  return { server, answer, replyto };
}

const FORGED = '{"ok":true,"value":"forged"}';

for (const side of ['plugin', 'asker'] as const)
  test(`an answer for ${side} comes from the client that received the request, and from no other`, async (t) => {
    const { broker, plugin } = await start(t);
    const client = side === 'plugin' ? plugin : await broker.client('asker');
    const { server, answer, replyto } = await asked(broker, client);
    for (const component of ['listener', 'rival', 'asker', 'server'] as const) {
      const other = await broker.member(component);
      const refusal = await other.refusalOf({ topic: replyto, source: component }, FORGED);
      assert.equal(refusal, 'ANSWER', component);
    }
    const genuine = { topic: replyto, source: 'server' };
    assert.equal(await server.refusalOf(genuine, '{"ok":true,"value":"genuine"}'), undefined);
    assert.equal(await answer, 'genuine');
    assert.equal(await server.refusalOf(genuine, FORGED), 'ANSWER', 'it was answered already');
  });

test('the envelope of a published message does not reveal its reply topic', async (t) => {
  const { broker } = await start(t);
  const asker = await broker.client('asker');
  const listener = await broker.member('listener');
  assert.equal(await listener.trySubscribe(1, 'news'), 'taken');
  await asker.publish('news', 1);
  const heard = await listener.nextMessage();
  assert.ok(heard !== undefined);
  const first = await asked(broker, asker);
  const second = await asked(broker, asker);
  const secrets = [first, second].map(({ replyto }) => replyto.split('.').at(-1) ?? '');
  assert.notEqual(secrets[0], secrets[1]);
  for (const secret of secrets) {
    assert.ok(secret.length >= 32);
    assert.ok(!JSON.stringify(heard).includes(secret));
  }
  for (const { server, replyto, answer } of [first, second]) {
    await server.publish({ topic: replyto, source: 'server' }, '{"ok":true}');
    await answer;
  }
});

test('no client cancels the request of another', async (t) => {
  const { broker } = await start(t);
  const asker = await broker.client('asker');
  const server = await broker.client('server');
  const begun = Promise.withResolvers<string>();
  const gate = Promise.withResolvers<void>();
  let aborted = false;
  await server.respond('ask.*', async (_topic, _message, { signal, replyto = '' }) => {
    begun.resolve(replyto);
    await gate.promise;
    aborted = signal.aborted;
    return 'done';
  });
  const answer = asker.request('ask.it', 1);
  const replyto = await begun.promise;
  const rival = await broker.member('rival');
  const cancel = { topic: '_cancel.ask.it', source: 'rival' };
  assert.equal(await rival.refusalOf({ ...cancel, replyto }), 'REPLYTO');
  // As it was done before `replyto` named the request: the body means nothing now.
  assert.equal(await rival.refusalOf(cancel, JSON.stringify(replyto)), 'REPLYTO');
  const own = `${rival.welcomed?.reply}.${randomUUID()}`;
  assert.equal(await rival.refusalOf({ ...cancel, replyto: own }, JSON.stringify(replyto)), undefined);
  gate.resolve();
  assert.equal(await answer, 'done');
  assert.equal(aborted, false);
});

test('a client that reconnects can still answer earlier requests', async (t) => {
  const { broker, plugin } = await start(t);
  const keys = broker.secrets.get('server');
  assert.ok(keys !== undefined);
  const client = '0123456789abcdef';
  const before = await peerAs(t, broker, keys, client);
  assert.equal(await before.trySubscribe(1, 'ask.*'), 'taken');
  assert.equal(await before.trySubscribe(2, '_cancel.ask.*'), 'taken');
  const answer = plugin.request('ask.it', 1, { timeoutMs: 20_000 });
  const replyto = (await before.nextMessage())?.head.replyto;
  assert.ok(replyto !== undefined);
  const after = await peerAs(t, broker, keys, client);
  assert.equal(
    await after.refusalOf({ topic: replyto, source: 'server' }, '{"ok":true,"value":"late"}'),
    undefined,
  );
  assert.equal(await answer, 'late');
});

async function peerAs(t: TestContext, broker: TestBroker, keys: CurveKeyPair, client: string) {
  const peer = new RawPeer({ endpoint: broker.endpoint, serverKey: broker.keys.publicKey, keys });
  t.after(() => peer.close());
  const outcome = await peer.join('server', keys.secretKey, broker.keys.publicKey, { client });
  assert.equal(outcome, 'welcome');
  return peer;
}

test('answers and cancellations reach only the client they are for, in process as well', async () => {
  const hub = new InProcessBus();
  const client = new MessageBusClient({ source: 'curious', transport: hub });
  await client.connect();
  for (const pattern of ['_reply.>', '_reply.*.*.*', '_cancel.>', '_cancel.ask']) {
    await assert.rejects(
      client.subscribe(pattern, () => {}),
      { code: 'AICO_BUS_TOPIC_RESERVED' },
      pattern,
    );
    await assert.rejects(
      client.respond(pattern, () => {}),
      { code: 'AICO_BUS_TOPIC_RESERVED' },
      pattern,
    );
  }
  assert.equal(hub.subscriptions, 0);
  await client.close();
});

test('a component whose key cannot be used for a proof is refused, and the broker continues', async (t) => {
  const { broker } = await start(t);
  const keys = curveKeyPair();
  broker.secrets.set('odd', keys);
  // All zeros: X25519 with it gives a known secret, and the computation throws.
  broker.grants.set('odd', { component: 'odd', publicKey: '0'.repeat(40), publish: [], subscribe: [] });
  broker.broker.reload();
  const server = broker.secrets.get('server');
  assert.ok(server !== undefined);
  const peer = new RawPeer({ endpoint: broker.endpoint, serverKey: broker.keys.publicKey, keys: server });
  t.after(() => peer.close());
  assert.equal(await peer.join('odd', server.secretKey, broker.keys.publicKey), 'refused');
  await (await broker.client('asker')).publish('news', 1);
});

test('open requests are limited in number and time', () => {
  const open = new OpenRequests();
  for (let n = 0; n < 10_000; n += 1) open.add(`_reply.a.${n}`, performance.now() + 60_000);
  assert.equal(open.size, 8_192);
  assert.equal(open.answer('_reply.a.0'), false);
  assert.equal(open.answer('_reply.a.9999'), true);
  open.add('_reply.late', performance.now() - 1);
  assert.equal(open.answer('_reply.late'), false);
  open.add('_reply.twice', undefined);
  open.add('_reply.twice', undefined);
  assert.deepEqual(
    [1, 2, 3].map(() => open.answer('_reply.twice')),
    [true, true, false],
  );
  open.add('_reply.over', performance.now() - 1);
  open.prune();
  assert.equal(open.answer('_reply.over'), false);
});
