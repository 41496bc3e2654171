import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { storedText } from '@aico/shared/core/logging';
import fc from 'fast-check';
import { record, withStore } from '../../../test/fixtures/log-store.ts';
import type { LogQuery } from './log-query.ts';
import { isSelected } from './log-record.ts';
import { LogStore } from './log-store.ts';
import { INSERT_BATCH } from './schema.ts';

describe('LogStore', () => {
  test('keeps every line with its names, level, time and fields, newest first', () =>
    withStore(async ({ logging, logger, store }) => {
      const before = Date.now();
      logger.info('Imported', { messages: 2, nested: { a: ['ü'] } });
      logger.warn('Refused', { password: 'canary' });
      await logging.flush();
      const [refused, imported] = await store.query({});
      assert.ok(imported !== undefined && imported.time >= before && imported.time <= Date.now());
      assert.deepEqual(
        { ...imported, time: 0 },
        {
          id: 1,
          time: 0,
          level: 'info',
          service: 'inbox',
          component: 'import',
          message: 'Imported',
          fields: { messages: 2, nested: { a: ['ü'] } },
        },
      );
      assert.equal(refused?.level, 'warn');
      assert.deepEqual(refused?.fields, { password: '[redacted]' });
    }));

  test('any text comes back as it was logged', () =>
    withStore(async ({ logging, logger, store }) => {
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.string(), async (message, value) => {
          logger.info(message, { value });
          await logging.flush();
          const [line] = await store.query({ limit: 1 });
          assert.equal(line?.message, message);
          assert.deepEqual(line?.fields, { value });
        }),
        {
          numRuns: 60,
          examples: [
            ['a\0b', "'\\"],
            ['%_', '\u2028'],
          ],
        },
      );
    }));

  test('half a surrogate pair, or a very long line, holds up no other', () =>
    withStore(async ({ log, store }) => {
      log(record({ message: 'a\ud800b', fields: { '\ud800': '\udfff' } }));
      log(record({ message: 'x'.repeat(6 * 1_048_576) }));
      log(record({ message: 'last' }));
      const [last, long, half] = await store.query({});
      assert.equal(last?.message, 'last');
      assert.ok((long?.message.length ?? 0) > 8_000, 'cut as every long text is');
      assert.equal(half?.message, 'a\ufffdb');
    }));

  test('a query agrees with a plain filter over all lines', async () => {
    const names = fc.constantFrom('a', 'b');
    const levels = fc.constantFrom('trace', 'debug', 'info', 'warn', 'error', 'fatal');
    const words = fc.constantFrom('50% off', 'under_score', 'Plain', 'back\\slash');
    // Not in the order of the lines: clocks jump.
    const times = fc.integer({ min: 0, max: 30 });
    const fields = fc.constantFrom({}, { ok: true, list: ['x\nÜber'] }, { deep: { n: 7 } });
    const contexts = fc.constantFrom(
      { requestId: 'r1', plugin: 'p1' },
      { requestId: 'r2' },
      { plugin: 'p2' },
    );
    const line = fc.record({
      time: times,
      service: names,
      component: names,
      level: levels,
      message: words,
      fields,
      context: contexts,
    });
    const query: fc.Arbitrary<LogQuery> = fc.record(
      {
        service: names,
        component: names,
        minLevel: levels,
        text: fc.constantFrom('%', '_', 'PLAIN', '\\', 'x', 'sl bac', 'under', 'tru', 'deep ü'),
        before: fc.integer({ min: 1, max: 40 }),
        after: fc.integer({ min: 0, max: 40 }),
        since: times,
        until: times,
        requestId: fc.constantFrom('r1', 'r2'),
        plugin: fc.constantFrom('p1', 'p2'),
        first: fc.constantFrom('newest', 'oldest'),
        limit: fc.integer({ min: 1, max: 10 }),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 40 }),
        fc.array(query, { maxLength: 8 }),
        (lines, queries) =>
          withStore(async ({ log, store }) => {
            for (const fields of lines) log(record(fields));
            for (const wanted of queries) {
              const { before = Infinity, after = 0, limit = 100 } = wanted;
              const expected = lines
                .map((each, index) => ({ id: index + 1, ...record(each) }))
                .filter(({ id }) => id < before && id > after)
                .filter((stored) => isSelected(stored, wanted));
              if (wanted.first !== 'oldest') expected.reverse();
              expected.splice(limit);
              assert.deepEqual(await store.query(wanted), expected);
            }
          }),
      ),
      { numRuns: 12 },
    );
  });

  test('words and times are found among indexed lines and among the last, and deleted lines are not', () =>
    withStore(
      async ({ log, store, database }) => {
        const now = Date.now();
        for (let n = 0; n < 1_300; n += 1)
          log(
            record({
              time: now + n,
              message: `line ${n}`,
              fields: { word: n % 100 === 7 ? 'rare\nheron' : 'common' },
            }),
          );
        await store.flush();
        await store.index();
        const { rows } = await database.execute<{ n: number }>('SELECT max(last) AS n FROM logs_segment');
        assert.equal(rows[0]?.n, 1_024, 'whole slices alone');
        const found = async (query: LogQuery) => (await store.query(query)).map(({ id }) => id - 1);
        assert.deepEqual(await found({ text: 'HERON', limit: 3 }), [1_207, 1_107, 1_007]);
        assert.deepEqual(await found({ text: 'her 1107' }), [1_107]);
        assert.deepEqual(await found({ since: now + 1_298 }), [1_299, 1_298]);
        assert.deepEqual(await found({ since: now + 5, until: now + 7 }), [6, 5]);
        assert.deepEqual(await found({ until: now + 2, service: 's', minLevel: 'info' }), [1, 0]);
        assert.deepEqual(await found({ until: now }), []);
        assert.equal(await store.prune(), 1_200);
        assert.deepEqual(await found({ text: 'heron' }), [1_207]);
        const left = await database.execute<{ n: number }>(
          `SELECT (SELECT count(*) FROM logs_segment WHERE last <= 1200) +
            (SELECT count(*) FROM logs_text WHERE logs_text MATCH 'line' AND rowid <= 1200) AS n`,
        );
        assert.equal(left.rows[0]?.n, 0, 'no index has the deleted lines');
      },
      { retention: { maxRows: 100 } },
    ));

  test('lines that come after all were deleted are found', () =>
    withStore(
      async ({ log, store }) => {
        for (let n = 0; n < 600; n += 1) log(record({ time: 1, message: 'old' }));
        assert.equal((await store.query({ text: 'old', limit: 1 })).length, 1);
        assert.equal(await store.prune(), 600);
        log(record({ time: Date.now(), message: 'new' }));
        assert.deepEqual(
          (await store.query({ text: 'new' })).map(({ id }) => id),
          [601],
        );
        assert.deepEqual(await store.query({ text: 'old' }), []);
      },
      { retention: { maxAgeMs: 60_000 } },
    ));

  test('no id is given to a second line after deletions and repeated writes, and every line is found', async () => {
    const step = fc.oneof(
      fc.record({ log: fc.integer({ min: 1, max: 700 }) }),
      fc.record({ deleteFrom: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.constantFrom('index' as const, 'same again' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 5 }), (steps) =>
        withStore(async ({ log, store, database }) => {
          let newest = 0;
          let n = 0;
          for (const each of [...steps, { log: 1 }]) {
            if (each === 'index') await store.index();
            // As where the answer of the database was lost: all of these lines are stored already.
            else if (each === 'same again')
              await database.execute(INSERT_BATCH, ['run', 0, `[${storedText(0, record())}]`]);
            else if ('deleteFrom' in each)
              await database.execute('DELETE FROM logs WHERE id >= ?', [Math.ceil(newest * each.deleteFrom)]);
            else {
              for (const end = n + each.log; n < end; n += 1) log(record({ time: n, message: `line ${n}` }));
              await store.flush();
              const { rows } = await database.execute<{ id: number }>(
                'SELECT id FROM logs ORDER BY id DESC LIMIT ?',
                [each.log],
              );
              assert.equal(rows.length, each.log);
              assert.ok((rows.at(-1)?.id ?? 0) > newest);
              newest = rows[0]?.id ?? 0;
              const found = await store.query({ text: `line ${n - 1}`, since: n - 1 });
              assert.deepEqual(
                found.map(({ id }) => id),
                [newest],
              );
            }
          }
        }),
      ),
      {
        numRuns: 5,
        examples: [
          [[{ log: 700 }, 'index', { log: 700 }, { deleteFrom: 0 }, 'same again']],
          [[{ log: 700 }, { deleteFrom: 0.1 }]],
        ],
      },
    );
  });

  test('lines after a gap of ids larger than a slice of the index are indexed', () =>
    withStore(async ({ log, store }) => {
      for (let n = 0; n < 2_000; n += 1)
        log(record({ time: n, service: n < 10 || n > 1_900 ? 'kept' : 'noise', message: `line ${n}` }));
      assert.equal(await store.delete({ service: 'noise' }), 1_891);
      assert.equal((await store.query({ text: 'line 1999' })).length, 1);
      assert.equal((await store.query({ since: 5, limit: 1_000 })).length, 5 + 99);
    }));

  test('pages of lines as long as lines can be are bounded, and have every line', () =>
    withStore(async ({ log, store }) => {
      const long = '€'.repeat(8_190);
      const fields = Object.fromEntries([...'abcdefgh'].map((name) => [name, long]));
      for (let n = 0; n < 90; n += 1) log(record({ time: n, message: long, fields }));
      const seen: number[] = [];
      for (let before: number | undefined; ; before = seen.at(-1)) {
        const page = await store.query({ limit: 1_000, ...(before !== undefined && { before }) });
        if (page.length === 0) break;
        assert.ok(page.length < 50);
        seen.push(...page.map(({ id }) => id));
      }
      assert.deepEqual(
        seen,
        Array.from({ length: 90 }, (_, n) => 90 - n),
      );
      assert.deepEqual((await Array.fromAsync(store.pages({}))).flat().length, 90);
    }));

  test('a burst of 10 000 lines is written whole and in order', () =>
    withStore(async ({ logging, logger, store, database }) => {
      for (let n = 0; n < 10_000; n += 1) logger.info(`${n}`);
      await logging.flush();
      await store.flush();
      const { rows } = await database.execute<{ message: string }>('SELECT message FROM logs ORDER BY id');
      assert.deepEqual(
        rows.map(({ message }) => Number(message)),
        Array.from({ length: 10_000 }, (_, n) => n),
      );
      assert.deepEqual(store.stats, { written: 10_000, dropped: 0, pending: 0, failures: 0 });
    }));

  test('stop() writes the received lines, and accepts none afterwards', () =>
    withStore(async ({ log, store, database }) => {
      for (let n = 0; n < 3_000; n += 1) log(record());
      await store.stop();
      log(record());
      const { rows } = await database.execute<{ n: number }>('SELECT count(*) AS n FROM logs');
      assert.equal(rows[0]?.n, 3_000);
    }));

  test('no service name is more than a value', () =>
    withStore(async ({ log, store }) => {
      log(record({ service: "'; DROP TABLE logs; --" }));
      assert.equal((await store.query({}))[0]?.service, "'; DROP TABLE logs; --");
    }));

  test('lines wait while the database refuses, are written afterwards, once, and nothing is repeated on the bus', () =>
    withStore(
      async ({ bus, logger, logging, database, store }) => {
        const overBus: unknown[] = [];
        await bus.subscribe('logs.*', (_topic, line) => void overBus.push(line));
        database.refuse(new Error('disk full'));
        logger.info('one');
        logger.info('two');
        await logging.flush();
        await assert.rejects(store.flush(), /disk full/);
        await assert.rejects(store.flush(), /disk full/);
        assert.equal(store.stats.failures, 2);
        assert.equal(store.stats.pending, 2);
        assert.deepEqual(await store.query({}), []);
        database.refuse(undefined);
        await store.flush();
        assert.deepEqual(
          (await store.query({})).map(({ message }) => message),
          ['two', 'one'],
        );
        assert.equal(overBus.length, 2);
        assert.deepEqual(store.stats, { written: 2, dropped: 0, pending: 0, failures: 0 });
      },
      { writer: { retryMs: 60_000 } },
    ));

  test('the queue is bounded; the oldest lines are dropped and counted exactly', () =>
    withStore(
      async ({ logging, log, database, store }) => {
        database.refuse(new Error('disk full'));
        for (let n = 0; n < 100; n += 1) log(record({ message: `${n}` }));
        await assert.rejects(store.flush(), /disk full/);
        const { dropped, pending } = store.stats;
        assert.equal(dropped + pending, logging.stats.lines);
        assert.equal(pending, 16);
        database.refuse(undefined);
        await store.flush();
        const kept = await store.query({ service: 's' });
        assert.equal(kept[0]?.message, '99');
        assert.equal((await store.query({ service: 'logging' })).length, 1, 'the drops are logged once');
      },
      { queue: { lines: 16, size: 1_000_000 }, writer: { batchSize: 4, retryMs: 60_000 } },
    ));

  test('lines of the store about its own failures are stored and cause no further lines', () =>
    withStore(
      async ({ logging, logger, database }) => {
        const own = logging.getLogger('log_store', 'store', { published: false });
        const store = new LogStore({ logging, database, logger: own, writer: { retryMs: 1 } });
        await store.start();
        database.refuse(new Error('disk full'));
        logger.info('one');
        for (let n = 0; n < 20; n += 1) await assert.rejects(store.flush(), /disk full/);
        assert.equal(logging.stats.lines, 2);
        database.refuse(undefined);
        await store.flush();
        await store.flush();
        assert.deepEqual(
          (await store.query({})).map(({ service }) => service),
          ['log_store', 'log_store', 'inbox'],
        );
        await store.stop();
      },
      { writer: { retryMs: 60_000 } },
    ));

  test('lines that cannot be written at the stop are reported, and the stop ends', () =>
    withStore(
      async ({ log, database, store }) => {
        database.refuse(new Error('gone'));
        log(record());
        await store.stop();
        assert.equal(store.stats.pending, 1);
        database.refuse(undefined);
      },
      { writer: { retryMs: 60_000 } },
    ));

  test('retention keeps the newest rows, and none that are too old', () =>
    withStore(
      async ({ log, store }) => {
        const now = Date.now();
        for (let n = 0; n < 50; n += 1) log(record({ time: now, message: `${n}` }));
        await store.flush();
        assert.equal(await store.prune(), 40);
        assert.deepEqual(
          (await store.query({})).map(({ message }) => Number(message)),
          [49, 48, 47, 46, 45, 44, 43, 42, 41, 40],
        );
        assert.equal(await store.prune(), 0);
        for (let n = 0; n < 5; n += 1) log(record({ time: now - 2_000 }));
        log(record({ time: now, message: 'new' }));
        await store.flush();
        assert.equal(await store.prune(), 6);
      },
      { retention: { maxRows: 10, maxAgeMs: 1_000_000 } },
    ));

  test('retention by size deletes the oldest lines, also where lines between them are missing', () =>
    withStore(
      async ({ log, store, database }) => {
        const message = '€'.repeat(100);
        for (let n = 0; n < 1_300; n += 1) log(record({ time: Date.now(), message, fields: {} }));
        await store.flush();
        await store.index();
        await database.execute('DELETE FROM logs WHERE id % 2 = 0 AND id > 600');
        const bytes = async () => {
          const { rows } = await database.execute<{ n: number }>(
            'SELECT sum(octet_length(message) + octet_length(fields)) AS n FROM logs',
          );
          return rows[0]?.n ?? 0;
        };
        assert.equal(await bytes(), 950 * 302);
        assert.equal(await store.prune(), 950 - 331);
        assert.equal(await bytes(), 331 * 302);
        const { rows } = await database.execute(
          `SELECT first, lines, bytes, (SELECT count(*) FROM logs WHERE id BETWEEN first AND last) AS counted
           FROM logs_segment ORDER BY first`,
        );
        assert.deepEqual(rows, [{ first: 513, lines: 193, bytes: 193 * 302, counted: 193 }]);
        assert.equal((await store.query({ since: 1, limit: 1_000 })).length, 331);
      },
      { retention: { maxBytes: 100_000 } },
    ));

  test('retention by age deletes from the old end, in slices', () =>
    withStore(
      async ({ log, store }) => {
        for (let n = 0; n < 4_100; n += 1) log(record({ time: 1_000 }));
        log(record({ time: Date.now() }));
        await store.flush();
        assert.equal(await store.prune(), 4_100);
        assert.equal((await store.query({})).length, 1);
      },
      { retention: { maxAgeMs: 60_000 } },
    ));

  const PLANS: readonly (readonly [what: string, where: string, index: RegExp])[] = [
    ['a service and level', "service = 's' AND level = 40", /USING INDEX logs_by_service_and_level/],
    ['a request', "request = 'r' AND +service = 's'", /USING INDEX logs_by_request/],
    ['a trace', "trace = 't'", /USING INDEX logs_by_trace/],
    ['a plugin and level', "plugin = 'p' AND level = 40", /USING INDEX logs_by_plugin/],
    ['a device and level', "device = 'd' AND level = 40", /USING INDEX logs_by_device/],
  ];
  for (const [what, where, index] of PLANS)
    test(`the newest of ${what} are read from an index alone`, () =>
      withStore(async ({ database }) => {
        const plan = await database.execute<{ detail: string }>(
          `EXPLAIN QUERY PLAN SELECT * FROM logs WHERE ${where} AND id <= 1000 ORDER BY id DESC LIMIT 100`,
        );
        const details = plan.rows.map(({ detail }) => detail).join('\n');
        assert.match(details, index);
        assert.doesNotMatch(details, /TEMP B-TREE|SCAN/);
      }));
});
