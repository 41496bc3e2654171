import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, test } from 'node:test';
import { AicoError } from '@aico/protocol';
import fc from 'fast-check';
import { Type } from 'typebox';
import {
  defineTopic,
  InProcessBus,
  MessageBusClient,
  RequestFailedError,
  type Subscription,
} from './index.ts';
import { transportSuite } from './transport-suite/transport-suite.ts';

transportSuite('in-process', async () => ({ transport: new InProcessBus(), close: async () => {} }));

async function connected(onError: (error: Error) => void = () => {}): Promise<MessageBusClient> {
  const client = new MessageBusClient({ source: 'test', onError });
  await client.connect();
  return client;
}

describe('MessageBusClient', () => {
  test("the guide's integration test, without its sleep", async () => {
    const client = new MessageBusClient();
    await client.connect();
    const received: [string, unknown][] = [];
    const first = Promise.withResolvers<void>();
    const handler = async (topic: string, message: unknown): Promise<void> => {
      received.push([topic, message]);
      first.resolve();
    };
    await client.subscribe('test.*', handler);
    await client.publish('test.message', { data: 'test' });
    await first.promise;
    await client.drain();
    assert.equal(received.length, 1);
    assert.deepEqual(received[0], ['test.message', { data: 'test' }]);
  });

  test('a handler never runs on the stack of publish()', async () => {
    const client = await connected();
    let running = true;
    await client.subscribe('a', () => assert.equal(running, false));
    const published = client.publish('a', 1);
    running = false;
    await published;
    const [subscription] = client.subscriptions;
    await client.drain();
    assert.deepEqual(subscription?.stats, { delivered: 1, dropped: 0, failed: 0, queued: 0 });
  });

  test('a slow handler and a failing one delay and fail no other subscription, and are counted and reported', async () => {
    const errors: Error[] = [];
    const client = await connected((error) => errors.push(error));
    const gate = Promise.withResolvers<void>();
    const slow = await client.subscribe('a', () => gate.promise);
    const throwing = await client.subscribe('a', () => {
      throw new Error('thrown');
    });
    const rejecting = await client.subscribe('a', () => Promise.reject(new Error('rejected')));
    const done = Promise.withResolvers<void>();
    const good = await client.subscribe('a', (_topic, n) => {
      if (n === 9) done.resolve();
    });
    for (let n = 0; n < 10; n += 1) await client.publish('a', n);
    await done.promise;
    await throwing.unsubscribe();
    assert.equal(good.stats.delivered, 10);
    assert.deepEqual(slow.stats, { delivered: 0, dropped: 0, failed: 0, queued: 10 });
    gate.resolve();
    await client.drain();
    assert.equal(slow.stats.delivered, 10);
    assert.equal(throwing.stats.failed, 10);
    assert.equal(rejecting.stats.failed, 10);
    assert.equal(errors.length, 20);
    assert.ok(errors.every((error) => 'code' in error && error.code === 'AICO_BUS_HANDLER_FAILED'));
    assert.ok(errors.every((error) => error.cause instanceof Error));
  });

  test('one subscription handles one message at a time, in order', async () => {
    const client = await connected();
    const order: string[] = [];
    await client.subscribe('a', async (_topic, n) => {
      order.push(`begin ${n}`);
      await new Promise(setImmediate);
      order.push(`end ${n}`);
    });
    for (let n = 0; n < 3; n += 1) await client.publish('a', n);
    await client.drain();
    assert.deepEqual(order, ['begin 0', 'end 0', 'begin 1', 'end 1', 'begin 2', 'end 2']);
  });

  for (const [overflow, kept] of [
    ['drop-oldest', [0, 8, 9]],
    ['drop-newest', [0, 1, 2]],
  ] as const)
    test(`a full queue with '${overflow}' keeps ${kept.join(', ')} and counts the rest`, async () => {
      const errors: Error[] = [];
      const client = await connected((error) => errors.push(error));
      const gate = Promise.withResolvers<void>();
      const seen: unknown[] = [];
      const handler = async (_topic: string, n: unknown): Promise<void> => {
        seen.push(n);
        await gate.promise;
      };
      const subscription = await client.subscribe('a', handler, { queueLimit: 2, overflow });
      await client.publish('a', 0);
      await Promise.resolve();
      for (let n = 1; n < 10; n += 1) await client.publish('a', n);
      assert.deepEqual(subscription.stats, { delivered: 0, dropped: 7, failed: 0, queued: 3 });
      gate.resolve();
      await client.drain();
      assert.deepEqual(seen, kept);
      assert.deepEqual(
        errors.map((error) => 'dropped' in error && error.dropped),
        [1, 2, 4],
      );
    });

  test('the four numbers of stats add up to the published messages, for handlers that succeed, fail or never finish', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('sync', 'async', 'throw', 'reject', 'leave', 'pause'), { maxLength: 40 }),
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom('drop-oldest' as const, 'drop-newest' as const),
        async (acts, queueLimit, overflow) => {
          const client = await connected();
          let left = false;
          const subscription: Subscription = await client.subscribe(
            'a',
            (_topic, act): void | Promise<void> => {
              assert.equal(left, false, 'nothing is delivered after unsubscribe()');
              if (act === 'throw') throw new Error('thrown');
              if (act === 'reject') return Promise.reject(new Error('rejected'));
              if (act === 'async') return new Promise<void>((resolve) => setImmediate(resolve));
              if (act !== 'leave') return undefined;
              left = true;
              return subscription.unsubscribe();
            },
            { queueLimit, overflow },
          );
          let sent = 0;
          for (const act of acts) {
            if (!left) sent += 1;
            if (act === 'pause') await client.publish('a', act);
            else void client.publish('a', act);
          }
          await client.drain();
          const { delivered, dropped, failed, queued } = subscription.stats;
          assert.equal(delivered + dropped + failed, sent);
          assert.equal(queued, 0);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('handlers that publish to each other endlessly block neither timers nor other subscriptions', async () => {
    const client = await connected();
    for (const [from, to] of [
      ['ping', 'pong'],
      ['pong', 'ping'],
    ] as const) {
      await client.subscribe(from, () => void client.publish(to, 1));
      await client.subscribe(from, async () => client.publish(to, 1));
    }
    const other = Promise.withResolvers<void>();
    await client.subscribe('other', () => other.resolve());
    await client.publish('ping', 1);
    await new Promise((resolve) => setTimeout(resolve, 1));
    await client.publish('other', 1);
    await other.promise;
    await client.close();
  });

  test('a publisher that awaits each burst loses no message if the handlers are synchronous', async () => {
    const client = await connected();
    const subscriptions = await Promise.all(
      Array.from({ length: 5 }, () => client.subscribe('a', () => {}, { queueLimit: 1_024 })),
    );
    for (let burst = 0; burst < 20; burst += 1)
      await Promise.all(Array.from({ length: 1_000 }, (_, n) => client.publish('a', n)));
    await client.drain();
    for (const subscription of subscriptions)
      assert.deepEqual(subscription.stats, { delivered: 20_000, dropped: 0, failed: 0, queued: 0 });
  });

  test("a handler does not run inside the publisher's asynchronous context", async () => {
    const client = await connected();
    const inside = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    await client.subscribe('a', async () => {
      seen.push(inside.getStore());
      await Promise.resolve();
      seen.push(inside.getStore());
    });
    await inside.run('a transaction', async () => {
      for (let n = 0; n < 3; n += 1) await client.publish('a', n);
    });
    await client.drain();
    assert.deepEqual(seen, Array(6).fill(undefined));
  });

  test('after unsubscribe() nothing is delivered, and queued messages count as dropped', async () => {
    const client = await connected();
    const subscription = await client.subscribe('a', () => assert.fail('it has left'));
    const published = client.publish('a', 1);
    await subscription.unsubscribe();
    await published;
    await client.publish('a', 2);
    await client.drain();
    assert.deepEqual(subscription.stats, { delivered: 0, dropped: 1, failed: 0, queued: 0 });
  });

  test('before connect() and after close() every call is refused with the reason', async () => {
    const client = new MessageBusClient({ source: 'notes' });
    const code = { code: 'AICO_BUS_NOT_CONNECTED', message: /"notes" is not connected yet/ };
    await assert.rejects(client.publish('a', 1), code);
    await assert.rejects(
      client.subscribe('a', () => {}),
      code,
    );
    await client.connect();
    await client.connect();
    await client.close();
    await client.close();
    await client.drain();
    await assert.rejects(client.publish('a', 1), { message: /is closed/ });
    await assert.rejects(client.connect(), { message: /is closed/ });
  });

  test('ended subscriptions leave nothing in the hub', async () => {
    const hub = new InProcessBus();
    const client = new MessageBusClient({ transport: hub });
    await client.connect();
    for (let n = 0; n < 100; n += 1) await (await client.subscribe(`a.${n}`, () => {})).unsubscribe();
    await client.subscribe('a.>', () => {});
    assert.equal(hub.subscriptions, 1);
    await client.close();
    assert.equal(hub.subscriptions, 0);
    assert.equal(client.subscriptions.length, 0);
  });

  test('an option out of range is refused by its name', async () => {
    const client = await connected();
    for (const queueLimit of [0, -1, 1.5, Number.NaN, 2 ** 30])
      await assert.rejects(
        client.subscribe('a', () => {}, { queueLimit }),
        { code: 'AICO_BUS_OPTION', option: 'queueLimit' },
      );
    await client.close();
  });

  test('a circular message is refused, as by every transport that encodes messages', async () => {
    const client = await connected();
    await client.subscribe('a', () => assert.fail('delivered'));
    const ring: Record<string, unknown> = {};
    ring.self = ring;
    await assert.rejects(client.publish('a', ring), { code: 'AICO_DATA_BOUNDS' });
    await client.close();
  });
});

describe('request()', () => {
  class NoteMissingError extends AicoError {}

  test('resolves with the answer to each of many concurrent requests', async () => {
    const transport = new InProcessBus();
    const asking = new MessageBusClient({ source: 'asking', transport });
    const answering = new MessageBusClient({ source: 'answering', transport });
    await Promise.all([asking.connect(), answering.connect()]);
    await answering.respond('double.*', async (_topic, n, { source }) => ({ n: Number(n) * 2, source }));
    const answers = await Promise.all([1, 2, 3].map((n) => asking.request('double.it', n)));
    assert.deepEqual(
      answers,
      [2, 4, 6].map((n) => ({ n, source: 'asking' })),
    );
    await answering.drain();
    await asking.close();
    assert.equal(transport.subscriptions, 0);
  });

  test('a responder that fails sends only the code of its error', async () => {
    const errors: Error[] = [];
    const client = await connected((error) => errors.push(error));
    await client.respond('note', () => {
      throw new NoteMissingError('AICO_TEST_NOTE', 'canary');
    });
    await assert.rejects(client.request('note', 1), (error) => {
      assert.ok(error instanceof RequestFailedError);
      assert.equal(error.remoteCode, 'AICO_TEST_NOTE');
      assert.doesNotMatch(error.message, /canary/);
      return true;
    });
    assert.equal(errors.length, 1);
    await client.close();
  });

  test('rejects at its deadline, when aborted, when refused and when the client closes', async () => {
    const client = await connected();
    await client.as('silent').respond('unanswered', () => new Promise(() => {}));
    await assert.rejects(client.request('unanswered', 1, { timeoutMs: 1 }), {
      code: 'AICO_BUS_REQUEST_TIMEOUT',
    });
    const controller = new AbortController();
    const reason = new Error('stop');
    const aborted = client.request('unanswered', 1, { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(aborted, reason);
    await assert.rejects(client.request('a.*', 1), { code: 'AICO_TOPIC_INVALID' });
    const left = client.request('unanswered', 1);
    left.catch(() => {});
    await new Promise(setImmediate);
    await client.close();
    await assert.rejects(left, { code: 'AICO_BUS_NOT_CONNECTED' });
    await assert.rejects(client.request('unanswered', 1), { code: 'AICO_BUS_NOT_CONNECTED' });
  });
});

describe('typed topics', () => {
  const noteCreated = defineTopic('notes.created', Type.Object({ id: Type.String(), size: Type.Integer() }));

  test('a payload that does not match is refused by publish() with locations and reasons, but no values', async () => {
    const client = await connected();
    // @ts-expect-error: a wrong payload does not compile
    await assert.rejects(client.publish(noteCreated, { id: 'canary', size: 'canary' }), {
      code: 'AICO_BUS_PAYLOAD',
      topic: 'notes.created',
      message: /^The message for "notes.created" does not fit: \/size must be integer$/,
      issues: [{ path: '/size', message: 'must be integer' }],
    });
    await client.close();
  });

  test('a typed subscription does not deliver a payload that does not match; it is counted and reported', async () => {
    const errors: Error[] = [];
    const client = await connected((error) => errors.push(error));
    const seen: string[] = [];
    const subscription = await client.subscribe(noteCreated, (_topic, note) => void seen.push(note.id));
    await client.publish('notes.created', { id: 1 });
    await client.publish('notes.created', { id: 'by name', size: 1 });
    await client.publish(noteCreated, { id: 'typed', size: 2 });
    await client.drain();
    assert.deepEqual(seen, ['by name', 'typed']);
    assert.equal(subscription.stats.failed, 1);
    assert.deepEqual(
      errors.map(({ cause }) => cause instanceof Error && 'code' in cause && cause.code),
      ['AICO_BUS_PAYLOAD'],
    );
  });

  test('a typed topic has a full name', () => {
    assert.throws(() => defineTopic('notes.*', Type.String()), { code: 'AICO_TOPIC_INVALID' });
  });
});

test('attributes with control characters or lone surrogates are refused', async () => {
  const client = new MessageBusClient();
  await client.connect();
  for (const text of ['a\nb', '\u001b[2J', '\u009b', '\ud800', '\ufffe']) {
    assert.throws(() => new MessageBusClient({ source: text }), { code: 'AICO_BUS_OPTION' });
    assert.throws(() => client.as(text), { code: 'AICO_BUS_OPTION' });
    await assert.rejects(client.publish('a', 1, { id: text }), { code: 'AICO_BUS_PAYLOAD' });
    await assert.rejects(client.publish('a', 1, { traceparent: text }), { code: 'AICO_BUS_PAYLOAD' });
  }
  await client.publish('a', 1, { id: 'grüße 🌻' });
  await client.close();
});
