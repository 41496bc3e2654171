/** The HTTP features that plugin authors can rely on, through a channel and on the public port. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { type CallNext, GatewayResponse, Middleware } from '@aico/backend/plugin';
import { localRequest } from '@aico/backend/testing';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { openChannel, pair } from './fixtures/channel.ts';
import { replyOf, startWorld } from './fixtures/through-channel.ts';

const MIB = 1_048_576;
/** The most bytes in transit and in buffers, the kernel's and ours, while the reader does not read. */
const IN_FLIGHT = 16 * MIB;

declare module 'fastify' {
  interface FastifyInstance {
    greeting: string;
  }
  interface FastifyRequest {
    beganAt: number;
  }
}

/** An ordinary Fastify plugin with decorators, hooks, a parser and routes, which uses nothing of this project. */
async function greeter(app: FastifyInstance, { greeting }: { readonly greeting: string }): Promise<void> {
  app.decorate('greeting', greeting);
  app.decorateRequest('beganAt', 0);
  app.addHook('onRequest', async (request) => {
    request.beganAt = performance.now();
  });
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-took', String(performance.now() - request.beganAt));
  });
  app.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) =>
    done(null, String(body).split(',')),
  );
  app.get('/greet/:name', async (request) => {
    const { name } = request.params as { name: string };
    return `${app.greeting}, ${name}`;
  });
  app.post('/csv', async (request) => ({ cells: request.body }));
  app.get('/teapot', async (_request, reply) => reply.code(418).send({ short: true, stout: true }));
}
// As fastify-plugin does: decorators and hooks apply to the parent as well.
Object.assign(greeter, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'greeter',
});

test('an unmodified Fastify plugin works: decorators, hooks, parsers, routes', async (t) => {
  const { device } = await startWorld(t, async (app) => {
    await app.register(greeter, { greeting: 'Hello' });
    app.get('/own', async () => app.greeting);
  });
  const phone = await device();
  const greeted = await phone.ask('/api/v1/test/greet/Ada');
  assert.equal(greeted.body.toString(), 'Hello, Ada');
  assert.ok(Number(greeted.headers['x-took']) > 0);
  assert.equal((await phone.ask('/api/v1/test/own')).body.toString(), 'Hello');
  const csv = await phone.ask('/api/v1/test/csv', {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: Buffer.from('a,b,c'),
  });
  assert.deepEqual(csv.json(), { cells: ['a', 'b', 'c'] });
  const teapot = await phone.ask('/api/v1/test/teapot');
  assert.deepEqual([teapot.status, teapot.json()], [418, { short: true, stout: true }]);
});

test('20 MiB are uploaded in chunks with back-pressure by the handler', async (t) => {
  const size = 20 * MIB;
  let worst = 0;
  const { device } = await startWorld(t, (app) => {
    app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
    app.post('/up', async ({ raw, body }) => {
      let received = 0;
      for await (const chunk of body as Readable) {
        received += (chunk as Buffer).length;
        worst = Math.max(worst, raw.readableLength + raw.socket.readableLength);
        // Slower than the sender.
        if (received % MIB < 65_536) for (let n = 0; n < 5; n += 1) await new Promise(setImmediate);
      }
      return { received };
    });
  });
  const phone = await device();
  const asked = phone.begin('/api/v1/test/up', {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', 'transfer-encoding': 'chunked' },
  });
  const reply = replyOf(asked);
  Readable.from(Array.from({ length: size / 65_536 }, () => Buffer.alloc(65_536, 7))).pipe(asked);
  assert.deepEqual((await reply).json(), { received: size });
  assert.ok(worst < MIB, `${worst} bytes were held`);
});

test('64 MiB are downloaded, generated no faster than they are read', async (t) => {
  const size = 64 * MIB;
  let made = 0;
  const { device } = await startWorld(t, (app) => {
    app.get('/down', async (_request, reply) => {
      async function* chunks(): AsyncIterable<Buffer> {
        for (; made < size; made += 65_536) yield Buffer.alloc(65_536, 7);
      }
      return reply.type('application/octet-stream').send(Readable.from(chunks()));
    });
  });
  const phone = await device();
  const asked = phone.begin('/api/v1/test/down');
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let [received, ahead] = [0, 0];
  for await (const chunk of response) {
    received += (chunk as Buffer).length;
    ahead = Math.max(ahead, made - received);
    await new Promise(setImmediate);
  }
  assert.equal(received, size);
  assert.ok(ahead < IN_FLIGHT, `${ahead} bytes were made before they were read`);
});

