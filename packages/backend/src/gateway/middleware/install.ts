import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayApp } from '../../core/gateway.ts';
import { GatewayResponse, type Middleware, type ResponseBody } from '../../core/middleware.ts';
import { Passage } from './chain.ts';

/** Turns an error into a reply; the same that answers where there is no middleware. */
export type AnswerError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/**
 * Puts what `middlewares` returns around every route of `app`. The list is asked for at each request, so that a
 * middleware comes and goes with its plugin; a request under way keeps those it began with.
 *
 * @returns the error handler to set: it lets the middlewares see an error before it is answered
 */
export function installMiddleware(
  app: GatewayApp,
  middlewares: () => readonly Middleware[],
  answerError: AnswerError,
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> {
  const passages = new WeakMap<FastifyRequest, Passage>();

  app.addHook('onRequest', async (request, reply) => {
    const list = middlewares();
    if (list.length === 0) return;
    const passage = new Passage(list, request);
    passages.set(request, passage);
    const outcome = await passage.entered();
    if (outcome === undefined) return;
    passages.delete(request);
    if (outcome.kind === 'failed') throw outcome.error;
    await send(outcome.response, reply);
  });

  app.addHook('onSend', async (request, reply, payload) => {
    const passage = passages.get(request);
    if (passage === undefined || passage.isBack) return payload;
    const outcome = await passage.returned(responseOf(reply, payload));
    if (outcome.kind === 'failed') throw outcome.error;
    return apply(outcome.response, reply);
  });

  // A route that took the socket for itself sends nothing here: whoever waits for it hears that it is over.
  app.addHook('onResponse', async (request, reply) => {
    const passage = passages.get(request);
    if (passage?.isBack === false) await passage.returned(responseOf(reply, null));
  });

  return async (error, request, reply) => {
    const passage = passages.get(request);
    if (passage === undefined || passage.isBack) return answerError(error, request, reply);
    const outcome = await passage.threw(error);
    if (outcome.kind === 'failed') return answerError(outcome.error, request, reply);
    return send(outcome.response, reply);
  };
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
