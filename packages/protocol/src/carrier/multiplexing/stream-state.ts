import { ChannelStreamsError } from '../../channel/errors.ts';
import { FrameKind, frameHeader, INITIAL_WINDOW, windowFrame } from './frames.ts';

/** The most bytes of one stream in a frame, which fill a record with it: then it is the next stream's turn. */
const MAX_DATA = 65_500;
/** Bytes that have been read before the peer is told, so that a window frame is worth its cost. */
const WINDOW_STEP = INITIAL_WINDOW / 4;

/** Receives the events of one stream. */
export interface StreamListener {
  onData(bytes: Uint8Array): void;
  /** The peer sends nothing more. */
  onEnd(): void;
  /** The stream is over: the peer has reset it (no error), or the channel has failed with `error` or ended. */
  onReset(error: Error | undefined): void;
  /** Bytes that were written are in frames; `isAll`: all of them, so that more may be written. */
  onSent(isAll: boolean): void;
  /** The end of this side is in a frame. */
  onEndSent(): void;
}

/** The multiplexer that a stream belongs to. */
export interface StreamOwner {
  /** Asks for a turn to send; `bytes` more are waiting. */
  wake(stream: StreamState, bytes: number): void;
  /** Gives a stream of this side its id with its first frame: the peer takes ids in ascending order only. */
  register(stream: StreamState): number;
  /** Sends the last frame of a stream, if it has one, and forgets the stream. */
  forget(stream: StreamState, last: Uint8Array | undefined): void;
}

/**
 * One stream of a multiplexer as docs/sealed-channel.md has it: its windows, its ends, and the bytes that wait to be sent.
 * It knows no timers and no streams of a platform.
 */
export class StreamState {
  /** Whether it is in the queue of streams with something to send. The multiplexer's own note. */
  isQueued = false;
  listener: StreamListener | undefined;
  readonly #owner: StreamOwner;
  /** 0 until its first frame, on the side that opens it. */
  #id: number;
  /** Written and not sent yet; `#offset` bytes of the first have gone. */
  #chunks: Uint8Array[] = [];
  #offset = 0;
  #isEnding = false;
  #endSent = false;
  #peerEnded = false;
  #isOver = false;
  /** Bytes that this side may still send. */
  #credit = INITIAL_WINDOW;
  /** Bytes that the peer may still send, and those that it has yet to be told of. */
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

  /** Whether so much has arrived that reading may be worth telling the peer. */
  get isWindowLow(): boolean {
    return this.#window <= INITIAL_WINDOW / 2;
  }

  /** Sends bytes; nothing may be written until all of them are sent. */
  write(chunks: Uint8Array[], bytes: number): void {
    this.#chunks = chunks;
    this.#offset = 0;
    this.#owner.wake(this, bytes);
  }

  /** Ends this side after what has been written. */
  end(): void {
    this.#isEnding = true;
    this.#owner.wake(this, 0);
  }

  /** Tells the peer how much has been read, once it is worth a frame. @param unread bytes that arrived and were not read yet */
  updateWindow(unread: number): void {
    const read = INITIAL_WINDOW - this.#window - unread;
    if (!this.isWindowLow || read < WINDOW_STEP || this.#peerEnded || this.#isOver) return;
    this.#window += read;
    this.#grant += read;
    this.#owner.wake(this, 0);
  }

  /** Leaves the stream: resets it where either side has not ended. */
  close(): void {
    const isComplete = this.#peerEnded && this.#endSent;
    this.#leave(isComplete ? undefined : FrameKind.reset);
  }

  /** Leaves a stream that the peer has ended: this side ends as well, without what was not sent yet. */
  finish(): void {
    this.#leave(FrameKind.end);
  }

  /**
   * Moves what may be sent now into `frames`, as one turn.
   *
   * @returns how many bytes of data that was
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

  /** @throws {ChannelStreamsError} where the peer sends more than it may */
  arrivedData(bytes: Uint8Array): void {
    if (this.#peerEnded) throw new ChannelStreamsError('bytes of a stream after its end');
    if (bytes.byteLength > this.#window)
      throw new ChannelStreamsError('more bytes of a stream than it may have');
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

  /** @throws {ChannelStreamsError} where the sum is more than there can be */
  arrivedWindow(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > Number.MAX_SAFE_INTEGER / 2) throw new ChannelStreamsError('a window without bounds');
    if (this.wantsTurn) this.#owner.wake(this, 0);
  }

  /** The peer has reset it, or the channel is over. */
  arrivedReset(error: Error | undefined): void {
    if (this.#isOver) return;
    this.#leave(undefined);
    this.listener?.onReset(error);
  }

  /** @param last the kind of the last frame; the peer gets none of a stream that it does not know */
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
