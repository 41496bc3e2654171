import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GatewayApp } from '../core/gateway.ts';
import { MountNameError, MountTakenError } from './errors.ts';
import type { DeclaredRoute } from './openapi/declared-routes.ts';

const NAME = /^[a-z][a-z0-9_-]*$/;

/** Everything below this is served by mounts: `/api/v1/<mount>/…`. */
export const API_PREFIX = '/api/v1/';

/** A request that has not been answered in full. */
interface Flight {
  readonly response: ServerResponse;
  /** Ends it, where it has no end of its own. */
  end: (() => void) | undefined;
  /** Called when it is over, or need not be waited for; nobody waits for most. */
  landed: (() => void) | undefined;
}

/**
 * Where a response has its flight. Not a WeakMap: every entry of one outlives its young generation, and the collector's
 * work for each request would be more than all else the gateway does.
 */
const FLIGHT = Symbol('flight');

interface Tracked extends ServerResponse {
  [FLIGHT]?: Flight;
}

interface Mount {
  readonly app: GatewayApp;
  readonly routes: readonly DeclaredRoute[];
  readonly inFlight: Set<Flight>;
}

/**
 * Which Fastify instance answers for which path. Fastify takes no routes once it runs, so each mount is an
 * instance of its own: a plugin's routes come and go with it, and nobody else's are touched.
 */
export class Mounts {
  readonly #mounts = new Map<string, Mount>();

  /**
   * @throws {MountTakenError} when the name is in use
   * @throws {MountNameError} when the name is no path segment
   */
  reserve(name: string): void {
    if (!NAME.test(name)) throw new MountNameError(name);
    if (this.#mounts.has(name)) throw new MountTakenError(name);
  }

  add(name: string, app: GatewayApp, routes: readonly DeclaredRoute[]): void {
    this.reserve(name);
    this.#mounts.set(name, { app, routes, inFlight: new Set() });
  }

  /** Takes the mount away at once, resolves when the requests in flight have been answered; ends those without an end. */
  async remove(name: string): Promise<void> {
    const mount = this.#mounts.get(name);
    if (mount === undefined) return;
    this.#mounts.delete(name);
    const closed = [...mount.inFlight].map(({ response }) => whenClosed(response));
    for (const { end } of mount.inFlight) end?.();
    await Promise.all(closed);
    await mount.app.close();
  }

  /** Hands the request to its mount; `false` when nobody serves the path. */
  dispatch(request: IncomingMessage, response: ServerResponse): boolean {
    const mount = this.#mounts.get(mountName(request.url ?? '/'));
    if (mount === undefined) return false;
    const flight: Flight = { response, end: undefined, landed: undefined };
    mount.inFlight.add(flight);
    (response as Tracked)[FLIGHT] = flight;
    response.on('close', () => {
      mount.inFlight.delete(flight);
      flight.landed?.();
    });
    mount.app.routing(request, response);
    return true;
  }

  /** The request turned out to be one that goes on until its reader leaves, or `end` is called. */
  noteEndless(response: ServerResponse, end = (): void => endNow(response)): void {
    const flight = (response as Tracked)[FLIGHT];
    if (flight === undefined) return;
    flight.end = end;
    flight.landed?.();
  }

  /** Whether a request is for a route that takes WebSockets. */
  takesWebSocket({ method, url = '/' }: IncomingMessage): boolean {
    const [path] = url.split('?', 1);
    const routes = this.#mounts.get(mountName(url))?.routes ?? [];
    return method === 'GET' && routes.some((route) => route.isWebSocket && route.path === path);
  }

  /** Resolves when all that is in flight now and has an end has come to it. */
  async landed(): Promise<void> {
    await Promise.all(
      this.#inFlight()
        .filter(({ end }) => end === undefined)
        .map((flight) => {
          const before = flight.landed;
          const { promise, resolve } = Promise.withResolvers<void>();
          flight.landed = () => {
            before?.();
            resolve();
          };
          return promise;
        }),
    );
  }

  /** Ends what is in flight and has no end of its own. */
  endEndless(): void {
    for (const { end } of this.#inFlight()) end?.();
  }

  /** Breaks off what is in flight and should have come to an end. @returns how many requests */
  cut(): number {
    const flights = this.#inFlight().filter(({ end }) => end === undefined);
    for (const { response } of flights) response.destroy();
    return flights.length;
  }

  /** Every route of every mount. */
  get routes(): readonly DeclaredRoute[] {
    return [...this.#mounts.values()].flatMap(({ routes }) => routes);
  }

  get names(): readonly string[] {
    return [...this.#mounts.keys()];
  }

  #inFlight(): readonly Flight[] {
    return [...this.#mounts.values()].flatMap(({ inFlight }) => [...inFlight]);
  }
}

function whenClosed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once('close', () => resolve()));
}

function endNow(response: ServerResponse): void {
  // Its writer may write once more before it hears of the end.
  response.on('error', () => {});
  // A reader who takes nothing would not take the end either.
  if (response.writableNeedDrain) response.destroy();
  else response.end();
}

function mountName(url: string): string {
  if (!url.startsWith(API_PREFIX)) return '';
  let end = API_PREFIX.length;
  while (end < url.length && url[end] !== '/' && url[end] !== '?') end += 1;
  return url.slice(API_PREFIX.length, end);
}
