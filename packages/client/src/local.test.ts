import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, link, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  BackendNotRunningError,
  ConnectionBrokenError,
  connectLocal,
  ensureOk,
  ProblemError,
  ReplyTimeoutError,
  SocketDeniedError,
  UnexpectedReplyError,
} from './local.ts';

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'aico-client-'));
  t.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function serve(t: TestContext, answer: RequestListener, timeoutMs?: number) {
  const socketPath = path.join(await folder(t), 'api.sock');
  const server = createServer(answer).listen(socketPath);
  await once(server, 'listening');
  const client = connectLocal({ socketPath, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  t.after(async () => {
    await client.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { client, server, socketPath };
}

describe('connectLocal()', () => {
  test('sends a length with a body, an empty body for methods that usually have one, and a stream in chunks', async (t) => {
    const { client } = await serve(t, (request, response) => {
      const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
      request.resume().once('end', () => response.end(JSON.stringify([length ?? null, coding ?? null])));
    });
    const framing = (method: string, body?: RequestInit['body']) =>
      client.json('/', { method, ...(body === undefined ? {} : { body, duplex: 'half' }) });
    assert.deepEqual(await framing('GET'), [null, null]);
    assert.deepEqual(await framing('DELETE'), [null, null]);
    assert.deepEqual(await framing('POST'), ['0', null]);
    assert.deepEqual(await framing('POST', 'ü'), ['2', null]);
    assert.deepEqual(await framing('PUT', new Blob(['abc']).stream()), [null, 'chunked']);
    const { body } = await client.forward({
      method: 'POST',
      target: '/',
      headers: ['Content-Length', '3'],
      body: Readable.from(['abc']),
    });
    assert.deepEqual(await json(body), ['3', null]);
  });

  test('json() follows redirections, decodes content codings, and takes the error of a problem', async (t) => {
    const { client } = await serve(t, ({ url }, response) => {
      if (url === '/moved') response.writeHead(302, { location: '/encoded' }).end();
      else if (url === '/encoded')
        response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync('{"is":"encoded"}'));
      else if (url === '/empty') response.writeHead(204).end();
      else if (url === '/text') response.end('text');
      else response.writeHead(404).end('{"title":"Not Found","status":404,"detail":"gone","code":"X_GONE"}');
    });
    assert.deepEqual(await client.json('/moved'), { is: 'encoded' });
    assert.equal(await client.json('/empty'), undefined);
    await assert.rejects(client.json('/text'), UnexpectedReplyError);
    await assert.rejects(
      client.json('/gone'),
      (error) => error instanceof ProblemError && error.code === 'X_GONE',
    );
    await assert.rejects(client.json('no-slash'), TypeError);
    await assert.rejects(client.json('//elsewhere/'), TypeError);
  });

  test('sends method, path, query, headers and body over the socket, and gives the answer', async (t) => {
    const { client } = await serve(t, async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { method, url, headers } = request;
      response.end(JSON.stringify({ method, url, it: headers['x-it'], body: String(Buffer.concat(chunks)) }));
    });
    const reply = await client.json('/a%20b//c?q=%C3%A4', {
      method: 'POST',
      headers: { 'x-it': 'is' },
      body: 'ü',
    });
    assert.deepEqual(reply, { method: 'POST', url: '/a%20b//c?q=%C3%A4', it: 'is', body: 'ü' });
  });

  test('a socket that is missing, not served, or a regular file means that no backend runs', async (t) => {
    const home = await folder(t);
    const file = path.join(home, 'file');
    await writeFile(file, '');
    const left = path.join(home, 'left.sock');
    const dead = createSocketServer().listen(left);
    await once(dead, 'listening');
    // A killed server leaves its socket file behind; node's own close() would remove it.
    const stale = path.join(home, 'stale.sock');
    await link(left, stale);
    await new Promise((resolve) => dead.close(resolve));
    for (const socketPath of [path.join(home, 'none.sock'), path.join(file, 'below'), file, stale]) {
      await using client = connectLocal({ socketPath });
      await assert.rejects(client.fetch('/'), (error: unknown) => {
        assert.ok(error instanceof BackendNotRunningError, `${socketPath}: ${error}`);
        assert.equal(error.code, 'AICO_CLIENT_NOT_RUNNING');
        assert.match(error.hint ?? '', /aico start/);
        return true;
      });
    }
  });

  test('a socket without access rights throws SocketDeniedError', {
    skip: process.getuid?.() === 0 && 'root may',
  }, async (t) => {
    const { socketPath } = await serve(t, (_request, response) => response.end());
    await chmod(socketPath, 0o000);
    await using client = connectLocal({ socketPath });
    await assert.rejects(client.fetch('/'), SocketDeniedError);
  });

  test('a backend that never answers causes a timeout error with its milliseconds', async (t) => {
    const { client } = await serve(t, () => {}, 1);
    await assert.rejects(client.json('/'), (error: unknown) => {
      assert.ok(error instanceof ReplyTimeoutError);
      assert.equal(error.timeoutMs, 1);
      return true;
    });
  });

  test('a connection that breaks before or within the answer throws ConnectionBrokenError', async (t) => {
    const { client } = await serve(t, (request, response) => {
      if (request.url === '/before') request.socket.destroy();
      else response.writeHead(200, { 'content-length': '100' }).write('{', () => request.socket.destroy());
    });
    await assert.rejects(client.json('/before'), ConnectionBrokenError);
    await assert.rejects(client.json('/inside'), ConnectionBrokenError);
  });

  test('the reason of an aborted signal is thrown unchanged', async (t) => {
    const { client } = await serve(t, () => {});
    const reason = new Error('enough');
    const controller = new AbortController();
    const asked = client.json('/', { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(asked, reason);
  });

  test('a path without a leading slash is never sent elsewhere', async (t) => {
    let asked = 0;
    const { client } = await serve(t, (_request, response) => {
      asked += 1;
      response.end();
    });
    await assert.rejects(client.fetch('http://example.org/'), TypeError);
    await assert.rejects(client.fetch('.example.org/'), TypeError);
    assert.equal(asked, 0);
  });
});

describe('refusals', () => {
  test('a problem becomes an error with its code, its hint and its issues', async (t) => {
    const problem = {
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'The note is not valid.',
      code: 'AICO_TEST_NOTE',
      hint: 'Give it a title.',
      errors: [{ path: '/title', message: 'is missing' }],
    };
    const { client } = await serve(t, (_request, response) =>
      response.writeHead(400).end(JSON.stringify(problem)),
    );
    await assert.rejects(client.json('/'), (error: unknown) => {
      assert.ok(error instanceof ProblemError);
      assert.equal(error.code, 'AICO_TEST_NOTE');
      assert.equal(error.hint, 'Give it a title.');
      assert.equal(error.message, 'The note is not valid.\n  /title: is missing');
      assert.deepEqual(error.problem, problem);
      return true;
    });
    await assert.rejects(client.fetch('/').then(ensureOk), ProblemError);
  });

  for (const [what, status, body] of [
    ['a refusal without a body', 500, ''],
    ['a refusal that is no JSON', 502, '<html>'],
    ['a refusal whose JSON is no problem', 503, '{"status":"unhealthy"}'],
    ['an answer that is no JSON', 200, 'hello'],
  ] as const)
    test(`${what} is unexpected, with its status`, async (t) => {
      const { client } = await serve(t, (_request, response) => response.writeHead(status).end(body));
      await assert.rejects(client.json('/'), (error: unknown) => {
        assert.ok(error instanceof UnexpectedReplyError);
        assert.equal(error.status, status);
        return true;
      });
    });

  test('an answer without a body is undefined', async (t) => {
    const { client } = await serve(t, (_request, response) => response.writeHead(204).end());
    assert.equal(await client.json('/'), undefined);
  });
});
