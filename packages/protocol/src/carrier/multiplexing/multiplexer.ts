import type { Duplex } from 'node:stream';
import {
  ChannelClosedError,
  ChannelSilentError,
  ChannelStreamsError,
  ChannelTruncatedError,
} from '../../channel/errors.ts';
import { TokenBucket } from '../../timing/index.ts';
import type { SocketLike } from '../socket-like.ts';
import { FrameParser } from './frame-parser.ts';
import { FrameKind, frameHeader, MAX_STREAM_ID, PREFACE } from './frames.ts';
import { MultiplexedStream, type StreamOwner } from './multiplexed-stream.ts';

/** Bytes that go at once, since they fill a packet; fewer wait for what else is written in this turn of the event loop. */
const PACKET = 1_400;
/** Bytes from which on no more are handed to the carrier in one piece; one frame may go beyond. */
const BATCH = 16_384;
/** Bytes that are copied to be written in one piece. */
const COPIED = 8_192;
/** Frames without bytes that wait for the carrier. Only a peer that asks and does not read comes near. */
const MAX_CONTROLS = 1_024;
/** A peer that was sent a ping has so many times `silenceMs` to send anything. */
const ANSWER_FACTOR = 4;

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
  /** Streams at once; any more are reset as they come. */
  readonly maxStreams: number;
  /** Streams that may be opened in a burst, and each second from then on. Whatever comes faster is read later. */
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
export class Multiplexer implements StreamOwner {
  readonly carrier: Duplex & SocketLike;
  readonly #accept: AcceptOptions | undefined;
  readonly #streams = new Set<MultiplexedStream>();
  /** Those that the peer knows, or has opened. */
  readonly #byId = new Map<number, MultiplexedStream>();
  /** Streams with something to send, in the order of their turns. */
  #queue: MultiplexedStream[] = [];
  /** Whole frames that go before all else. */
  #controls: Uint8Array[] = [];
  /** Bytes that wait for the end of this turn of the event loop. */
  #waiting = 0;
  #flush: NodeJS.Immediate | undefined;
  #isFlushing = false;
  #isBlocked = false;
  #isEnding = false;
  #lastId = 0;
  #refs = 0;
  #opens: TokenBucket | undefined;
  #pacing: NodeJS.Timeout | undefined;
  #heardAt = Date.now();
  #heartbeat: NodeJS.Timeout | undefined;
  #asked: NodeJS.Timeout | undefined;

  private constructor(carrier: Duplex & SocketLike, accept: AcceptOptions | undefined) {
    this.carrier = carrier;
    this.#accept = accept;
    const perSecond = accept?.opensPerSecond;
    // Streams that had arrived already may be opened in advance; nothing more is read until they are earned back.
    if (perSecond !== undefined) this.#opens = new TokenBucket({ perSecond, overdraft: perSecond });
    const parser = new FrameParser({
      onData: (id, bytes) => this.#streamOf(id)?.arrived(bytes),
      onControl: (id, kind, value) => this.#onControl(id, kind, value),
    });
    carrier.on('data', (chunk: Uint8Array) => {
      this.#heard();
      if (carrier.destroyed) return;
      try {
        parser.push(chunk);
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
    // It may have been paused by whoever read what came before.
    carrier.resume();
  }

  /** The side that opens streams. */
  static open(carrier: Duplex & SocketLike, { silenceMs = 5_000 }: OpenOptions = {}): Multiplexer {
    const multiplexer = new Multiplexer(carrier, undefined);
    carrier.write(Uint8Array.of(PREFACE));
    carrier.unref?.();
    multiplexer.#heartbeat = setInterval(() => multiplexer.#askIfSilent(silenceMs), silenceMs);
    multiplexer.#heartbeat.unref();
    return multiplexer;
  }

  /** The side that takes them; the preface has been read. */
  static accept(carrier: Duplex & SocketLike, options: AcceptOptions): Multiplexer {
    return new Multiplexer(carrier, options);
  }

  get isOpener(): boolean {
    return this.#accept === undefined;
  }

  /** Streams open now. */
  get size(): number {
    return this.#streams.size;
  }

  /** Whether streams can be opened. */
  get isOpen(): boolean {
    return !this.#isEnding && this.carrier.writable && this.#lastId < MAX_STREAM_ID;
  }

  /** Opens a stream. @throws {ChannelClosedError} once it is not open */
  stream(): MultiplexedStream {
    if (!this.isOpen) throw new ChannelClosedError();
    const stream = new MultiplexedStream(this);
    this.#streams.add(stream);
    return stream;
  }

  /** Ends each stream once what it has written is sent, and then the carrier; what comes meanwhile is read. */
  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    for (const stream of this.#streams) stream.end();
    this.#send();
    this.#endIfDone();
  }

  wake(stream: MultiplexedStream, bytes: number): void {
    if (!stream.isQueued) {
      stream.isQueued = true;
      this.#queue.push(stream);
    }
    this.#schedule(bytes);
  }

  register(stream: MultiplexedStream): number {
    this.#lastId += 1;
    this.#byId.set(this.#lastId, stream);
    return this.#lastId;
  }

  noteRef(isRef: boolean): void {
    this.#refs += isRef ? 1 : -1;
    if (this.#refs === (isRef ? 1 : 0)) {
      if (isRef) this.carrier.ref?.();
      else this.carrier.unref?.();
    }
  }

  forget(stream: MultiplexedStream, last: Uint8Array | undefined): void {
    this.#streams.delete(stream);
    this.#byId.delete(stream.id);
    if (last !== undefined && !this.carrier.writableEnded) this.#control(last);
    this.#endIfDone();
  }

  /**
   * The stream of an id; undefined for one that is over.
   * @throws {ChannelStreamsError} for an id that no stream has had
   */
  #knownStreamOf(id: number): MultiplexedStream | undefined {
    if (id === 0 || id > this.#lastId) throw new ChannelStreamsError('a stream that was never opened');
    return this.#byId.get(id);
  }

  /** The same, but data and an end open a stream of a new id; undefined also where there are too many. */
  #streamOf(id: number): MultiplexedStream | undefined {
    if (this.#accept === undefined || id <= this.#lastId) return this.#knownStreamOf(id);
    this.#lastId = id;
    if (this.#isEnding || this.size >= this.#accept.maxStreams || this.#opens?.take() === false) {
      this.#control(frameHeader(id, FrameKind.reset, 0));
      return undefined;
    }
    const opened = new MultiplexedStream(this, id);
    this.#streams.add(opened);
    this.#byId.set(id, opened);
    this.#accept.onStream(opened);
    return opened;
  }

  #onControl(id: number, kind: number, value: number): void {
    if (kind === FrameKind.ping || kind === FrameKind.pong) {
      if (id !== 0) throw new ChannelStreamsError('a ping or pong of a stream');
      if (kind === FrameKind.ping) this.#control(frameHeader(0, FrameKind.pong, 0));
    } else if (kind === FrameKind.end) this.#streamOf(id)?.arrivedEnd();
    else if (kind === FrameKind.window) this.#knownStreamOf(id)?.arrivedWindow(value);
    else this.#knownStreamOf(id)?.arrivedReset(undefined);
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

  #control(frame: Uint8Array): void {
    this.#controls.push(frame);
    if (this.#controls.length > MAX_CONTROLS) {
      this.carrier.destroy(new ChannelStreamsError('it asks and does not read'));
      return;
    }
    this.#schedule(0);
  }

  #schedule(bytes: number): void {
    this.#waiting += bytes;
    if (this.#waiting >= PACKET) this.#send();
    else
      this.#flush ??= setImmediate(() => {
        this.#flush = undefined;
        this.#send();
      });
  }

