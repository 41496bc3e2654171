import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { AicoError } from '@aico/protocol';
import { createLogging } from '@aico/shared/core/logging';
import type { FastifyRequest } from 'fastify';
import { OWNER } from '../../core/access.ts';
import { type CallNext, GatewayResponse, Middleware } from '../../core/middleware.ts';
import { createApp } from '../app.ts';

class TeapotError extends AicoError {
  readonly statusCode = 418;
  constructor() {
    super('AICO_TEST_TEAPOT', 'short and stout');
  }
}

class Fake extends Middleware {
  readonly #dispatch: (request: FastifyRequest, callNext: CallNext) => Promise<GatewayResponse>;
  constructor(dispatch: (request: FastifyRequest, callNext: CallNext) => Promise<GatewayResponse>) {
    super();
    this.#dispatch = dispatch;
  }
  override dispatch(request: FastifyRequest, callNext: CallNext): Promise<GatewayResponse> {
    return this.#dispatch(request, callNext);
  }
}

async function appWith(...middlewares: Middleware[]) {
  const logger = createLogging({ console: { enabled: false } }).getLogger('test', 'gateway');
  const calls: string[] = [];
  const app = await createApp({
    prefix: '/t',
    logger,
    bodyLimitBytes: 1_000,
    access: 'public',
    principalOf: () => OWNER,
    middlewares: () => middlewares,
    declare: (routes) => {
      routes.get('/ok', async () => {
        calls.push('ok');
        return { ok: true };
      });
      routes.get('/stream', (_, reply) => reply.send(Readable.from(['a', 'b', 'c'])));
      routes.get('/teapot', async () => {
        throw new TeapotError();
      });
      routes.get('/secret', async () => {
        throw new Error('the safe is behind the picture');
      });
      routes.get('/raw', (_, reply) => {
        reply.hijack();
        reply.raw.end('raw');
      });
    },
  });
  return { app, calls };
}

describe('middleware', () => {
  test('wraps routes in the order of addition: the first is the outermost', async () => {
    const order: string[] = [];
    const noting = (name: string) =>
      new Fake(async (request, callNext) => {
        order.push(`${name} in`);
        const response = await callNext(request);
        order.push(`${name} out`);
        response.headers.append('x-by', name);
        return response;
      });
    const { app } = await appWith(noting('a'), noting('b'));
    const reply = await app.inject('/t/ok');
    assert.deepEqual(order, ['a in', 'b in', 'b out', 'a out']);
    assert.deepEqual([reply.statusCode, reply.json(), reply.headers['x-by']], [200, { ok: true }, 'b, a']);
    assert.equal(Number(reply.headers['content-length']), reply.body.length);
  });

  test('may answer itself: the route is not called', async () => {
    const { app, calls } = await appWith(
      new Fake(async () => GatewayResponse.json({ closed: true }, { status: 503 })),
    );
    const reply = await app.inject('/t/ok');
    assert.deepEqual([reply.statusCode, reply.json(), calls], [503, { closed: true }, []]);
  });

  test('sees the error of a route, and may replace the answer', async () => {
    const seen: unknown[] = [];
    const { app } = await appWith(
      new Fake(async (request, callNext) => {
        try {
          return await callNext(request);
        } catch (error) {
          seen.push(error);
          return GatewayResponse.json({ error: 'Internal server error' }, { status: 500 });
        }
      }),
    );
    const reply = await app.inject('/t/secret');
    assert.deepEqual([reply.statusCode, reply.json()], [500, { error: 'Internal server error' }]);
    assert.ok(seen[0] instanceof Error);
  });

  test('that rethrows an error has it answered as without a middleware', async () => {
    const { app } = await appWith(new Fake((request, callNext) => callNext(request)));
    const teapot = await app.inject('/t/teapot');
    assert.deepEqual([teapot.statusCode, teapot.json().code], [418, 'AICO_TEST_TEAPOT']);
    const secret = await app.inject('/t/secret');
    assert.equal(secret.statusCode, 500);
    assert.doesNotMatch(secret.body, /picture/);
    assert.equal((await app.inject('/t/nowhere')).statusCode, 404);
  });

  for (const when of ['before', 'after'] as const) {
    test(`that throws ${when} the route is answered with a problem that tells nothing`, async () => {
      const { app } = await appWith(
        new Fake(async (request, callNext) => {
          if (when === 'after') await callNext(request);
          throw new Error('the safe is behind the picture');
        }),
      );
      const reply = await app.inject('/t/ok');
      assert.deepEqual([reply.statusCode, reply.json().code], [500, 'AICO_PROBLEM_INTERNAL']);
      assert.doesNotMatch(reply.body, /picture/);
    });
  }

  test('sees a stream as a stream, and may replace it', async () => {
    const { app } = await appWith(
      new Fake(async (request, callNext) => {
        const response = await callNext(request);
        assert.ok(response.body instanceof Readable);
        const whole = await text(response.body);
        response.body = new Blob([whole.toUpperCase()]).stream();
        return response;
      }),
    );
    assert.equal((await app.inject('/t/stream')).body, 'ABC');
  });

  test('that calls callNext() twice gets an error, and the route is called once', async () => {
    const { app, calls } = await appWith(
      new Fake(async (request, callNext) => {
        await callNext(request);
        return callNext(request);
      }),
    );
    assert.equal((await app.inject('/t/ok')).statusCode, 500);
    assert.deepEqual(calls, ['ok']);
  });

  test('continues when a route that hijacked the socket ends', async () => {
    const ended = Promise.withResolvers<number>();
    const { app } = await appWith(
      new Fake(async (request, callNext) => {
        const response = await callNext(request);
        ended.resolve(response.status);
        return response;
      }),
    );
    assert.equal((await app.inject('/t/raw')).body, 'raw');
    assert.equal(await ended.promise, 200);
  });
});
