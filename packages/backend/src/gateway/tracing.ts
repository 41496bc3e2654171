import { TraceStep, withOwnTrace } from '@aico/shared/core/tracing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayApp } from '../core/gateway.ts';

const STEP = Symbol('step of a trace');

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Its place in a trace (W3C Trace Context): in the one its sender named, or in a new one with the request's id. Send
     * it on with requests to others; log lines and messages on the bus have it by themselves.
     */
    readonly traceparent: string;
    [STEP]: TraceStep | undefined;
  }
}

/** Has every request of `app` handled in a trace. */
export function installTracing(app: GatewayApp): void {
  app.decorateRequest(STEP);
  app.decorateRequest('traceparent', {
    getter() {
      return stepOf(this).traceparent;
    },
  });
  app.addHook('onRequest', (request, _reply, done) => withOwnTrace(stepOf(request), done));
  // A body may arrive in the context of its connection, and what follows would go on in that.
  app.addHook('preValidation', (request, _reply, done) => withOwnTrace(stepOf(request), done));
}

/** The same error handler, within the trace of the request. */
export function inTraceOf<R>(
  answer: (error: unknown, request: FastifyRequest, reply: FastifyReply) => R,
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => R {
  return (error, request, reply) => withOwnTrace(stepOf(request), () => answer(error, request, reply));
}

function stepOf(request: FastifyRequest): TraceStep {
  if (request[STEP] !== undefined) return request[STEP];
  const received = request.headers.traceparent;
  request[STEP] = new TraceStep(typeof received === 'string' ? received : undefined, request.id);
  return request[STEP];
}
