import type { FastifyRequest } from 'fastify';
import type { GatewayResponse, Middleware } from '../../core/middleware.ts';
import { NextCalledTwiceError } from '../errors.ts';

/** How the middlewares' part of a request ended. */
type Outcome =
  | { readonly kind: 'answered'; readonly response: GatewayResponse }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * One request on its way through the middlewares. The route is not called by them but by the server: `entered` says
 * whether to go on to it, and what came of it is handed back by `returned` or `threw`, which tell what to send.
 */
export class Passage {
  readonly #route = Promise.withResolvers<GatewayResponse>();
  readonly #reached = Promise.withResolvers<undefined>();
  readonly #outcome: Promise<Outcome>;
  #isBack = false;

  constructor(middlewares: readonly Middleware[], request: FastifyRequest) {
    // A middleware that does not wait for the route must not turn its failure into an unhandled rejection.
    this.#route.promise.catch(() => undefined);
    this.#outcome = this.#call(middlewares, 0, request).then(
      (response) => ({ kind: 'answered', response }),
      (error: unknown) => ({ kind: 'failed', error }),
    );
  }

  /** Resolves with `undefined` when the route is to be called, else with what to send in its place. */
  async entered(): Promise<Outcome | undefined> {
    return Promise.race([this.#reached.promise, this.#outcome]);
  }

  /** The route answered. */
  async returned(response: GatewayResponse): Promise<Outcome> {
    this.#isBack = true;
    this.#route.resolve(response);
    return this.#outcome;
  }

  /** The route, or what runs before it, threw. */
  async threw(error: unknown): Promise<Outcome> {
    this.#isBack = true;
    this.#route.reject(error);
    return this.#outcome;
  }

  /** Whether the route's outcome has been handed back: what is sent now is the middlewares' answer. */
  get isBack(): boolean {
    return this.#isBack;
  }

  async #call(
    middlewares: readonly Middleware[],
    index: number,
    request: FastifyRequest,
  ): Promise<GatewayResponse> {
    const middleware = middlewares[index];
    if (middleware === undefined) {
      this.#reached.resolve(undefined);
      return this.#route.promise;
    }
    let called = false;
    return middleware.dispatch(request, async (next) => {
      if (called) throw new NextCalledTwiceError(middleware.constructor.name);
      called = true;
      return this.#call(middlewares, index + 1, next);
    });
  }
}
