import { chmod } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { bye, type CurveKeyPair, FrameType } from '@aico/shared/core/bus/zeromq';
import { Context, Router } from 'zeromq';
import { ZAP_DOMAIN, ZapHandler } from './zap-handler.ts';

/** Frames that are taken before the event loop gets a turn. */
const FRAMES_A_TURN = 32;

/** Bytes by which CURVE makes a frame longer: ZeroMQ measures what it receives, which is the sealed one. */
const CURVE_OVERHEAD = 33;

/** Frames that ZeroMQ may queue for one connection when receiving: few, since each may be as large as is allowed. */
const RECEIVE_HIGH_WATER = 16;

/** Frames that ZeroMQ may queue for one connection when sending; a client that keeps the protocol never reaches it. */
const SEND_HIGH_WATER = 1_000;

/** Milliseconds in which a peer must have come through the encrypted handshake. */
const HANDSHAKE_MS = 3_000;

export interface BrokerSocketOptions {
  readonly keys: CurveKeyPair;
  readonly frameBytes: number;
  readonly isAllowed: (publicKey: string) => boolean;
  readonly onFrame: (routingId: Buffer, frame: Buffer) => void;
  /** A frame could not be sent to it. */
  readonly onGone: (routingId: Buffer) => void;
  /** Some connection has ended; ZeroMQ does not say which. */
  readonly onDisconnect: () => void;
  /** The socket, or its ZAP handler, has failed. */
  readonly onFailure: (error: unknown) => void;
}

/** The ROUTER socket that all clients connect to, and its ZAP handler. */
export class BrokerSocket {
  readonly #options: BrokerSocketOptions;
  /** Of its own: ZeroMQ has one ZAP handler for each context. */
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
      // Without it a missing ZAP handler would let every peer in.
      zapEnforceDomain: true,
      // Sending to a peer that is gone fails, rather than being dropped silently.
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
        // Its folder is private already; ZeroMQ makes the socket itself as the umask has it.
        if (endpoint.startsWith('ipc://')) await chmod(endpoint.slice('ipc://'.length), 0o600);
      }
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#running = this.#receive().catch(this.#options.onFailure);
  }

  async stop(): Promise<void> {
    // The last frames, such as BYE, are handed to the system in this turn of ZeroMQ's thread.
    this.#router.linger = 100;
    this.#router.close();
    await this.#running;
    await this.#zap.stop();
  }

  send(routingId: Buffer, frame: Buffer): void {
    // Fails at once when the peer is gone, or has not read a thousand frames.
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
      // Frames that have arrived already are received within one turn of the event loop: give everything else a turn.
      if (taken % FRAMES_A_TURN === 0) await nextTurn();
    }
  }
}
