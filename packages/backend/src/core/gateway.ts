import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Access, Principal } from './access.ts';
import type { Middleware } from './middleware.ts';
import type { PeerGuard } from './peer-guard.ts';

/** A Fastify instance whose schemas are TypeBox: handlers see checked, typed requests. */
export type GatewayApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Declares routes on `app`; paths are relative to where it is mounted. Any Fastify plugin may be registered. */
export type DeclareRoutes = (app: GatewayApp) => void | Promise<void>;

export interface MountOptions {
  /**
   * The access of routes that name none in `config: { access }`: for a Fastify plugin that is used as it is. Without it a
   * route that names none is an error, and so is a not-found handler, which has this access too.
   */
  readonly access?: Access;
  /** The plugin whose routes these are: log lines of their requests name it. */
  readonly plugin?: string;
}

/** A connection to the public port that has not proved which device it belongs to. */
export interface UnprovenConnection {
  /** The address it comes from, or the network where the sender could choose the address. */
  readonly source: string;
  /** Replaces what happens when the connection has to make room for another. */
  onTurnedAway(turnAway: () => void): void;
  /** It has proved itself, and no longer makes room for another. */
  leave(): void;
}

/** Takes a connection over that asks for a channel. @returns whether it did */
export type OpenChannel = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  newcomer: UnprovenConnection,
) => boolean;

/** Bytes of one connection that are held in memory. */
export interface WaitingBytes {
  /** They have arrived and were not read. */
  readonly unread: number;
  /** They have been written, and the peer has not taken them. */
  readonly unsent: number;
}

/** The service `'gateway'`: serves HTTP, and takes routes from plugins while it runs. */
export interface Gateway {
  /**
   * Serves what `declare` declares under `/api/v1/<name>` until the returned function is called; pending
   * requests are finished first.
   */
  mount(name: string, declare: DeclareRoutes, options?: MountOptions): Promise<() => Promise<void>>;
  /** Puts `middleware` around every route, inside those that were added before, until the returned function is called. */
  addMiddleware(middleware: Middleware): () => void;
  /**
   * Serves requests on `connection`, which stands in for a socket, as those of `principal`. The returned function resolves
   * when none of them is pending.
   */
  admit(connection: Duplex, principal: Principal): () => Promise<void>;
  /** Bytes in memory of a connection that was admitted. */
  waiting(connection: Duplex): WaitingBytes;
  /**
   * Looks again at what a principal has in flight, since its rights have changed. Endless replies and WebSockets end, and
   * their reader is asked anew at the door when it comes back; what it may not do any more is cut.
   */
  rightsChanged(principalId: string): void;
  /** Lets `open` take connections of the public port that ask for a channel, until the returned function is called. */
  openChannels(open: OpenChannel): () => void;
  /** Describes all routes as OpenAPI 3.1. */
  openApi(version: string): OpenApiDocument;
  /** Keeps failures of callbacks within the connection whose peer led to them. */
  readonly guard: PeerGuard;
  /** Where it listens, once it does. */
  readonly addresses: GatewayAddresses;
}

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
