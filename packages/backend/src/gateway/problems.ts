import { STATUS_CODES } from 'node:http';
import { AicoError, PROBLEM_MEDIA_TYPE, type Problem, problemFrom } from '@aico/protocol';
import type { Logger } from '@aico/shared/core/logging';
import { systemErrorIn } from '@aico/shared/core/system-errors';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerProblem } from './raw-reply.ts';

/** Details of requests that Fastify refuses, since its own text would quote the request. */
const FASTIFY_DETAILS: Readonly<Record<string, string>> = {
  FST_ERR_CTP_EMPTY_JSON_BODY:
    'The body is empty, and its content-type says JSON. Send a body, or no content-type.',
  FST_ERR_CTP_INVALID_JSON_BODY:
    'The body is not JSON, or has the key "__proto__" or a "constructor" with "prototype".',
  FST_ERR_CTP_INVALID_MEDIA_TYPE:
    'The route takes no body of this content-type. JSON is sent as application/json, in UTF-8.',
  FST_ERR_BAD_URL: 'The URL is not percent-encoded UTF-8.',
  FST_ERR_MAX_PARAM_LENGTH: 'A part of the path is longer than any that is served.',
};

/**
 * Converts `error` to the problem that a client gets. An error of the project with a status includes its message and hint. A
 * request that Fastify refuses keeps its status and gets a sentence that does not quote it. Conditions of the machine, such as
 * a full or failing disk, are named without file names. Any other error becomes a constant sentence.
 */
export function problemOf(error: unknown, requestId: string): Problem {
  try {
    if (!(error instanceof AicoError) && isClientError(error)) {
      const { statusCode, code = '', message } = error;
      if (code.startsWith('FST_')) return badRequest(statusCode, FASTIFY_DETAILS[code] ?? message, requestId);
      const title = STATUS_CODES[statusCode] ?? 'Request Refused';
      return { type: 'about:blank', title, status: statusCode, request_id: requestId };
    }
    const problem = { ...problemFrom(error), request_id: requestId };
    return problem.code === 'AICO_PROBLEM_INTERNAL' ? (machineProblem(error, requestId) ?? problem) : problem;
  } catch {
    // A property of the error threw when it was read.
    return { ...problemFrom(undefined), request_id: requestId };
  }
}

/** The remedy for a refusal, by its status (RFC 9110, section 15.5). */
const HINTS: Readonly<Record<number, string>> = {
  405: 'Use a method that the header `Allow` names.',
  408: 'Send the whole request without a pause.',
  413: 'Send less in one request, or stream it to a route that takes streams.',
  414: 'Shorten the address, or send its values in the body.',
  415: 'Send the body as application/json in UTF-8, without a content coding.',
  417: 'Send the request without the header `Expect`.',
  431: 'Send fewer or shorter headers.',
};

/** The reply to a request that reaches no route: it is malformed or uses an unsupported feature of HTTP. */
export function badRequest(status: number, detail: string, requestId: string): Problem {
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Request Refused',
    status,
    detail,
    code: 'AICO_GATEWAY_BAD_REQUEST',
    hint: HINTS[status] ?? 'Correct the request as `detail` says, and send it again.',
    request_id: requestId,
  };
}

/** The problem for a failure caused by the machine; `undefined` for every other failure. */
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

/** Headers of a representation, which a route may have set and which do not apply to the problem sent instead. */
const REPRESENTATION_HEADERS = [
  'accept-ranges',
  'age',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'etag',
  'expires',
  'last-modified',
  'trailer',
  'transfer-encoding',
];

/** Fastify's error handler: the client gets a problem, and the cause is logged. */
export function problemHandler(logger: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const problem = problemOf(error, request.id);
    const fields = { requestId: request.id, method: request.method, route: request.routeOptions.url, error };
    if (problem.status >= 500) logger.error('Request failed', fields);
    else logger.debug('Request refused', fields);
    for (const name of REPRESENTATION_HEADERS) reply.removeHeader(name);
    return reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).send(problem);
  };
}

/** The error handler behind {@link problemHandler}. It answers without hooks, since these prevented the first reply. */
export function lastErrorHandler(logger: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    logger.error('The reply to a failed request could not be sent as it was', {
      requestId: request.id,
      error,
    });
    reply.hijack();
    answerProblem(reply.raw, problemOf(undefined, request.id));
  };
}

/** The reply to a method that is not supported at the path; `methods` are the supported ones. */
export function methodNotAllowed(methods: readonly string[], requestId: string): Problem {
  return {
    type: 'about:blank',
    title: 'Method Not Allowed',
    status: 405,
    detail: `This path supports ${methods.join(', ')}.`,
    code: 'AICO_GATEWAY_METHOD',
    request_id: requestId,
  };
}

/** The reply for an unknown path, which it does not repeat. */
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

/** The reply to requests that need a key while the home is locked. */
export function locked(requestId: string): Problem {
  return {
    type: 'about:blank',
    title: 'Service Unavailable',
    status: 503,
    detail: 'The home is locked: the services that store data are stopped.',
    code: 'AICO_GATEWAY_LOCKED',
    hint: 'Unlock it: aico security unlock',
    request_id: requestId,
  };
}

/** The reply to requests that arrive after the stop has begun. */
export function stopping(requestId: string): Problem {
  return {
    type: 'about:blank',
    title: 'Service Unavailable',
    status: 503,
    detail: 'The backend is stopping: it finishes the requests in flight and accepts no new ones.',
    code: 'AICO_GATEWAY_STOPPING',
    hint: 'Try again in a moment.',
    request_id: requestId,
  };
}

/** The reply to a request for a plugin that is being reloaded. */
export function reloading(requestId: string): Problem {
  return {
    type: 'about:blank',
    title: 'Service Unavailable',
    status: 503,
    detail: 'The plugin that serves this path is being reloaded. The request was not carried out.',
    code: 'AICO_GATEWAY_RELOADING',
    hint: 'Send it again after the seconds of the header `Retry-After`.',
    request_id: requestId,
  };
}