test('topics are followed as server-sent events', async (t) => {
  const { backend, device } = await startWorld(t, () => {});
  const phone = await device('owner');
  const asked = phone.begin('/api/v1/events?topic=notes.*', { headers: { accept: 'text/event-stream' } });
  asked.end();
  asked.on('error', () => {});
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.setEncoding('utf8').on('error', () => {});
  const next = async (): Promise<string> => ((await once(response, 'data')) as [string])[0];
  assert.match(await next(), /^event: open\n/);
  await backend.container.getService('message_bus').publish('notes.created', { text: 'hello' });
  assert.match(await next(), /^event: message\n[\s\S]*"type":"notes.created"[\s\S]*"text":"hello"/);
  asked.destroy();
});

test('a client that disconnects aborts the signal and closes the request', async (t) => {
  const begun = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const { device } = await startWorld(t, (app) => {
    app.get('/wait', async (request) => {
      request.raw.once('close', () => closed.resolve());
      request.signal.addEventListener('abort', () => aborted.resolve());
      begun.resolve();
      await Promise.all([closed.promise, aborted.promise]);
    });
    app.get('/', async () => 'there');
  });
  const phone = await device();
  const asked = phone.begin('/api/v1/test/wait');
  asked.on('error', () => {});
  asked.end();
  await begun.promise;
  asked.destroy();
  await Promise.all([closed.promise, aborted.promise]);
  assert.equal((await phone.ask('/api/v1/test')).body.toString(), 'there');
});

test('one channel carries consecutive requests', async (t) => {
  const { backend, device } = await startWorld(t, (app) => {
    app.get('/', async () => 'there');
  });
  const phone = await device();
  for (let n = 0; n < 5; n += 1) assert.equal((await phone.ask('/api/v1/test')).status, 200);
  const { checks } = (await localRequest(backend.socket, '/api/v1/health')).json() as {
    checks: Record<string, { data: { channels: number } }>;
  };
  assert.equal(checks.channel?.data.channels, 1);
});

test('a request that is too large or not HTTP is answered with a problem that names the reason', async (t) => {
  const { backend, device } = await startWorld(
    t,
    (app) => {
      app.post('/', async () => 'taken');
      app.get('/', async () => 'there');
    },
    { config: { 'core.api_gateway.max_body_mib': 1 } },
  );
  const phone = await device();
  const large = await phone.ask('/api/v1/test', { body: { text: 'a'.repeat(MIB) } });
  assert.deepEqual([large.status, large.json().code], [413, 'AICO_GATEWAY_BAD_REQUEST']);
  const chunked = phone.begin('/api/v1/test', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
  });
  const refused = replyOf(chunked);
  chunked.on('error', () => {});
  chunked.end(JSON.stringify('a'.repeat(MIB)));
  assert.equal((await refused).status, 413);
  const headers = await phone.ask('/api/v1/test', { headers: { 'x-large': 'a'.repeat(20_000) } });
  assert.deepEqual([headers.status, headers.json().code], [431, 'AICO_GATEWAY_BAD_REQUEST']);
  const bad = await phone.ask('/api/v1/test', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from('{"a"'),
  });
  assert.equal(bad.status, 400);
  for (const reply of [large, headers, bad]) {
    assert.match(String(reply.headers['content-type']), /^application\/problem\+json/);
    assert.equal(reply.json().status, reply.status);
  }

  const credentials = await pair(backend);
  const raw = async (text: string): Promise<string> => {
    const channel = await openChannel(backend.http, credentials);
    channel.on('error', () => {});
    channel.write(text);
    let answer = '';
    for await (const chunk of channel) answer += String(chunk);
    return answer;
  };
  for (const [text, status] of [
    ['NOT HTTP\r\n\r\n', 400],
    ['GET /api/v1/test HTTP/1.1\r\n\r\n', 400],
    ['GET /api/v1/test HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\nConnection: close\r\n\r\n', 417],
    ['CONNECT example.com:443 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
    ['POST /api/v1/test HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
  ] as const) {
    const answer = await raw(text);
    assert.match(
      answer,
      new RegExp(`^HTTP/1\\.1 ${status} .*\r\nContent-Type: application/problem\\+json; charset=utf-8\r\n`),
    );
    assert.match(answer, /AICO_GATEWAY_BAD_REQUEST/);
  }
});

