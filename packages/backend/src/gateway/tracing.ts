import { continueTrace, withOwnTraceparent } from '@aico/shared/core/tracing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayApp } from '../core/gateway.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Its place in a trace (W3C Trace Context): in the one its sender named, or in a new one with the request's id. Send
     * it on with requests to others; log lines and messages on the bus have it by themselves.
     */
    traceparent: string;
  }
}

/** Has every request of `app` handled in a trace. */
export function installTracing(app: GatewayApp): void {
  app.decorateRequest('traceparent', '');
  app.addHook('onRequest', (request, _reply, done) => {
    const received = request.headers.traceparent;
    request.traceparent = continueTrace(typeof received === 'string' ? received : undefined, request.id);
    withOwnTraceparent(request.traceparent, done);
  });
  // A body arrives in the context of its connection, and what follows would go on in that.
  app.addHook('preValidation', (request, _reply, done) => withOwnTraceparent(request.traceparent, done));
}

/** The same error handler, within the trace of the request. */
export function inTraceOf<R>(
  answer: (error: unknown, request: FastifyRequest, reply: FastifyReply) => R,
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => R {
  return (error, request, reply) =>
    withOwnTraceparent(request.traceparent, () => answer(error, request, reply));
}
