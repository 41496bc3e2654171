import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AicoError } from '@aico/protocol';
import fc from 'fast-check';
import { captured, listening, through } from '../../../test/fixtures/capture-lines.ts';

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
    assert.match(String(stack), /redaction\.test\.ts/);
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

  const graph = (leaf: unknown): unknown => {
    let value = leaf;
    // 200 to the power of seven places, in eight objects.
    for (let depth = 0; depth < 7; depth += 1) value = Array.from({ length: 200 }, () => value);
    return value;
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const endless = new (class extends Set<number> {
    override *[Symbol.iterator](): SetIterator<number> {
      for (let n = 0; ; n += 1) yield n;
    }
  })();
  const longNames = Object.fromEntries(
    Array.from({ length: 200 }, (_, n) => [`${n}${'k'.repeat(60_000)}`, n]),
  );
  for (const [what, value] of Object.entries({
    'shared empty arrays': graph([]),
    'shared empty objects': graph({}),
    'shared arrays of nothing': graph([undefined, null]),
    'shared values below the last level': graph([[[]]]),
    'shared functions': graph(() => 1),
    'shared bytes': graph(new Uint8Array(1)),
    'shared objects that cannot be read': graph(revoked.proxy),
    'shared secrets': graph({ password: 'x' }),
    'a set without an end': endless,
    'a name of a million characters': { ['k'.repeat(1_000_000)]: 1 },
    'a key of a million characters in a map': new Map([['k'.repeat(1_000_000), 1]]),
    'many long names': longNames,
  }))
    test(`a line is bounded, and costs no more than its size, with ${what}`, () => {
      assert.ok(JSON.stringify(through({ value })).length < 100_000);
    });

  test('a long name is cut, and still marks its value as secret', () => {
    const name = `password${'x'.repeat(1_000)}`;
    const [[shown, value] = []] = Object.entries(through({ [name]: 'canary' }));
    assert.equal(shown, `${name.slice(0, 256)}…[1008 characters]`);
    assert.equal(value, '[redacted]');
  });

  test('a message without a text form is written as unreadable', () => {
    const { logging, lines } = captured();
    const logger = logging.getLogger('s', 'c');
    const unreadable = [
      Object.create(null),
      {
        toString() {
          throw new TypeError('no text');
        },
      },
    ];
    for (const message of unreadable) logger.warn(message);
    assert.deepEqual(
      lines().map(({ msg }) => msg),
      ['[unreadable: TypeError]', '[unreadable: TypeError]'],
    );
  });

  test('names of functions and of classes of errors are redacted', () => {
    const token = `ghp_${'a1B2'.repeat(9)}`;
    const error = Object.assign(new Error('x'), { name: token });
    const call = Object.defineProperty(() => 1, 'name', { value: token });
    assert.ok(!JSON.stringify(through({ error, call })).includes('a1B2'));
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

test('a value whose name is the value of another field, or stands before it in a list of headers', () => {
  const fields = {
    form: [
      { name: 'password', value: 'canary' },
      { name: 'user', value: 'anna' },
    ],
    cookie: { key: 'session-token', value: 'canary' },
    rawHeaders: ['Host', 'db.local', 'Authorization', 'canary', 'X-Api-Key', 'canary'],
  };
  const text = JSON.stringify(through(fields));
  assert.doesNotMatch(text, /canary/);
  assert.match(text, /anna.*db\.local/);
});
