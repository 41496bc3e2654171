import { TraceStep, Work, withWork } from '@aico/shared/core/tracing';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { GatewayApp } from '../core/gateway.ts';

const WORK = Symbol('work of a request');

declare module 'fastify' {
  interface FastifyRequest {
    [WORK]: Work | undefined;
  }
}

/**
 * Handles every request of `app` as work of its own: its trace, its id, the device that sent it, and the plugin whose
 * routes these are. Must come after `identify()`, which names the device.
 */
export function installTracing(app: GatewayApp, plugin: string | undefined): void {
  app.decorateRequest(WORK);
  app.decorateRequest('traceparent', {
    getter() {
      return workOf(this, plugin).traceparent ?? '';
    },
  });
  app.addHook('onRequest', (request, _reply, done) => withWork(workOf(request, plugin), done));
  // A body may arrive in the context of its connection, in which the request would then continue.
  app.addHook('preValidation', (request, _reply, done) => withWork(workOf(request, plugin), done));
}

/** The same error handler, as part of the work of the request. */
export function inWorkOf<R>(
  plugin: string | undefined,
  answer: (error: unknown, request: FastifyRequest, reply: FastifyReply) => R,
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => R {
  return (error, request, reply) => withWork(workOf(request, plugin), () => answer(error, request, reply));
}

function workOf(request: FastifyRequest, plugin: string | undefined): Work {
  if (request[WORK] !== undefined) return request[WORK];
  const received = request.headers.traceparent;
  const trace = new TraceStep(typeof received === 'string' ? received : undefined, request.id);
  const { kind, id } = request.principal;
  const device = kind === 'device' ? id : undefined;
  request[WORK] = new Work(trace, { requestId: request.id, plugin, device });
  return request[WORK];
}
