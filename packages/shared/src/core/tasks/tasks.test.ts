import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, mock, test } from 'node:test';
import { BoundedCache, ConnectionPool, createMutex, mapConcurrent, retry } from './index.ts';

describe('createMutex()', () => {
  test('runs one function at a time, in the order of the calls; a failure reaches only its caller', async () => {
    const exclusive = createMutex();
    const events: string[] = [];
    const work = (name: string) => async (): Promise<string> => {
      events.push(`+${name}`);
      for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
      events.push(`-${name}`);
      if (name === 'b') throw new Error('b failed');
      return name;
    };
    const outcomes = Promise.allSettled([exclusive(work('a')), exclusive(work('b')), exclusive(work('c'))]);
    await exclusive(() => undefined);
    assert.deepEqual(events, ['+a', '-a', '+b', '-b', '+c', '-c']);
    assert.deepEqual(
      (await outcomes).map((outcome) =>
        outcome.status === 'fulfilled' ? outcome.value : outcome.reason.message,
      ),
      ['a', 'b failed', 'c'],
    );
  });

  test('rejects when the function throws synchronously, and runs it in the asynchronous context of its caller', async () => {
    const exclusive = createMutex();
    const context = new AsyncLocalStorage<string>();
    const thrown = exclusive(() => {
      throw new Error('at once');
    });
    const seen = ['one', 'two'].map((name) => context.run(name, () => exclusive(() => context.getStore())));
    await assert.rejects(thrown, /at once/);
    assert.deepEqual(await Promise.all(seen), ['one', 'two']);
  });
});

describe('mapConcurrent()', () => {
  test('runs at most the limit concurrently, and returns the results in order', async () => {
    let running = 0;
    let most = 0;
    const results = await mapConcurrent([5, 4, 3, 2, 1, 0], 2, async (item) => {
      running += 1;
      most = Math.max(most, running);
      for (let turn = 0; turn < item; turn += 1) await new Promise(setImmediate);
      running -= 1;
      if (item === 3) throw new Error('three');
      return item * 2;
    });
    assert.equal(most, 2);
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason))),
      [10, 8, 'Error: three', 4, 2, 0],
    );
  });

  test('begins no further item after the signal is aborted', async () => {
    const controller = new AbortController();
    const begun: number[] = [];
    const reason = new Error('stop');
    const mapping = mapConcurrent(
      [1, 2, 3],
      1,
      async (item) => {
        begun.push(item);
        controller.abort(reason);
        await new Promise(setImmediate);
      },
      { signal: controller.signal },
    );
    await assert.rejects(mapping, reason);
    await new Promise(setImmediate);
    assert.deepEqual(begun, [1]);
  });

  test('refuses a limit of zero', async () => {
    await assert.rejects(
      mapConcurrent([1], 0, () => 1),
      TypeError,
    );
  });
});

describe('retry()', () => {
  test('retries after any failure, reports each, and rejects with the last', async () => {
    const failures = [new TypeError('type'), 'a string', new Error('last')];
    const told: unknown[] = [];
    const work = (attempt: number): never => {
      throw failures[attempt - 1];
    };
    const onFailure = (error: unknown, attempt: number): void => void told.push([attempt, error]);
    await assert.rejects(retry(work, { attempts: 3, minDelayMs: 0, onFailure }), failures[2] as Error);
    assert.deepEqual(
      told,
      failures.map((error, index) => [index + 1, error]),
    );
  });

  test('waits twice as long before each further attempt', async () => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    try {
      const at: number[] = [];
      const trying = retry(
        (attempt) => {
          at.push(Date.now());
          if (attempt < 4) throw new Error('again');
          return 'done';
        },
        { attempts: 4, minDelayMs: 100, maxDelayMs: 300, random: () => 0 },
      );
      for (let ms = 0; ms < 70; ms += 1) {
        mock.timers.tick(10);
        await new Promise(setImmediate);
      }
      assert.equal(await trying, 'done');
      const waits = at.slice(1).map((time, index) => time - (at[index] ?? 0));
      assert.deepEqual(
        waits.map((ms) => Math.round(ms / 50) * 50),
        [100, 200, 300],
      );
    } finally {
      mock.timers.reset();
    }
  });

  test('stops when the error is not retryable, when an attempt succeeds, and when aborted', async () => {
    let tries = 0;
    const failing = (): never => {
      tries += 1;
      throw new Error('no');
    };
    await assert.rejects(retry(failing, { shouldRetry: () => false }), /no/);
    assert.equal(tries, 1);
    assert.equal(await retry(() => 7), 7);
    const controller = new AbortController();
    const reason = new Error('stop');
    const onFailure = (): void => controller.abort(reason);
    await assert.rejects(retry(failing, { signal: controller.signal, onFailure }), reason);
    assert.equal(tries, 2);
    await assert.rejects(retry(failing, { attempts: 0 }), { code: 'AICO_TASKS_OPTION' });
  });
});

describe('BoundedCache', () => {
  test('never exceeds its limit; the oldest entry is removed', () => {
    const cache = new BoundedCache<string, number>(2);
    cache.set('a', 1);
    cache.set('b', 2);
    cache.set('a', 3);
    cache.set('c', 4);
    assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c'), cache.size], [3, undefined, 4, 2]);
    assert.throws(() => new BoundedCache(0), { code: 'AICO_TASKS_OPTION' });
  });

  test('accepts undefined as a key', () => {
    const cache = new BoundedCache<undefined | string, number>(1);
    cache.set(undefined, 1);
    cache.set('a', 2);
    assert.equal(cache.size, 1);
    assert.equal(cache.has(undefined), false);
  });
});

describe('ConnectionPool', () => {
  test('creates one resource per key for concurrent callers, and releases the last one first', async () => {
    const events: string[] = [];
    const pool = new ConnectionPool({
      create: async (key: string) => {
        events.push(`+${key}`);
        await new Promise(setImmediate);
        return { key };
      },
      dispose: ({ key }) => void events.push(`-${key}`),
    });
    const [one, same, other] = await Promise.all([pool.get('a'), pool.get('a'), pool.get('b')]);
    assert.equal(one, same);
    assert.notEqual(one, other);
    await pool.remove('a');
    await pool.get('a');
    await pool.dispose();
    await pool.dispose();
    assert.deepEqual(events, ['+a', '+b', '-a', '+a', '-a', '-b']);
    await assert.rejects(pool.get('a'), { code: 'AICO_TASKS_POOL_CLOSED' });
  });

  test('does not cache a failure, and releases the others if one cannot be released', async () => {
    let fail = true;
    const released: string[] = [];
    const pool = new ConnectionPool({
      create: (key: string) => {
        if (fail) throw new Error('down');
        return key;
      },
      dispose: (key) => {
        released.push(key);
        if (key === 'b') throw new Error('stuck');
      },
    });
    await assert.rejects(pool.get('a'), /down/);
    fail = false;
    assert.equal(await pool.get('a'), 'a');
    await pool.get('b');
    await assert.rejects(pool.dispose(), AggregateError);
    assert.deepEqual(released, ['b', 'a']);
  });
});
