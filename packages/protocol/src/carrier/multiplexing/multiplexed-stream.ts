import { Duplex } from 'node:stream';
import { ChannelStreamsError, ChannelTruncatedError } from '../../channel/errors.ts';
import type { SocketLike } from '../socket-like.ts';
import { FrameKind, frameHeader, INITIAL_WINDOW, windowFrame } from './frames.ts';
import { RestTimer } from './rest-timer.ts';

/** The most bytes of one stream in a frame, which fill a record with it: then it is the next stream's turn. */
const MAX_DATA = 65_500;
/** What is read and not taken yet, from which on more is not asked for. Must be less than half of a window. */
const HIGH_WATER = 65_536;

/** What a stream needs of the multiplexer it belongs to. */
export interface StreamOwner {
  readonly carrier: Duplex & SocketLike;
  /** Whether it opens the streams. */
  readonly isOpener: boolean;
  /** The stream has something to send. */
  wake(stream: MultiplexedStream, bytes: number): void;
  /** The id of a stream of this side's own that is about to send its first frame: ids come to the peer in their order. */
  register(stream: MultiplexedStream): number;
  noteRef(isRef: boolean): void;
  /** Sends what the stream says last, and forgets it. */
  forget(stream: MultiplexedStream, last: Uint8Array | undefined): void;
}

type Done = (error?: Error | null) => void;

/**
 * One of several connections in a channel, in the place of a socket. What its reader does not take stays with its writer,
 * beyond a window of 256 KiB: a slow reader of one holds up none of the others.
 */
export class MultiplexedStream extends Duplex {
  /** Whether it waits for its turn to send. Its multiplexer's own note. */
  isQueued = false;
  readonly #owner: StreamOwner;
  /** 0 until its first frame, on the side that opens it. */
  #id: number;
  /** Written and not sent yet; `#offset` bytes of the first have gone. */
  #chunks: Uint8Array[] = [];
  #offset = 0;
  #sent: Done | undefined;
  #ending: Done | undefined;
  /** Bytes that the peer takes still. */
  #credit = INITIAL_WINDOW;
  /** Bytes that the peer may send still, and those it is to be told of. */
  #window = INITIAL_WINDOW;
  #grant = 0;
  #peerEnded = false;
  #saidEnd = false;
  #wasReset = false;
  #isRef = true;
  readonly #rest = new RestTimer(() => this.emit('timeout'));

  constructor(owner: StreamOwner, id = 0) {
    super({ allowHalfOpen: true, readableHighWaterMark: HIGH_WATER });
    this.#owner = owner;
    this.#id = id;
    owner.noteRef(true);
  }

  get id(): number {
    return this.#id;
  }

  get remoteAddress(): string | undefined {
    return this.#owner.carrier.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#owner.carrier.remotePort;
  }

  get remoteFamily(): string | undefined {
    return this.#owner.carrier.remoteFamily;
  }

  setTimeout(ms: number, callback?: () => void): this {
    // As a socket does: one that is over rests for good, and would keep its timer for as long.
    if (this.destroyed) return this;
    if (callback !== undefined) this.once('timeout', callback);
    this.#rest.set(ms);
    return this;
  }

  /** The channel's own matter. */
  setNoDelay(): this {
    return this;
  }

