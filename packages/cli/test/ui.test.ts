import assert from 'node:assert/strict';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, type TestContext, test } from 'node:test';
import { createTestBackend, localRequest, type TestBackend } from '@aico/backend/testing';
import { connect, pair } from '@aico/client';
import { connectLocal, type NodeClient } from '@aico/client/local';
import { AICOPaths } from '@aico/shared/core/paths';
import { redirection } from '../src/remote/browser.ts';
import { createPageServer } from '../src/remote/page-server.ts';
import { Aico } from './fixtures/aico.ts';

const FILES = new Map([
  ['index.html', Buffer.from('<!doctype html>')],
  ['page.js', Buffer.from('"use strict";')],
]);

describe('the server of the page', () => {
  let backend: TestBackend;
  let client: NodeClient;
  before(async () => {
    backend = await createTestBackend();
    client = connectLocal({ socketPath: backend.socket });
  });
  after(async () => {
    await client.close();
    await backend.stop();
  });

  interface ServeOptions {
    readonly idleMs?: number;
    readonly over?: NodeClient;
  }

  /** A server of its own, with a function that sends it a request as a page of its origin does, unless headers say otherwise. */
  async function serve(t: TestContext, { idleMs = 3_600_000, over = client }: ServeOptions = {}) {
    const reused = Promise.withResolvers<void>();
    const idle = Promise.withResolvers<void>();
    const { server, path: place } = createPageServer({
      client: over,
      files: FILES,
      idleMs,
      onIdle: idle.resolve,
      onReuse: reused.resolve,
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const send = (target: string, headers: Record<string, string> = {}, method = 'GET', body?: unknown) => {
      const own = method === 'GET' || method === 'HEAD' ? {} : { origin };
      return localRequest(origin, target, { method, headers: { ...own, ...headers }, body });
    };
    const ticket = place.split('#')[1] ?? '';
    const exchange = (bearer = ticket) => send('/session', { authorization: `Bearer ${bearer}` }, 'POST');
    const open = async () => {
      const { token } = (await exchange()).json() as { readonly token: string };
      return { authorization: `Bearer ${token}` };
    };
    return { origin, send, ticket, exchange, open, reused: reused.promise, idle: idle.promise };
  }

  test('sends the files under a policy that allows no inline code, no markup from text and no other origin', async (t) => {
    const { send } = await serve(t);
    for (const target of ['/', '/page.js']) {
      const { status, headers } = await send(target);
      assert.equal(status, 200);
      const policy = String(headers['content-security-policy']);
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';/);
      assert.match(
        policy,
        /frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'$/,
      );
      assert.equal(headers['set-cookie'], undefined);
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['cross-origin-resource-policy'], 'same-origin');
    }
    assert.equal((await send('/', {}, 'POST')).status, 405);
  });

  test('exchanges the ticket once for a token; the second exchange ends the session of the first', async (t) => {
    const { send, ticket, exchange, open, reused } = await serve(t);
    assert.equal((await exchange(`${ticket}x`)).status, 401);
    assert.equal((await send('/session', { authorization: `Bearer ${ticket}` })).status, 405);
    const token = await open();
    assert.equal((await send('/api/v1/system/status', token)).status, 200);
    assert.equal((await send('/api/v1/health', { authorization: `Bearer ${ticket}` })).status, 401);
    const second = await exchange();
    assert.equal(second.status, 401);
    assert.match(second.text, /was used twice/);
    await reused;
    assert.equal((await send('/api/v1/health', token)).status, 401);
  });

  test('refuses other hosts, other origins, other sites and requests without the token', async (t) => {
    const { origin, send, open } = await serve(t);
    const token = await open();
    const { port } = new URL(origin);
    const post = { sql: 'SELECT 1' };
    const refused: readonly (readonly [string, Record<string, string>, string?])[] = [
      // A name of another site that resolves to this machine (DNS rebinding).
      ['another host', { ...token, host: `evil.example:${port}` }],
      ['another name of this host', { ...token, host: `localhost:${port}` }],
      ['another port', { ...token, host: '127.0.0.1:1' }],
      // Cross-site request forgery.
      ['another origin', { ...token, origin: 'http://evil.example' }],
      ['another port of this host as origin', { ...token, origin: 'http://127.0.0.1:1' }],
      ['an opaque origin', { ...token, origin: 'null' }],
      ['a GET of another origin', { ...token, origin: 'http://evil.example' }, 'GET'],
      ['a GET of another site', { ...token, 'sec-fetch-site': 'cross-site' }, 'GET'],
      ['a GET of another port', { ...token, 'sec-fetch-site': 'same-site' }, 'GET'],
      ['no token', {}],
      [
        'a token in a cookie, which every port of the host receives',
        { cookie: `token=${token.authorization}` },
      ],
      ['a part of the token', { authorization: token.authorization.slice(0, -1) }],
      ['an empty token', { authorization: 'Bearer ' }],
    ];
    for (const [name, headers, method = 'POST'] of refused) {
      const { status } = await send(
        '/api/v1/database/query',
        headers,
        method,
        method === 'GET' ? undefined : post,
      );
      assert.ok(status === 401 || status === 403, `${name}: ${status}`);
    }
    const withoutOrigin = await localRequest(origin, '/api/v1/database/query', {
      method: 'POST',
      headers: token,
      body: post,
    });
    assert.equal(withoutOrigin.status, 403);
    assert.equal((await send('/api/v1/database/query', token, 'POST', post)).status, 200);
  });

  test('serves no file but its own, and forwards no path outside of the API', async (t) => {
    const { send, open } = await serve(t);
    const token = await open();
    for (const target of [
      '/../package.json',
      '/%2e%2e/package.json',
      '/..%2fpackage.json',
      '//page.js',
      '/page.js?x',
      '/livez',
      '/api',
      '/api/v1/../../livez',
      '/api/v1/%2e%2e/%2e%2e/livez',
      '/api/v2/health',
      'http://evil.example/api/v1/health',
    ])
      assert.equal((await send(target, token)).status, 404, target);
  });

  test('gives the backend none of the headers of the browser, and the page none of the headers of the backend that could weaken it', async (t) => {
    const gateway = backend.container.getService('gateway');
    await gateway.mount('seen', (app) => {
      app.get('/', { config: { access: 'public' } }, ({ headers }, reply) =>
        reply
          .header('set-cookie', 'a=b')
          .header('content-security-policy', "script-src 'unsafe-inline'")
          .send(headers),
      );
    });
    const { send, open } = await serve(t);
    const reply = await send('/api/v1/seen', {
      ...(await open()),
      cookie: 'a=b',
      'x-forwarded-for': '1.2.3.4',
      'last-event-id': '7',
    });
    const seen = Object.keys(reply.json() as object);
    assert.deepEqual(
      seen.filter((name) => ['cookie', 'authorization', 'origin', 'x-forwarded-for'].includes(name)),
      [],
    );
    assert.ok(seen.includes('last-event-id'));
    assert.equal(reply.headers['set-cookie'], undefined);
    assert.match(String(reply.headers['content-security-policy']), /^default-src 'none'/);
  });

  test('has changes recorded as those of the local user, or of the device that it goes through', async (t) => {
    const paired = await client.json('/api/v1/devices/pairings', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"roles":["owner"]}',
    });
    const { code } = paired as { readonly code: string };
    const credentials = await pair({ address: backend.http, code, name: 'desk' });
    await using remote = await connect({ address: backend.http, credentials });
    for (const over of [client, remote]) {
      const { send, open } = await serve(t, { over });
      const made = await send('/api/v1/devices/pairings', await open(), 'POST', {});
      assert.equal(made.status, 201, made.text);
    }
    const { events } = (await client.json('/api/v1/audit?limit=2')) as { events: { actor: string }[] };
    assert.equal(events[1]?.actor, 'local');
    assert.match(events[0]?.actor ?? '', /^device:/);
  });

  test('answers with a problem where no backend runs, and ends after the idle time', async (t) => {
    await using nowhere = connectLocal({ socketPath: path.join(backend.home, 'none.sock') });
    const { send, open, idle } = await serve(t, { over: nowhere, idleMs: 50 });
    const reply = await send('/api/v1/health', await open());
    assert.equal(reply.status, 502);
    assert.equal((reply.json() as { code: string }).code, 'AICO_CLIENT_NOT_RUNNING');
    await idle;
  });
});

test('the file that leads the browser to the page is readable for its user alone and removed afterwards', async (t) => {
  const { home } = await Aico.create(t);
  const { file, remove } = await redirection(new AICOPaths({ home }), 'http://127.0.0.1:1/#secret');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await stat(path.dirname(file))).mode & 0o777, 0o700);
  await remove();
  await assert.rejects(stat(file), { code: 'ENOENT' });
});

test('aico ui prints an address on the loopback interface, serves the page there, and ends in order', async (t) => {
  const aico = await Aico.create(t);
  const child = aico.spawn(['ui', '--json']);
  const exited = once(child, 'exit');
  assert.ok(child.stdout);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { url } = JSON.parse(line) as { readonly url: string };
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}$/);
  const page = await fetch(url);
  assert.match(await page.text(), /<script type="module" src="\/page\.js">/);
  assert.equal((await fetch(new URL('/page.js', url))).status, 200);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});
