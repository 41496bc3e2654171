import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';

/** The body of a reply: text, bytes, a stream of them, or nothing. */
export type ResponseBody = string | Uint8Array | Readable | ReadableStream | null;

/** A reply before it is sent. A middleware may change or replace it. */
export class GatewayResponse {
  status: number;
  readonly headers: Headers;
  body: ResponseBody;

  constructor(
    body: ResponseBody = null,
    init: { readonly status?: number; readonly headers?: ConstructorParameters<typeof Headers>[0] } = {},
  ) {
    this.body = body;
    this.status = init.status ?? 200;
    this.headers = new Headers(init.headers);
  }

  /** @example return GatewayResponse.json({ error: 'Internal server error' }, { status: 500 }); */
  static json(
    value: unknown,
    init: { readonly status?: number; readonly headers?: ConstructorParameters<typeof Headers>[0] } = {},
  ): GatewayResponse {
    const response = new GatewayResponse(JSON.stringify(value), init);
    if (!response.headers.has('content-type'))
      response.headers.set('content-type', 'application/json; charset=utf-8');
    return response;
  }
}

/** Calls the next middleware, or the route. Rejects with an error of the route. */
export type CallNext = (request: FastifyRequest) => Promise<GatewayResponse>;

/**
 * Code around every route: it sees each request before the route and each reply after it, including errors. The middleware that
 * was added first is the outermost.
 *
 * @example
 * ```ts
 * class Timing extends Middleware {
 *   override async dispatch(request: FastifyRequest, callNext: CallNext) {
 *     const beganAt = performance.now();
 *     const response = await callNext(request);
 *     response.headers.set('server-timing', `app;dur=${(performance.now() - beganAt).toFixed(1)}`);
 *     return response;
 *   }
 * }
 * await this.addMiddleware(new Timing());
 * ```
 */
export abstract class Middleware {
  /**
   * Called for each request, before its body is read. Calls `callNext` at most once, or answers the request itself. An error is
   * answered like that of a route.
   */
  abstract dispatch(request: FastifyRequest, callNext: CallNext): Promise<GatewayResponse>;
}
