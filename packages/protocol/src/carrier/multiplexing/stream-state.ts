import { ChannelStreamsError } from '../../channel/errors.ts';
import { FrameKind, frameHeader, INITIAL_WINDOW, windowFrame } from './frames.ts';

/** The most bytes of a data frame, which fill a record; then the next stream has its turn. */
const MAX_DATA = 65_500;
/** Bytes that are read before a window frame is sent, so that few of them are needed. */
const WINDOW_STEP = INITIAL_WINDOW / 4;

/** Receives the events of one stream. */
export interface StreamListener {
  onData(bytes: Uint8Array): void;
  /** The peer has ended its side. */
  onEnd(): void;
  /** The stream is over: reset by the peer (no error), or its channel ended or failed with `error`. */
  onReset(error: Error | undefined): void;
  /** Written bytes have been put into frames. `isAll`: all of them, so more may be written. */
  onSent(isAll: boolean): void;
  /** The end of this side has been put into a frame. */
  onEndSent(): void;
}

/** The multiplexer that a stream belongs to. */
export interface StreamOwner {
  /** Requests a turn to send; `bytes` more are waiting. */
  wake(stream: StreamState, bytes: number): void;
  /** Assigns an id to a stream of this side with its first frame: the peer accepts ids in ascending order only. */
  register(stream: StreamState): number;
  /** Sends the last frame of a stream, if it has one, and forgets the stream. */
  forget(stream: StreamState, last: Uint8Array | undefined): void;
}

/**
 * One stream of a multiplexer (docs/sealed-channel.md): its windows, its ends, and the bytes that wait to be sent. It uses no
 * timers and no platform streams.
 */
export class StreamState {
  /** Whether it is in the queue of streams with something to send. Set by the multiplexer. */
  isQueued = false;
  listener: StreamListener | undefined;
  readonly #owner: StreamOwner;
  /** 0 until its first frame, on the side that opens it. */
  #id: number;
  /** Written bytes that are not sent yet, except the first `#offset` bytes. */
  #chunks: Uint8Array[] = [];
  #offset = 0;
  #isEnding = false;
  #endSent = false;
  #peerEnded = false;
  #isOver = false;
  /** Bytes that this side may still send. */
  #credit = INITIAL_WINDOW;
  /** Bytes that the peer may still send, and read bytes that it has not been told of. */
  #window = INITIAL_WINDOW;
  #grant = 0;

  constructor(owner: StreamOwner, id = 0) {
    this.#owner = owner;
    this.#id = id;
  }

  get id(): number {
    return this.#id;
  }

  get peerEnded(): boolean {
    return this.#peerEnded;
  }

  /** Whether it was closed or reset. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether another turn would send data. */
  get wantsTurn(): boolean {
    return this.#chunks.length > 0 && this.#credit > 0;
  }

  /** Whether enough has arrived that a window frame may be due. */
  get isWindowLow(): boolean {
    return this.#window <= INITIAL_WINDOW / 2;
  }

  /** Queues bytes. Nothing more may be written until all of them are sent. */
  write(chunks: Uint8Array[], bytes: number): void {
    this.#chunks = chunks;
    this.#offset = 0;
    this.#owner.wake(this, bytes);
  }

  /** Ends this side after the pending writes. */
  end(): void {
    this.#isEnding = true;
    this.#owner.wake(this, 0);
  }

  /**
   * Sends a window frame if enough has been read.
   * @param unread received bytes that have not been read yet
   */
  updateWindow(unread: number): void {
    const read = INITIAL_WINDOW - this.#window - unread;
    if (!this.isWindowLow || read < WINDOW_STEP || this.#peerEnded || this.#isOver) return;
    this.#window += read;
    this.#grant += read;
    this.#owner.wake(this, 0);
  }

  /** Closes the stream. Resets it unless both sides have ended. */
  close(): void {
    const isComplete = this.#peerEnded && this.#endSent;
    this.#leave(isComplete ? undefined : FrameKind.reset);
  }

  /** Closes a stream whose peer has ended: this side ends too and discards unsent bytes. */
  finish(): void {
    this.#leave(FrameKind.end);
  }

  /**
   * Moves one turn of data into `frames`.
   *
   * @returns the number of data bytes
   */
  takeTurn(frames: Uint8Array[]): number {
    if (this.#isOver) return 0;
    if (this.#id === 0) this.#id = this.#owner.register(this);
    if (this.#grant > 0) {
      frames.push(windowFrame(this.#id, this.#grant));
      this.#grant = 0;
    }
    const bytes = this.wantsTurn ? this.#takeData(frames) : 0;
    if (this.#isEnding && this.#chunks.length === 0) {
      frames.push(frameHeader(this.#id, FrameKind.end, 0));
      this.#isEnding = false;
      this.#endSent = true;
      this.listener?.onEndSent();
    }
    return bytes;
  }

  /** @throws {ChannelStreamsError} if the peer exceeds its window */
  arrivedData(bytes: Uint8Array): void {
    if (this.#peerEnded) throw new ChannelStreamsError('data after the end of a stream');
    if (bytes.byteLength > this.#window) throw new ChannelStreamsError('data beyond the window of a stream');
    if (bytes.byteLength === 0) return;
    this.#window -= bytes.byteLength;
    this.listener?.onData(bytes);
  }

  /** @throws {ChannelStreamsError} for a second end */
  arrivedEnd(): void {
    if (this.#peerEnded) throw new ChannelStreamsError('a second end of a stream');
    this.#peerEnded = true;
    this.listener?.onEnd();
  }

  /** @throws {ChannelStreamsError} if the window becomes too large */
  arrivedWindow(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > Number.MAX_SAFE_INTEGER / 2)
      throw new ChannelStreamsError('a window above 2^52 bytes');
    if (this.wantsTurn) this.#owner.wake(this, 0);
  }

  /** Handles a reset by the peer or the end of the channel. */
  arrivedReset(error: Error | undefined): void {
    if (this.#isOver) return;
    this.#leave(undefined);
    this.listener?.onReset(error);
  }

  /** @param last the kind of the last frame; none is sent for a stream that the peer does not know */
  #leave(last: number | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#chunks = [];
    const isKnown = this.#id !== 0 && last !== undefined;
    this.#owner.forget(this, isKnown ? frameHeader(this.#id, last, 0) : undefined);
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
    if (bytes > 0) frames.push(frameHeader(this.#id, FrameKind.data, bytes), ...parts);
    this.listener?.onSent(this.#chunks.length === 0);
    return bytes;
  }
}
