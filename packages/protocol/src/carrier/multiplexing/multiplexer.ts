import type { Duplex } from 'node:stream';
import { ChannelClosedError } from '../../channel/errors.ts';
import { TokenBucket } from '../../timing/index.ts';
import type { SocketLike } from '../socket-like.ts';
import { Heartbeat } from './heartbeat.ts';
import { MultiplexedStream, type StreamCarrier } from './multiplexed-stream.ts';
import { MultiplexerState } from './multiplexer-state.ts';

/**
 * The number of bytes that fill a packet and are sent at once; fewer wait for other writes in the same turn of the event loop.
 */
const PACKET = 1_400;
/** Frames up to this many bytes are copied together into one write. */
const COPIED = 8_192;

interface OpenOptions {
  /**
   * Milliseconds of silence after which a ping is sent while streams are open. If nothing arrives in four times that, the
   * channel is closed. Default 5 000.
   */
  readonly silenceMs?: number;
}

export interface AcceptOptions {
  /** Called with each stream that the peer has opened. */
  readonly onStream: (stream: MultiplexedStream) => void;
  /** The most concurrent streams; further ones are reset. */
  readonly maxStreams: number;
  /** Streams that may be opened in a burst, and per second after that. If more are opened, reading is delayed. */
  readonly opensPerSecond?: number;
}

/**
 * Multiplexes several streams on one, such as the connections of a pool on one sealed channel. Writes in one turn of the event
 * loop share a record, a packet and a system call. Only one side, the device, opens streams. Each stream has its own window,
 * and streams take turns.
 *
 * @example
 * ```ts
 * const multiplexer = Multiplexer.open(new SealedStream(socket, session));
 * const connection = multiplexer.stream();
 * ```
 */
export class Multiplexer implements StreamCarrier {
  readonly carrier: Duplex & SocketLike;
  readonly #state: MultiplexerState;
  readonly #streams = new Set<MultiplexedStream>();
  #opens: TokenBucket | undefined;
  #heartbeat: Heartbeat | undefined;
  #pacing: NodeJS.Timeout | undefined;
  /** Bytes that wait for the end of this turn of the event loop. */
  #waiting = 0;
  #flush: NodeJS.Immediate | undefined;
  #isFlushing = false;
  #isBlocked = false;
  #refs = 0;

