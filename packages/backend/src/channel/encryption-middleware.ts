import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { PROBLEM_MEDIA_TYPE } from '@aico/protocol';
import {
  busyFrame,
  ChannelResponder,
  fingerprint,
  INSTANCE_BYTES,
  PairingBook,
} from '@aico/protocol/channel';
import { sodiumSuite } from '@aico/protocol/channel/node';
import { getLogger, type Logger } from '@aico/shared/core/logging';
import type { AICOKeyManager } from '@aico/shared/security';
import type { Static } from 'typebox';
import { Value } from 'typebox/value';
import type { UnprovenConnection } from '../core/gateway.ts';
import { PeerGuard } from '../core/peer-guard.ts';
import type { Devices } from '../devices/devices.ts';
import { MemoryDevices } from '../devices/memory-devices.ts';
import { closeServer, listenOnPort } from '../gateway/listener.ts';
import { createPublicServer } from '../gateway/public-port.ts';
import type { UnprovenLimits } from '../gateway/unproven-connections.ts';
import { channelSection } from './channel-config.ts';
import { ChannelHost, type PairingContext } from './channel-host.ts';
import { closeWith } from './close-with.ts';
import { HandshakeLimit } from './handshake-limit.ts';
import { type HttpApp, isHttpApp, type SealedApp, sealedAppOf } from './plain-app.ts';
import type { WebSocketCarriers } from './web-socket-carriers.ts';

/** The path on the public port at which channels are opened. */
export const CHANNEL_PATH = '/channel';
/** The protocol in the header `Upgrade`, and a WebSocket's subprotocol. */
const CHANNEL_UPGRADE = 'aico-channel/1';
const CHANNEL_SUBPROTOCOL = 'aico-channel.1';

/** RFC 9110, 5.6.2 */
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
/** 16 bytes in base64: RFC 6455, 4.1. */
const WEBSOCKET_KEY = /^[+/0-9A-Za-z]{22}==$/;

/** The default deadline in milliseconds for requests in flight. */
const CLOSE_MS = 3_000;

