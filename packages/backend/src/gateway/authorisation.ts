import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { type Access, isAccess, NOBODY, type Principal } from '../core/access.ts';
import type { GatewayApp } from '../core/gateway.ts';
import { CapabilityMissingError, RouteAccessError } from './errors.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller needs to be able to do; `'public'` for every paired device. */
    access?: Access;
  }
  interface FastifyRequest {
    /** Who sent it. */
    principal: Principal;
  }
}

/** The requests of one connection that have not been answered. */
class Flight {
  count = 0;
  readonly landed: (() => void)[] = [];
  readonly land = (): void => {
    this.count -= 1;
    if (this.count === 0) for (const resolve of this.landed.splice(0)) resolve();
  };
}

/** Who is at the other end of which connection. */
export class Connections {
  readonly #principals = new WeakMap<Duplex, Principal>();
  readonly #flights = new WeakMap<Duplex, Flight>();

  set(connection: Duplex, principal: Principal): void {
    this.#principals.set(connection, principal);
  }

  /** A request of `connection` is in flight until `response` is closed, or released. */
  track(connection: Duplex, response: ServerResponse): void {
    let flight = this.#flights.get(connection);
    if (flight === undefined) {
      flight = new Flight();
      this.#flights.set(connection, flight);
    }
    flight.count += 1;
    // It closes once; one listener for all of them costs less than a `once` of each.
    response.on('close', flight.land);
  }

  /** Nobody need wait for it any longer: it goes on until its reader leaves. */
  release(connection: Duplex, response: ServerResponse): void {
    const flight = this.#flights.get(connection);
    if (flight === undefined || !response.listeners('close').includes(flight.land)) return;
    response.off('close', flight.land);
    flight.land();
  }

  /** Resolves when no request of `connection` is in flight. */
  async whenIdle(connection: Duplex): Promise<void> {
    const flight = this.#flights.get(connection);
    if (flight === undefined || flight.count === 0) return;
    await new Promise<void>((resolve) => flight.landed.push(resolve));
  }

  /** Whether somebody is known to be there. */
  knows(connection: Duplex): boolean {
    return this.#principals.has(connection);
  }

  principalOf(connection: Duplex): Principal {
    return this.#principals.get(connection) ?? NOBODY;
  }
}

/**
 * Has every route of `app` say who may call it, and holds every request to that, before anything of it is read.
 *
 * @param fallback what routes need that say nothing themselves: of a Fastify plugin that is used as it is
 */
export function authorise(
  app: GatewayApp,
  principalOf: (request: FastifyRequest) => Principal,
  fallback: Access | undefined,
): void {
  app.decorateRequest('principal');
  app.addHook('onRoute', (route) => {
    const access: unknown = route.config?.access ?? fallback;
    if (!isAccess(access)) throw new RouteAccessError(String(route.method), route.url, access);
    route.config = { ...route.config, access };
  });
  app.addHook('onRequest', (request, _reply, done) => {
    request.principal = principalOf(request);
    const { access } = request.routeOptions.config;
    // A path nobody serves needs nothing: it is answered with "not found".
    if (access !== undefined && !request.principal.may(access)) done(new CapabilityMissingError(access));
    else done();
  });
}
