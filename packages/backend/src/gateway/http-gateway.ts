import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '@aico/shared/core/logging';
import { OWNER, type Principal } from '../core/access.ts';
import type {
  DeclareRoutes,
  Gateway,
  GatewayAddresses,
  MountOptions,
  OpenApiDocument,
  OpenChannel,
  RequestCounts,
  WaitingBytes,
} from '../core/gateway.ts';
import type { Middleware } from '../core/middleware.ts';
import { PeerGuard } from '../core/peer-guard.ts';
import { createApiServer } from './api-server.ts';
import { Connections, NEEDED } from './authorisation.ts';
import type { GatewayConfig } from './config.ts';
import { Exchanges } from './exchanges.ts';
import { closeServer, listenOnPort, listenOnSocket } from './listener.ts';
import { API_PREFIX, type BuiltMount, Mounts } from './mounts.ts';
import { collectRoutes, type DeclaredRoute } from './openapi/declared-routes.ts';
import { openApiDocument } from './openapi/document.ts';
import { PendingRequests } from './pending-requests.ts';
import { answerProbe, isProbe, PROBE_METHODS, type ReadinessProbe } from './probes.ts';
import { locked, methodNotAllowed, notFound, problemOf, reloading, stopping } from './problems.ts';
import { createPublicServer } from './public-port.ts';
import { answerProblem } from './raw-reply.ts';
import { requestIdOf } from './request-id.ts';
import type { UnprovenLimits } from './unproven-connections.ts';
import { UploadBudget } from './upload-budget.ts';

/** The default limits for unproven connections to the public port. */
const UNPROVEN_LIMITS: UnprovenLimits = { max: 256, maxPerSource: 32 };

const MIB = 1_048_576;

export interface HttpGatewayOptions {
  readonly config: GatewayConfig;
  /** Limits for unproven connections to the public port. Default 256, 32 per source. */
  readonly unproven?: UnprovenLimits;
  /** Milliseconds that a connection may be idle between two requests. Default 120 s. */
  readonly keepAliveMs?: number;
  /** Path of the Unix domain socket, or name of the pipe. */
  readonly socketFile: string;
  readonly readiness: ReadinessProbe;
  /** Whether the home is locked, so that most routes are missing. */
  readonly isLocked?: () => boolean;
  /**
   * Whether the routes of a plugin are declared at their first use instead of at its start, which saves the start the time of
   * Fastify. Errors in the declarations are then found late, so it is for plugins whose routes never change.
   */
  readonly declaresLate?: (plugin: string) => boolean;
  readonly logger: Logger;
}

/**
 * Serves HTTP twice: the whole API on a socket that only this user may open, and liveness and readiness on the
 * public port.
 *
 * @example
 * ```ts
 * const gateway = new HttpGateway({ config, socketFile: paths.socketFile, readiness, logger });
 * await gateway.start();
 * const unmount = await gateway.mount('notes', (app) => { app.get('/', { config: { access: 'notes:read' } }, async () => ({ notes: [] })); });
 * ```
 */
export class HttpGateway implements Gateway {
  /** Ends a connection instead of the process when one of its callbacks throws. */
  readonly guard: PeerGuard;
  readonly #options: HttpGatewayOptions;
  readonly #pending = new PendingRequests();
  readonly #mounts = new Mounts(this.#pending);
  readonly #connections = new Connections();
  readonly #exchanges = new Exchanges();
  /** Shared by all mounts: the limit of a sender covers all of them. */
  readonly #uploads: UploadBudget;
  readonly #local: Server;
  readonly #public: Server;
  #middlewares: readonly { readonly middleware: Middleware }[] = [];
  #openChannel: OpenChannel | undefined;
  #isDraining = false;
  #openApi: { readonly routes: readonly DeclaredRoute[]; readonly document: OpenApiDocument } | undefined;
  #addresses: GatewayAddresses = { socket: undefined, http: undefined };

