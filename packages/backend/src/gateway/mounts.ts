import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GatewayApp } from '../core/gateway.ts';
import { MountNameError, MountTakenError } from './errors.ts';
import type { DeclaredRoute } from './openapi/declared-routes.ts';
import type { PendingRequest, PendingRequests } from './pending-requests.ts';

const NAME = /^[a-z][a-z0-9_-]*$/;

/** The prefix of all mounts: `/api/v1/<mount>/…`. */
export const API_PREFIX = '/api/v1/';

/** The Fastify instance of a mount and the routes that were declared on it. */
export interface BuiltMount {
  readonly app: GatewayApp;
  readonly routes: readonly DeclaredRoute[];
}

/** The instance of one mount, which is built once. */
class Mount {
  readonly #build: () => Promise<BuiltMount>;
  #building: Promise<BuiltMount> | undefined;
  #built: BuiltMount | undefined;

  constructor(build: () => Promise<BuiltMount>) {
    // A request may begin the building. Timers and promises of the routes belong to the plugin, not to that request's connection.
    this.#build = AsyncResource.bind(build);
  }

  /** `undefined` until the instance is built. */
  get routes(): readonly DeclaredRoute[] | undefined {
    return this.#built?.routes;
  }

  /** Builds the instance if that has not begun; after a failure it is built again. @throws the errors of `build` */
  built(): Promise<BuiltMount> {
    this.#building ??= this.#build().then(
      (built) => {
        this.#built = built;
        return built;
      },
      (error: unknown) => {
        this.#building = undefined;
        throw error;
      },
    );
    return this.#building;
  }

  serve(request: IncomingMessage, response: ServerResponse, onFailure: (error: unknown) => void): void {
    if (this.#built === undefined) this.built().then(({ app }) => app.routing(request, response), onFailure);
    else this.#built.app.routing(request, response);
  }

  async close(): Promise<void> {
    const built = await this.#building?.catch(() => undefined);
    await built?.app.close();
  }
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
  #routes: Promise<readonly DeclaredRoute[]> | undefined;

  constructor(pending: PendingRequests) {
    this.#pending = pending;
  }

  /**
   * Adds a mount whose instance is built by its first request.
   *
   * @throws {MountTakenError} when the name is in use
   * @throws {MountNameError} when the name is not a path segment
   */
  add(name: string, build: () => Promise<BuiltMount>): void {
    if (!NAME.test(name)) throw new MountNameError(name);
    if (this.#mounts.has(name)) throw new MountTakenError(name);
    this.#mounts.set(name, new Mount(build));
    this.#absent.delete(name);
    this.#routes = undefined;
  }

  /** Builds the instance of a mount now. It is removed if that fails. @throws the errors of its `build` */
  async build(name: string): Promise<void> {
    try {
      await this.#mounts.get(name)?.built();
    } catch (error) {
      await this.remove(name);
      throw error;
    }
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
    this.#routes = undefined;
    await this.#pending.endMount(name, deadline);
    await mount.close();
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

  /**
   * Passes the request to its mount; `false` if no mount serves the path.
   *
   * @param onFailure called if the instance of the mount cannot be built
   */
  dispatch(request: IncomingMessage, pending: PendingRequest, onFailure: (error: unknown) => void): boolean {
    const name = mountName(request.url ?? '/');
    const mount = this.#mounts.get(name);
    if (mount === undefined) return false;
    pending.mount = name;
    mount.serve(request, pending.response, onFailure);
    return true;
  }

  /**
   * Whether a request may be for a route that accepts WebSockets. Before the routes of its mount are known, every GET request
   * may be. Any other route answers it as a request without upgrade; either way the connection ends with the answer.
   */
  mayTakeWebSocket({ method, url = '/' }: IncomingMessage): boolean {
    const [path] = url.split('?', 1);
    const mount = this.#mounts.get(mountName(url));
    if (method !== 'GET' || mount === undefined) return false;
    return mount.routes?.some((route) => route.isWebSocket && route.path === path) ?? true;
  }

  /** Every route of every mount, for which all are built. The array is the same until a mount is added or removed. */
  routes(): Promise<readonly DeclaredRoute[]> {
    this.#routes ??= Promise.all([...this.#mounts.values()].map((mount) => mount.built())).then(
      (built) => built.flatMap(({ routes }) => routes),
      (error: unknown) => {
        this.#routes = undefined;
        throw error;
      },
    );
    return this.#routes;
  }

  get names(): readonly string[] {
    return [...this.#mounts.keys()];
  }
}

function mountName(url: string): string {
  if (!url.startsWith(API_PREFIX)) return '';
  let end = API_PREFIX.length;
  while (end < url.length && url[end] !== '/' && url[end] !== '?') end += 1;
  return url.slice(API_PREFIX.length, end);
}