  /** The channel's own matter. */
  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    this.#setRef(true);
    return this;
  }

  unref(): this {
    this.#setRef(false);
    return this;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#send([chunk], chunk.byteLength, done);
  }

  override _writev(written: readonly { readonly chunk: Buffer }[], done: Done): void {
    let bytes = 0;
    const chunks: Uint8Array[] = [];
    for (const { chunk } of written) {
      bytes += chunk.byteLength;
      chunks.push(chunk);
    }
    this.#send(chunks, bytes, done);
  }

  override _final(done: Done): void {
    if (this.#wasReset) {
      done();
      return;
    }
    this.#ending = done;
    this.#owner.wake(this, 0);
  }

  override _read(): void {
    // What is being read now counts as taken once it has been.
    if (this.#window <= INITIAL_WINDOW / 2) process.nextTick(() => this.#open());
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#rest.stop();
    this.#setRef(false);
    const sent = this.#sent;
    this.#sent = undefined;
    this.#chunks = [];
    const isKnown = this.#id === 0 || this.#wasReset || (this.#peerEnded && this.#saidEnd);
    this.#owner.forget(this, isKnown ? undefined : frameHeader(this.#id, FrameKind.reset, 0));
    sent?.(error ?? new ChannelTruncatedError());
    done(error);
  }

  /**
   * Moves what may be sent now into `frames`, as one turn.
   *
   * @returns how many bytes that was
   */
  takeTurn(frames: Uint8Array[]): number {
    if (this.destroyed || this.#wasReset) return 0;
    if (this.#id === 0) this.#id = this.#owner.register(this);
    let bytes = 0;
    if (this.#grant > 0) {
      frames.push(windowFrame(this.#id, this.#grant));
      this.#grant = 0;
    }
    if (this.#chunks.length > 0 && this.#credit > 0) bytes = this.#takeData(frames);
    if (this.#ending !== undefined && this.#chunks.length === 0) {
      frames.push(frameHeader(this.#id, FrameKind.end, 0));
      this.#saidEnd = true;
      const ended = this.#ending;
      this.#ending = undefined;
      ended();
    }
    return bytes;
  }

  /** Whether it would send more if it had another turn. */
  get wantsTurn(): boolean {
    return this.#chunks.length > 0 && this.#credit > 0;
  }

  /** @throws {ChannelStreamsError} where the peer sends more than it may */
  arrived(bytes: Uint8Array): void {
    if (this.#peerEnded) throw new ChannelStreamsError('bytes of a stream after its end');
    if (bytes.byteLength > this.#window)
      throw new ChannelStreamsError('more bytes of a stream than it may have');
    if (bytes.byteLength === 0) return;
    this.#window -= bytes.byteLength;
    this.#rest.active();
    this.push(bytes);
    if (this.#window <= INITIAL_WINDOW / 2) this.#open();
  }

  /** @throws {ChannelStreamsError} for a second end */
  arrivedEnd(): void {
    if (this.#peerEnded) throw new ChannelStreamsError('a second end of a stream');
    this.#peerEnded = true;
    this.push(null);
  }

  /** The peer has broken it off, or the channel is no more. */
  arrivedReset(error: Error | undefined): void {
    this.#wasReset = true;
    // Of a stream that the peer has ended nothing is missing: it needs no more of what is said to it.
    if (!this.#peerEnded) this.destroy(error ?? new ChannelTruncatedError());
    // An answer that has come whole can be read; whoever was asked has nobody left to answer.
    else if (this.#owner.isOpener && !this.readableEnded && !this.destroyed) this.#leave();
    else this.destroy();
  }

  /** @throws {ChannelStreamsError} where it comes to more than there can be */
  arrivedWindow(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > Number.MAX_SAFE_INTEGER / 2) throw new ChannelStreamsError('a window without bounds');
    if (this.wantsTurn) this.#owner.wake(this, 0);
  }

  /** Over but for what is to be read; what is written goes nowhere. */
  #leave(): void {
    const [sent, ending] = [this.#sent, this.#ending];
    this.#sent = undefined;
    this.#ending = undefined;
    this.#chunks = [];
    this.#rest.stop();
    this.#setRef(false);
    this.#owner.forget(this, undefined);
    this.once('end', () => this.destroy());
    sent?.();
    ending?.();
  }

  #send(chunks: Uint8Array[], bytes: number, done: Done): void {
    if (bytes === 0 || this.#wasReset) {
      done();
      return;
    }
    this.#chunks = chunks;
    this.#offset = 0;
    this.#sent = done;
    this.#rest.active();
    this.#owner.wake(this, bytes);
  }

  #takeData(frames: Uint8Array[]): number {
    const parts: Uint8Array[] = [];
    const most = Math.min(MAX_DATA, this.#credit);
    let bytes = 0;
    let used = 0;
    for (const chunk of this.#chunks) {
      if (bytes === most) break;
      const part = chunk.subarray(this.#offset, this.#offset + most - bytes);
      bytes += part.byteLength;
      parts.push(part);
      if (this.#offset + part.byteLength < chunk.byteLength) {
        this.#offset += part.byteLength;
        break;
      }
      this.#offset = 0;
      used += 1;
    }
    this.#chunks.splice(0, used);
    this.#credit -= bytes;
    this.#rest.active();
    if (bytes > 0) frames.push(frameHeader(this.#id, FrameKind.data, bytes), ...parts);
    if (this.#chunks.length === 0) {
      const sent = this.#sent;
      this.#sent = undefined;
      sent?.();
    }
    return bytes;
  }

  /** Tells the peer of what has been taken, once it is worth a frame. */
  #open(): void {
    const taken = INITIAL_WINDOW - this.#window - this.readableLength;
    if (taken < INITIAL_WINDOW / 2 - HIGH_WATER || this.#peerEnded || this.destroyed) return;
    this.#window += taken;
    this.#grant += taken;
    this.#owner.wake(this, 0);
  }

  #setRef(isRef: boolean): void {
    if (this.#isRef === isRef || (isRef && (this.destroyed || this.#wasReset))) return;
    this.#isRef = isRef;
    this.#owner.noteRef(isRef);
  }
}
