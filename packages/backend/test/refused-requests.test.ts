/**
 * Every refused request is answered with a problem (RFC 9457) that has the id of the request: every route times every kind of
 * error, and every request that reaches no route.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestBackend, type LocalReply, localRequest, type TestBackend } from '@aico/backend/testing';
import { Type } from 'typebox';
import type { GatewayApp } from '../src/core/gateway.ts';
import { assertProblem, CANARY, rawRequest } from './fixtures/problem.ts';

const PUBLIC = { config: { access: 'public' } } as const;

/** Routes of a plugin with parameters of every type. */
function declareTyped(app: GatewayApp): void {
  const params = Type.Object({ id: Type.Integer({ minimum: 1 }) });
  const querystring = Type.Object({
    limit: Type.Optional(Type.Integer()),
    all: Type.Optional(Type.Boolean()),
    ratio: Type.Optional(Type.Number()),
    ids: Type.Optional(Type.Array(Type.Integer())),
    text: Type.Optional(Type.String()),
  });
  const body = Type.Object({ title: Type.String(), stars: Type.Integer() });
  app.get('/:id', { ...PUBLIC, schema: { params, querystring } }, ({ params: { id }, query }) => ({
    id,
    query,
  }));
  app.put('/:id', { ...PUBLIC, schema: { params, body } }, ({ body: sent }) => sent);
  app.get('/p/:name', PUBLIC, ({ params: given }) => ({ given }));
}

interface Operation {
  readonly requestBody?: unknown;
}

