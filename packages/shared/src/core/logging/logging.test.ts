import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { captured, listening } from '../../../test/fixtures/capture-lines.ts';
import { Work, withWork } from '../tracing/index.ts';
import { createInfrastructureLogger, createLogging, getLogger, installLogging } from './index.ts';

describe('console', () => {
  test('a line is one JSON object: message, names, level, time, fields', () => {
    const { logging, lines } = captured();
    const before = Date.now();
    logging.getLogger('inbox', 'import').info('Imported', { messages: 2 });
    const [line] = lines();
    assert.ok(typeof line?.time === 'number' && line.time >= before && line.time <= Date.now());
    const { time, ...rest } = line;
    assert.deepEqual(rest, {
      level: 'info',
      service: 'inbox',
      component: 'import',
      fields: { messages: 2 },
      msg: 'Imported',
    });
  });

  test('lower levels than asked for cost nothing and leave nothing; the level can change', () => {
    const { logging, lines } = captured('warn');
    const logger = logging.getLogger('s', 'c');
    assert.equal(logger.isLevelEnabled('info'), false);
    logger.info('no');
    logger.warn('yes');
    logging.levels.default = 'trace';
    logger.trace('now');
    assert.deepEqual(
      lines().map(({ msg }) => msg),
      ['yes', 'now'],
    );
    assert.equal(logging.stats.lines, 2);
  });

  test('child() adds its fields, redacted, and nearer ones win', () => {
    const { logging, lines } = captured();
    logging.getLogger('s', 'c').child({ a: 1, b: 1, password: 'canary' }).child({ b: 2 }).info('m', { c: 3 });
    assert.deepEqual(lines()[0]?.fields, { a: 1, b: 2, password: '[redacted]', c: 3 });
  });

  for (const format of ['pretty', 'json'] as const)
    test(`a ${format} line is one line and controls no terminal, whatever was logged`, () => {
      const hostile = fc.constantFrom('\u001b[2J', '\u009b2J', '\n', '\r', '\u202e', '\u200b', '\u2028');
      const text = fc.array(fc.oneof(hostile, fc.string({ unit: 'binary' }))).map((parts) => parts.join(''));
      const fields = fc.dictionary(text, fc.oneof(text, fc.array(text), fc.dictionary(text, text)));
      fc.assert(
        fc.property(text, text, text, fields, (service, component, message, each) => {
          const { logging, chunks } = captured('info', format);
          logging.getLogger(service, component).info(message, each);
          assert.match(chunks.join(''), /^[^\p{Cc}\u200b\u2028-\u202e\u2066-\u2069]*\n$/u);
        }),
      );
    });

  test('a pretty line reads as time, level, names, message and fields', () => {
    const { logging, chunks } = captured('info', 'pretty');
    logging.getLogger('s', 'c').info('a\nFATAL b', { x: 'c\nd', 'k\u001b': 1 });
    assert.match(
      chunks.join(''),
      /^\d\d:\d\d:\d\d\.\d{3} info {2}s\/c: a\\nFATAL b \{"x":"c\\nd","k\\u001b":1\}\n$/,
    );
  });

  test('the stack of an error stands below its line, indented', () => {
    const { logging, chunks } = captured('info', 'pretty');
    const error = new Error('no\nFATAL room');
    error.stack = 'Error: no\n    at a (b.ts:1:2)\u001b[2J';
    logging.getLogger('s', 'c').error('m', { error });
    const [line, ...stack] = chunks.join('').trimEnd().split('\n');
    assert.match(line ?? '', /error s\/c: m \{"error":\{"type":"Error","message":"no\\nFATAL room"\}\}$/);
    assert.deepEqual(stack, ['    Error: no', '    at a (b.ts:1:2)\\u001b[2J']);
  });

  test('a console that fails is given up, said once, and ends nothing', async () => {
    const { bus, records } = await listening();
    let writes = 0;
    const stream = new Writable({
      write: (_chunk, _encoding, done) => {
        writes += 1;
        done(new Error('EPIPE'));
      },
    });
    const logging = createLogging({ console: { format: 'json', stream } });
    logging.attach(bus);
    const logger = logging.getLogger('s', 'c');
    logger.info('first');
    await new Promise((resolve) => stream.once('close', resolve));
    for (let n = 0; n < 10; n += 1) logger.info('more');
    await logging.flush();
    await bus.drain();
    assert.equal(writes, 1);
    const told = records.filter(({ service }) => service === 'logging');
    assert.deepEqual(
      told.map(({ level, component }) => [level, component]),
      [['warn', 'console']],
    );
    assert.equal(records.filter(({ service }) => service === 's').length, 11);
  });

  test('names with quotes, line breaks or dots stay what they are', () => {
    const { logging, lines } = captured();
    logging.getLogger('a"b\n.c', '"}').warn('x"y\n');
    assert.equal(lines()[0]?.service, 'a"b\n.c');
    assert.equal(lines()[0]?.msg, 'x"y\n');
  });
});

