import type { Duplex } from 'node:stream';
import { ChannelClosedError } from '../../channel/errors.ts';
import { TokenBucket } from '../../timing/index.ts';
import type { SocketLike } from '../socket-like.ts';
import { Heartbeat } from './heartbeat.ts';
import { MultiplexedStream, type StreamCarrier } from './multiplexed-stream.ts';
import { MultiplexerState } from './multiplexer-state.ts';

/** Bytes that go at once, since they fill a packet; fewer wait for what else is written in this turn of the event loop. */
const PACKET = 1_400;
/** Bytes that are copied to be written in one piece. */
const COPIED = 8_192;

export interface OpenOptions {
  /**
   * Milliseconds of silence after which the peer is sent a ping while streams are open. It has four times as long to send
   * anything; then the channel is cut. Default 5 000.
   */
  readonly silenceMs?: number;
}

export interface AcceptOptions {
  /** Takes a stream that the peer has opened. */
  readonly onStream: (stream: MultiplexedStream) => void;
  /** Streams at once; any more are reset as they arrive. */
  readonly maxStreams: number;
  /** Streams that may be opened in a burst, and each second from then on. Those that come faster are read later. */
  readonly opensPerSecond?: number;
}

/**
 * Several streams on one, such as the connections of a pool on one sealed channel. What is written to them in one turn of
 * the event loop travels together, so that each costs a part of a record, of a packet and of a system call. Streams are
 * opened by one side, the device; each has a window of its own and its turn.
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
    // Streams that had arrived already may be opened in advance; nothing more is read until they are earned back.
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
    // It may have been paused by the reader of what came before.
    carrier.resume();
  }

  /** The side that opens streams. */
  static open(carrier: Duplex & SocketLike, { silenceMs = 5_000 }: OpenOptions = {}): Multiplexer {
    const multiplexer = new Multiplexer(carrier, undefined);
    multiplexer.#send();
    carrier.unref?.();
    const heartbeat = new Heartbeat({
      silenceMs,
      isBusy: () => multiplexer.size > 0,
      ping: () => multiplexer.#state.ping(),
      onSilent: (error) => {
        // Where this process itself stood still, the answer may have arrived and not been read.
        setImmediate(() => {
          if (heartbeat.isWaiting) carrier.destroy(error);
        });
      },
    });
    multiplexer.#heartbeat = heartbeat;
    return multiplexer;
  }

  /** The side that takes them; the preface has been read. */
  static accept(carrier: Duplex & SocketLike, options: AcceptOptions): Multiplexer {
    return new Multiplexer(carrier, options);
  }

  get isOpener(): boolean {
    return this.#state.isOpener;
  }

  /** Streams open now. */
  get size(): number {
    return this.#state.size;
  }

  /** Whether the peer has sent data on any of them. */
  get hasServed(): boolean {
    return this.#state.hasReceived;
  }

  /** Whether streams can be opened. */
  get isOpen(): boolean {
    return this.#state.canOpen && this.carrier.writable;
  }

  /** Opens a stream. @throws {ChannelClosedError} once it is not open */
  stream(): MultiplexedStream {
    if (!this.isOpen) throw new ChannelClosedError();
    return this.#track(new MultiplexedStream(this, this.#state.open()));
  }

  /** Ends each stream once what it has written is sent, and then the carrier; what comes meanwhile is read. */
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

  /** Reads nothing more until the streams that have been opened are earned back. */
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

  /** Hands to the carrier what it takes. */
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

  /** As one piece: what is small is copied together, since each write of its own costs more than that. */
  #write(frames: readonly Uint8Array[], bytes: number): boolean {
    if (bytes <= COPIED) return this.carrier.write(Buffer.concat(frames));
    this.carrier.cork();
    let wantsMore = true;
    for (const frame of frames) wantsMore = this.carrier.write(frame);
    this.carrier.uncork();
    return wantsMore;
  }

  /** Nothing more arrives: streams that have not ended are reset. */
  #over(error: Error | undefined): void {
    this.#heartbeat?.stop();
    clearTimeout(this.#pacing);
    this.#state.over(error);
    this.#send();
    clearImmediate(this.#flush);
  }
}
