import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Dealer } from 'zeromq';
import {
  bye,
  challenge,
  FrameType,
  hello,
  PROTOCOL_VERSION,
  proof,
  ROUTING_ID_LENGTH,
  type Welcome,
  welcome,
} from '../../frames/frames.ts';
import type { BusCredential } from './credential.ts';
import { proveIdentity } from './curve-keys.ts';
import { BusRefusedError, BusUnreachableError } from './errors.ts';

/** The maximum number of frames received in one turn of the event loop. */
const FRAMES_A_TURN = 32;

/** ZeroMQ's queue limit in frames for each direction. The windows keep the queues far below it. */
const HIGH_WATER = 1_000;

/** Milliseconds for which a closed socket still sends queued frames, such as a BYE. */
const LINGER_MS = 200;

interface LinkOptions {
  readonly credential: BusCredential;
  readonly endpoint: string;
  /** Identifies this client within its component: 16 hexadecimal digits. */
  readonly client: string;
  /** Bytes of DELIVER frames that may be in flight. */
  readonly window: number;
  readonly timeoutMs: number;
  /** Receives the frames that follow the WELCOME. */
  readonly onFrame: (frame: Buffer) => void;
  /** Called once, when an open link ends without `close()`. */
  readonly onDown: (reason: string) => void;
}

/**
 * One connection to the broker, from its handshake to its end. A link is opened only once and has its own routing id, so that
 * the broker cannot confuse it with an earlier connection.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #routingId = randomBytes(ROUTING_ID_LENGTH / 2).toString('hex');
  readonly #socket: Dealer;
  readonly #opened = Promise.withResolvers<Welcome>();
  #state: 'opening' | 'open' | 'ended' = 'opening';
  #lastHeard = performance.now();
  #lastSent = performance.now();
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    const { credential } = options;
    this.#socket = new Dealer({
      curveServerKey: credential.broker,
      curvePublicKey: credential.public_key,
      curveSecretKey: credential.secret_key,
      routingId: this.#routingId,
      sendTimeout: 0,
      sendHighWaterMark: HIGH_WATER,
      receiveHighWaterMark: HIGH_WATER,
      linger: LINGER_MS,
    });
  }

  /**
   * Connects and authenticates; resolves with the broker's WELCOME.
   *
   * @throws {BusUnreachableError} @throws {BusRefusedError}
   */
  async open(): Promise<Welcome> {
    const { endpoint, timeoutMs, credential, client, window } = this.#options;
    const timer = setTimeout(() => this.#fail(new BusUnreachableError(endpoint, timeoutMs)), timeoutMs);
    // This ends a link that is still opening, too: its frames are lost, and ZeroMQ would reconnect without them.
    this.#socket.events.on('disconnect', () => this.#end('the connection broke'));
    this.#socket.events.on('handshake:error:auth', () =>
      this.#fail(new BusRefusedError(credential.component, 'its key is not allowed')),
    );
    this.#socket.events.on('handshake:error:protocol', () =>
      this.#fail(new BusRefusedError(credential.component, 'the encrypted handshake failed')),
    );
    try {
      this.#socket.connect(endpoint);
      void this.#receive();
      this.send(
        hello.write(FrameType.HELLO, {
          versions: [PROTOCOL_VERSION],
          component: credential.component,
          client,
          window,
        }),
      );
      const welcomed = await this.#opened.promise;
      this.#heartbeat = setInterval(() => this.#beat(welcomed.heartbeat), welcomed.heartbeat / 2);
      return welcomed;
    } catch (error) {
      this.#end('it could not be opened');
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  send(frame: Buffer): void {
    if (this.#state === 'ended') return;
    this.#lastSent = performance.now();
    // This fails if the socket is closed or ZeroMQ's queue is full, which the windows prevent.
    this.#socket.send(frame).catch((error: unknown) => this.#end(`sending failed: ${String(error)}`));
  }

  close(): void {
    if (this.#state === 'open') this.send(bye.write(FrameType.BYE, { code: 'CLOSED', reason: 'closed' }));
    this.#state = 'ended';
    this.#release();
  }

  async #receive(): Promise<void> {
    try {
      for (let taken = 1; !this.#socket.closed; taken += 1) {
        const [frame] = await this.#socket.receive();
        if (frame === undefined || this.#isEnded) return;
        this.#lastHeard = performance.now();
        this.#take(frame);
        // Frames that have already arrived are received without returning to the event loop, which timers and sockets need.
        if (taken % FRAMES_A_TURN === 0) await nextTurn();
      }
    } catch (error) {
      if (!this.#isEnded) this.#end(`receiving failed: ${String(error)}`);
    }
  }

  get #isEnded(): boolean {
    return this.#state === 'ended';
  }

  #take(frame: Buffer): void {
    const type = frame[0];
    if (type === FrameType.BYE) {
      const { code, reason } = bye.read(frame) ?? { code: 'UNKNOWN', reason: 'no reason was given' };
      this.#fail(new BusRefusedError(this.#options.credential.component, `${reason} (${code})`));
      return;
    }
    if (type === FrameType.PONG) return;
    if (type === FrameType.PING) {
      this.send(Buffer.of(FrameType.PONG));
      return;
    }
    if (this.#state === 'open') {
      this.#options.onFrame(frame);
      return;
    }
    if (type === FrameType.CHALLENGE) this.#answer(frame);
    if (type !== FrameType.WELCOME) return;
    const content = welcome.read(frame);
    if (content === undefined) return;
    this.#state = 'open';
    this.#opened.resolve(content);
  }

  #answer(frame: Buffer): void {
    const content = challenge.read(frame);
    if (content === undefined) return;
    const { secret_key, broker, component } = this.#options.credential;
    const subject = {
      nonce: Buffer.from(content.nonce, 'hex'),
      routingId: Buffer.from(this.#routingId),
      component,
    };
    const own = proveIdentity(secret_key, broker, subject).toString('hex');
    this.send(proof.write(FrameType.PROOF, { proof: own }));
  }

  #beat(intervalMs: number): void {
    const now = performance.now();
    if (now - this.#lastHeard > intervalMs * 3) this.#end('the broker is silent');
    else if (now - this.#lastSent >= intervalMs / 2) this.send(Buffer.of(FrameType.PING));
  }

  #fail(error: BusUnreachableError | BusRefusedError): void {
    if (this.#state === 'opening') this.#opened.reject(error);
    else this.#end(error.message);
  }

  #end(reason: string): void {
    const was = this.#state;
    if (was === 'ended') return;
    this.#state = 'ended';
    this.#release();
    const { endpoint, timeoutMs, onDown } = this.#options;
    if (was === 'opening')
      this.#opened.reject(new BusUnreachableError(endpoint, timeoutMs, new Error(reason)));
    else onDown(reason);
  }

  #release(): void {
    clearInterval(this.#heartbeat);
    this.#socket.close();
  }
}
