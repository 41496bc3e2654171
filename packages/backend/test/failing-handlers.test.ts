/** Every way in which a handler can fail gives a problem (RFC 9457) with the id of the request, without the text of the failure. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { createTestBackend, localRequest, type TestBackend } from '@aico/backend/testing';
import type { FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { assertProblem, CANARY } from './fixtures/problem.ts';

const PUBLIC = { config: { access: 'public' } } as const;

const fail = (): never => {
  throw new Error(CANARY);
};

type Handler = (request: FastifyRequest, reply: FastifyReply) => unknown;
type Hooks = Pick<RouteShorthandOptions, 'errorHandler' | 'preHandler' | 'onSend'>;

/** A handler, or hooks around a handler that succeeds. */
const FAILURES: Readonly<Record<string, Handler | Hooks>> = {
  'throws an error': fail,
  'throws null': () => {
    throw null;
  },
  'rejects with undefined': () => Promise.reject(undefined),
  'throws text': () => {
    throw CANARY;
  },
  'throws an error whose properties throw': () => {
    throw Object.defineProperty(new Error(CANARY), 'statusCode', { get: fail });
  },
  'throws an error with an invalid status': () => {
    throw Object.assign(new Error(CANARY), { statusCode: 999 });
  },
  'replies with a header of other text than Latin-1': (_request, reply) =>
    reply.header('content-disposition', 'attachment; filename="日記.txt"').send('x'),
  'replies with a header of two lines': (_request, reply) =>
    reply.header('x-a', `a\r\nx-b: ${CANARY}`).send('x'),
  'replies with an invalid name of a header': (_request, reply) => reply.header('x a', 'b').send('x'),
  'replies with a stream and a header of other text': (_request, reply) =>
    reply.header('x-a', '会').send(Readable.from(['x'])),
  'replies with bytes and a header of other text': async (_request, reply) => {
    reply.header('x-a', '会');
    return Buffer.from('x');
  },
  'replies with an invalid status': (_request, reply) => reply.code(99_999).send('x'),
  'replies with a value that JSON cannot hold': () => ({ size: 1n }),
  'replies with a circular object': () => {
    const circle: { own?: unknown } = {};
    circle.own = circle;
    return circle;
  },
  'replies with an object whose toJSON throws': () => ({ toJSON: fail }),
  'replies with a stream that fails at once': (_request, reply) =>
    reply
      .header('content-encoding', 'gzip')
      .header('cache-control', 'max-age=60')
      .header('etag', '"1"')
      .send(
        new Readable({
          read() {
            this.destroy(new Error(CANARY));
          },
        }),
      ),
  'replies with a web stream that fails at once': (_request, reply) =>
    reply
      .type('text/plain')
      .send(new ReadableStream({ pull: (controller) => controller.error(new Error(CANARY)) })),
  'replies with a response whose body was read': async () => {
    const response = new Response('x');
    await response.text();
    return response;
  },
  'has an error handler that throws': { errorHandler: fail, preHandler: fail },
  'has a hook before it that throws': { preHandler: fail },
  'has an onSend hook that always throws': { onSend: async () => fail() },
  'has an onSend hook that always breaks a header': {
    onSend: async (_request, reply, payload) => {
      reply.header('x-a', '会');
      return payload;
    },
  },
  'has an onSend hook that replaces the payload by an invalid one': { onSend: async () => 7 },
};

describe('a handler', () => {
  let backend: TestBackend;

  before(async () => {
    backend = await createTestBackend({
      config: { environment: 'development', 'core.logging.level': 'fatal' },
    });
    await backend.container.getService('gateway').mount('failing', (app) => {
      for (const [index, failure] of Object.values(FAILURES).entries())
        if (typeof failure === 'function') app.get(`/${index}`, PUBLIC, failure);
        else app.get(`/${index}`, { ...PUBLIC, ...failure }, () => 'x');
      app.get('/half', PUBLIC, (_request, reply) =>
        reply.send(
          Readable.from(
            (function* () {
              yield 'x'.repeat(100_000);
              fail();
            })(),
          ),
        ),
      );
    });
  });
  after(() => backend.stop());

  for (const [index, what] of Object.keys(FAILURES).entries())
    test(`that ${what}: 500`, async () => {
      assertProblem(await localRequest(backend.socket, `/api/v1/failing/${index}`), 500, what);
    });

  test('whose reply fails after its beginning has it cut, so that it never looks complete', async () => {
    await assert.rejects(localRequest(backend.socket, '/api/v1/failing/half'), { code: 'ECONNRESET' });
  });
});
