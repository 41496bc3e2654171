import type { GatewayApp } from '../core/gateway.ts';

/** The methods of RFC 9110 and RFC 5789 that a route can be declared for. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'] as const;

/** The methods that the routes of `app` support at `url`; empty if there is no route. */
export function methodsAt(app: GatewayApp, url: string): readonly string[] {
  return METHODS.filter((method) => app.findRoute({ method, url }) !== null);
}
