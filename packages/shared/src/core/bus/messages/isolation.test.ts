import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { InProcessBus, MessageBusClient } from '../index.ts';

/** Turns plain data into a payload that a careless or hostile publisher might publish. */
const disguises: Readonly<Record<string, (value: object) => unknown>> = {
  'as it is': (value) => value,
  'a getter': (value) => Object.defineProperty({}, 'x', { get: () => value, enumerable: true }),
  'a getter that throws': () => ({
    get x() {
      throw new Error('read');
    },
  }),
  'a getter of an ever deeper object': () => {
    const deeper = (): object => ({
      get next() {
        return deeper();
      },
    });
    return deeper();
  },
  'a symbol for a name': (value) => ({ [Symbol('s')]: value, y: 1 }),
  'a property that cannot be enumerated': (value) => Object.defineProperty({ y: 1 }, 'hidden', { value }),
  'a name on an array': (value) => Object.assign([1], { named: value }),
  'an array with a getter': (value) => Object.defineProperty([1, 2], 0, { get: () => value }),
  'frozen at the top': (value) => Object.freeze({ value }),
  'without a prototype': (value) => Object.assign(Object.create(null), { value }),
  'a prototype in a name': (value) => Object.defineProperty({}, '__proto__', { value, enumerable: true }),
  'an instance of a class': (value) =>
    new (class Held {
      readonly value = value;
    })(),
  'a subclass of Array': (value) => class List extends Array {}.from([value]),
  'a proxy': (value) => new Proxy({ value }, {}),
  'a map': (value) => new Map([[value, { value }]]),
  'a set': (value) => new Set([value, { value }]),
  'a date': () => new Date(0),
  'an error': () => new Error('no data'),
  'a regular expression': () => /x/g,
  bytes: () => Uint8Array.of(1, 2, 3),
  'bytes of a pool': () => Buffer.from('pooled'),
  'an array buffer': () => new ArrayBuffer(8),
  floats: () => Float64Array.of(0.5),
  'a data view': () => new DataView(new ArrayBuffer(4), 1, 2),
  'shared memory': () => new SharedArrayBuffer(8),
  'a view of shared memory': () => new Int32Array(new SharedArrayBuffer(8)),
  'a function': () => () => 1,
  'a promise': () => Promise.resolve(),
  'a weak map': () => new WeakMap(),
  'very deep': (value) => Array.from({ length: 3_000 }).reduce<unknown>((inner) => [inner], value),
  'a graph that unfolds': () =>
    Array.from({ length: 60 }).reduce<unknown>((inner) => ({ a: inner, b: inner }), 1),
  'a ring': (value) => {
    const ring = { value, self: {} };
    ring.self = ring;
    return ring;
  },
  'a sparse array': () => {
    const sparse: unknown[] = [];
    sparse.length = 2 ** 31;
    return sparse;
  },
};

const plain = fc.object({ maxDepth: 3 });
const disguise = fc.constantFrom(...Object.keys(disguises));
const payloads = fc.tuple(plain, disguise, disguise).map(([value, inner, outer]) => {
  const within = disguises[inner]?.(value);
  return disguises[outer]?.(typeof within === 'object' && within !== null ? within : { within });
});

/** Every object and piece of memory that can be reached from `value`, by any kind of property. */
function reachable(value: unknown, found = new Set<object>()): Set<object> {
  if (typeof value !== 'object' || value === null || found.has(value)) return found;
  found.add(value);
  if (ArrayBuffer.isView(value)) return found.add(value.buffer);
  if (value instanceof Map) for (const each of value) reachable(each, found);
  else if (value instanceof Set) for (const each of value) reachable(each, found);
  for (const name of Reflect.ownKeys(value)) {
    const { get, value: own } = Object.getOwnPropertyDescriptor(value, name) ?? {};
    if (get === undefined) reachable(own, found);
  }
  return found;
}

function isImmutable(value: object): boolean {
  if (ArrayBuffer.isView(value) || !Object.isFrozen(value)) return false;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return false;
  return Reflect.ownKeys(value).every((name) => {
    const { get } = Object.getOwnPropertyDescriptor(value, name) ?? {};
    return get === undefined;
  });
}

async function published(payload: unknown): Promise<readonly [unknown, unknown] | string> {
  const errors: unknown[] = [];
  const client = new MessageBusClient({
    transport: new InProcessBus(),
    onError: (error) => errors.push(error),
  });
  await client.connect();
  const got: unknown[] = [];
  const subscriptions = [
    await client.subscribe('a', (_topic, message) => void got.push(message)),
    await client.subscribe('*', (_topic, message) => void got.push(message)),
  ];
  let code = '';
  await client.publish('a', payload).catch((error: unknown) => {
    code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  });
  // The message after it is delivered in each case.
  await client.publish('a', 'after');
  await client.drain();
  assert.deepEqual(errors, []);
  assert.deepEqual(
    subscriptions.map(({ stats }) => stats),
    Array.from({ length: 2 }, () => ({ delivered: got.length / 2, dropped: 0, failed: 0, queued: 0 })),
  );
  if (code !== '') {
    assert.deepEqual(got, ['after', 'after']);
    return code;
  }
  assert.equal(got.length, 4);
  const [first, second] = got.filter((message) => message !== 'after');
  return [first, second];
}

