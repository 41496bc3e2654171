import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PayloadInvalidError } from './errors.ts';
import { MessageBusClient } from './message-bus-client.ts';
import type { Transport } from './transport.ts';

/** What a transport's author provides: a transport, and its release. */
export type TransportFixture = () => Promise<{
  readonly transport: Transport;
  readonly close: () => Promise<void>;
}>;

type Received = readonly [topic: string, message: unknown];

/**
 * The acceptance suite of transports: registers its tests with `node:test`. A test file of every implementation
 * calls it.
 */
export function transportSuite(name: string, fixture: TransportFixture): void {
  /** Two clients on one transport, and what the second has received, with a way to await the n-th. */
  const withPair = async (work: (pair: Pair) => Promise<void>): Promise<void> => {
    const { transport, close } = await fixture();
    const pair = new Pair(transport);
    try {
      await pair.connect();
      await work(pair);
    } finally {
      await pair.close();
      await close();
    }
  };

  describe(`transport: ${name}`, () => {
    test('a message reaches each matching subscription exactly once, whatever patterns overlap', () =>
      withPair(async (pair) => {
        const patterns = ['a.b', 'a.*', 'a.>', '*.b', '>', 'b.>'];
        for (const pattern of patterns) await pair.record(pattern);
        await pair.publisher.publish('a.b', { n: 1 });
        await pair.count(5);
        await pair.publisher.publish('b.end', 0);
        await pair.count(7);
        assert.deepEqual(pair.of('b.>'), [['b.end', 0]]);
        for (const pattern of patterns.slice(0, 4)) assert.deepEqual(pair.of(pattern), [['a.b', { n: 1 }]]);
      }));

    test('a subscription is in force when subscribe() resolves', () =>
      withPair(async (pair) => {
        for (let n = 0; n < 20; n += 1) {
          await pair.record(`t${n}.*`);
          await pair.publisher.publish(`t${n}.x`, n);
          await pair.count(n + 1);
        }
      }));

    test('the order of one publisher on one topic is kept', () =>
      withPair(async (pair) => {
        await pair.record('n.*');
        const sent = Array.from({ length: 1_000 }, (_, n) => n);
        await Promise.all(sent.map((n) => pair.publisher.publish('n.x', n)));
        await pair.count(sent.length);
        assert.deepEqual(
          pair.of('n.*').map(([, message]) => message),
          sent,
        );
      }));

    test('what is data arrives as it was, and the publisher cannot change it afterwards', () =>
      withPair(async (pair) => {
        await pair.record('d.*');
        const values: unknown[] = [];
        fc.assert(
          fc.property(fc.jsonValue(), (value) => void values.push(value)),
          { numRuns: 50 },
        );
        for (const value of values) await pair.publisher.publish('d.x', value);
        const expected = JSON.stringify(values);
        await pair.count(values.length);
        assert.equal(JSON.stringify(pair.of('d.*').map(([, message]) => message)), expected);
      }));

    test('bytes arrive as bytes, and a handler that writes into them harms nobody', () =>
      withPair(async (pair) => {
        const seen: number[][] = [];
        const both = Promise.withResolvers<void>();
        for (let n = 0; n < 2; n += 1)
          await pair.subscriber.subscribe('bytes', (_topic, message) => {
            assert.ok(message instanceof Uint8Array);
            seen.push([...message]);
            message.fill(0);
            if (seen.length === 2) both.resolve();
          });
        const bytes = Uint8Array.of(1, 2, 3);
        await pair.publisher.publish('bytes', bytes);
        bytes.fill(9);
        await both.promise;
        assert.deepEqual(seen, [
          [1, 2, 3],
          [1, 2, 3],
        ]);
      }));

    test('a handler cannot change what another one sees', () =>
      withPair(async (pair) => {
        const errors: unknown[] = [];
        await pair.subscriber.subscribe('m', (_topic, message) => {
          assert.ok(typeof message === 'object' && message !== null && 'list' in message);
          try {
            Object.assign(message, { list: 'gone' });
          } catch (error) {
            errors.push(error);
          }
        });
        await pair.record('m');
        await pair.publisher.publish('m', { list: [1, { deep: true }] });
        await pair.count(1);
        assert.deepEqual(pair.of('m'), [['m', { list: [1, { deep: true }] }]]);
      }));

    test('what is not data is refused', () =>
      withPair(async (pair) => {
        for (const payload of [() => 1, { f: () => 1 }, Symbol('s'), { s: Symbol('s') }])
          await assert.rejects(pair.publisher.publish('f', payload), PayloadInvalidError);
      }));

    test('a malformed topic or pattern is refused', () =>
      withPair(async (pair) => {
        await assert.rejects(pair.publisher.publish('a.*', 1), { code: 'AICO_TOPIC_INVALID' });
        await assert.rejects(pair.publisher.publish('', 1), { code: 'AICO_TOPIC_INVALID' });
        await assert.rejects(
          pair.subscriber.subscribe('a..b', () => {}),
          { code: 'AICO_TOPIC_INVALID' },
        );
        await assert.rejects(
          pair.subscriber.subscribe('>.a', () => {}),
          { code: 'AICO_TOPIC_INVALID' },
        );
      }));

    test('the envelope names source, topic, time and one id for all subscribers', () =>
      withPair(async (pair) => {
        const ids = new Set<string>();
        const two = Promise.withResolvers<void>();
        let seen = 0;
        for (let n = 0; n < 2; n += 1)
          await pair.subscriber.subscribe('e.x', (_topic, _message, envelope) => {
            ids.add(envelope.id);
            assert.equal(envelope.source, 'publisher');
            assert.equal(envelope.type, 'e.x');
            assert.equal(envelope.datacontenttype, 'application/json');
            assert.equal(envelope.traceparent, 'trace');
            assert.ok(Math.abs(Date.parse(envelope.time) - Date.now()) < 60_000);
            assert.match(envelope.id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
            seen += 1;
            if (seen === 2) two.resolve();
          });
        await pair.publisher.publish('e.x', {}, { traceparent: 'trace' });
        await two.promise;
        assert.equal(ids.size, 1);
      }));

    test('closing one client leaves the others as they are', () =>
      withPair(async (pair) => {
        const third = new MessageBusClient({ source: 'third', transport: pair.transport });
        await third.connect();
        await third.subscribe('c.*', () => assert.fail('it was closed'));
        await pair.record('c.*');
        await third.close();
        await pair.publisher.publish('c.x', 1);
        await pair.count(1);
      }));
  });
}

class Pair {
  readonly transport: Transport;
  readonly publisher: MessageBusClient;
  readonly subscriber: MessageBusClient;
  readonly #received = new Map<string, Received[]>();
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined;
  #total = 0;

  constructor(transport: Transport) {
    this.transport = transport;
    this.publisher = new MessageBusClient({ source: 'publisher', transport });
    this.subscriber = new MessageBusClient({ source: 'subscriber', transport, onError: () => {} });
  }

  async connect(): Promise<void> {
    await this.publisher.connect();
    await this.subscriber.connect();
  }

  async close(): Promise<void> {
    await this.publisher.close();
    await this.subscriber.close();
  }

  async record(pattern: string): Promise<void> {
    const list: Received[] = [];
    this.#received.set(pattern, list);
    await this.subscriber.subscribe(pattern, (topic, message) => {
      list.push([topic, message]);
      this.#total += 1;
      if (this.#waiting !== undefined && this.#total >= this.#waiting.count) this.#waiting.resolve();
    });
  }

  of(pattern: string): readonly Received[] {
    return this.#received.get(pattern) ?? [];
  }

  /** Resolves once that many messages have been recorded, and fails should there be more. */
  async count(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = { count, resolve };
    if (this.#total >= count) resolve();
    await promise;
    assert.equal(this.#total, count);
  }
}
