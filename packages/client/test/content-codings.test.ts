/** Compares each content coding in Node's client, the browser's client and the proxy with the platform's own `fetch`. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type Client, connect } from '@aico/client';
import { connect as connectBrowser } from '@aico/client/browser';
import { createProxy } from '../../cli/src/remote/proxy-server.ts';
import { startPaired } from './fixtures/paired.ts';

const TEXT = 'Dear diary, nothing of this must be lost. '.repeat(200);
const PLAIN = Buffer.from(TEXT);

interface Case {
  readonly encoding?: string;
  readonly body: Buffer;
  /** The body that a client reads; `failure` if it cannot be decoded. */
  readonly reads: Buffer | 'failure';
  readonly status?: number;
}

const CASES: Readonly<Record<string, Case>> = {
  'no coding': { body: PLAIN, reads: PLAIN },
  identity: { encoding: 'identity', body: PLAIN, reads: PLAIN },
  gzip: { encoding: 'gzip', body: gzipSync(PLAIN), reads: PLAIN },
  'gzip in capitals': { encoding: 'GZIP', body: gzipSync(PLAIN), reads: PLAIN },
  'x-gzip': { encoding: 'x-gzip', body: gzipSync(PLAIN), reads: PLAIN },
  deflate: { encoding: 'deflate', body: deflateSync(PLAIN), reads: PLAIN },
  'deflate without the header of zlib': {
    encoding: 'deflate',
    body: deflateRawSync(PLAIN),
    reads: PLAIN,
  },
  br: { encoding: 'br', body: brotliCompressSync(PLAIN), reads: PLAIN },
  'gzip within deflate': {
    encoding: 'gzip, deflate',
    body: deflateSync(gzipSync(PLAIN)),
    reads: PLAIN,
  },
  'three codings': {
    encoding: 'br, gzip,deflate',
    body: deflateSync(gzipSync(brotliCompressSync(PLAIN))),
    reads: PLAIN,
  },
  'a coding that no client knows': { encoding: 'secret', body: PLAIN, reads: PLAIN },
  'a known coding within one that no client knows': {
    encoding: 'gzip, secret',
    body: gzipSync(PLAIN),
    reads: gzipSync(PLAIN),
  },
  'gzip of nothing': { encoding: 'gzip', body: gzipSync(''), reads: Buffer.alloc(0) },
  'no bytes at all': { encoding: 'gzip', body: Buffer.alloc(0), reads: Buffer.alloc(0) },
  'not gzip at all': { encoding: 'gzip', body: PLAIN, reads: 'failure' },
  'gzip that is altered': { encoding: 'gzip', body: altered(gzipSync(PLAIN)), reads: 'failure' },
  'gzip that is cut': { encoding: 'gzip', body: gzipSync(PLAIN).subarray(0, 40), reads: 'failure' },
  'br that is cut': { encoding: 'br', body: brotliCompressSync(PLAIN).subarray(0, 20), reads: 'failure' },
  'an error with a problem': { encoding: 'gzip', body: gzipSync(PLAIN), reads: PLAIN, status: 500 },
};

/** Codings that the platform's `fetch` decodes and this client does not, since not all browsers support them. */
const LEFT: Case = { encoding: 'zstd', body: zstdCompressSync(PLAIN), reads: zstdCompressSync(PLAIN) };

function altered(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[copy.byteLength - 6] = (copy[copy.byteLength - 6] ?? 0) ^ 0xff;
  return copy;
}

