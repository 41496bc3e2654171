import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { MessageBusClient } from '@aico/shared/core/bus';
import { connect } from '@nats-io/transport-node';
import { NatsServer, withoutNats } from '../../../test/fixtures/nats-server.ts';
import { natsAt, TestNode } from '../../../test/fixtures/nodes.ts';

describe('two nodes of a home', { skip: withoutNats }, () => {
  let server: NatsServer;
  before(async () => {
    server = await NatsServer.start();
  });
  after(() => server[Symbol.asyncDispose]());

  /** Sends a message after which everything that `from` sent before has arrived at `to`. */
  async function settle(from: MessageBusClient, to: MessageBusClient): Promise<void> {
    const arrived = Promise.withResolvers<void>();
    const subscription = await to.subscribe('settle', () => arrived.resolve());
    await from.publish('settle', 1);
    await arrived.promise;
    await subscription.unsubscribe();
  }

  test("publishers on another node are no faster than a subscription with overflow: 'wait'", async () => {
    await using one = await TestNode.start(1, natsAt(server));
    await using two = await TestNode.start(2, natsAt(server));
    const publisher = await one.client();
    const subscriber = await two.client();
    const seen: unknown[] = [];
    const slow = async (_topic: string, n: unknown): Promise<void> => {
      seen.push(n);
      if (seen.length % 16 === 0) await new Promise(setImmediate);
    };
    const options = { overflow: 'wait', queueLimit: 8, waitMs: 60_000 } as const;
    const subscription = await subscriber.subscribe('work.*', slow, options);
    const count = 12_000;
    for (let n = 0; n < count; n += 1) await publisher.publish('work.x', n);
    await settle(publisher, subscriber);
    while (seen.length < count) await new Promise(setImmediate);
    assert.deepEqual(
      seen,
      Array.from({ length: count }, (_, n) => n),
    );
    assert.equal(subscription.stats.dropped, 0);
    assert.equal(one.link.dropped, 0);
  });

  test('a full subscription that makes publishers wait delays no other subscription of its node', async () => {
    await using one = await TestNode.start(1, natsAt(server));
    await using two = await TestNode.start(2, natsAt(server));
    const publisher = await one.client();
    const subscriber = await two.client();
    const blocked = { overflow: 'wait', queueLimit: 1, waitMs: 600_000 } as const;
    await subscriber.subscribe('blocked', () => new Promise(() => {}), blocked);
    const big = 'x'.repeat(10_000);
    for (let n = 0; n < 500; n += 1) void publisher.publish('blocked', big).catch(() => {});
    const seen: unknown[] = [];
    await subscriber.subscribe('free', (_topic, n) => void seen.push(n), { overflow: 'wait' });
    await subscriber.subscribe('shared', (_topic, n) => void seen.push(n));
    for (let n = 0; n < 200; n += 1) await publisher.publish(n % 2 === 0 ? 'free' : 'shared', n);
    while (seen.length < 200) await new Promise(setImmediate);
  });

  test('messages for a subscription that does not keep up are dropped and counted exactly', async () => {
    await using one = await TestNode.start(1, natsAt(server), { queueBytes: 65_536 });
    await using two = await TestNode.start(2, natsAt(server));
    const publisher = await one.client();
    const subscriber = await two.client();
    const stuck = await subscriber.subscribe('n', () => new Promise(() => {}), { queueLimit: 10 });
    const count = 20_000;
    for (let n = 0; n < count; n += 1) void publisher.publish('n', { n, text: 'x'.repeat(200) });
    await settle(publisher, subscriber);
    const { dropped, queued } = stuck.stats;
    // The last message that was received is the one of `settle`.
    assert.equal(dropped + queued, two.link.received - 1);
    assert.equal(one.link.dropped + two.link.lost + two.link.received - 1, count);
    assert.ok(one.link.dropped > 0 && dropped > 0);
  });

  test('while NATS is down local messages are delivered and those for other nodes are counted; then all goes on', async () => {
    await using own = await NatsServer.start();
    await using one = await TestNode.start(1, natsAt(own), { heartbeatMs: 1_000 });
    await using two = await TestNode.start(2, natsAt(own), { heartbeatMs: 1_000 });
    const publisher = await one.client();
    const subscriber = await two.client();
    const local = await publisher.subscribe('n', () => {});
    const remote = await subscriber.subscribe('n', () => {});
    await publisher.publish('n', 1);
    await settle(publisher, subscriber);
    const down = one.when(() => one.bus.status.connection.name === 'down');
    await own.stop();
    await down;
    for (let n = 0; n < 100; n += 1) await publisher.publish('n', n);
    await publisher.publish('n', 1);
    assert.equal(local.stats.delivered + local.stats.queued, 102);
    assert.equal(one.link.dropped, 101);
    await assert.rejects(publisher.request('ask', 1), { code: 'AICO_BUS_NO_RESPONDER' });
    // It does not wait for nodes that cannot be reached.
    await subscriber.respond('ask', () => 'answered');
    await own.start();
    await Promise.all([one, two].map((node) => node.when(() => node.link.reachable)));
    while (one.link.subscriptions !== 3) await new Promise(setImmediate);
    await publisher.publish('n', 1);
    assert.equal(await publisher.request('ask', 1), 'answered');
    await settle(publisher, subscriber);
    assert.equal(remote.stats.delivered, 2);
    assert.equal(one.link.dropped + two.link.lost, 101);
  });

  test('a node that leaves takes its subscriptions with it, and a new process of it joins with its own', async () => {
    await using one = await TestNode.start(1, natsAt(server));
    const publisher = await one.client();
    for (const topic of ['first', 'second']) {
      await using two = await TestNode.start(2, natsAt(server));
      const subscriber = await two.client();
      await subscriber.respond(topic, () => topic);
      assert.equal(await publisher.request(topic, 1), topic);
      const left = one.when(() => one.events.at(-1)?.name === 'left');
      await two[Symbol.asyncDispose]();
      await left;
      await assert.rejects(publisher.request(topic, 1), { code: 'AICO_BUS_NO_RESPONDER' });
    }
    assert.deepEqual(one.bus.status.peers, []);
  });

  test('a node that ends without a word cannot be reached after three heartbeats, and nothing waits for it', async () => {
    await using one = await TestNode.start(1, natsAt(server), { heartbeatMs: 300 });
    const publisher = await one.client();
    const cut = cutting(natsAt(server));
    await using two = await TestNode.start(2, cut.open, { heartbeatMs: 300 });
    await (await two.client()).respond('ask', () => new Promise(() => {}), { overflow: 'wait' });
    const gone = one.when(() => one.events.some(({ name }) => name === 'unreachable'));
    cut.isCut = true;
    await gone;
    await assert.rejects(publisher.request('ask', 1), { code: 'AICO_BUS_NO_RESPONDER' });
    await publisher.subscribe('x', () => {});
    cut.isCut = false;
    await one.when(() => one.link.reachable);
    while (two.link.subscriptions === 0) await new Promise(setImmediate);
  });

  test('a process that uses the id of another is noticed and not linked', async () => {
    await using one = await TestNode.start(1, natsAt(server));
    await using twin = await TestNode.start(1, natsAt(server));
    await Promise.all([one, twin].map((node) => node.when(() => node.bus.status.isTaken)));
    assert.deepEqual([one.bus.status.peers, twin.bus.status.peers], [[], []]);
  });

  test('who sees all traffic reads nothing, and repeats, forges and alters nothing without notice', async () => {
    const spy = await connect({ servers: server.url });
    const recorded: { readonly subject: string; readonly data: Uint8Array }[] = [];
    spy.subscribe('>', { callback: (_error, { subject, data }) => void recorded.push({ subject, data }) });
    await spy.flush();
    await using one = await TestNode.start(1, natsAt(server));
    const seen: unknown[] = [];
    const publisher = await one.client();
    {
      await using two = await TestNode.start(2, natsAt(server));
      const subscriber = await two.client('canary-source');
      await subscriber.subscribe('canary.topic', (_topic, message) => void seen.push(message));
      await subscriber.respond('canary.ask', () => 'canary-answer');
      for (let n = 0; n < 20; n += 1) await publisher.publish('canary.topic', { canary: `canary-${n}` });
      assert.equal(await publisher.request('canary.ask', 'canary'), 'canary-answer');
      await settle(publisher, subscriber);
      await replay(spy, recorded);
      await settle(publisher, subscriber);
      assert.equal(seen.length, 20);
      assert.ok(two.link.rejected >= 20 && two.link.lost === 0, JSON.stringify(two.link));
    }
    assert.ok(recorded.length > 30);
    for (const { subject, data } of recorded)
      assert.ok(!/canary/.test(subject + Buffer.from(data).toString('latin1')), subject);
    // A later process of the node accepts nothing of an earlier one.
    await using two = await TestNode.start(2, natsAt(server));
    const subscriber = await two.client();
    await subscriber.subscribe('canary.topic', (_topic, message) => void seen.push(message));
    await replay(spy, recorded);
    await settle(publisher, subscriber);
    assert.equal(seen.length, 20);
    await publisher.publish('canary.topic', 'last');
    await settle(publisher, subscriber);
    assert.deepEqual(seen.slice(20), ['last']);
    await spy.close();
  });
});

