import { validateHeaderName, validateHeaderValue } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayApp } from '../../core/gateway.ts';
import { GatewayResponse, type Middleware, type ResponseBody } from '../../core/middleware.ts';
import { ReplyHeaderError } from '../errors.ts';
import { Passage } from './chain.ts';

const PASSAGE = Symbol('passage');

declare module 'fastify' {
  interface FastifyRequest {
    /** The passage through the middlewares; undefined if there are none, or if they have answered. */
    [PASSAGE]: Passage | undefined;
  }
}

/** Turns an error into a reply, also if there are no middlewares. */
export type AnswerError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/**
 * Puts the result of `middlewares` around every route of `app`. It is called at each request, so that a middleware is added and
 * removed with its plugin; a pending request keeps its own. Every answer has the id of its request.
 *
 * @returns the error handler to set: it lets the middlewares see an error before it is answered
 */
export function installMiddleware(
  app: GatewayApp,
  middlewares: () => readonly Middleware[],
  answerError: AnswerError,
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> {
  app.decorateRequest(PASSAGE);

  // A callback, so that a request waits for no microtask if there is no middleware.
  app.addHook('onRequest', (request, reply, done) => {
    const list = middlewares();
    if (list.length === 0) {
      done();
      return;
    }
    enter(list, request, reply).then((answered) => {
      // An answered request is not processed further.
      if (!answered) done();
    }, done);
  });

  app.addHook('onSend', (request, reply, payload, done) => {
    const passage = request[PASSAGE];
    const goOn = (body: unknown): void => {
      reply.header('x-request-id', request.id);
      const invalid = invalidHeaderOf(reply);
      if (invalid === undefined) done(null, body);
      else done(invalid);
    };
    if (passage === undefined || passage.isBack) goOn(payload);
    else back(passage, reply, payload).then(goOn, done);
  });

  async function enter(
    list: readonly Middleware[],
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<boolean> {
    const passage = new Passage(list, request);
    request[PASSAGE] = passage;
    // A route that hijacks its reply sends nothing here, so a middleware that awaits it continues when the reply closes.
    const over = (): void => {
      if (!passage.isBack) void passage.returned(responseOf(reply, null));
    };
    reply.raw.once('finish', over).once('error', over);
    const outcome = await passage.entered();
    if (outcome === undefined) return false;
    request[PASSAGE] = undefined;
    if (outcome.kind === 'failed') throw outcome.error;
    void send(outcome.response, reply);
    return true;
  }

  async function back(passage: Passage, reply: FastifyReply, payload: unknown): Promise<ResponseBody> {
    const outcome = await passage.returned(responseOf(reply, payload));
    if (outcome.kind === 'failed') throw outcome.error;
    return apply(outcome.response, reply);
  }

  return async (error, request, reply) => {
    const passage = request[PASSAGE];
    if (passage === undefined || passage.isBack) return answerError(error, request, reply);
    const outcome = await passage.threw(error);
    if (outcome.kind === 'failed') return answerError(outcome.error, request, reply);
    return send(outcome.response, reply);
  };
}

/** Removes headers that Node would refuse to write, when it is too late to send an error. */
function invalidHeaderOf(reply: FastifyReply): ReplyHeaderError | undefined {
  let invalid: ReplyHeaderError | undefined;
  for (const [name, value] of Object.entries(reply.getHeaders()))
    try {
      validateHeaderName(name);
      for (const each of Array.isArray(value) ? value : [value]) validateHeaderValue(name, String(each));
      if (value === undefined) validateHeaderValue(name, '\u0000');
    } catch (error) {
      reply.removeHeader(name);
      invalid ??= new ReplyHeaderError(name, error);
    }
  return invalid;
}

function responseOf(reply: FastifyReply, payload: unknown): GatewayResponse {
  const response = new GatewayResponse(payload as ResponseBody, { status: reply.statusCode });
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    for (const each of Array.isArray(value) ? value : [value])
      if (each !== undefined) response.headers.append(name, String(each));
  }
  return response;
}

function apply(response: GatewayResponse, reply: FastifyReply): ResponseBody {
  reply.code(response.status);
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
  // A middleware may have changed the body, so Fastify computes the length again.
  for (const [name, value] of response.headers) if (name !== 'content-length') reply.header(name, value);
  const { body } = response;
  return body instanceof ReadableStream ? Readable.fromWeb(body) : body;
}

async function send(response: GatewayResponse, reply: FastifyReply): Promise<FastifyReply> {
  reply.code(response.status);
  for (const [name, value] of response.headers) reply.header(name, value);
  const { body } = response;
  return reply.send(body instanceof ReadableStream ? Readable.fromWeb(body) : body);
}
