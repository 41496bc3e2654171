import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import fc from 'fast-check';
import { httpRequest } from '../core/http-message.ts';
import { chunk, LAST_CHUNK, requestHead } from './http1-request.ts';
import { type ByteSource, readBody, readHead, staysOpen } from './http1-response.ts';

/** A source that yields these parts and then ends. */
function sourceOf(bytes: Uint8Array, cuts: readonly number[]): ByteSource {
  const bounds = [
    0,
    ...cuts.map((cut) => cut % (bytes.byteLength + 1)).toSorted((a, b) => a - b),
    bytes.byteLength,
  ];
  const parts = bounds.slice(1).map((end, index) => bytes.slice(bounds[index], end));
  return {
    read: async () => parts.shift(),
    unread: (part) => void parts.unshift(part.slice()),
  };
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

async function readAll(source: ByteSource, method = 'GET') {
  const head = await readHead(source);
  const parts: Uint8Array[] = [];
  for await (const part of readBody(source, head, method) ?? []) parts.push(part);
  return { head, body: Buffer.concat(parts) };
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });
const bodies = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 6 });

test("parses the output of Node's server in chunks of any size, and leaves later bytes", async (t) => {
  let parts: readonly Uint8Array[] = [];
  let isChunked = false;
  const server = createServer((_request, response) => {
    response.statusCode = 203;
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    response.setHeader('x-latin', 'caf\u00e9');
    if (!isChunked)
      response.setHeader(
        'content-length',
        parts.reduce((sum, { byteLength }) => sum + byteLength, 0),
      );
    response.writeEarlyHints({ link: '</a>; rel=preload' });
    for (const part of parts) response.write(part);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  await fc.assert(
    fc.asyncProperty(bodies, fc.boolean(), cuts, async (written, chunked, where) => {
      [parts, isChunked] = [written, chunked];
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      socket.end('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
      const next = 'HTTP/1.1 204 No Content\r\n\r\n';
      const source = sourceOf(Buffer.concat([await buffer(socket), bytesOf(next)]), where);
      const { head, body } = await readAll(source);
      assert.equal(head.status, 203);
      assert.deepEqual(head.headers.getSetCookie(), ['a=1', 'b=2']);
      assert.equal(head.headers.get('x-latin'), 'caf\u00e9');
      assert.deepEqual(body, Buffer.concat(written));
      assert.equal(staysOpen(head, 'GET'), false);
      assert.equal((await readHead(source)).status, 204);
    }),
    { numRuns: 40 },
  );
});

test('an answer that is cut anywhere is an error, never a shorter answer', async () => {
  const whole = bytesOf('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello');
  const inChunks = bytesOf('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
  for (const bytes of [whole, inChunks])
    for (let end = 0; end < bytes.byteLength; end += 1)
      await assert.rejects(
        readAll(sourceOf(bytes.subarray(0, end), [])),
        { code: 'AICO_CLIENT_BROKEN' },
        `${end}`,
      );
});

test('bytes that are not HTTP/1.1 are refused', async () => {
  for (const text of [
    'HTTP/1.0 200 OK\r\n\r\n',
    'HTTP/2 200\r\n\r\n',
    'hello\r\n\r\n',
    'HTTP/1.1 200 OK\r\nno colon\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 0x5\r\n\r\nhello',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n',
    `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(70_000)}\r\n\r\n`,
  ])
    await assert.rejects(
      readAll(sourceOf(bytesOf(text), [])),
      { code: 'AICO_CLIENT_UNEXPECTED' },
      text.slice(0, 60),
    );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), cuts, async (bytes, where) => {
      await assert.rejects(readAll(sourceOf(bytes, where)), { code: /^AICO_CLIENT_(UNEXPECTED|BROKEN)$/ });
    }),
  );
});

test("a request arrives at Node's server unchanged, and cannot smuggle another in", async (t) => {
  const seen: { url: string | undefined; method: string | undefined; body: Buffer; it: unknown }[] = [];
  const server = createServer(async (request, response) => {
    const { url, method, headers } = request;
    seen.push({ url, method, body: await buffer(request), it: headers['x-it'] });
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const paths = fc.webUrl({ withQueryParameters: true }).map((url) => url.replace(/^https?:\/\/[^/?#]*/, ''));
  const values = fc.stringMatching(/^[ -~]{0,40}$/);
  await fc.assert(
    fc.asyncProperty(paths, values, bodies, fc.boolean(), async (path, value, written, streamed) => {
      const body = streamed ? ReadableStream.from(written) : Buffer.concat(written);
      const init = { method: 'POST', body, headers: { 'x-it': value, 'content-length': '3', host: 'evil' } };
      const target = path.startsWith('/') ? path : `/${path}`;
      // Another host, as in `fetch`; refused below.
      fc.pre(!target.startsWith('//'));
      const parts = await httpRequest(target, init);
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      socket.write(requestHead(parts));
      if (parts.body instanceof ReadableStream) {
        for await (const part of parts.body) socket.write(chunk(part));
        socket.write(LAST_CHUNK);
      } else if (parts.body !== undefined) socket.write(parts.body);
      socket.end();
      await buffer(socket);
      const last = seen.pop();
      assert.equal(seen.length, 0);
      assert.deepEqual(last?.body, Buffer.concat(written));
      assert.equal(last?.method, 'POST');
      assert.equal(last?.it, value.trim());
      assert.ok(last?.url?.startsWith('/'));
    }),
    { numRuns: 60 },
  );
  const refused: readonly (readonly [string, RequestInit, string])[] = [
    ['//evil.example/', {}, 'GET'],
    ['/', {}, 'GET / HTTP/1.1'],
    ['/', { headers: { 'x-it': 'a\r\nb: c' } }, 'GET'],
    ['/', { body: 'x' }, 'GET'],
  ];
  for (const [path, init, method] of refused)
    await assert.rejects(httpRequest(path, { ...init, method }), TypeError);
});
