import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { InProcessBus, MessageBusClient, RequestGivenUpError } from './index.ts';

async function root(): Promise<{ hub: InProcessBus; client: MessageBusClient }> {
  const hub = new InProcessBus();
  const client = new MessageBusClient({ source: 'root', transport: hub, onError: () => {} });
  await client.connect();
  return { hub, client };
}

describe('as()', () => {
  test('returns a client with its own source, and closing it leaves the other clients open', async () => {
    const { hub, client } = await root();
    const sources: string[] = [];
    await client.subscribe('a', (_topic, _message, { source }) => void sources.push(source));
    const journal = client.as('journal');
    const search = client.as('search');
    await journal.subscribe('a', () => {});
    await search.subscribe('a', () => {});
    await journal.publish('a', 1);
    await journal.close();
    await assert.rejects(journal.publish('a', 1), { code: 'AICO_BUS_NOT_CONNECTED', message: /"journal"/ });
    await search.publish('a', 1);
    await client.publish('a', 1);
    assert.equal(hub.subscriptions, 2);
    await client.drain();
    assert.deepEqual(sources, ['journal', 'search', 'root']);
    await assert.rejects(search.publish('a', 1), { code: 'AICO_BUS_NOT_CONNECTED' });
    assert.equal(hub.subscriptions, 0);
  });

  test('a burst of several clients keeps its order, and each message has its own id', async () => {
    const { client } = await root();
    const [a, b] = [client.as('a'), client.as('b')];
    const seen: string[] = [];
    const ids = new Set<string>();
    await client.subscribe('n.*', (_topic, n, { source, id }) => {
      seen.push(`${source}${n}`);
      ids.add(id);
    });
    const expected: string[] = [];
    for (let n = 0; n < 300; n += 1) {
      const [one, name] = n % 7 < 3 ? ([a, 'a'] as const) : ([b, 'b'] as const);
      expected.push(`${name}${n}`);
      void one.publish(n % 11 === 0 ? 'n.x' : 'n.y', n);
    }
    await client.drain();
    assert.deepEqual(seen, expected);
    assert.equal(ids.size, 300);
  });

  test('needs a connection', () => {
    assert.throws(() => new MessageBusClient().as('early'), { code: 'AICO_BUS_NOT_CONNECTED' });
  });
});

describe('requests', () => {
  test('a request that is cancelled before it is handled counts as failed', async () => {
    const { client } = await root();
    const gate = Promise.withResolvers<void>();
    const handled: unknown[] = [];
    const responder = await client.respond('work', async (_topic, n) => {
      handled.push(n);
      await gate.promise;
    });
    const first = client.request('work', 1);
    const controller = new AbortController();
    const second = client.request('work', 2, { signal: controller.signal });
    await new Promise(setImmediate);
    controller.abort();
    await assert.rejects(second);
    await new Promise(setImmediate);
    gate.resolve();
    await first;
    const third = client.request('work', 3);
    await third;
    assert.deepEqual(handled, [1, 3]);
    assert.equal(responder.stats.failed, 1);
    await client.close();
  });

  test('requests that were answered, cancelled or refused leave nothing behind', async () => {
    const { hub, client } = await root();
    const responder = await client.respond('work', () => 1);
    const before = hub.subscriptions;
    await client.request('work', 1);
    for (let n = 0; n < 50; n += 1) {
      await client.request('work', n);
      await client.request('unanswered', n, { timeoutMs: 0 }).catch(() => {});
    }
    assert.equal(hub.subscriptions, before + 1);
    await responder.unsubscribe();
    assert.equal(hub.subscriptions, 1);
    await client.close();
    assert.equal(hub.subscriptions, 0);
  });

  test("closing the responder aborts its handlers' signals", async () => {
    const { client } = await root();
    const told = Promise.withResolvers<unknown>();
    const began = Promise.withResolvers<void>();
    const answering = client.as('answering');
    await answering.respond('work', (_topic, _message, { signal }) => {
      signal.addEventListener('abort', () => told.resolve(signal.reason));
      began.resolve();
      return told.promise;
    });
    const asked = client.request('work', 1);
    asked.catch(() => {});
    await began.promise;
    await answering.close();
    const reason = await told.promise;
    assert.ok(reason instanceof Error && !(reason instanceof RequestGivenUpError));
    await client.close();
  });
});
