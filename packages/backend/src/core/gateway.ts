import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Access, Principal } from './access.ts';
import type { Middleware } from './middleware.ts';
import type { PeerGuard } from './peer-guard.ts';

// Adds the gateway's own members to the types of Fastify. An import would be left out of the declarations.
export type {} from './route-types.ts';

/** A Fastify instance with TypeBox schemas: handlers get checked, typed requests. */
export type GatewayApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Declares routes on `app`; paths are relative to the mount. Any Fastify plugin may be registered. */
export type DeclareRoutes = (app: GatewayApp) => void | Promise<void>;

export interface MountOptions {
  /**
   * The access of routes and not-found handlers that declare none in `config: { access }`, for an unmodified Fastify plugin.
   * Without it such a route is an error.
   */
  readonly access?: Access;
  /** The plugin whose routes these are: log lines of their requests name it. */
  readonly plugin?: string;
}

/** A connection to the public port that is not proven yet. */
export interface UnprovenConnection {
  /** The address of the sender, or the network if the sender could choose the address. */
  readonly source: string;
  /** Replaces the action for when the connection has to make room for another. */
  onTurnedAway(turnAway: () => void): void;
  /** Removes the connection from the budget, since it is proven. */
  leave(): void;
}

/**
 * Takes over a connection that requests a channel.
 * @returns `false` if it does not request one
 */
export type OpenChannel = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  connection: UnprovenConnection,
) => boolean;

/** The bytes of one connection that are buffered in memory. */
export interface WaitingBytes {
  /** Received but not read. */
  readonly unread: number;
  /** Written but not accepted by the peer. */
  readonly unsent: number;
}

/** The service `'gateway'`: serves HTTP. Plugins can add routes while it runs. */
export interface Gateway {
  /**
   * Serves the routes of `declare` under `/api/v1/<name>` until the returned function is called; pending requests finish
   * first, and are cut at its deadline.
   */
  mount(
    name: string,
    declare: DeclareRoutes,
    options?: MountOptions,
  ): Promise<(deadline?: AbortSignal) => Promise<void>>;
  /**
   * Begins a change of plugins: until the returned function is called, requests to a mount that was removed meanwhile are
   * answered by 503 with `Retry-After`, and not by 404.
   */
  beginChange(): () => void;
  /** Puts `middleware` around every route, inside those that were added before, until the returned function is called. */
  addMiddleware(middleware: Middleware): () => void;
  /**
   * Serves requests on `connection`, which takes the place of a socket, as those of `principal`. The returned function resolves
   * when none of them is pending.
   */
  admit(connection: Duplex, principal: Principal): () => Promise<void>;
  /** The buffered bytes of a connection that was admitted. */
  waiting(connection: Duplex): WaitingBytes;
  /**
   * Applies changed rights of a principal to its pending requests. Endless replies and WebSockets end, and are authorised again
   * when their reader reconnects; requests that are no longer permitted are cut.
   */
  rightsChanged(principalId: string): void;
  /** Passes connections of the public port that request a channel to `open`, until the returned function is called. */
  openChannels(open: OpenChannel): () => void;
  /** Describes all routes as OpenAPI 3.1. */
  openApi(version: string): Promise<OpenApiDocument>;
  /** Confines failures of callbacks to the connection that caused them. */
  readonly guard: PeerGuard;
  /** The addresses on which it listens, once it does. */
  readonly addresses: GatewayAddresses;
  readonly requests: RequestCounts;
}

/** The requests to mounts. */
export interface RequestCounts {
  /** Since the start. */
  readonly begun: number;
  /** Not answered yet, or with an endless reply. */
  readonly pending: number;
}

/** The addresses that the gateway listens on. */
export interface GatewayAddresses {
  /** The Unix domain socket (named pipe on Windows) that serves the whole API to this user alone. */
  readonly socket: string | undefined;
  /** The public port, as a URL. Answers liveness and readiness. */
  readonly http: string | undefined;
}

/** A description of all routes. */
export interface OpenApiDocument {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: Readonly<Record<'schemas' | 'responses', Readonly<Record<string, unknown>>>>;
}
