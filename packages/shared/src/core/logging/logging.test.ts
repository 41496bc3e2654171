import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { AicoError } from '@aico/protocol';
import fc from 'fast-check';
import { MessageBusClient } from '../bus/index.ts';
import {
  createInfrastructureLogger,
  createLogging,
  getLogger,
  installLogging,
  type Logging,
  type LogRecord,
} from './index.ts';

interface Line {
  readonly [name: string]: unknown;
  readonly fields?: Record<string, unknown>;
}

/** Logging whose console is kept: what a program reading it would get. */
function captured(level: 'trace' | 'info' | 'warn' = 'info'): { logging: Logging; lines: () => Line[] } {
  const chunks: string[] = [];
  const stream = { write: (text: string) => void chunks.push(text) };
  return {
    logging: createLogging({ level, console: { stream } }),
    lines: () => chunks.map((text) => JSON.parse(text) as Line),
  };
}

/** A bus, and the lines that went over it. */
async function listening(): Promise<{ bus: MessageBusClient; topics: string[]; records: LogRecord[] }> {
  const bus = new MessageBusClient({ source: 'test' });
  await bus.connect();
  const topics: string[] = [];
  const records: LogRecord[] = [];
  await bus.subscribe(
    'logs.*',
    (topic, record) => {
      topics.push(topic);
      records.push(record as LogRecord);
    },
    { queueLimit: 100_000 },
  );
  return { bus, topics, records };
}

/** Logs `fields` and returns what came out. */
function through(fields: Record<string, unknown>): Record<string, unknown> {
  const { logging, lines } = captured();
  logging.getLogger('s', 'c').info('m', fields);
  return lines()[0]?.fields ?? {};
}

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

  test('milder levels than asked for cost nothing and leave nothing; the level can change', () => {
    const { logging, lines } = captured('warn');
    const logger = logging.getLogger('s', 'c');
    assert.equal(logger.isLevelEnabled('info'), false);
    logger.info('no');
    logger.warn('yes');
    logging.level = 'trace';
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

  test('pretty lines cannot be forged by what is logged', () => {
    const chunks: string[] = [];
    const stream = new PassThrough().on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
    const logging = createLogging({ console: { format: 'pretty', stream } });
    logging.getLogger('s', 'c').info('a\nFATAL b\u001b[2J', { x: 'c\nd' });
    const text = chunks.join('');
    assert.match(text, /INFO.*s\/c: a\\nFATAL b\\u001b/);
    assert.equal(text.includes('\u001b'), false);
  });

  test('names with quotes, line breaks or dots stay what they are', () => {
    const { logging, lines } = captured();
    logging.getLogger('a"b\n.c', '"}').warn('x"y\n');
    assert.equal(lines()[0]?.service, 'a"b\n.c');
    assert.equal(lines()[0]?.msg, 'x"y\n');
  });
});

describe('redaction', () => {
  for (const name of [
    'password',
    'PASSWORD',
    'userPassword',
    'secret',
    'client_secret',
    'accessToken',
    'Authorization',
    'Set-Cookie',
    'api_key',
    'X-Api-Key',
    'privateKey',
    'passphrase',
    'recovery_code',
    'recovery-code',
  ])
    test(`"${name}" is redacted at any depth, in objects, arrays, maps and errors`, () => {
      const canary = { [name]: 'canary', inner: { [name]: { deep: 'canary' } } };
      const fields = {
        ...canary,
        list: [canary, [canary]],
        map: new Map([[name, 'canary']]),
        error: Object.assign(new Error('x', { cause: Object.assign(new Error('y'), canary) }), canary),
      };
      const text = JSON.stringify(through(fields));
      assert.doesNotMatch(text, /canary/);
      assert.match(text, /\[redacted\]/);
    });

  test('a value that knows it is secret prints as it wishes, under any name', () => {
    class Secret {
      readonly #value = 'canary';
      reveal(): string {
        return this.#value;
      }
      toJSON(): string {
        return '[redacted]';
      }
    }
    assert.deepEqual(through({ value: new Secret(), list: [new Secret()] }), {
      value: '[redacted]',
      list: ['[redacted]'],
    });
  });

  test('whether a secret is set is told, the secret is not', () => {
    assert.deepEqual(through({ hasPassword: true, token: null, secret: 7, author: 'x', monkey: 'y' }), {
      hasPassword: true,
      token: null,
      secret: '[redacted]',
      author: 'x',
      monkey: 'y',
    });
  });
});