  private constructor(carrier: Duplex & SocketLike, accept: AcceptOptions | undefined) {
    this.carrier = carrier;
    const perSecond = accept?.opensPerSecond;
    // Streams that have already arrived may overdraw the bucket; reading resumes when it has refilled.
    if (perSecond !== undefined) this.#opens = new TokenBucket({ perSecond, overdraft: perSecond });
    this.#state = new MultiplexerState(
      {
        onWake: (bytes) => this.#schedule(bytes),
        onFailure: (error) => void carrier.destroy(error),
      },
      accept && {
        maxStreams: accept.maxStreams,
        mayOpen: () => this.#opens?.take() !== false,
        onStream: (state) => accept.onStream(this.#track(new MultiplexedStream(this, state))),
      },
    );
    carrier.on('data', (chunk: Uint8Array) => {
      this.#heartbeat?.heard();
      if (carrier.destroyed) return;
      try {
        this.#state.receive(chunk);
      } catch (error) {
        carrier.destroy(error instanceof Error ? error : new Error(String(error)));
      }
      this.#pace();
    });
    carrier.on('drain', () => {
      this.#isBlocked = false;
      this.#send();
    });
    carrier.on('end', () => this.#over(undefined));
    carrier.on('error', (error) => this.#over(error));
    carrier.on('close', () => this.#over(undefined));
    // The previous reader may have paused it.
    carrier.resume();
  }

  /** Starts the side that opens streams. */
  static open(carrier: Duplex & SocketLike, { silenceMs = 5_000 }: OpenOptions = {}): Multiplexer {
    const multiplexer = new Multiplexer(carrier, undefined);
    multiplexer.#send();
    carrier.unref?.();
    const heartbeat = new Heartbeat({
      silenceMs,
      isBusy: () => multiplexer.size > 0,
      ping: () => multiplexer.#state.ping(),
      onSilent: (error) => {
        // If this process was suspended, the answer may have arrived without having been read.
        setImmediate(() => {
          if (heartbeat.isWaiting) carrier.destroy(error);
        });
      },
    });
    multiplexer.#heartbeat = heartbeat;
    return multiplexer;
  }

  /** Starts the side that accepts streams, after the preface has been read. */
  static accept(carrier: Duplex & SocketLike, options: AcceptOptions): Multiplexer {
    return new Multiplexer(carrier, options);
  }

  get isOpener(): boolean {
    return this.#state.isOpener;
  }

  /** The number of open streams. */
  get size(): number {
    return this.#state.size;
  }

  /** Whether the peer has sent data on any stream. */
  get hasServed(): boolean {
    return this.#state.hasReceived;
  }

  /** Whether streams can be opened. */
  get isOpen(): boolean {
    return this.#state.canOpen && this.carrier.writable;
  }

  /**
   * Opens a stream.
   * @throws {ChannelClosedError} once the channel is not open
   */
  stream(): MultiplexedStream {
    if (!this.isOpen) throw new ChannelClosedError();
    return this.#track(new MultiplexedStream(this, this.#state.open()));
  }

  /** Ends each stream after its pending writes, and then the carrier. Data is still received meanwhile. */
  end(): void {
    if (this.#state.isEnding) return;
    this.#state.end();
    for (const stream of this.#streams) stream.end();
    this.#send();
  }

  noteRef(isRef: boolean): void {
    this.#refs += isRef ? 1 : -1;
    if (this.#refs === (isRef ? 1 : 0)) {
      if (isRef) this.carrier.ref?.();
      else this.carrier.unref?.();
    }
  }

  #track(stream: MultiplexedStream): MultiplexedStream {
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    return stream;
  }

  /** Pauses reading until the bucket of opened streams has refilled. */
  #pace(): void {
    const waitMs = this.#opens?.waitMs(0) ?? 0;
    if (waitMs === 0 || this.#pacing !== undefined || this.carrier.destroyed) return;
    this.carrier.pause();
    this.#pacing = setTimeout(() => {
      this.#pacing = undefined;
      this.carrier.resume();
    }, waitMs);
    this.#pacing.unref();
  }

  #schedule(bytes: number): void {
    this.#waiting += bytes;
    const isDone = this.#state.isEnding && this.size === 0;
    if (this.#waiting >= PACKET || isDone) this.#send();
    else
      this.#flush ??= setImmediate(() => {
        this.#flush = undefined;
        this.#send();
      });
  }

  /** Sends frames for as long as the carrier accepts them. */
  #send(): void {
    if (this.#isFlushing || this.carrier.destroyed || this.carrier.writableEnded) return;
    this.#isFlushing = true;
    this.#waiting = 0;
    while (!this.#isBlocked && this.#state.hasOutput) {
      const frames: Uint8Array[] = [];
      const bytes = this.#state.take(frames);
      if (frames.length > 0) this.#isBlocked = !this.#write(frames, bytes);
    }
    this.#isFlushing = false;
    if (this.#state.isEnding && this.size === 0) this.carrier.end();
  }

  /** Writes frames in one piece. Small ones are copied together, which costs less than separate writes. */
  #write(frames: readonly Uint8Array[], bytes: number): boolean {
    if (bytes <= COPIED) return this.carrier.write(Buffer.concat(frames));
    this.carrier.cork();
    let wantsMore = true;
    for (const frame of frames) wantsMore = this.carrier.write(frame);
    this.carrier.uncork();
    return wantsMore;
  }

  /** Handles the end of the carrier: resets the streams that have not ended. */
  #over(error: Error | undefined): void {
    this.#heartbeat?.stop();
    clearTimeout(this.#pacing);
    this.#state.over(error);
    this.#send();
    clearImmediate(this.#flush);
  }
}
