import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createLogging } from '@aico/shared/core/logging';
import { ANONYMOUS, OWNER, type Principal } from '../core/access.ts';
import { localRequest } from '../testing/local-request.ts';
import { createApp } from './app.ts';
import { UploadBudget } from './upload-budget.ts';

const logger = createLogging({ console: { enabled: false } }).getLogger('test', 'gateway');
const KIB = 1_024;

async function start(t: TestContext, principalOf: (name: unknown) => Principal = () => OWNER) {
  const uploads = new UploadBudget({ perSender: 100 * KIB, total: 150 * KIB });
  const arrived = new Map<string, () => void>();
  const app = await createApp({
    prefix: '/t',
    logger,
    bodyLimitBytes: 90 * KIB,
    uploads,
    access: 'public',
    principalOf: ({ headers }) => principalOf(headers['x-sender']),
    declare: (routes) => {
      routes.addContentTypeParser(
        'text/csv',
        { parseAs: 'string' },
        async (_request: unknown, body: unknown) => String(body).split(','),
      );
      routes.addContentTypeParser('application/octet-stream', (_request, payload, done) =>
        done(null, payload),
      );
      routes.post('/', ({ body }) => (Array.isArray(body) ? body.length : typeof body));
      routes.post('/hold', async ({ body }) => {
        await new Promise<void>((resolve) => {
          arrived.get('held')?.();
          arrived.set('leave', resolve);
        });
        return String(body).length;
      });
    },
  });
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
  t.after(() => app.close());
  return { app, uploads, port: Number(port), arrived };
}

test('parsers get bodies as before: text, JSON, whole or as a stream, within the limit', async (t) => {
  const { app } = await start(t);
  const post = async (type: string, payload: string) => {
    const { statusCode, body } = await app.inject({
      method: 'POST',
      url: '/t',
      headers: { 'content-type': type },
      payload,
    });
    return [statusCode, statusCode === 200 ? body : (JSON.parse(body) as { code: string }).code];
  };
  assert.deepEqual(await post('text/csv', 'a,b,c'), [200, '3']);
  assert.deepEqual(await post('text/plain', 'x'.repeat(80 * KIB)), [200, 'string']);
  assert.deepEqual(await post('application/json', '[1,2]'), [200, '2']);
  assert.deepEqual(await post('application/octet-stream', 'x'), [200, 'object']);
  assert.deepEqual(await post('text/plain', 'x'.repeat(91 * KIB)), [413, 'AICO_GATEWAY_BAD_REQUEST']);
  assert.deepEqual(await post('application/json', ''), [400, 'AICO_GATEWAY_BAD_REQUEST']);
});

test('the bytes held by one sender, and by all, are limited, and are released with the answer', async (t) => {
  const { uploads, port, arrived } = await start(t, (name) => ({
    ...ANONYMOUS,
    id: String(name),
    may: () => true,
  }));
  const target = `http://127.0.0.1:${port}`;
  const post = (path: string, sender: string, kib: number) =>
    localRequest(target, path, {
      method: 'POST',
      body: 'x'.repeat(kib * KIB),
      headers: { 'x-sender': sender },
    });
  const held = new Promise<void>((resolve) => arrived.set('held', resolve));
  const first = post('/t/hold', 'a', 80);
  await held;
  assert.ok(uploads.held > 60 * KIB);
  const codes = async (sender: string, kib: number) => {
    const { status, text } = await post('/t', sender, kib);
    return [status, status === 200 ? undefined : (JSON.parse(text) as { code: string }).code];
  };
  assert.deepEqual(await codes('a', 80), [429, 'AICO_GATEWAY_UPLOADS']);
  assert.deepEqual(await codes('a', 8), [200, undefined]);
  assert.deepEqual(await codes('b', 70), [200, undefined]);
  // A request that has begun and sends nothing more.
  const stuck = connect(port, '127.0.0.1').on('error', () => {});
  stuck.write(
    `POST /t HTTP/1.1\r\nHost: a\r\nX-Sender: b\r\nContent-Type: text/plain\r\nContent-Length: ${85 * KIB}\r\n\r\n`,
  );
  const before = uploads.held;
  stuck.write('x'.repeat(70 * KIB));
  while (uploads.held < before + 50 * KIB) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await codes('c', 60), [503, 'AICO_GATEWAY_UPLOADS']);
  stuck.destroy();
  await once(stuck, 'close');
  arrived.get('leave')?.();
  assert.equal((await first).text, String(80 * KIB));
  while (uploads.held > 0) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await codes('c', 60), [200, undefined]);
});
