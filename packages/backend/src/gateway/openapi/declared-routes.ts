import type { FastifySchema, RouteOptions } from 'fastify';
import type { Access } from '../../core/access.ts';
import type { GatewayApp } from '../../core/gateway.ts';
import { RouteAccessError } from '../errors.ts';

/** A declared route. */
export interface DeclaredRoute {
  readonly mount: string;
  readonly method: string;
  /** With parameters in Fastify's syntax: `/api/v1/notes/:id`. */
  readonly path: string;
  readonly schema: FastifySchema | undefined;
  readonly access: Access;
  readonly isWebSocket?: boolean;
}

/** Records every route that is declared on `app` from here on. */
export function collectRoutes(app: GatewayApp, mount: string, routes: DeclaredRoute[]): void {
  app.addHook('onRoute', ({ method, url, schema, config }: RouteOptions) => {
    for (const each of Array.isArray(method) ? method : [method]) {
      // HEAD comes with GET, and OPTIONS is not described.
      if (each === 'HEAD' || each === 'OPTIONS') continue;
      const { access, webSocket: isWebSocket = false } = config ?? {};
      if (access === undefined) throw new RouteAccessError(each, url, access);
      routes.push({ mount, method: each, path: url, schema, access, isWebSocket });
    }
  });
}