  /** Hands to the carrier what it takes: first what has no bytes, then of each stream in turn. */
  #send(): void {
    if (this.#isFlushing || this.carrier.destroyed || this.carrier.writableEnded) return;
    this.#isFlushing = true;
    this.#waiting = 0;
    while (!this.#isBlocked && (this.#controls.length > 0 || this.#queue.length > 0)) {
      const frames = this.#controls;
      this.#controls = [];
      let bytes = 0;
      while (bytes < BATCH) {
        const stream = this.#queue.shift();
        if (stream === undefined) break;
        stream.isQueued = false;
        bytes += stream.takeTurn(frames);
        if (stream.wantsTurn && !stream.isQueued) {
          stream.isQueued = true;
          this.#queue.push(stream);
        }
      }
      if (frames.length === 0) continue;
      this.#isBlocked = !this.#write(frames, bytes);
    }
    this.#isFlushing = false;
    if (this.#isEnding && this.size === 0) this.carrier.end();
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

  #heard(): void {
    this.#heardAt = Date.now();
    if (this.#asked === undefined) return;
    clearTimeout(this.#asked);
    this.#asked = undefined;
  }

  /** Notices a peer that is gone without a word, after a change of network or a sleep. */
  #askIfSilent(silenceMs: number): void {
    if (this.#asked !== undefined || this.size === 0) return;
    // By the wall clock, since the monotonic one may stand still while the machine sleeps.
    if (Math.abs(Date.now() - this.#heardAt) < silenceMs) return;
    const answerMs = ANSWER_FACTOR * silenceMs;
    this.#asked = setTimeout(() => {
      // Where this process itself stood still, the answer may have come and not been read.
      setImmediate(() => {
        if (this.#asked !== undefined) this.carrier.destroy(new ChannelSilentError(answerMs));
      });
    }, answerMs);
    this.#asked.unref();
    this.#control(frameHeader(0, FrameKind.ping, 0));
  }

  #endIfDone(): void {
    // Not before what is being gathered has been written.
    if (this.#isEnding && this.size === 0) this.#send();
  }

  /** Nothing more comes: streams that have not ended are cut. */
  #over(error: Error | undefined): void {
    this.#isEnding = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#asked);
    clearTimeout(this.#pacing);
    clearImmediate(this.#flush);
    for (const stream of [...this.#streams]) stream.arrivedReset(error ?? new ChannelTruncatedError());
    this.#endIfDone();
  }
}
