import { ChannelStreamsError } from '../../channel/errors.ts';
import { FrameParser } from './frame-parser.ts';
import { FrameKind, frameHeader, MAX_STREAM_ID, PREFACE } from './frames.ts';
import { type StreamOwner, StreamState } from './stream-state.ts';

/** The size in bytes at which a batch is complete; its last frame may exceed it. */
const BATCH = 16_384;
/** The most frames without data that wait to be sent. Only a peer that sends pings and does not read reaches it. */
const MAX_CONTROLS = 1_024;

/** The limits and the listener of the side that accepts streams. */
interface StreamAcceptance {
  /** Called with a stream that the peer has opened; must set its listener. */
  readonly onStream: (stream: StreamState) => void;
  /** The most concurrent streams; further ones are reset. */
  readonly maxStreams: number;
  /** Whether another stream may be opened now. */
  readonly mayOpen: () => boolean;
}

interface MultiplexerEvents {
  /** Called when there is something to send, with the number of data bytes added. */
  readonly onWake: (bytes: number) => void;
  /** Called when the peer must be disconnected. */
  readonly onFailure: (error: Error) => void;
}

/**
 * The multiplexing protocol (docs/sealed-channel.md, "Several connections"): bytes in, events and frames out. It has no sockets
 * and no timers, so Node and browsers share it.
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
  /** The streams that the peer has opened or has received a frame of. */
  readonly #byId = new Map<number, StreamState>();
  /** Streams with something to send, in the order of their turns. */
  readonly #queue: StreamState[] = [];
  /** Complete frames that are sent before all data. */
  #controls: Uint8Array[] = [];
  #lastId = 0;
  #isEnding = false;
  #hasReceived = false;

  /** @param acceptance for the side that accepts streams, after the preface has been read */
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

  /** The number of open streams. */
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

  /** Opens a stream. The caller sets its listener; the peer learns of the stream with its first frame. */
  open(): StreamState {
    const stream = new StreamState(this);
    this.#streams.add(stream);
    return stream;
  }

  /**
   * Processes received bytes, in chunks of any size.
   * @throws {ChannelStreamsError} for a protocol violation; nothing may be received afterwards
   */
  receive(chunk: Uint8Array): void {
    this.#parser.push(chunk);
  }

  /**
   * Moves the next batch of frames into `frames`: those without data first, then the data of each stream in turn.
   *
   * @returns the number of data bytes
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

  /** Opens no more streams, and resets those that the peer opens. */
  end(): void {
    this.#isEnding = true;
  }

  /** Handles the end of the connection: resets the streams that have not ended. */
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

  /**
   * Returns undefined for a stream that is over.
   * @throws {ChannelStreamsError} for an id that no stream has had
   */
  #knownStreamOf(id: number): StreamState | undefined {
    if (id === 0 || id > this.#lastId) throw new ChannelStreamsError('a stream that was never opened');
    return this.#byId.get(id);
  }

  /** The same, but data and end frames of a new id open a stream. Returns undefined also if there are too many. */
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
      if (id !== 0) throw new ChannelStreamsError('a ping or pong with a stream id');
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
