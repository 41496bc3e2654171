import { STATUS_CODES } from 'node:http';
import { AicoError, PROBLEM_MEDIA_TYPE, type Problem, problemFrom } from '@aico/protocol';
import type { Logger } from '@aico/shared/core/logging';
import { systemErrorIn } from '@aico/shared/core/system-errors';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * What a client is told about `error`. Errors of the house speak for themselves when they name a status; Fastify's
 * own refusals keep their status and code but not their text, which may repeat what was sent. Of a full or failing disk and
 * other conditions of the machine a client hears the condition, without any file's name; everything else is a constant
 * sentence.
 */
export function problemOf(error: unknown, requestId: string): Problem {
  if (!(error instanceof AicoError) && isClientError(error)) {
    return {
      type: 'about:blank',
      title: STATUS_CODES[error.statusCode] ?? 'Request Refused',
      status: error.statusCode,
      ...(error.code?.startsWith('FST_') ? { code: error.code, detail: error.message } : {}),
      request_id: requestId,
    };
  }
  const problem = { ...problemFrom(error), request_id: requestId };
  return problem.code === 'AICO_PROBLEM_INTERNAL' ? (machineProblem(error, requestId) ?? problem) : problem;
}

/** What is told of a failure that the machine is at the root of; `undefined` for every other one. */
function machineProblem(error: unknown, requestId: string): Problem | undefined {
  const system = systemErrorIn(error);
  if (system?.replyStatus === undefined) return undefined;
  const status = system.replyStatus;
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Service Unavailable',
    status,
    detail: `The backend could not do this: ${system.condition}.`,
    code: error instanceof AicoError ? error.code : system.code,
    ...(system.hint === undefined ? {} : { hint: system.hint }),
    request_id: requestId,
  };
}

function isClientError(error: unknown): error is Error & { statusCode: number; code?: string } {
  if (!(error instanceof Error) || !('statusCode' in error)) return false;
  return typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500;
}

/** Fastify's error handler: the client gets a problem, the log gets the cause. */
export function problemHandler(logger: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const problem = problemOf(error, request.id);
    const fields = { requestId: request.id, method: request.method, route: request.routeOptions.url, error };
    if (problem.status >= 500) logger.error('Request failed', fields);
    else logger.debug('Request refused', fields);
    return reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).send(problem);
  };
}

/** The reply where nothing is served. Never repeats the path. */
export function notFound(requestId: string): Problem {
  return {
    type: 'about:blank',
    title: 'Not Found',
    status: 404,
    detail: 'Nothing is served at this path.',
    code: 'AICO_GATEWAY_NOT_FOUND',
    request_id: requestId,
  };
}

/** The reply of everything that needs a key while there is none. */
export function locked(requestId: string): Problem {
  return {
    type: 'about:blank',
    title: 'Service Unavailable',
    status: 503,
    detail: 'The home is locked: nothing that holds data runs.',
    code: 'AICO_GATEWAY_LOCKED',
    hint: 'Unlock it: aico security unlock',
    request_id: requestId,
  };
}

/** The reply to what comes when the backend has begun to stop. */
export function stopping(requestId: string): Problem {
  return {
    type: 'about:blank',
    title: 'Service Unavailable',
    status: 503,
    detail: 'The backend is stopping: it finishes what it has begun and takes nothing new.',
    code: 'AICO_GATEWAY_STOPPING',
    hint: 'Try again in a moment.',
    request_id: requestId,
  };
}