class Naming extends Middleware {
  readonly #name: string;
  readonly #journal: string[];
  readonly #catches: boolean;

  constructor(name: string, journal: string[], catches = false) {
    super();
    this.#name = name;
    this.#journal = journal;
    this.#catches = catches;
  }

  override async dispatch(request: FastifyRequest, callNext: CallNext): Promise<GatewayResponse> {
    this.#journal.push(`${this.#name} in`);
    try {
      const response = await callNext(request);
      this.#journal.push(`${this.#name} out`);
      return response;
    } catch (error) {
      this.#journal.push(`${this.#name} failed`);
      if (!this.#catches) throw error;
      return GatewayResponse.json({ caught: this.#name }, { status: 502 });
    }
  }
}

test('middlewares wrap a route in the order of addition, also when it fails', async (t) => {
  const { gateway, device } = await startWorld(t, (app) => {
    app.get('/', async () => 'there');
    app.get('/fail', async () => {
      throw new Error('it failed');
    });
  });
  const journal: string[] = [];
  const phone = await device();
  const removals = ['outer', 'middle', 'inner'].map((name) =>
    gateway.addMiddleware(new Naming(name, journal, name === 'middle')),
  );
  assert.equal((await phone.ask('/api/v1/test')).status, 200);
  const there = ['outer in', 'middle in', 'inner in'];
  assert.deepEqual(journal.splice(0), [...there, 'inner out', 'middle out', 'outer out']);
  const failed = await phone.ask('/api/v1/test/fail');
  assert.deepEqual([failed.status, failed.json()], [502, { caught: 'middle' }]);
  assert.deepEqual(journal.splice(0), [...there, 'inner failed', 'middle failed', 'outer out']);
  removals[1]?.();
  const told = await phone.ask('/api/v1/test/fail');
  assert.deepEqual([told.status, told.json().code], [500, 'AICO_PROBLEM_INTERNAL']);
  assert.deepEqual(journal, ['outer in', 'inner in', 'inner failed', 'outer failed']);
});

test('a request with an idempotency key has one effect, and each device has its own keys', async (t) => {
  let effects = 0;
  const { backend, gateway, device } = await startWorld(t, () => {});
  const idempotency = backend.container.getService('idempotency');
  await gateway.mount('once', (app) => {
    app.post('/', { config: { access: 'public', idempotent: true } }, (request) =>
      // The transaction may run again, so that only committed effects count.
      idempotency.run(request, async (tx) => {
        tx.afterCommit(() => {
          effects += 1;
        });
        return { effect: effects + 1 };
      }),
    );
  });
  const [phone, laptop] = [await device(), await device()];
  const pay = async (who: typeof phone, body: unknown = { sum: 7 }) =>
    (await who.ask('/api/v1/once', { body, headers: { 'idempotency-key': 'k-1' } })).json();
  assert.deepEqual(await pay(phone), { effect: 1 });
  assert.deepEqual(await pay(phone), { effect: 1 });
  assert.deepEqual(await pay(laptop), { effect: 2 });
  assert.equal((await pay(phone, { sum: 8 })).code, 'AICO_GATEWAY_IDEMPOTENCY_REUSED');
  assert.equal(effects, 2);
});

test('every reply has its request id, and so has a problem', async (t) => {
  const { device } = await startWorld(t, (app) => {
    app.get('/', async ({ id }) => ({ id }));
    app.get('/fail', async () => {
      throw new Error('it failed');
    });
  });
  const phone = await device();
  const ids = new Set<unknown>();
  const good = await phone.ask('/api/v1/test');
  assert.equal(good.json().id, good.headers['x-request-id']);
  ids.add(good.headers['x-request-id']);
  for (const path of ['/api/v1/test/fail', '/api/v1/test/nothing', '/api/v1/nothing']) {
    const reply = await phone.ask(path);
    assert.equal(reply.json().request_id, reply.headers['x-request-id'], path);
    ids.add(reply.json().request_id);
  }
  assert.equal(ids.size, 4);
});