describe('every refusal is a problem with the id of its request', () => {
  let backend: TestBackend;
  let paths: ReadonlyMap<string, Readonly<Record<string, Operation>>>;

  before(async () => {
    backend = await createTestBackend({
      config: { environment: 'development', 'core.logging.level': 'fatal' },
    });
    const gateway = backend.container.getService('gateway');
    await gateway.mount('typed', declareTyped);
    const document = (await localRequest(backend.socket, '/api/v1/openapi')).json() as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
    };
    paths = new Map(Object.entries(document.paths));
  });
  after(() => backend.stop());

  /** The methods of every template that a path is one of. */
  const methodsOf = (path: string): string[] => [
    ...new Set(
      [...paths]
        .filter(([template]) => new RegExp(`^${template.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`).test(path))
        .flatMap(([, operations]) => Object.keys(operations).map((method) => method.toUpperCase())),
    ),
  ];
  /** A path of a template, with a parameter that no route refuses before it looks at the method. */
  const pathOf = (template: string, parameter = '1'): string => template.replaceAll(/\{[^}]+\}/g, parameter);
  const ask = (path: string, options: Parameters<typeof localRequest>[2] = {}) =>
    localRequest(backend.socket, path, options);

  test('a method that is not supported at the path: 405 with Allow', async () => {
    assert.ok(paths.size > 30);
    for (const template of paths.keys()) {
      const taken = methodsOf(pathOf(template));
      if (taken.includes('GET')) taken.push('HEAD');
      for (const method of [
        'GET',
        'HEAD',
        'POST',
        'PUT',
        'PATCH',
        'DELETE',
        'OPTIONS',
        'TRACE',
        'PROPFIND',
      ]) {
        if (taken.includes(method)) continue;
        const reply = await ask(pathOf(template), { method });
        const what = `${method} ${template}`;
        assert.deepEqual(String(reply.headers.allow).split(', ').sort(), taken.toSorted(), what);
        if (method !== 'HEAD') assertProblem(reply, 405, what);
        else assert.deepEqual([reply.status, reply.text], [405, ''], what);
      }
    }
    for (const probe of ['/livez', '/readyz?x=1']) {
      const reply = await ask(probe, { method: 'POST' });
      assert.equal(reply.headers.allow, 'GET, HEAD');
      assertProblem(reply, 405, probe);
    }
  });

  test('a path that is not UTF-8, too long, or unknown', async () => {
    for (const [template, operations] of paths) {
      const [method = ''] = Object.keys(operations);
      const asked = { method: method.toUpperCase() };
      for (const wrong of ['%zz', '%ff', '%c3%28', '%']) {
        if (template.includes('{'))
          assertProblem(await ask(pathOf(template, wrong), asked), 400, `${template} ${wrong}`);
        assertProblem(await ask(`${pathOf(template)}/${CANARY}${wrong}`, asked), 400, `${template}/${wrong}`);
        assertProblem(
          await ask(`${pathOf(template)}?x=${CANARY}${wrong}`, asked),
          400,
          `${template}?${wrong}`,
        );
      }
      if (template.includes('{'))
        assertProblem(await ask(pathOf(template, CANARY.repeat(400)), asked), 414, `${template} long`);
      assertProblem(await ask(`${pathOf(template)}/${CANARY}/none`, asked), 404, template);
    }
    for (const path of [
      '/',
      '/api',
      '/api/v1',
      '/api/v1/',
      `/api/v1/${CANARY}`,
      '/api/v1/%zz',
      '//api/v1/logs',
      '*',
    ])
      assertProblem(await ask(path), 404, path);
  });

  test('a body of another type, that is not JSON, not UTF-8, too deep or too large', async () => {
    for (const [template, operations] of paths)
      for (const [method, { requestBody }] of Object.entries(operations)) {
        if (requestBody === undefined) continue;
        const send = (body: string | Buffer, type = 'application/json'): Promise<LocalReply> =>
          rawBody(backend.socket, method.toUpperCase(), pathOf(template), type, body);
        const what = `${method} ${template}`;
        assertProblem(await send(`{"${CANARY}"`), 400, what);
        assertProblem(await send(''), 400, what);
        assertProblem(await send(Buffer.from([0x22, 0xff, 0x22])), 400, what);
        assertProblem(await send('['.repeat(5_000) + ']'.repeat(5_000)), 413, what);
        assertProblem(await send('{"__proto__":{}}'), 400, what);
        assertProblem(await send('null'), 400, what);
        assertProblem(await send(CANARY, `application/${CANARY}`), 415, what);
        assertProblem(await send(CANARY, `${CANARY};;;`), 415, what);
      }
  });

  test('an idempotency key for a route that does not support it', async () => {
    const published: unknown[] = [];
    await backend.container
      .getService('message_bus')
      .subscribe('test.once', (_topic, n) => void published.push(n));
    for (const [template, operations] of paths)
      for (const method of ['post', 'patch'] as const) {
        if (!(method in operations) || template === '/api/v1/bus/messages') continue;
        const asked = { method: method.toUpperCase(), headers: { 'idempotency-key': CANARY } };
        assertProblem(await ask(pathOf(template), asked), 400, `${method} ${template}`);
      }
    const send = (key: string, message: number) =>
      ask('/api/v1/bus/messages', {
        method: 'POST',
        headers: { 'idempotency-key': key },
        body: { topic: 'test.once', message },
      });
    for (let n = 0; n < 3; n += 1) assert.equal((await send('one', 1)).status, 202);
    assert.equal((await send('two', 2)).status, 202);
    assertProblem(await send('one', 3), 422, 'the same key for another request');
    assertProblem(await send('a key', 4), 400, 'a key that is none');
    assert.deepEqual(published, [1, 2]);
  });

  test('a parameter in a non-canonical spelling', async () => {
    for (const id of [
      'true',
      '1.5',
      '01',
      '1e0',
      '+1',
      '0x1',
      '%201',
      '1%20',
      '-0',
      '99999999999999999999',
      'null',
      '%00',
    ])
      assertProblem(await ask(`/api/v1/typed/${id}`), 400, id);
    for (const query of [
      'limit=1.5',
      'limit=true',
      'limit=',
      'limit',
      'limit=1&limit=1',
      'all=1',
      'all=',
      'all=True',
      'ratio=.5',
      'ratio=NaN',
      'ids=1&ids=x',
      'ids=',
      'text=a&text=b',
    ])
      assertProblem(await ask(`/api/v1/typed/1?${query}`), 400, query);
    const read = await ask('/api/v1/typed/7?limit=-3&all=false&ratio=0.5&ids=4&text=true');
    assert.deepEqual(read.json(), {
      id: 7,
      query: { limit: -3, all: false, ratio: 0.5, ids: [4], text: 'true' },
    });
    const { status } = await ask('/api/v1/typed/7', { method: 'PUT', body: { title: 'x', stars: '5' } });
    assert.equal(status, 400);
    for (const query of ['limit=1.5', 'limit=true', 'before=01', 'limit=1&limit=2'])
      assertProblem(await ask(`/api/v1/logs?${query}`), 400, query);
  });

  test('an invalid request, a head that is too large, or an unsupported feature', async () => {
    for (const [status, bytes] of [
      [400, `${CANARY} \x16\x03\r\n\r\n`],
      [400, `GET /api/v1/health HTTP/1.1\r\nHost: a\r\nContent-Length: ${CANARY}\r\n\r\n`],
      [
        400,
        'GET /api/v1/health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n',
      ],
      [400, 'GET /api/v1/health HTTP/1.1\r\n\r\n'],
      [400, 'GET /api/v1/health HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
      [400, upgrade('Sec-WebSocket-Version: 13\r\nHost: b')],
      [400, `BREW /${CANARY} HTTP/1.1\r\nHost: a\r\n\r\n`],
      [431, `GET /api/v1/health HTTP/1.1\r\nHost: a\r\nX-A: ${CANARY.repeat(3_000)}\r\n\r\n`],
      [431, `GET /${CANARY.repeat(3_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
      [417, `GET /api/v1/health HTTP/1.1\r\nHost: a\r\nExpect: ${CANARY}\r\n\r\n`],
      ...[CANARY, 'identity', 'gzip, chunked'].map(
        (coding) =>
          [501, `POST /api/v1/health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${coding}\r\n\r\n`] as const,
      ),
      [405, `CONNECT ${CANARY}:443 HTTP/1.1\r\nHost: a\r\n\r\n`],
      [404, `GET /api/v1/${CANARY} HTTP/1.0\r\n\r\n`],
      [426, 'GET /api/v1/events/ws HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
      [426, upgrade('Sec-WebSocket-Version: 8')],
      [426, upgrade('Sec-WebSocket-Version: 13', 'short')],
      [426, upgrade('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a,,a')],
      [404, upgrade('Sec-WebSocket-Version: 13').replace('events/ws', CANARY)],
    ] as const)
      assertProblem(await rawRequest(backend.socket, bytes), status, bytes.slice(0, 80));
  });

  test('successful replies have the id too', async () => {
    for (const path of [
      '/livez',
      '/api/v1/health',
      '/api/v1/openapi',
      '/api/v1/openapi/page',
      '/api/v1/typed/1',
    ])
      assert.match(String((await ask(path)).headers['x-request-id']), /^[0-9a-f-]{36}$/, path);
    const accepted = await rawRequest(backend.socket, upgrade('Sec-WebSocket-Version: 13'), true);
    assert.equal(accepted.status, 101);
    assert.match(String(accepted.headers['x-request-id']), /^[0-9a-f-]{36}$/);
  });

  test('the OpenAPI document is cached for a set of routes', async () => {
    const gateway = backend.container.getService('gateway');
    const first = await gateway.openApi('1');
    assert.equal(await gateway.openApi('1'), first);
    const unmount = await gateway.mount('more', (app) => void app.get('/', PUBLIC, () => 'x'));
    assert.ok('/api/v1/more' in (await gateway.openApi('1')).paths);
    await unmount();
    assert.ok(!('/api/v1/more' in (await gateway.openApi('1')).paths));
  });
});

function upgrade(version: string, key = 'AAAAAAAAAAAAAAAAAAAAAA=='): string {
  return `GET /api/v1/events/ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${key}\r\n${version}\r\n\r\n`;
}

/** Sends a body as it is. */
function rawBody(
  socket: string,
  method: string,
  path: string,
  type: string,
  body: string | Buffer,
): Promise<LocalReply> {
  const bytes = Buffer.from(body);
  const head = `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: ${type}\r\nContent-Length: ${bytes.length}\r\n\r\n`;
  return rawRequest(socket, Buffer.concat([Buffer.from(head), bytes]));
}
