import { FrameKind, frameHeader, INITIAL_WINDOW, windowFrame } from '@aico/protocol/carrier/frames';
import { ChannelStreamsError, ChannelTruncatedError } from '@aico/protocol/channel';
import { ConnectionBrokenError } from '../errors.ts';
import type { ByteConnection } from './byte-connection.ts';

/** The most bytes in a frame, which fill a record with it: then it is the next connection's turn. */
const MAX_DATA = 65_500;

/** What a connection needs of the channel it travels in. */
export interface ConnectionOwner {
  readonly isOpen: boolean;
  /** The connection has something to send. */
  wake(connection: ChannelConnection): void;
  /** The id of a connection about to send its first frame: ids come to the peer in their order. */
  register(connection: ChannelConnection): number;
  /** Sends what the connection says last, and forgets it. */
  forget(connection: ChannelConnection, last: Uint8Array | undefined): void;
}

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One of several connections in a channel (docs/sealed-channel.md, "Several connections"). What nobody reads stays with
 * the backend, beyond a window of 256 KiB.
 */
export class ChannelConnection implements ByteConnection {
  readonly #owner: ConnectionOwner;
  /** 0 until its first frame. */
  #id = 0;
  readonly #arrived: Uint8Array[] = [];
  #reader: Waiting<Uint8Array | undefined> | undefined;
  /** What one `write` has still to send. */
  #unsent: Uint8Array = new Uint8Array();
  #writer: Waiting<void> | undefined;
  /** Bytes that the backend takes still. */
  #credit = INITIAL_WINDOW;
  /** Bytes that the backend may send still, and those that have been read since it was told. */
  #window = INITIAL_WINDOW;
  #read = 0;
  #grant = 0;
  #peerEnded = false;
  #isClosed = false;
  #failure: Error | undefined;

  constructor(owner: ConnectionOwner) {
    this.#owner = owner;
  }

  get id(): number {
    return this.#id;
  }

  get isOpen(): boolean {
    return !this.#isClosed && !this.#peerEnded && this.#owner.isOpen;
  }

  /** @throws {ConnectionBrokenError} when it is closed; what the backend has ended its side of takes no more, and loses it */
  write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#peerEnded || bytes.byteLength === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#unsent = bytes;
      this.#writer = { resolve, reject };
      this.#owner.wake(this);
    });
  }

  /**
   * What was read next; undefined once the backend has said its end.
   * @throws {ChannelTruncatedError} when it was broken off before that
   */
  read(): Promise<Uint8Array | undefined> {
    const bytes = this.#arrived.shift();
    if (bytes !== undefined) {
      this.#taken(bytes);
      return Promise.resolve(bytes);
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#peerEnded) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  unread(bytes: Uint8Array): void {
    // It comes past the reader once more, and is to count once.
    this.#read -= bytes.byteLength;
    this.#arrived.unshift(bytes);
  }

  close(): void {
    this.fail(new ConnectionBrokenError(new Error('it is closed')));
  }

  fail(error: Error): void {
    this.#over(FrameKind.reset);
    this.#failed(error);
  }

  /**
   * Moves what may be sent now into `frames`, as one turn.
   *
   * @returns how many bytes that was
   */
  takeTurn(frames: Uint8Array[]): number {
    if (this.#isClosed) return 0;
    if (this.#id === 0) this.#id = this.#owner.register(this);
    if (this.#grant > 0) {
      frames.push(windowFrame(this.#id, this.#grant));
      this.#grant = 0;
    }
    const bytes = Math.min(this.#unsent.byteLength, this.#credit, MAX_DATA);
    if (bytes === 0) return 0;
    frames.push(frameHeader(this.#id, FrameKind.data, bytes), this.#unsent.subarray(0, bytes));
    this.#unsent = this.#unsent.subarray(bytes);
    this.#credit -= bytes;
    return bytes;
  }

  /** Whether it would send more if it had another turn. */
  get wantsTurn(): boolean {
    return this.#unsent.byteLength > 0 && this.#credit > 0;
  }

  /** What it handed over has been sent: whoever wrote it may write on. */
  sent(): void {
    if (this.#unsent.byteLength > 0) return;
    const writer = this.#writer;
    this.#writer = undefined;
    writer?.resolve();
  }

  /** @throws {ChannelStreamsError} where the backend sends more than it may */
  arrivedData(bytes: Uint8Array): void {
    if (this.#peerEnded) throw new ChannelStreamsError('bytes of a stream after its end');
    if (bytes.byteLength > this.#window)
      throw new ChannelStreamsError('more bytes of a stream than it may have');
    this.#window -= bytes.byteLength;
    if (bytes.byteLength === 0) return;
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) this.#arrived.push(bytes);
    else {
      this.#taken(bytes);
      reader.resolve(bytes);
    }
  }

  /** The backend says no more: then it reads no more either, since an answer is the last of a connection. */
  arrivedEnd(): void {
    this.#peerEnded = true;
    this.#over(FrameKind.end);
    this.#reader?.resolve(undefined);
    this.#writer?.resolve();
  }

  /** The backend has broken it off, or the channel is no more. */
  arrivedReset(error: Error | undefined): void {
    this.#over(undefined);
    this.#failed(error ?? new ChannelTruncatedError());
  }

  /** @throws {ChannelStreamsError} where it comes to more than there can be */
  arrivedWindow(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > Number.MAX_SAFE_INTEGER / 2) throw new ChannelStreamsError('a window without bounds');
    if (this.wantsTurn) this.#owner.wake(this);
  }

  /** Tells the backend of what has been read, once it is worth a frame. */
  #taken(bytes: Uint8Array): void {
    this.#read += bytes.byteLength;
    if (this.#read < INITIAL_WINDOW / 2 || this.#isClosed) return;
    this.#window += this.#read;
    this.#grant += this.#read;
    this.#read = 0;
    this.#owner.wake(this);
  }

  #over(farewell: number | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unsent = new Uint8Array();
    const isKnown = this.#id !== 0 && farewell !== undefined;
    this.#owner.forget(this, isKnown ? frameHeader(this.#id, farewell, 0) : undefined);
  }

  #failed(error: Error): void {
    this.#failure ??= error;
    this.#reader?.reject(error);
    this.#writer?.reject(error);
  }
}