async function setUp(t: TestContext) {
  const { backend, credentials } = await startPaired(t);
  const all: Readonly<Record<string, Case>> = { ...CASES, zstd: LEFT };
  await backend.container.getService('gateway').mount('coded', (app) => {
    const config = { access: 'public' } as const;
    app.route<{ Querystring: { name: string; chunked?: string } }>({
      method: ['GET', 'HEAD'],
      url: '/',
      config,
      handler({ query, method }, reply) {
        const { encoding, body, status = 200 } = all[query.name] ?? { body: Buffer.alloc(0) };
        reply.hijack();
        reply.raw.statusCode = status;
        if (encoding !== undefined) reply.raw.setHeader('content-encoding', encoding);
        if (query.chunked === undefined) reply.raw.setHeader('content-length', body.byteLength);
        reply.raw.setHeader('set-cookie', ['a=1', 'b=2']);
        if (method === 'HEAD') reply.raw.end();
        else for (const byte of [body.subarray(0, 1), body.subarray(1)]) reply.raw.write(byte);
        reply.raw.end();
      },
    });
    for (const status of [204, 205, 304])
      app.get(`/${status}`, { config }, (_request, reply) =>
        reply.code(status).header('content-encoding', 'gzip').send(),
      );
    app.get('/moved', { config }, (_request, reply) => reply.redirect('/api/v1/coded/?name=gzip', 302));
    app.get('/elsewhere', { config }, (_request, reply) => reply.redirect('http://example.org/', 302));
    app.get('/loop', { config }, (_request, reply) => reply.redirect('loop', 302));
    app.get('/seen', { config }, ({ headers }) => headers);
  });
  const options = { address: backend.http, credentials };
  const node = await connect(options);
  const browser = await connectBrowser(options);
  const proxy = createProxy({ client: node, token: 'T' }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(async () => {
    proxy.close();
    proxy.closeAllConnections();
    await Promise.all([node.close(), browser.close()]);
  });
  return { node, browser, port: (proxy.address() as AddressInfo).port };
}

async function outcome(response: Response): Promise<Buffer | 'failure'> {
  try {
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    assert.ok(error instanceof TypeError, String(error));
    return 'failure';
  }
}

/** The unchanged bytes and headers from the proxy. */
async function raw(port: number, path: string, method = 'GET', headers: Record<string, string> = {}) {
  const asked = request({ port, path, method, headers: { authorization: 'Bearer T', ...headers } });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return { response, body: await buffer(response) };
}

describe('content codings', () => {
  test('Node and browser decode a body as fetch does, and the proxy forwards it unchanged', async (t) => {
    const { node, browser, port } = await setUp(t);
    for (const [name, { encoding, body, reads, status = 200 }] of Object.entries(CASES))
      for (const framing of ['', '&chunked=1']) {
        const path = `/api/v1/coded/?name=${encodeURIComponent(name)}${framing}`;
        for (const [where, client] of Object.entries({ node, browser } satisfies Record<string, Client>)) {
          const response = await client.fetch(path);
          assert.equal(response.status, status, `${name} in ${where}`);
          assert.equal(response.headers.get('content-encoding'), encoding ?? null);
          if (framing === '') assert.equal(response.headers.get('content-length'), `${body.byteLength}`);
          assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2']);
          assert.deepEqual(await outcome(response), reads, `${name} in ${where}`);
        }
        const proxied = await raw(port, path);
        assert.equal(proxied.response.headers['content-encoding'], encoding, name);
        assert.deepEqual(proxied.body, body, name);
        if (framing === '') assert.equal(proxied.response.headers['content-length'], `${body.byteLength}`);
        assert.deepEqual(proxied.response.headers['set-cookie'], ['a=1', 'b=2']);
      }
    for (const client of [node, browser])
      assert.deepEqual(await outcome(await client.fetch('/api/v1/coded/?name=zstd')), LEFT.reads);
  });

  test('a response without a body has none in any coding; its head is unchanged', async (t) => {
    const { node, browser, port } = await setUp(t);
    const { encoding, body } = CASES.gzip as Case;
    const path = '/api/v1/coded/?name=gzip';
    for (const client of [node, browser]) {
      const head = await client.fetch(path, { method: 'HEAD' });
      assert.deepEqual([head.status, head.body, await head.text()], [200, null, '']);
      assert.deepEqual(
        [head.headers.get('content-encoding'), head.headers.get('content-length')],
        [encoding, `${body.byteLength}`],
      );
      for (const status of [204, 205, 304]) {
        const response = await client.fetch(`/api/v1/coded/${status}`);
        assert.deepEqual([response.status, response.body], [status, null]);
      }
    }
    const head = await raw(port, path, 'HEAD');
    assert.equal(head.response.headers['content-length'], `${body.byteLength}`);
    assert.equal(head.body.byteLength, 0);
    for (const status of [204, 205, 304])
      assert.equal((await raw(port, `/api/v1/coded/${status}`)).response.statusCode, status);
  });

  test('redirects are followed in the same way, within the backend', async (t) => {
    const { node, browser, port } = await setUp(t);
    for (const client of [node, browser]) {
      const followed = await client.fetch('/api/v1/coded/moved');
      assert.deepEqual(
        [followed.redirected, followed.url, await outcome(followed)],
        [true, 'http://aico.local/api/v1/coded/?name=gzip', PLAIN],
      );
      const manual = await client.fetch('/api/v1/coded/moved', { redirect: 'manual' });
      assert.deepEqual([manual.status, manual.redirected], [302, false]);
      await manual.body?.cancel();
      for (const path of ['/api/v1/coded/elsewhere', '/api/v1/coded/loop'])
        await assert.rejects(client.fetch(path), TypeError);
      await assert.rejects(client.fetch('/api/v1/coded/moved', { redirect: 'error' }), TypeError);
    }
    const { response } = await raw(port, '/api/v1/coded/moved');
    assert.deepEqual([response.statusCode, response.headers.location], [302, '/api/v1/coded/?name=gzip']);
  });

  test('the proxy forwards the end-to-end headers of the request, and adds Via only', async (t) => {
    const { node, browser, port } = await setUp(t);
    const { body } = await raw(port, '/api/v1/coded/seen', 'GET', {
      'x-mine': 'ü'.normalize('NFC'),
      'x-hop': 'of this connection',
      te: 'trailers',
      connection: 'keep-alive, X-Hop',
    });
    const seen = JSON.parse(body.toString()) as Record<string, string>;
    assert.equal(seen['x-mine'], 'ü');
    assert.equal(seen.via, '1.1 aico');
    for (const name of ['x-hop', 'te', 'authorization', 'accept-encoding', 'accept', 'user-agent'])
      assert.equal(seen[name], undefined, name);
    for (const client of [node, browser]) {
      const own = (await client.json('/api/v1/coded/seen')) as Record<string, string>;
      assert.deepEqual([own.accept, own['accept-encoding']], ['*/*', 'gzip, deflate, br']);
    }
  });

  test('the table matches the platform’s own fetch', async (t) => {
    const server = createServer(({ url = '' }, response) => {
      const { encoding, body, status = 200 } = CASES[decodeURIComponent(url.slice(1))] as Case;
      response.writeHead(status, encoding === undefined ? {} : { 'content-encoding': encoding }).end(body);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    for (const [name, { reads }] of Object.entries(CASES)) {
      // Node's fetch returns part of a truncated body as if it were complete.
      if (name.endsWith('cut')) continue;
      const response = await fetch(`http://127.0.0.1:${port}/${encodeURIComponent(name)}`);
      assert.deepEqual(await outcome(response), reads, name);
    }
  });
});
