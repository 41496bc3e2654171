import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PayloadInvalidError } from '../errors.ts';
import { MessageBusClient } from '../message-bus-client.ts';
import { requestTests } from './request-tests.ts';
import { pairFrom, type TransportFixture } from './transport-pair.ts';

export type { TransportFixture };

const JSON_VALUES: readonly unknown[] = [
  null,
  true,
  [0, -1.5e-300, 2 ** 53, Number.MAX_VALUE, 5e-324],
  ['', ' ', '\u0000', '"\\', '\u2028', 'ä日記😀', '__proto__'],
  [],
  {},
  [[[[]]], [{}], null],
  { '': '', ' ': [], constructor: { toString: 'x' }, length: 0, 'a.b': { '>': null } },
  JSON.parse('{"__proto__":{"a":[1,{"b":false}]}}'),
  'x'.repeat(70_000),
  Array.from({ length: 300 }, (_, n) => ({ n, text: String.fromCharCode(n + 32) })),
];

interface TransportLimits {
  /** The number of subscriptions that one client must support, a multiple of 500. Default 10 000. */
  readonly subscriptions?: number;
}

/** The acceptance suite of transports. It registers its tests with `node:test`; the tests of every implementation call it. */
export function transportSuite(
  name: string,
  fixture: TransportFixture,
  { subscriptions = 10_000 }: TransportLimits = {},
): void {
  const withPair = pairFrom(fixture);

  describe(`transport: ${name}`, () => {
    requestTests(withPair);

    test('a message reaches each matching subscription exactly once, even if patterns overlap', () =>
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

    test('messages of one publisher on one topic arrive in order', () =>
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

    test('data arrives unchanged, and the publisher cannot change it afterwards', () =>
      withPair(async (pair) => {
        await pair.record('d.*');
        for (const value of JSON_VALUES) await pair.publisher.publish('d.x', value);
        const expected = JSON.stringify(JSON_VALUES);
        await pair.count(JSON_VALUES.length);
        assert.equal(JSON.stringify(pair.of('d.*').map(([, message]) => message)), expected);
      }));

    test('bytes arrive as bytes, and a handler that writes into them changes no other copy', () =>
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

    test('a handler cannot change the payload of another handler', () =>
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

    test('a payload that is not data is refused', () =>
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

    test('MessagePack carries dates and bytes within data, and the envelope names the content type', () =>
      withPair(async (pair) => {
        const got = Promise.withResolvers<readonly [unknown, string]>();
        await pair.subscriber.subscribe('p', (_topic, message, { datacontenttype }) =>
          got.resolve([message, datacontenttype]),
        );
        const payload = { at: new Date(7), bytes: Uint8Array.of(1, 2), list: [1.5, 'é', null, true] };
        await pair.publisher.publish('p', payload, { contentType: 'application/msgpack' });
        assert.deepEqual(await got.promise, [payload, 'application/msgpack']);
      }));

    test('a payload that does not fit its content type is refused', () =>
      withPair(async (pair) => {
        const contentType = 'application/octet-stream';
        await assert.rejects(pair.publisher.publish('p', 'text', { contentType }), PayloadInvalidError);
      }));

    test('a message of 1 MiB arrives complete and in order among small ones', () =>
      withPair(async (pair) => {
        await pair.record('big.*');
        const big = 'x'.repeat(1_048_576);
        for (const message of [1, big, 2, { big }, 3]) await pair.publisher.publish('big.x', message);
        await pair.count(5);
        assert.deepEqual(
          pair.of('big.*').map(([, message]) => message),
          [1, big, 2, { big }, 3],
        );
      }));

    test('a message reaches two subscriptions with the same pattern once each', () =>
      withPair(async (pair) => {
        const seen: string[] = [];
        const both = Promise.withResolvers<void>();
        for (const name of ['first', 'second'])
          await pair.subscriber.subscribe('two.*', (topic) => {
            seen.push(`${name} ${topic}`);
            if (topic === 'two.end' && seen.filter((one) => one.endsWith('end')).length === 2) both.resolve();
          });
        await pair.publisher.publish('two.x', 1);
        await pair.publisher.publish('two.end', 1);
        await both.promise;
        assert.deepEqual(seen.sort(), ['first two.end', 'first two.x', 'second two.end', 'second two.x']);
      }));

    test('after unsubscribe() nothing is delivered, and other subscriptions remain', () =>
      withPair(async (pair) => {
        const left = await pair.subscriber.subscribe('u.*', () =>
          assert.fail('a message arrived after unsubscribe()'),
        );
        await pair.record('u.*');
        await left.unsubscribe();
        await left.unsubscribe();
        await pair.publisher.publish('u.x', 1);
        await pair.count(1);
        assert.equal(left.stats.delivered + left.stats.failed, 0);
      }));

    test(`of ${subscriptions} subscriptions only those that match receive a message`, () =>
      withPair(async (pair) => {
        const seen: number[] = [];
        const enough = Promise.withResolvers<void>();
        const handler = (n: number) => (): void => {
          seen.push(n);
          if (seen.length === 2) enough.resolve();
        };
        for (let from = 0; from < subscriptions; from += 500)
          await Promise.all(
            Array.from({ length: 500 }, (_, n) =>
              pair.subscriber.subscribe(`m.${from + n}.*`, handler(from + n)),
            ),
          );
        await pair.publisher.publish('m.77.x', 1);
        await pair.publisher.publish(`m.${subscriptions - 1}.x`, 1);
        await enough.promise;
        assert.deepEqual(seen.sort(), [77, subscriptions - 1].sort());
      }));

    test('a slow handler and a failing one delay no other subscription, and are counted', () =>
      withPair(async (pair) => {
        const slow = await pair.subscriber.subscribe('s', () => new Promise(() => {}));
        const failing = await pair.subscriber.subscribe('s', () => Promise.reject(new Error('it fails')));
        await pair.record('s');
        for (let n = 0; n < 100; n += 1) await pair.publisher.publish('s', n);
        await pair.count(100);
        await failing.unsubscribe();
        assert.deepEqual(slow.stats, { delivered: 0, dropped: 0, failed: 0, queued: 100 });
        assert.equal(failing.stats.delivered, 0);
      }));

    test('a full queue drops messages and counts them exactly', () =>
      withPair(async (pair) => {
        const options = { queueLimit: 5, overflow: 'drop-newest' } as const;
        const full = await pair.subscriber.subscribe('q', () => new Promise(() => {}), options);
        await pair.record('q');
        await pair.publisher.publish('q', 0);
        await pair.count(1);
        for (let n = 1; n < 50; n += 1) await pair.publisher.publish('q', n);
        await pair.count(50);
        assert.deepEqual(full.stats, { delivered: 0, dropped: 44, failed: 0, queued: 6 });
      }));

    test('closing one client does not affect the others', () =>
      withPair(async (pair) => {
        const third = new MessageBusClient({ source: 'third', transport: pair.transport });
        await third.connect();
        await third.subscribe('c.*', () => assert.fail('a message arrived after close()'));
        await pair.record('c.*');
        await third.close();
        await pair.publisher.publish('c.x', 1);
        await pair.count(1);
      }));
  });
}