  constructor(options: HttpGatewayOptions) {
    this.#options = options;
    this.guard = new PeerGuard(options.logger);
    const largest = options.config.max_body_mib * MIB;
    this.#uploads = new UploadBudget({ perSender: 2 * largest, total: 4 * largest });
    this.#local = createApiServer({
      exchanges: this.#exchanges,
      guard: this.guard,
      serve: (request, response) => this.#serveLocal(request, response),
      keepAliveMs: options.keepAliveMs ?? 120_000,
      maxHeaderBytes: options.config.max_header_kib * 1_024,
      mayTakeWebSocket: (request) => this.#mounts.mayTakeWebSocket(request),
    });
    this.#public = createPublicServer({
      guard: this.guard,
      readiness: options.readiness,
      allowedHosts: options.config.allowed_hosts,
      unproven: options.unproven ?? UNPROVEN_LIMITS,
      openChannel: (...asked) => this.#openChannel?.(...asked) ?? false,
    });
    this.#local.on('connection', (socket) => {
      // Connections of channels arrive here too, with the principal set by `admit`. Only a socket of this server is the
      // owner's.
      if (socket instanceof Socket && !this.#connections.knows(socket)) this.#connections.set(socket, OWNER);
    });
  }

  /** Where routes are mounted, below `/api/v1/`. */
  get mounted(): readonly string[] {
    return this.#mounts.names;
  }

  /** The middlewares, outermost first, by the names of their classes. */
  get middlewares(): readonly string[] {
    return this.#middlewares.map(({ middleware }) => middleware.constructor.name);
  }

  get requests(): RequestCounts {
    return this.#pending.counts;
  }

  get addresses(): GatewayAddresses {
    return this.#addresses;
  }

  /**
   * @throws {PortTakenError} when the public port is in use
   * @throws {ListenError} when an address cannot be opened
   */
  async start(): Promise<void> {
    const { config, socketFile } = this.#options;
    const http = await listenOnPort(this.#public, config.rest.host, config.rest.port);
    try {
      await listenOnSocket(this.#local, socketFile);
    } catch (error) {
      await closeServer(this.#public);
      throw error;
    }
    this.#addresses = { socket: socketFile, http };
    this.#options.logger.info('Gateway listens', { http, socket: socketFile });
  }

  /**
   * Accepts no more requests, and resolves when those in flight have been answered; cuts the others at `deadline`. Then it ends
   * endless replies.
   */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#isDraining = true;
    const late = (): void => {
      const cut = this.#pending.cut();
      if (cut.length > 0)
        this.#options.logger.warn(
          'Requests were cut: they did not end within their share of the stop. A route whose reply ends only when its reader leaves needs { config: { endless: true } }',
          { count: cut.length, requests: [...new Set(cut)].slice(0, 10) },
        );
    };
    deadline.addEventListener('abort', late, { once: true });
    await this.#pending.allAnswered();
    deadline.removeEventListener('abort', late);
    this.#pending.endEndless();
  }

  async stop(): Promise<void> {
    this.#addresses = { socket: undefined, http: undefined };
    await Promise.all([closeServer(this.#local), closeServer(this.#public)]);
    await Promise.all(this.#mounts.names.map((name) => this.#mounts.remove(name)));
  }

  async mount(
    name: string,
    declare: DeclareRoutes,
    options: MountOptions = {},
  ): Promise<(deadline?: AbortSignal) => Promise<void>> {
    this.#mounts.add(name, () => this.#build(name, declare, options));
    const isLate = options.plugin !== undefined && this.#options.declaresLate?.(options.plugin) === true;
    if (!isLate) await this.#mounts.build(name);
    return (deadline) => this.#mounts.remove(name, deadline);
  }

  async #build(name: string, declare: DeclareRoutes, { access, plugin }: MountOptions): Promise<BuiltMount> {
    // Imported here, since it loads Fastify.
    const { createApp } = await import('./app.ts');
    const routes: DeclaredRoute[] = [];
    const app = await createApp({
      prefix: API_PREFIX + name,
      declare,
      guard: this.guard,
      logger: this.#options.logger,
      principalOf: ({ raw }) => this.#connections.principalOf(raw.socket),
      access,
      plugin,
      onEndless: (response, end) => this.#pending.noteEndless(response, end),
      collect: (declared) => collectRoutes(declared, name, routes),
      middlewares: () => this.#middlewares.map(({ middleware }) => middleware),
      bodyLimitBytes: this.#options.config.max_body_mib * MIB,
      uploads: this.#uploads,
    });
    return { app, routes };
  }

  beginChange(): () => void {
    return this.#mounts.beginChange();
  }

  admit(connection: Duplex, principal: Principal): () => Promise<void> {
    this.#connections.set(connection, principal);
    this.#local.emit('connection', connection);
    return () => this.#pending.whenIdle(connection);
  }

  waiting(connection: Duplex): WaitingBytes {
    return this.#exchanges.waiting(connection);
  }

  rightsChanged(principalId: string): void {
    this.#pending.reconsider(({ socket, [NEEDED]: access }) => {
      const principal = this.#connections.principalOf(socket);
      if (principal.id !== principalId) return undefined;
      return access === undefined || principal.may(access);
    });
  }

  openChannels(open: OpenChannel): () => void {
    this.#openChannel = open;
    return () => {
      if (this.#openChannel === open) this.#openChannel = undefined;
    };
  }

  /** The document is cached for a set of routes. */
  async openApi(version: string): Promise<OpenApiDocument> {
    const routes = await this.#mounts.routes();
    if (this.#openApi?.routes !== routes || this.#openApi.document.info.version !== version)
      this.#openApi = { routes, document: openApiDocument(routes, version) };
    return this.#openApi.document;
  }

  addMiddleware(middleware: Middleware): () => void {
    // Wrapped, so that an object that was added twice is removed one at a time.
    const added = { middleware };
    this.#middlewares = [...this.#middlewares, added];
    return () => {
      this.#middlewares = this.#middlewares.filter((each) => each !== added);
    };
  }

  #serveLocal(request: IncomingMessage, response: ServerResponse): void {
    if (answerProbe(request, response, this.#options.readiness, true)) return;
    const pending = this.#pending.begin(response);
    if (this.#isDraining) {
      answerProblem(response, stopping(requestIdOf(request)), { 'Retry-After': '5', Connection: 'close' });
      return;
    }
    const failed = (error: unknown): void => {
      this.#options.logger.error('The routes of a mount could not be declared', { error });
      answerProblem(response, problemOf(error, requestIdOf(request)));
    };
    if (this.#mounts.dispatch(request, pending, failed)) return;
    const id = requestIdOf(request);
    if (this.#mounts.isAbsent(request.url ?? '/')) {
      answerProblem(response, reloading(id), { 'Retry-After': '1' });
      return;
    }
    if (isProbe(request))
      answerProblem(response, methodNotAllowed(PROBE_METHODS, id), { Allow: PROBE_METHODS.join(', ') });
    else answerProblem(response, this.#options.isLocked?.() === true ? locked(id) : notFound(id));
  }
}
