import { STATUS_CODES } from 'node:http';
import { AicoError } from '@aico/protocol';
import type { Logger } from '@aico/shared/core/logging';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { RequestInvalidError } from './errors.ts';

/** The media type of RFC 9457. */
export const PROBLEM_JSON = 'application/problem+json';

/** A problem as RFC 9457 writes it; `code`, `hint`, `errors` and `request_id` are extension members. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly code?: string;
  readonly hint?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly request_id?: string;
}

/**
 * What a client is told about `error`. An error without a status below 500 is ours: the client gets a constant
 * sentence and the request id, the log gets the cause.
 */
export function problemOf(error: FastifyError | AicoError, requestId: string): ProblemDetails {
  const status = statusOf(error);
  const title = STATUS_CODES[status] ?? 'Error';
  if (status >= 500 && !(error instanceof AicoError && status === 503)) {
    return {
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      detail: 'The backend could not do this. Its log says why, under this request id.',
      code: 'AICO_GATEWAY_INTERNAL',
      request_id: requestId,
    };
  }
  return {
    type: 'about:blank',
    title,
    status,
    detail: error.message,
    code: error.code,
    ...(error instanceof AicoError && error.hint !== undefined ? { hint: error.hint } : {}),
    ...(error instanceof RequestInvalidError ? { errors: error.issues } : {}),
    request_id: requestId,
  };
}

function statusOf(error: object): number {
  const status = 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
}

/** Fastify's error handler: the client gets a problem, the log gets the cause. */
export function problemHandler(logger: Logger) {
  return (error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const problem = problemOf(error, request.id);
    const fields = { requestId: request.id, method: request.method, route: request.routeOptions.url, error };
    if (problem.status >= 500) logger.error('Request failed', fields);
    else logger.debug('Request refused', fields);
    return reply.code(problem.status).type(PROBLEM_JSON).send(problem);
  };
}

/** The reply where nothing is served. Never repeats the path. */
export function notFound(requestId: string): ProblemDetails {
  return {
    type: 'about:blank',
    title: 'Not Found',
    status: 404,
    detail: 'Nothing is served at this path.',
    code: 'AICO_GATEWAY_NOT_FOUND',
    request_id: requestId,
  };
}
