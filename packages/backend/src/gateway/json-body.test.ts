import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { type TestContext, test } from 'node:test';
import { createLogging } from '@aico/shared/core/logging';
import fc from 'fast-check';
import { OWNER } from '../core/access.ts';
import { createApp } from './app.ts';

async function start(t: TestContext) {
  const app = await createApp({
    prefix: '/t',
    logger: createLogging({ console: { enabled: false } }).getLogger('test', 'gateway'),
    bodyLimitBytes: 1_000_000,
    access: 'public',
    principalOf: () => OWNER,
    declare: (routes) => {
      routes.post('/echo', ({ body }) => ({ body }));
    },
  });
  t.after(() => app.close());
  return async (payload: string | Buffer, type = 'application/json') => {
    const headers = { 'content-type': type };
    const { statusCode, body } = await app.inject({ method: 'POST', url: '/t/echo', headers, payload });
    const reply = JSON.parse(body) as { body?: unknown; code?: string; detail?: string };
    return { status: statusCode, body: reply.body, code: reply.code, detail: reply.detail };
  };
}

const bytes = fc.uint8Array({ minLength: 1, maxLength: 12 });
const text = fc.string({ unit: 'binary', maxLength: 12 }).map((each) => Uint8Array.from(Buffer.from(each)));

test('a JSON body arrives as it was sent or is refused: no byte is replaced', async (t) => {
  const post = await start(t);
  await fc.assert(
    fc.asyncProperty(fc.oneof(bytes, text), async (inside) => {
      const payload = Buffer.concat([
        Buffer.from('"'),
        inside.filter((byte) => byte >= 0x80),
        Buffer.from('"'),
      ]);
      const { status, body, code } = await post(payload);
      if (isUtf8(payload)) assert.deepEqual([status, JSON.stringify(body)], [200, payload.toString()]);
      else assert.deepEqual([status, code], [400, 'AICO_GATEWAY_REQUEST_INVALID']);
    }),
    { numRuns: 200 },
  );
});

test('nesting beyond the limit is refused with a code, at any depth', async (t) => {
  const post = await start(t);
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  assert.equal((await post(nested(64))).status, 200);
  for (const levels of [65, 2_500, 400_000])
    assert.deepEqual(await post(nested(levels)), {
      status: 413,
      body: undefined,
      code: 'AICO_DATA_BOUNDS',
      detail: 'the body is nested deeper than 64 levels',
    });
});

test('what Fastify refuses of JSON is still refused', async (t) => {
  const post = await start(t);
  for (const payload of ['', '{', '{"__proto__":{}}', '{"constructor":{"prototype":{}}}'])
    assert.equal((await post(payload)).status, 400, payload);
});

test('a JSON body with a forbidden key, and an empty one, are refused with their own reasons', async (t) => {
  const post = await start(t);
  assert.match((await post('{"__proto__":1}')).detail ?? '', /__proto__/);
  assert.match((await post('{')).detail ?? '', /not JSON/);
  assert.match((await post('')).detail ?? '', /Send a body/);
});

test('a body in another charset than UTF-8 is refused, and UTF-8 may be named', async (t) => {
  const post = await start(t);
  for (const charset of ['utf-8', 'UTF-8', '"utf-8"', 'utf8', 'us-ascii'])
    for (const type of ['application/json', 'text/plain'])
      assert.equal((await post('"a"', `${type}; charset=${charset}`)).status, 200, charset);
  for (const charset of ['utf-16', 'UTF-16LE', '"iso-8859-1"', 'utf-7', ''])
    for (const type of ['application/json', 'Text/Plain ', 'application/json; a=b'])
      assert.equal((await post('"a"', `${type};Charset=${charset}`)).status, 415, charset);
});

test('a body with the same key twice in one object is refused, however the key is written', async (t) => {
  const post = await start(t);
  const key = fc.constantFrom('ab', '"x', '\\:', 'x:', 'ää', '');
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(1, 'a:"b', '\\', null, '\\"'),
      fc.array(tie('tree'), { maxLength: 2 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 3, noNullPrototype: true }),
    ),
  }));
  await fc.assert(
    fc.asyncProperty(tree, key, async (value, name) => {
      assert.deepEqual((await post(JSON.stringify({ value }))).body, { value });
      const escapes = [...name].map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
      const doubled = `{"value":[{${JSON.stringify(name)}:${JSON.stringify(value)},"${escapes.join('')}":1}]}`;
      const { status, detail } = await post(doubled);
      assert.equal(status, 400);
      assert.match(detail ?? '', /body has an object with the same key twice/);
    }),
    { numRuns: 100 },
  );
});

test('a key of one escaped character, which V8 may misread, is refused', async (t) => {
  const post = await start(t);
  for (const key of ['\\n', '\\"', '\\\\', '\\u00e4', '\\u00E4']) {
    assert.equal((await post(`{"${key}":1}`)).status, 400, key);
    assert.equal((await post(`[{"p":{} , "${key}" :1}]`)).status, 400, key);
    assert.equal((await post(`{"p":"{\\"${key}\\":1","x${key}":1}`)).status, 200, key);
  }
});