describe('a message within the process', () => {
  test('shares no mutable memory with its publisher or another subscription, or is refused with a code', async () => {
    let refused = 0;
    let delivered = 0;
    await fc.assert(
      fc.asyncProperty(payloads, async (payload) => {
        const outcome = await published(payload);
        if (typeof outcome === 'string') {
          assert.match(outcome, /^AICO_(BUS_PAYLOAD|DATA_BOUNDS)$/);
          refused += 1;
          return;
        }
        delivered += 1;
        const own = reachable(payload);
        const [first, second] = outcome.map((message) => reachable(message));
        assert.ok(first !== undefined && second !== undefined);
        for (const each of first) {
          assert.ok(!own.has(each), "the publisher's own object was handed on");
          if (second.has(each)) assert.ok(isImmutable(each), 'two subscriptions share what can change');
        }
        assert.deepEqual(outcome[0], outcome[1]);
      }),
      { numRuns: 200 },
    );
    assert.ok(refused > 20 && delivered > 20, `${refused} refused, ${delivered} delivered`);
  });

  for (const name of Object.keys(disguises))
    test(`that is ${name} is delivered or refused with a code`, async () => {
      const outcome = await published(disguises[name]?.({ a: [1] }));
      if (typeof outcome === 'string') assert.match(outcome, /^AICO_(BUS_PAYLOAD|DATA_BOUNDS)$/);
    });

  test('is delivered as it was when it was published, and a refusal names the location that is not data', async () => {
    const date = new Date(5);
    const bytes = Buffer.from('abc');
    const outcome = await published({ date, bytes, map: new Map([['k', [1]]]), set: new Set([2]), n: null });
    assert.deepEqual(outcome[0], {
      date,
      bytes: Uint8Array.from(bytes),
      map: new Map([['k', [1]]]),
      set: new Set([2]),
      n: null,
    });
    const client = new MessageBusClient();
    await client.connect();
    await assert.rejects(client.publish('a', { list: [{ ok: [{}, {}] }, { bad: new URL('x:y') }] }), {
      code: 'AICO_BUS_PAYLOAD',
      message: /\/list\/1\/bad is an instance of URL/,
    });
    await client.close();
  });

  test('of JSON with several thousand levels is refused, and the bus continues', async () => {
    const deep: unknown = JSON.parse(`${'['.repeat(2_500)}${']'.repeat(2_500)}`);
    assert.equal(await published(deep), 'AICO_DATA_BOUNDS');
    assert.equal(await published({ date: new Date(), deep }), 'AICO_DATA_BOUNDS');
  });
});

test('a handler may return any value, and one that returns a broken promise counts as failed once', async () => {
  const client = new MessageBusClient({ onError: () => {} });
  await client.connect();
  const outcomes = [
    1,
    'text',
    null,
    {},
    Promise.resolve(),
    Promise.reject(new Error('planned')),
  ] as unknown[];
  const broken = Object.defineProperty({}, 'then', {
    get: () => {
      throw new Error('planned');
    },
  });
  outcomes.push(broken, Object.fromEntries([['then', () => assert.fail('planned')]]));
  let next = 0;
  const subscription = await client.subscribe('a', () => {
    next += 1;
    return outcomes[next - 1] as undefined;
  });
  for (const _each of outcomes) await client.publish('a', 1);
  await client.drain();
  assert.deepEqual(subscription.stats, { delivered: 5, dropped: 0, failed: 3, queued: 0 });
});

test('a payload whose getter returns a new object on each call delays no other message', async () => {
  const bus = new MessageBusClient();
  await bus.connect();
  let reads = 0;
  const unfolding = (): object => {
    reads += 1;
    // It has 2 to the 64th objects, so that without a bound this test would never end.
    if (reads > 10_000) throw new Error('read without end');
    return Object.defineProperties(
      {},
      Object.fromEntries(['a', 'b'].map((name) => [name, { get: unfolding, enumerable: true }])),
    );
  };
  let isSecond = false;
  const payload = {
    get it() {
      if (isSecond) return unfolding();
      isSecond = true;
      return 1;
    },
  };
  const heard = Promise.withResolvers<unknown>();
  await bus.subscribe('a', (_topic, message) => heard.resolve(message));
  await bus.publish('a', payload);
  assert.deepEqual(await heard.promise, { it: 1 });
  assert.ok(reads < 10, `${reads} reads`);
  await bus.close();
});