describe('over the bus', () => {
  test('lines logged before the bus is attached arrive first and in order', async () => {
    const { logging } = captured();
    const { bus, records } = await listening();
    const logger = logging.getLogger('s', 'c');
    for (let n = 0; n < 10; n += 1) logger.info(`${n}`);
    assert.equal(logging.stats.waiting, 10);
    logging.attach(bus);
    for (let n = 10; n < 20; n += 1) logger.info(`${n}`);
    await logging.flush();
    await bus.drain();
    assert.deepEqual(
      records.map(({ message }) => Number(message)),
      Array.from({ length: 20 }, (_, n) => n),
    );
    assert.deepEqual(logging.stats, { lines: 20, waiting: 20, dropped: 0, refused: 0 });
    assert.equal(logging.queue.released, 20);
  });

  for (const [what, queue] of [
    ['lines', { lines: 5, size: 1_000_000 }],
    ['size', { lines: 1_000, size: 1_500 }],
  ] as const)
    test(`what waits is bounded by ${what}; drops are counted exactly and logged`, async () => {
      const logging = createLogging({ console: { enabled: false }, queue });
      const { bus, records } = await listening();
      const logger = logging.getLogger('s', 'c');
      for (let n = 0; n < 100; n += 1) logger.info(`${n}`, { pad: 'x'.repeat(100) });
      const { dropped, waiting } = logging.stats;
      assert.equal(dropped + waiting, 100);
      assert.ok(waiting >= 3 && waiting <= 8, `${waiting} wait`);
      logging.attach(bus);
      await logging.flush();
      logging.queue.take({ lines: 100, size: 1e6 });
      logging.queue.confirm();
      logging.queue.confirm();
      await logging.flush();
      await bus.drain();
      const own = records.filter(({ service }) => service === 's');
      assert.equal(own.at(-1)?.message, '99');
      const [notice, second] = records.filter(({ service }) => service === 'logging');
      assert.equal(second, undefined, 'a gap is told once');
      const { from, to, ...counts } = notice?.fields ?? {};
      assert.deepEqual(counts, { dropped, severe: 0 });
      assert.ok(String(from) <= String(to) && !Number.isNaN(Date.parse(String(from))));
    });

  test('any service name becomes one segment of a topic', async () => {
    const { logging } = captured();
    const { bus, topics, records } = await listening();
    logging.attach(bus);
    for (const service of ['a.b', 'my plugin', '*', '>', '', 'é', 'x\n'])
      logging.getLogger(service, 'c').info('m');
    await logging.flush();
    await bus.drain();
    assert.deepEqual(topics, [
      'logs.a_b',
      'logs.my_plugin',
      'logs._',
      'logs._',
      'logs._',
      'logs.é',
      'logs.x_',
    ]);
    assert.equal(records[0]?.service, 'a.b');
  });

  test('a logger that is kept off the bus prints its lines and has them stored', async () => {
    const { logging, lines } = captured();
    const { bus, records } = await listening();
    logging.attach(bus);
    logging.getLogger('message_bus', 'hub', { published: false }).error('m');
    await logging.flush();
    await bus.drain();
    assert.equal(lines().length, 1);
    assert.equal(records.length, 0);
    assert.equal(logging.queue.take({ lines: 10, size: 1_000 })[0]?.record.message, 'm');
  });

  test('a burst of 20 000 lines in one turn arrives whole', async () => {
    const logging = createLogging({ console: { enabled: false } });
    const { bus, records } = await listening();
    logging.attach(bus);
    const logger = logging.getLogger('s', 'c');
    for (let n = 0; n < 20_000; n += 1) logger.info(`${n}`);
    await logging.flush();
    await bus.drain();
    assert.equal(records.length, 20_000);
    assert.equal(records.at(-1)?.message, '19999');
  });

  test('lines that a closed bus refuses are counted, printed and stored', async () => {
    const { logging, lines } = captured();
    const { bus } = await listening();
    logging.attach(bus);
    await bus.close();
    logging.getLogger('s', 'c').info('m');
    await logging.flush();
    assert.equal(logging.stats.refused, 1);
    assert.equal(logging.queue.released, 1);
    assert.equal(lines()[0]?.msg, 'm');
    await logging.close();
    logging.getLogger('s', 'c').info('after');
    assert.equal(lines().at(-1)?.msg, 'after');
  });
});

