import { chmod } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { bye, FrameType } from '@aico/shared/core/bus/frames';
import type { CurveKeyPair } from '@aico/shared/core/bus/zeromq';
import { Context, Router } from 'zeromq';
import { ZAP_DOMAIN, ZapHandler } from './zap-handler.ts';

/** Frames that are processed before other work of the event loop gets a turn. */
const FRAMES_A_TURN = 32;

/** The bytes that CURVE adds to a frame: ZeroMQ limits the encrypted size. */
const CURVE_OVERHEAD = 33;

/** Frames that ZeroMQ may queue per connection when receiving. Few, since each may have the maximum size. */
const RECEIVE_HIGH_WATER = 16;

/** Frames that ZeroMQ may queue per connection when sending. A client that follows the protocol never reaches it. */
const SEND_HIGH_WATER = 1_000;

/** Milliseconds within which a peer must complete the CURVE handshake. */
const HANDSHAKE_MS = 3_000;

interface BrokerSocketOptions {
  readonly keys: CurveKeyPair;
  readonly frameBytes: number;
  readonly isAllowed: (publicKey: string) => boolean;
  readonly onFrame: (routingId: Buffer, frame: Buffer) => void;
  /** A frame could not be sent to this connection. */
  readonly onGone: (routingId: Buffer) => void;
  /** A connection has ended; ZeroMQ does not report which one. */
  readonly onDisconnect: () => void;
  /** The socket, or its ZAP handler, has failed. */
  readonly onFailure: (error: unknown) => void;
}

/** The ROUTER socket of all clients, and its ZAP handler. */
export class BrokerSocket {
  readonly #options: BrokerSocketOptions;
  /** A context of its own, since ZeroMQ has one ZAP handler per context. */
  readonly #context = new Context({ blocky: false });
  readonly #zap: ZapHandler;
  readonly #router: Router;
  readonly #endpoints: string[] = [];
  #running: Promise<void> | undefined;

  constructor(options: BrokerSocketOptions) {
    this.#options = options;
    this.#zap = new ZapHandler(this.#context, options);
    this.#router = new Router({
      context: this.#context,
      curveServer: true,
      curveSecretKey: options.keys.secretKey,
      zapDomain: ZAP_DOMAIN,
      // Without it a missing ZAP handler would admit every peer.
      zapEnforceDomain: true,
      // Sending to a disconnected peer fails instead of being dropped silently.
      mandatory: true,
      // A routing id belongs to the connection that used it first.
      handover: false,
      sendTimeout: 0,
      maxMessageSize: options.frameBytes + CURVE_OVERHEAD,
      receiveHighWaterMark: RECEIVE_HIGH_WATER,
      sendHighWaterMark: SEND_HIGH_WATER,
      handshakeInterval: HANDSHAKE_MS,
      linger: 0,
    });
  }

  get endpoints(): readonly string[] {
    return this.#endpoints;
  }

  get admitted(): number {
    return this.#zap.admitted;
  }

  get refused(): number {
    return this.#zap.refused;
  }

  async start(endpoints: readonly string[]): Promise<void> {
    await this.#zap.start();
    this.#router.events.on('disconnect', () => this.#options.onDisconnect());
    try {
      for (const endpoint of endpoints) {
        await this.#router.bind(endpoint);
        this.#endpoints.push(this.#router.lastEndpoint ?? endpoint);
        // Its folder is private; ZeroMQ creates the socket itself according to the umask.
        if (endpoint.startsWith('ipc://')) await chmod(endpoint.slice('ipc://'.length), 0o600);
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#running = this.#receive().catch(this.#options.onFailure);
  }

  async stop(): Promise<void> {
    // Time for the last frames, such as BYE, to be passed to the system.
    this.#router.linger = 100;
    this.#router.close();
    await this.#running;
    await this.#zap.stop();
  }

  send(routingId: Buffer, frame: Buffer): void {
    // Fails at once when the peer is gone, or has a thousand unread frames.
    this.#router.send([routingId, frame]).catch(() => this.#options.onGone(routingId));
  }

  sayBye(routingId: Buffer, code: string, reason: string): void {
    this.send(routingId, bye.write(FrameType.BYE, { code, reason }));
  }

  async #receive(): Promise<void> {
    for (let taken = 1; !this.#router.closed; taken += 1) {
      let parts: Buffer[];
      try {
        parts = await this.#router.receive();
      } catch (error) {
        if (this.#router.closed) return;
        throw error;
      }
      const [routingId, frame] = parts;
      if (routingId !== undefined && frame !== undefined && parts.length === 2)
        this.#options.onFrame(routingId, frame);
      // Frames that have already arrived are received without leaving this turn of the event loop, so other work is let in.
      if (taken % FRAMES_A_TURN === 0) await nextTurn();
    }
  }
}
