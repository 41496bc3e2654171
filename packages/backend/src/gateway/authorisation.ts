import type { Duplex } from 'node:stream';
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { type Access, ANONYMOUS, isAccess, type Principal } from '../core/access.ts';
import type { GatewayApp } from '../core/gateway.ts';
import { CapabilityMissingError, NotFoundAccessError, RouteAccessError } from './errors.ts';

/** The access that a request needed, kept to check it again while the request is pending. */
export const NEEDED: unique symbol = Symbol('access needed');

declare module 'node:http' {
  interface IncomingMessage {
    [NEEDED]?: Access | undefined;
  }
}

type AnswerError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => unknown;

/** The principal of each connection. */
export class Connections {
  readonly #principals = new WeakMap<Duplex, Principal>();

  set(connection: Duplex, principal: Principal): void {
    this.#principals.set(connection, principal);
  }

  /** Whether the principal of the connection is set. */
  knows(connection: Duplex): boolean {
    return this.#principals.has(connection);
  }

  principalOf(connection: Duplex): Principal {
    return this.#principals.get(connection) ?? ANONYMOUS;
  }
}

/** Sets the principal of each request, before any middleware sees it. */
export function identify(app: GatewayApp, principalOf: (request: FastifyRequest) => Principal): void {
  app.decorateRequest('principal');
  app.addHook('onRequest', (request, _reply, done) => {
    request.principal = principalOf(request);
    done();
  });
}

/**
 * Requires every route of `app` to declare its access, and authorises every request before its body is read. A route without
 * access is refused at the start, and so is a request whose route has lost its access since. A not-found handler of a mount has
 * the access of the mount.
 *
 * @param fallback the access of routes that declare none: those of an unmodified Fastify plugin
 */
export function authorise(app: GatewayApp, fallback: Access | undefined): void {
  const declared = new Map<RouteOptions, Access>();
  let hasNotFoundHandler = false;
  app.addHook('onRoute', (route) => {
    const access: unknown = route.config?.access ?? fallback;
    if (!isAccess(access)) throw new RouteAccessError(String(route.method), route.url, access);
    route.config = { ...route.config, access };
    declared.set(route, access);
  });
  // Hooks of the mount run after this one and may have replaced the access.
  app.addHook('onReady', (done) => {
    for (const [{ method, url, config }, access] of declared)
      if (config?.access !== access) {
        done(new RouteAccessError(String(method), url, config?.access));
        return;
      }
    done();
  });
  const { setNotFoundHandler } = app;
  app.setNotFoundHandler = function (this: GatewayApp, ...handler: unknown[]) {
    if (fallback === undefined) throw new NotFoundAccessError();
    hasNotFoundHandler = true;
    return Reflect.apply(setNotFoundHandler, this, handler);
  };
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.is404 && !hasNotFoundHandler) {
      done();
      return;
    }
    const access = request.is404 ? fallback : request.routeOptions.config.access;
    request.raw[NEEDED] = access;
    if (access !== undefined && request.principal.may(access)) done();
    else done(new CapabilityMissingError(access));
  });
}

/** Answers refusals in one way: a custom error handler of a mount or route could reveal more. */
export function answerRefusals(app: GatewayApp, answer: AnswerError): void {
  const guarded = (handler: unknown) => {
    // Fastify reports the error.
    if (typeof handler !== 'function') return handler;
    return function (this: GatewayApp, ...[error, request, reply]: Parameters<AnswerError>) {
      const by = error instanceof CapabilityMissingError ? answer : handler;
      return Reflect.apply(by, this, [error, request, reply]);
    };
  };
  const { setErrorHandler } = app;
  app.setErrorHandler = function (this: GatewayApp, ...[handler]: unknown[]) {
    return Reflect.apply(setErrorHandler, this, [guarded(handler)]);
  };
  app.addHook('onRoute', (route) => {
    const { errorHandler } = route;
    if (typeof errorHandler !== 'function') return;
    route.errorHandler = function (this: GatewayApp, error, request, reply) {
      const by = error instanceof CapabilityMissingError ? answer : errorHandler;
      return Reflect.apply(by, this, [error, request, reply]);
    };
  });
}