const SWITCHING = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${CHANNEL_UPGRADE}\r\nConnection: Upgrade\r\n\r\n`;

/** The devices that may open a channel, and the limits of channels. */
export interface EncryptionOptions {
  /** The devices that may open a channel. Default: devices paired while this process runs, each with all rights. */
  readonly devices?: Devices;
  /** Limits and deadlines. Default: those of `core.channel`. */
  readonly config?: Static<(typeof channelSection)['schema']>;
  /** Logs pairings, refusals and broken channels. */
  readonly logger?: Logger;
  /** Called when a pairing code was not proven, with the address it came from. */
  readonly onPairingRefused?: (source: string) => void | Promise<void>;
  /** Confines failures to the connection that caused them. Default: a new guard. */
  readonly guard?: PeerGuard;
}

/** Where an app behind the sealed channel listens. */
export interface ListenOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 8771; 0 chooses a free port. */
  readonly port?: number;
  /** Names of this machine that a `Host` header may have, besides its addresses, localhost and its own name. */
  readonly allowedHosts?: readonly string[];
}

/**
 * Puts an HTTP app behind the sealed channel: method, path, headers and bodies of its requests and responses are encrypted. The
 * app has no other connections, so no route can answer in the clear.
 *
 * A channel is opened by an HTTP Upgrade, or over a WebSocket for browsers.
 *
 * The backend wraps its gateway in this way. Any other app on a server of `node:http` can be wrapped as well, without listening
 * itself.
 *
 * @example
 * ```ts
 * const app = new EncryptionMiddleware(fastifyApp, keyManager);
 * const address = await app.listen({ port: 0 });
 * const { text: code } = app.pairings.issue({ roles: [] });
 * // elsewhere: connect({ address, credentials: await pair({ address, code, name: 'Phone' }) })
 * ```
 */
export class EncryptionMiddleware {
  readonly pairings: PairingBook<PairingContext>;
  /** The fingerprint of the server's public key, by which people compare it. */
  readonly fingerprint: string;
  /** Milliseconds for which a pairing code is valid. */
  readonly pairingMs: number;
  readonly #host: ChannelHost;
  readonly #guard: PeerGuard;
  readonly #limit: HandshakeLimit;
  #webSockets: WebSocketCarriers | undefined;
  readonly #logger: Logger;
  readonly #unprovenLimits: UnprovenLimits;
  readonly #ready: () => Promise<void> = async () => {};
  #port: Server | undefined;

  /** @throws {KeysLockedError} while the keys are locked, since the channel's keys are derived from them */
  constructor(
    app: SealedApp | HttpApp,
    keyManager: AICOKeyManager,
    {
      devices = new MemoryDevices(),
      config = defaultConfig(),
      logger = getLogger('gateway', 'channel'),
      guard = new PeerGuard(logger),
      onPairingRefused = () => {},
    }: EncryptionOptions = {},
  ) {
    const sealed = isHttpApp(app) ? sealedAppOf(app) : app;
    if (isHttpApp(app)) this.#ready = async () => void (await app.ready?.());
    const staticKey = sodiumSuite.keyPair(keyManager.deriveKey('channel/static-key'));
    const instance = keyManager.deriveKey('channel/instance', INSTANCE_BYTES);
    const now = (): number => performance.now();
    this.fingerprint = fingerprint(sodiumSuite, staticKey.publicKey);
    this.pairingMs = config.pairing_ms;
    this.#logger = logger;
    this.#unprovenLimits = { max: config.max_unproven, maxPerSource: config.max_unproven_per_source };
    this.#guard = guard;
    this.pairings = new PairingBook<PairingContext>({
      suite: sodiumSuite,
      now,
      lifetimeMs: config.pairing_ms,
      maxAttempts: config.pairing_attempts,
    });
    this.#limit = new HandshakeLimit({
      perMinute: config.handshakes_per_minute,
      burst: config.handshake_burst,
      now,
    });
    this.#host = new ChannelHost({
      responder: new ChannelResponder({ suite: sodiumSuite, staticKey, instance }),
      devices,
      guard,
      pairings: this.pairings,
      logger,
      onPairingRefused,
      limits: {
        handshakeMs: config.handshake_ms,
        maxChannels: config.max_channels,
        maxChannelsPerDevice: config.max_channels_per_device,
        maxConnectionsPerChannel: config.max_connections_per_channel,
        idleMs: config.idle_ms,
        lifetimeMs: config.lifetime_ms,
      },
      serve: (connection, deviceId) => sealed.admit(connection, devices.principalOf(deviceId)),
      waitingOn: (connection) => sealed.waiting(connection),
    });
  }

  /** The number of open channels. */
  get size(): number {
    return this.#host.size;
  }

  /**
   * Opens a channel on a connection that requests one.
   *
   * @returns `false`, having done nothing, if the request is for something else
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, unproven: UnprovenConnection): boolean {
    const kind = kindOf(request);
    if (kind === undefined) return false;
    // There is no other listener before the handshake, and an error without a listener ends the process.
    socket.on('error', () => {});
    const waitMs = this.#limit.take(unproven.source);
    if (waitMs > 0)
      this.#logger.warn('Channel refused', { source: unproven.source, reason: 'too many handshakes' });
    if (kind === 'websocket') {
      const accepted = this.#acceptWebSocket(request, socket, head, (carrier) => {
        // Browsers hide the status of a failed upgrade from pages, so the refusal is sent within the WebSocket.
        if (waitMs > 0) closeWith(carrier, busyFrame(secondsOf(waitMs)));
        else this.#guard.detach(carrier, this.#host.accept(carrier, unproven));
      });
      this.#guard.detach(socket, accepted);
    } else if (waitMs > 0) refuseForNow(socket, waitMs);
    else {
      socket.write(SWITCHING);
      if (head.byteLength > 0) socket.unshift(head);
      this.#guard.detach(socket, this.#host.accept(socket, unproven));
    }
    return true;
  }

  async #acceptWebSocket(...handshake: Parameters<WebSocketCarriers['accept']>): Promise<void> {
    // Loaded by the first one, since only browsers open channels in this way.
    const { WebSocketCarriers } = await import('./web-socket-carriers.ts');
    this.#webSockets ??= new WebSocketCarriers(this.#guard, CHANNEL_SUBPROTOCOL);
    this.#webSockets.accept(...handshake);
  }

  /**
   * Listens on a port of its own, which opens channels and answers `/livez` and `/readyz` only.
   *
   * @returns the address, for `pair` and `connect` of `@aico/client`
   * @throws {PortTakenError} @throws {ListenError}
   */
  async listen({ host = '127.0.0.1', port = 8771, allowedHosts = [] }: ListenOptions = {}): Promise<string> {
    await this.#ready();
    const server = createPublicServer({
      guard: this.#guard,
      readiness: async () => ({ ready: true }),
      allowedHosts,
      unproven: this.#unprovenLimits,
      openChannel: (...asked) => this.upgrade(...asked),
    });
    const address = await listenOnPort(server, host, port);
    this.#port = server;
    return address;
  }

  /** Opens no more channels; ends each when its requests have been answered, and cuts the others at `deadline`. */
  async close(deadline: AbortSignal = AbortSignal.timeout(CLOSE_MS)): Promise<void> {
    const closed = this.#port === undefined ? undefined : closeServer(this.#port);
    await this.#host.close(deadline);
    await closed;
  }
}

function defaultConfig(): Static<(typeof channelSection)['schema']> {
  return Value.Parse(channelSection.schema, Value.Default(channelSection.schema, {}));
}

function kindOf({ url, method, headers }: IncomingMessage): 'raw' | 'websocket' | undefined {
  if (method !== 'GET' || url !== CHANNEL_PATH) return undefined;
  const upgrade = headers.upgrade?.toLowerCase();
  if (upgrade === CHANNEL_UPGRADE) return 'raw';
  const protocols = headers['sec-websocket-protocol']?.split(/ *, */) ?? [];
  // The WebSocket server never sees requests that it would refuse in its own words.
  return upgrade === 'websocket' &&
    protocols.includes(CHANNEL_SUBPROTOCOL) &&
    protocols.every((each) => TOKEN.test(each)) &&
    new Set(protocols).size === protocols.length &&
    WEBSOCKET_KEY.test(headers['sec-websocket-key'] ?? '') &&
    headers['sec-websocket-version'] === '13'
    ? 'websocket'
    : undefined;
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}

function refuseForNow(socket: Duplex, waitMs: number): void {
  const body = JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[429],
    status: 429,
    detail: 'Too many channels were opened from this address.',
    code: 'AICO_CHANNEL_TOO_MANY',
  });
  socket.once('finish', () => socket.destroy());
  socket.end(
    `HTTP/1.1 429 ${STATUS_CODES[429]}\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Retry-After: ${secondsOf(waitMs)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
