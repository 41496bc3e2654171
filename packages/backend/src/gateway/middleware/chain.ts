import type { FastifyRequest } from 'fastify';
import type { GatewayResponse, Middleware } from '../../core/middleware.ts';
import { NextCalledTwiceError } from '../errors.ts';

/** The result of the middlewares for a request. */
type Outcome =
  | { readonly kind: 'answered'; readonly response: GatewayResponse }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * The passage of one request through the middlewares. They do not call the route themselves: `entered` resolves with whether to
 * call it, its outcome is passed to `returned` or `threw`, and these resolve with the answer.
 */
export class Passage {
  readonly #route = Promise.withResolvers<GatewayResponse>();
  readonly #reached = Promise.withResolvers<undefined>();
  readonly #outcome: Promise<Outcome>;
  #isBack = false;

  constructor(middlewares: readonly Middleware[], request: FastifyRequest) {
    // If a middleware does not await the route, a failure of the route must not become an unhandled rejection.
    this.#route.promise.catch(() => undefined);
    this.#outcome = this.#call(middlewares, 0, request).then(
      (response) => ({ kind: 'answered', response }),
      (error: unknown) => ({ kind: 'failed', error }),
    );
  }

  /** Resolves with `undefined` if the route is to be called, else with the answer of a middleware. */
  async entered(): Promise<Outcome | undefined> {
    return Promise.race([this.#reached.promise, this.#outcome]);
  }

  /** Passes on the answer of the route. */
  async returned(response: GatewayResponse): Promise<Outcome> {
    this.#isBack = true;
    this.#route.resolve(response);
    return this.#outcome;
  }

  /** Passes on an error of the route, or of a hook before it. */
  async threw(error: unknown): Promise<Outcome> {
    this.#isBack = true;
    this.#route.reject(error);
    return this.#outcome;
  }

  /** Whether the outcome of the route has been passed on: an answer sent now comes from the middlewares. */
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