describe('what callers log', () => {
  class StoreBrokenError extends AicoError {
    readonly file = 'notes.db';
  }

  test('errors are written out with code, hint, stack and causes', () => {
    const cause = new TypeError('below', { cause: 'a string' });
    const error = new StoreBrokenError('AICO_TEST_STORE', 'broken', { hint: 'mend it', cause });
    const { error: written } = through({ error });
    assert.ok(typeof written === 'object' && written !== null && 'stack' in written && 'cause' in written);
    const { stack, cause: below, ...rest } = written;
    assert.deepEqual(rest, {
      type: 'StoreBrokenError',
      message: 'broken',
      code: 'AICO_TEST_STORE',
      hint: 'mend it',
      file: 'notes.db',
    });
    assert.match(String(stack), /logging\.test\.ts/);
    assert.ok(typeof below === 'object' && below !== null && 'type' in below && 'cause' in below);
    assert.equal(below.type, 'TypeError');
    assert.equal(below.cause, 'a string');
  });

  test('circles, getters that throw, toJSON that throws or logs, and exotic values never break the caller', () => {
    const { logging, lines } = captured();
    const logger = logging.getLogger('s', 'c');
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const hostileError = new Error('x');
    Object.defineProperty(hostileError, 'message', {
      get() {
        throw new Error('message');
      },
    });
    Object.defineProperty(hostileError, 'name', {
      get() {
        throw new Error('name');
      },
    });
    const endless = { toJSON: (): object => ({ ...endless }) };
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    logger.info('m', {
      circle,
      big: 2n ** 70n,
      nan: Number.NaN,
      symbol: Symbol('s'),
      nothing: undefined,
      call: () => 1,
      date: new Date(0),
      invalidDate: new Date(Number.NaN),
      bytes: Buffer.from('abc'),
      get bad() {
        throw new Error('getter');
      },
      json: {
        toJSON() {
          throw new Error('toJSON');
        },
      },
      logs: {
        toJSON(): object {
          logger.info('inner', { self: this });
          return { done: true };
        },
      },
      endless,
      hostileError,
      revoked: revoked.proxy,
      nullProto: Object.assign(Object.create(null), { x: 1 }),
      ['__proto__']: 1,
    });
    const fields = lines().at(-1)?.fields;
    assert.deepEqual(fields?.circle, { self: '[circular]' });
    assert.equal(fields?.big, '1180591620717411303424');
    assert.equal(fields?.nan, 'NaN');
    assert.equal(fields?.bad, '[unreadable: Error]');
    assert.equal(fields?.json, '[unreadable: Error]');
    assert.equal(fields?.bytes, '[3 bytes]');
    assert.equal(fields?.date, '1970-01-01T00:00:00.000Z');
    assert.deepEqual(fields?.logs, { done: true });
    assert.deepEqual(fields?.nullProto, { x: 1 });
    assert.equal(lines().length, 2);
  });

  test('whatever is logged, a line comes out, is bounded, and the caller is not broken', () => {
    const { logging, lines } = captured();
    const logger = logging.getLogger('s', 'c');
    let count = 0;
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(fc.string(), anything, (message, value) => {
        logger.info(message, { value });
        logger.info(message, value as Record<string, unknown>);
        count += 2;
      }),
      { numRuns: 300 },
    );
    assert.equal(lines().length, count);
    const huge = 'x'.repeat(1_000_000);
    logger.info(huge, { huge, list: Array.from({ length: 10_000 }, () => huge), deep: nest(1_000) });
    assert.ok(JSON.stringify(lines().at(-1)).length < 200_000);
  });

  test('what the caller changes afterwards does not change the line', async () => {
    const { logging } = captured();
    const { bus, records } = await listening();
    const fields = { list: [1], inner: { a: 1 } };
    logging.attach(bus);
    logging.getLogger('s', 'c').info('m', fields);
    fields.list.push(2);
    fields.inner.a = 2;
    await logging.flush();
    await bus.drain();
    assert.deepEqual(records[0]?.fields, { list: [1], inner: { a: 1 } });
  });

  function nest(depth: number): object {
    let value: object = {};
    for (let n = 0; n < depth; n += 1) value = { value };
    return value;
  }
});

describe('over the bus', () => {
  test('lines logged before the bus is attached arrive first and in order', async () => {
    const { logging } = captured();
    const { bus, records } = await listening();
    const logger = logging.getLogger('s', 'c');
    for (let n = 0; n < 10; n += 1) logger.info(`${n}`);
    assert.equal(logging.stats.buffered, 10);
    logging.attach(bus);
    for (let n = 10; n < 20; n += 1) logger.info(`${n}`);
    await logging.flush();
    await bus.drain();
    assert.deepEqual(
      records.map(({ message }) => Number(message)),
      Array.from({ length: 20 }, (_, n) => n),
    );
    assert.deepEqual(logging.stats, { lines: 20, published: 20, dropped: 0, buffered: 0 });
  });

  for (const [what, bootBuffer] of [
    ['lines', { lines: 5, size: 1_000_000 }],
    ['size', { lines: 1_000, size: 1_500 }],
  ] as const)
    test(`the boot buffer is bounded by ${what}; drops are counted exactly and logged`, async () => {
      const logging = createLogging({ console: { enabled: false }, bootBuffer });
      const { bus, records } = await listening();
      const logger = logging.getLogger('s', 'c');
      for (let n = 0; n < 100; n += 1) logger.info(`${n}`, { pad: 'x'.repeat(100) });
      const { dropped, buffered } = logging.stats;
      assert.equal(dropped + buffered, 100);
      assert.ok(buffered >= 3 && buffered <= 8, `${buffered} wait`);
      logging.attach(bus);
      await logging.flush();
      await bus.drain();
      const own = records.filter(({ service }) => service === 's');
      assert.deepEqual(
        own.map(({ message }) => Number(message)),
        Array.from({ length: buffered }, (_, n) => 100 - buffered + n),
      );
      const [notice] = records.filter(({ service }) => service === 'logging');
      assert.deepEqual(notice?.fields, { dropped });
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

  test('the bus and the log store speak to the console alone: no line causes the next', async () => {
    const { logging, lines } = captured();
    const { bus, records } = await listening();
    logging.attach(bus);
    logging.getLogger('message_bus', 'hub').error('m');
    logging.getLogger('log_store', 'writer').error('m');
    await logging.flush();
    await bus.drain();
    assert.equal(lines().length, 2);
    assert.equal(records.length, 0);
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

  test('lines that a closed bus refuses are counted, and the console still has them', async () => {
    const { logging, lines } = captured();
    const { bus } = await listening();
    logging.attach(bus);
    await bus.close();
    logging.getLogger('s', 'c').info('m');
    await logging.flush();
    assert.equal(logging.stats.published, 0);
    assert.ok(logging.stats.dropped >= 1);
    assert.equal(lines()[0]?.msg, 'm');
    await logging.close();
    logging.getLogger('s', 'c').info('after');
    assert.equal(lines().at(-1)?.msg, 'after');
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
