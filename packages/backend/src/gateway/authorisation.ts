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

/** Who is at the other end of which connection. */
export class Connections {
  readonly #principals = new WeakMap<Duplex, Principal>();

  set(connection: Duplex, principal: Principal): void {
    this.#principals.set(connection, principal);
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