type Spy = Awaited<ReturnType<typeof connect>>;

/** Sends everything again: as it was, altered, truncated and to other subjects. */
async function replay(
  spy: Spy,
  recorded: readonly { readonly subject: string; readonly data: Uint8Array }[],
): Promise<void> {
  const subjects = [...new Set(recorded.map(({ subject }) => subject))];
  for (const { subject, data } of [...recorded]) {
    spy.publish(subject, data);
    const altered = Buffer.from(data);
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
    spy.publish(subject, altered);
    spy.publish(subject, data.subarray(0, data.length / 2));
    for (const other of subjects) spy.publish(other, data);
  }
  for (const subject of subjects) for (const kind of [0, 1, 2, 3, 9]) spy.publish(subject, Buffer.of(kind));
  await spy.flush();
}

/** A connection that loses everything while it is cut, in both directions. */
function cutting(open: ReturnType<typeof natsAt>) {
  const state = {
    isCut: false,
    open: ((subjects, listener) => {
      const carrier = open(subjects, {
        ...listener,
        onUp: () => listener.onUp(cut),
        onDown: listener.onDown,
        onPayload: (subject, payload) => {
          if (!state.isCut) listener.onPayload(subject, payload);
        },
      });
      const cut = {
        get maxPayload() {
          return carrier.maxPayload;
        },
        get fault() {
          return carrier.fault;
        },
        publish: (subject: string, payload: Uint8Array) => {
          if (!state.isCut) carrier.publish(subject, payload);
        },
        flush: () => carrier.flush(),
        close: () => carrier.close(),
      };
      return cut;
    }) satisfies ReturnType<typeof natsAt>,
  };
  return state;
}
