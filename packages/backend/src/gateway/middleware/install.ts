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
    /** Its way through the middlewares; there is none where there are no middlewares, or they have answered. */
    [PASSAGE]: Passage | undefined;
  }
}

/** Turns an error into a reply; the same that answers where there is no middleware. */
export type AnswerError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/**
 * Puts what `middlewares` returns around every route of `app`. The list is asked for at each request, so that a
 * middleware comes and goes with its plugin; a request under way keeps those it began with. Every answer bears the id of
 * its request.
 *
 * @returns the error handler to set: it lets the middlewares see an error before it is answered
 */
export function installMiddleware(
  app: GatewayApp,
  middlewares: () => readonly Middleware[],
  answerError: AnswerError,
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> {
  app.decorateRequest(PASSAGE);

  // By callback, so that where there is no middleware a request waits for no turn of the promises.
  app.addHook('onRequest', (request, reply, done) => {
    const list = middlewares();
    if (list.length === 0) {
      done();
      return;
    }
    enter(list, request, reply).then((answered) => {
      // An answered request goes no further.
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
    // A route that hijacks its reply sends nothing here: a middleware that waits for it is told that it is over.
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

/** Takes away the headers that Node would refuse to write, when it is too late to say so. */
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
  // The length that was counted before may not be that of what is sent; Fastify counts again.
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
