import type { IncomingMessage } from 'node:http';
import type { GatewayApp } from '../core/gateway.ts';
import { MountNameError, MountTakenError } from './errors.ts';
import type { DeclaredRoute } from './openapi/declared-routes.ts';
import type { PendingRequest, PendingRequests } from './pending-requests.ts';

const NAME = /^[a-z][a-z0-9_-]*$/;

/** The prefix of all mounts: `/api/v1/<mount>/…`. */
export const API_PREFIX = '/api/v1/';

interface Mount {
  readonly app: GatewayApp;
  readonly routes: readonly DeclaredRoute[];
}

/**
 * Assigns paths to Fastify instances. Fastify accepts no routes once it runs, so each mount is an instance of its own, which is
 * added and removed with its plugin without affecting the others.
 */
export class Mounts {
  readonly #mounts = new Map<string, Mount>();
  readonly #pending: PendingRequests;
  /** The number of changes of plugins in progress, and the mounts that were removed by them. */
  #changes = 0;
  readonly #absent = new Set<string>();
  #routes: readonly DeclaredRoute[] = [];

  constructor(pending: PendingRequests) {
    this.#pending = pending;
  }

  /**
   * @throws {MountTakenError} when the name is in use
   * @throws {MountNameError} when the name is not a path segment
   */
  reserve(name: string): void {
    if (!NAME.test(name)) throw new MountNameError(name);
    if (this.#mounts.has(name)) throw new MountTakenError(name);
  }

  add(name: string, app: GatewayApp, routes: readonly DeclaredRoute[]): void {
    this.reserve(name);
    this.#mounts.set(name, { app, routes });
    this.#absent.delete(name);
    this.#collect();
  }

  /**
   * Removes the mount at once; ends its endless replies, and resolves when its pending requests have been answered. Those
   * that have not been answered at `deadline` are cut.
   */
  async remove(name: string, deadline?: AbortSignal): Promise<void> {
    const mount = this.#mounts.get(name);
    if (mount === undefined) return;
    this.#mounts.delete(name);
    if (this.#changes > 0) this.#absent.add(name);
    this.#collect();
    await this.#pending.endMount(name, deadline);
    await mount.app.close();
  }

  /** Begins a change of plugins: mounts that are removed come back. The returned function ends it. */
  beginChange(): () => void {
    this.#changes += 1;
    return () => {
      this.#changes -= 1;
      if (this.#changes === 0) this.#absent.clear();
    };
  }

  /** Whether a change of plugins that is still in progress has removed the mount that serves a URL. */
  isAbsent(url: string): boolean {
    return this.#absent.has(mountName(url));
  }

  /** Passes the request to its mount; `false` if no mount serves the path. */
  dispatch(request: IncomingMessage, pending: PendingRequest): boolean {
    const name = mountName(request.url ?? '/');
    const mount = this.#mounts.get(name);
    if (mount === undefined) return false;
    pending.mount = name;
    mount.app.routing(request, pending.response);
    return true;
  }

  /** Whether a request is for a route that accepts WebSockets. */
  takesWebSocket({ method, url = '/' }: IncomingMessage): boolean {
    const [path] = url.split('?', 1);
    const routes = this.#mounts.get(mountName(url))?.routes ?? [];
    return method === 'GET' && routes.some((route) => route.isWebSocket && route.path === path);
  }

  /** Every route of every mount. The array is replaced when a mount is added or removed. */
  get routes(): readonly DeclaredRoute[] {
    return this.#routes;
  }

  get names(): readonly string[] {
    return [...this.#mounts.keys()];
  }

  #collect(): void {
    this.#routes = [...this.#mounts.values()].flatMap(({ routes }) => routes);
  }
}

function mountName(url: string): string {
  if (!url.startsWith(API_PREFIX)) return '';
  let end = API_PREFIX.length;
  while (end < url.length && url[end] !== '/' && url[end] !== '?') end += 1;
  return url.slice(API_PREFIX.length, end);
}