describe('levels', () => {
  const settings = fc.dictionary(
    fc.constantFrom('a', 'a/x', 'a/y', 'b', 'b/x'),
    fc.constantFrom('trace', 'debug', 'info', 'warn', 'error', 'fatal'),
  );
  test('the nearest of component, service and default decides, also after a change', () => {
    fc.assert(
      fc.property(settings, settings, (first, second) => {
        const { logging, lines } = captured();
        const logger = logging.getLogger('a', 'x');
        for (const rules of [first, second]) {
          for (const [target, level] of Object.entries(rules)) logging.levels.set(target, level);
          const all = { ...first, ...(rules === second && second) };
          const level = all['a/x'] ?? all.a ?? 'info';
          const before = lines().length;
          for (const each of ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const)
            logger[each](each);
          assert.equal(lines()[before]?.msg, level);
        }
      }),
    );
  });

  test('a rule is taken away again, and there are at most 1,000', () => {
    const { levels } = createLogging({ levels: { a: 'trace' }, console: { enabled: false } });
    levels.set('a', undefined);
    assert.deepEqual(levels.toJSON(), { default: 'info', rules: {} });
    for (let n = 0; n < 1_000; n += 1) levels.set(`s${n}`, 'warn');
    assert.throws(() => levels.set('one more', 'warn'), { code: 'AICO_LOGGING_RULES' });
    levels.set('s1', 'info');
  });
});

describe('lines that lines cause', () => {
  test('a handler of log lines that logs each of them, as in the guide, is not called for its own', async () => {
    const { logging } = captured();
    const { bus, records } = await listening();
    logging.attach(bus);
    const logger = logging.getLogger('listener', 'c');
    await bus.subscribe('logs.*', async (topic) => {
      logger.info(`Received message on ${topic}`);
      await new Promise(setImmediate);
      logger.info('Handled');
    });
    logging.getLogger('s', 'c').info('m');
    for (let n = 0; n < 20; n += 1) {
      await logging.flush();
      await new Promise(setImmediate);
    }
    assert.equal(records.length, 1);
    assert.equal(logging.stats.lines, 3, 'they are still kept and printed');
    assert.equal(logging.stats.waiting, 3);
  });

  test('a bus that refuses every line, and logs that it did, causes one line for each and no more', async () => {
    const { logging } = captured();
    const own = logging.getLogger('broken_bus', 'c');
    logging.attach({
      publish: async (topic: unknown) => {
        own.error('Refused', { topic });
        await new Promise(setImmediate);
        own.error('Refused still');
        throw new Error('refused');
      },
    });
    for (let n = 0; n < 10; n += 1) logging.getLogger('s', 'c').info('m');
    for (let n = 0; n < 20; n += 1) await logging.flush();
    assert.equal(logging.stats.lines, 30);
    assert.equal(logging.stats.refused, 10);
    assert.equal(logging.queue.released, 30);
  });
});

describe('context', () => {
  test('lines name the work they are logged for, on the bus and in JSON, before and after logging is set up', async () => {
    const work = new Work(undefined, { requestId: 'r1', device: 'd1' });
    const logger = getLogger('s', 'c');
    withWork(work, () => logger.info('early'));
    const { logging, lines } = captured();
    const { bus, records } = await listening();
    logging.attach(bus);
    const uninstall = installLogging(logging);
    await withWork(work, async () => {
      await new Promise(setImmediate);
      logger.info('within', { n: 1 });
    });
    logger.info('without');
    uninstall();
    await logging.flush();
    await bus.drain();
    const context = { requestId: 'r1', device: 'd1' };
    assert.deepEqual(
      records.map((record) => [record.message, record.context]),
      [
        ['early', context],
        ['within', context],
        ['without', undefined],
      ],
    );
    assert.deepEqual(lines()[1]?.context, context);
    assert.ok(!('context' in (lines()[2] ?? {})));
  });
});

describe('getLogger() for the whole process', () => {
  test('lines wait for the first installed Logging, which is then spoken to until it is taken away', () => {
    const logger = getLogger('inbox', 'import');
    const bound = logger.child({ a: 1, token: 'canary' });
    logger.info('early', { request_id: '7' });
    logger.trace('early but too mild');
    const first = captured();
    const uninstall = installLogging(first.logging);
    bound.info('bound', { b: 2 });
    assert.equal(logger.isLevelEnabled('debug'), false);
    uninstall();
    logger.info('between');
    const second = captured();
    const uninstallSecond = installLogging(second.logging);
    uninstall();
    createInfrastructureLogger('aico.infrastructure.plugin.my_plugin').info('m');
    uninstallSecond();
    assert.deepEqual(
      first.lines().map(({ msg, fields }) => [msg, fields]),
      [
        ['early', { request_id: '7' }],
        ['bound', { a: 1, token: '[redacted]', b: 2 }],
      ],
    );
    assert.deepEqual(
      second.lines().map(({ msg, service, component }) => [msg, service, component]),
      [
        ['between', 'inbox', 'import'],
        ['m', 'my_plugin', 'infrastructure.plugin'],
      ],
    );
  });
});
