import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { errorCodes, type FastifyRequest } from 'fastify';
import type { GatewayApp } from '../core/gateway.ts';
import { FREE_BYTES, type UploadBudget } from './upload-budget.ts';

const RESPONSE = Symbol('response');

declare module 'fastify' {
  interface FastifyRequest {
    /** The response of a request whose body counts against the budget. */
    [RESPONSE]: ServerResponse | undefined;
  }
}

type Done = (error: Error | null, body?: unknown) => void;

/**
 * Reads the bodies that parsers take as a whole, within the body limit and the budget. Fastify would limit each body but not
 * their sum. A parser that takes the stream is not changed: unread data stays with the sender.
 */
export function boundBodies(app: GatewayApp, budget: UploadBudget): void {
  app.decorateRequest(RESPONSE);
  app.addHook('preParsing', (request, reply, _payload, done) => {
    if (!(Number(request.headers['content-length']) <= FREE_BYTES)) request[RESPONSE] = reply.raw;
    done();
  });
  const { addContentTypeParser } = app;
  app.addContentTypeParser = function (this: GatewayApp, types: unknown, ...rest: unknown[]) {
    const [options, parser] = rest;
    if (!takesWhole(options) || typeof parser !== 'function')
      return Reflect.apply(addContentTypeParser, this, [types, ...rest]);
    const { parseAs, bodyLimit } = options;
    const reader = (request: FastifyRequest, payload: Readable, done: Done): void =>
      readWhole(budget, request, payload, bodyLimit ?? request.routeOptions.bodyLimit, (error, body) => {
        if (body === undefined) {
          done(error);
          return;
        }
        const given = parseAs === 'string' ? body.toString() : body;
        const parsing: unknown = Reflect.apply(parser, this, [request, given, done]);
        if (parsing instanceof Promise)
          parsing.then(
            (value: unknown) => done(null, value),
            (failure: unknown) => done(failure instanceof Error ? failure : new Error(String(failure))),
          );
      });
    return Reflect.apply(addContentTypeParser, this, [types, reader]);
  };
  app.removeContentTypeParser('text/plain');
  app.addContentTypeParser('text/plain', { parseAs: 'string' }, (_request, body, done) => done(null, body));
}

function takesWhole(options: unknown): options is { readonly parseAs: string; readonly bodyLimit?: number } {
  return typeof options === 'object' && options !== null && 'parseAs' in options;
}

function readWhole(
  budget: UploadBudget,
  request: FastifyRequest,
  payload: Readable,
  limit: number,
  done: (error: Error | null, body?: Buffer) => void,
): void {
  const length = Number(request.headers['content-length'] ?? Number.NaN);
  if (length > limit) {
    done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE());
    return;
  }
  const response = request[RESPONSE];
  const account = response === undefined ? undefined : budget.open(request.principal.id, response);
  const chunks: Buffer[] = [];
  let received = 0;
  let counted = FREE_BYTES;
  const settle = (error: Error | null, body?: Buffer): void => {
    // The rest of a refused body is discarded as it arrives.
    payload.off('data', take).off('end', end).off('error', settle);
    if (error !== null) payload.on('error', ignore);
    done(error, body);
  };
  const take = (chunk: Buffer): void => {
    received += chunk.byteLength;
    try {
      if (received > limit) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE();
      if (received > counted) {
        account?.take(received - counted);
        counted = received;
      }
    } catch (error) {
      chunks.length = 0;
      settle(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    chunks.push(chunk);
  };
  const end = (): void => {
    if (payload === request.raw && Number.isFinite(length) && received !== length)
      settle(new errorCodes.FST_ERR_CTP_INVALID_CONTENT_LENGTH());
    else settle(null, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, received));
  };
  payload.on('data', take).on('end', end).on('error', settle);
  payload.resume();
}

function ignore(): void {}
