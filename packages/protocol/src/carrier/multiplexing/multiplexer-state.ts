import { ChannelStreamsError } from '../../channel/errors.ts';
import { FrameParser } from './frame-parser.ts';
import { FrameKind, frameHeader, MAX_STREAM_ID, PREFACE } from './frames.ts';
import { type StreamOwner, StreamState } from './stream-state.ts';

/** Bytes from which on no more are taken in one piece; one frame may go beyond. */
const BATCH = 16_384;
/** Frames without data that wait to be sent. Only a peer that sends pings and does not read comes near. */
const MAX_CONTROLS = 1_024;

/** How the side that does not open streams takes them. */
export interface StreamAcceptance {
  /** Takes a stream that the peer has opened, and sets its listener. */
  readonly onStream: (stream: StreamState) => void;
  /** Streams at once; any more are reset as they arrive. */
  readonly maxStreams: number;
  /** Whether one more may be opened now. */
  readonly mayOpen: () => boolean;
}

export interface MultiplexerEvents {
  /** There is something to send; `bytes` more of data than before. */
  readonly onWake: (bytes: number) => void;
  /** The peer must be cut off. */
  readonly onFailure: (error: Error) => void;
}

/**
 * The protocol of several streams on one stream of bytes (docs/sealed-channel.md, "Several connections"): bytes in, events
 * and frames out. It has no sockets and no timers, so that it is the same in Node and in browsers.
 *
 * @example
 * ```ts
 * const multiplexer = new MultiplexerState({ onWake, onFailure });
 * const stream = multiplexer.open();
 * stream.listener = listener;
 * stream.write([bytes], bytes.byteLength);       // calls onWake
 * while (multiplexer.hasOutput) multiplexer.take(frames);
 * multiplexer.receive(arrived);                   // calls the listener
 * ```
 */
export class MultiplexerState implements StreamOwner {
  readonly #events: MultiplexerEvents;
  readonly #acceptance: StreamAcceptance | undefined;
  readonly #parser: FrameParser;
  readonly #streams = new Set<StreamState>();
  /** Those that the peer knows, or has opened. */
  readonly #byId = new Map<number, StreamState>();
  /** Streams with something to send, in the order of their turns. */
  readonly #queue: StreamState[] = [];
  /** Whole frames that go before all data. */
  #controls: Uint8Array[] = [];
  #lastId = 0;
  #isEnding = false;
  #hasReceived = false;

  /** @param acceptance given by the side that takes streams; the preface has been read there */
  constructor(events: MultiplexerEvents, acceptance?: StreamAcceptance) {
    this.#events = events;
    this.#acceptance = acceptance;
    if (acceptance === undefined) this.#controls.push(Uint8Array.of(PREFACE));
    this.#parser = new FrameParser({
      onData: (id, bytes) => {
        this.#hasReceived = true;
        this.#streamOf(id)?.arrivedData(bytes);
      },
      onControl: (id, kind, value) => this.#onControl(id, kind, value),
    });
  }

  /** Streams open now. */
  get size(): number {
    return this.#streams.size;
  }

  /** Whether the peer has sent data on any stream. */
  get hasReceived(): boolean {
    return this.#hasReceived;
  }

  get isOpener(): boolean {
    return this.#acceptance === undefined;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Whether another stream can be opened. */
  get canOpen(): boolean {
    return !this.#isEnding && this.#lastId < MAX_STREAM_ID;
  }

  get hasOutput(): boolean {
    return this.#controls.length > 0 || this.#queue.length > 0;
  }

  /** Opens a stream, whose listener the caller sets; the peer learns of it by its first frame. */
  open(): StreamState {
    const stream = new StreamState(this);
    this.#streams.add(stream);
    return stream;
  }

  /** Takes bytes that arrived, cut anywhere. @throws {ChannelStreamsError} for a breach of the protocol; nothing more may follow */
  receive(chunk: Uint8Array): void {
    this.#parser.push(chunk);
  }

  /**
   * Moves frames to send into `frames`: first those without data, then of each stream in turn, up to a batch.
   *
   * @returns how many bytes of data that was
   */
  take(frames: Uint8Array[]): number {
    frames.push(...this.#controls);
    this.#controls = [];
    let bytes = 0;
    while (bytes < BATCH) {
      const stream = this.#queue.shift();
      if (stream === undefined) break;
      stream.isQueued = false;
      bytes += stream.takeTurn(frames);
      if (stream.wantsTurn) this.#enqueue(stream);
    }
    return bytes;
  }

  ping(): void {
    this.#control(frameHeader(0, FrameKind.ping, 0));
  }

  /** From here on no streams are opened; those that the peer opens are reset. */
  end(): void {
    this.#isEnding = true;
  }

  /** Nothing more arrives: resets the streams that have not ended. */
  over(error: Error | undefined): void {
    this.#isEnding = true;
    for (const stream of [...this.#streams]) stream.arrivedReset(error);
  }

  wake(stream: StreamState, bytes: number): void {
    this.#enqueue(stream);
    this.#events.onWake(bytes);
  }

  register(stream: StreamState): number {
    this.#lastId += 1;
    this.#byId.set(this.#lastId, stream);
    return this.#lastId;
  }

  forget(stream: StreamState, last: Uint8Array | undefined): void {
    this.#streams.delete(stream);
    this.#byId.delete(stream.id);
    if (last !== undefined) this.#control(last);
    else this.#events.onWake(0);
  }

  #enqueue(stream: StreamState): void {
    if (stream.isQueued) return;
    stream.isQueued = true;
    this.#queue.push(stream);
  }

  /** Undefined for a stream that is over. @throws {ChannelStreamsError} for an id that no stream has had */
  #knownStreamOf(id: number): StreamState | undefined {
    if (id === 0 || id > this.#lastId) throw new ChannelStreamsError('a stream that was never opened');
    return this.#byId.get(id);
  }

  /** The same, but data and an end open a stream of a new id; undefined also where there are too many. */
  #streamOf(id: number): StreamState | undefined {
    if (this.#acceptance === undefined || id <= this.#lastId) return this.#knownStreamOf(id);
    const { maxStreams, mayOpen, onStream } = this.#acceptance;
    this.#lastId = id;
    if (this.#isEnding || this.size >= maxStreams || !mayOpen()) {
      this.#control(frameHeader(id, FrameKind.reset, 0));
      return undefined;
    }
    const opened = new StreamState(this, id);
    this.#streams.add(opened);
    this.#byId.set(id, opened);
    onStream(opened);
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

  #control(frame: Uint8Array): void {
    this.#controls.push(frame);
    if (this.#controls.length > MAX_CONTROLS)
      this.#events.onFailure(new ChannelStreamsError('the peer sends pings and does not read the answers'));
    else this.#events.onWake(0);
  }
}
