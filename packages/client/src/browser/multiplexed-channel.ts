import { FrameKind, FrameParser, frameHeader, MAX_STREAM_ID, PREFACE } from '@aico/protocol/carrier/frames';
import { ChannelSilentError, ChannelStreamsError } from '@aico/protocol/channel';
import { ChannelConnection, type ConnectionOwner } from './channel-connection.ts';

/** An open channel, as bytes. */
export interface ByteChannel {
  readonly isOpen: boolean;
  /** Resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Undefined once the backend has said its end; rejects when it was cut before. */
  read(): Promise<Uint8Array | undefined>;
  /** Says its end and closes. */
  close(): void;
  /** Cuts it: whoever reads or writes is told `error`. */
  fail(error: Error): void;
}

/** Bytes from which on no more are sealed together; one frame may go beyond. */
const BATCH = 16_384;
/** Frames without bytes that wait to be sent. Only a backend that asks and does not read comes near. */
const MAX_CONTROLS = 1_024;
/** A backend that was sent a ping has so many times `silenceMs` to send anything. */
const ANSWER_FACTOR = 4;
/** Milliseconds after which a channel that carries nothing is ended. */
const REST_MS = 10_000;

/**
 * Several connections in one channel, as docs/sealed-channel.md has it ("Several connections"): the side that opens them,
 * in what every browser has. What is written in one turn of the event loop travels together.
 *
 * @example
 * ```ts
 * const channel = new MultiplexedChannel(new SealedBytes(carrier, session), 5_000);
 * const connection = channel.connection();
 * ```
 */
export class MultiplexedChannel implements ConnectionOwner {
  readonly #channel: ByteChannel;
  readonly #connections = new Set<ChannelConnection>();
  /** Those that the backend knows. */
  readonly #byId = new Map<number, ChannelConnection>();
  /** Connections with something to send, in the order of their turns. */
  readonly #queue = new Set<ChannelConnection>();
  /** Whole frames that go before all else. */
  #controls: Uint8Array[] = [Uint8Array.of(PREFACE)];
  #isSending = false;
  #isEnding = false;
  #lastId = 0;
  #heardAt = Date.now();
  readonly #heartbeat: ReturnType<typeof setInterval>;
  #asked: ReturnType<typeof setTimeout> | undefined;
  #rest: ReturnType<typeof setTimeout> | undefined;

  /** @param silenceMs milliseconds of silence after which the backend is sent a ping while connections are open */
  constructor(channel: ByteChannel, silenceMs: number) {
    this.#channel = channel;
    this.#heartbeat = setInterval(() => this.#askIfSilent(silenceMs), silenceMs);
    void this.#receive();
  }

  /** Connections open now. */
  get size(): number {
    return this.#connections.size;
  }

  /** Whether connections can be opened and used. */
  get isOpen(): boolean {
    return !this.#isEnding && this.#channel.isOpen && this.#lastId < MAX_STREAM_ID;
  }

  /** Opens a connection; the backend learns of it by what is written first. */
  connection(): ChannelConnection {
    clearTimeout(this.#rest);
    const connection = new ChannelConnection(this);
    this.#connections.add(connection);
    return connection;
  }

  /** Breaks off what is in it, says the end and closes. */
  close(error: Error): void {
    this.#over(error);
    this.#channel.close();
  }

  wake(connection: ChannelConnection): void {
    this.#queue.add(connection);
    void this.#send();
  }

  register(connection: ChannelConnection): number {
    this.#lastId += 1;
    this.#byId.set(this.#lastId, connection);
    return this.#lastId;
  }

  forget(connection: ChannelConnection, last: Uint8Array | undefined): void {
    this.#connections.delete(connection);
    this.#byId.delete(connection.id);
    this.#queue.delete(connection);
    if (this.#isEnding) return;
    if (last !== undefined) this.#control(last);
    if (this.size === 0) this.#rest = setTimeout(() => this.#endIfIdle(), REST_MS);
  }

  /** It costs little to open, and one that was kept may have gone unnoticed. */
  #endIfIdle(): void {
    if (this.size > 0) return;
    this.#over(undefined);
    this.#channel.close();
  }

  async #receive(): Promise<void> {
    const parser = new FrameParser({
      onData: (id, bytes) => this.#connectionOf(id)?.arrivedData(bytes),
      onControl: (id, kind, value) => this.#onControl(id, kind, value),
    });
    try {
      for (;;) {
        const bytes = await this.#channel.read();
        if (bytes === undefined) break;
        this.#heard();
        parser.push(bytes);
      }
      this.#over(undefined);
      this.#channel.close();
    } catch (error) {
      this.#cut(error);
    }
  }

  #onControl(id: number, kind: number, value: number): void {
    if (kind === FrameKind.ping || kind === FrameKind.pong) {
      if (id !== 0) throw new ChannelStreamsError('a ping or pong of a stream');
      if (kind === FrameKind.ping) this.#control(frameHeader(0, FrameKind.pong, 0));
      return;
    }
    const connection = this.#connectionOf(id);
    if (kind === FrameKind.end) connection?.arrivedEnd();
    else if (kind === FrameKind.window) connection?.arrivedWindow(value);
    else connection?.arrivedReset(undefined);
  }

  /** Undefined for one that is over. @throws {ChannelStreamsError} for one that never was: a backend opens none */
  #connectionOf(id: number): ChannelConnection | undefined {
    if (id === 0 || id > this.#lastId) throw new ChannelStreamsError('a stream that nobody opened');
    return this.#byId.get(id);
  }

  #control(frame: Uint8Array): void {
    this.#controls.push(frame);
    if (this.#controls.length > MAX_CONTROLS) this.#cut(new ChannelStreamsError('it asks and does not read'));
    else void this.#send();
  }

  /** Seals what is to be sent: first what has no bytes, then of each connection in turn. */
  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      // What else is written in this turn of the event loop travels along.
      await Promise.resolve();
      while (this.#controls.length > 0 || this.#queue.size > 0) {
        const frames = this.#controls;
        this.#controls = [];
        const senders = this.#takeTurns(frames);
        if (frames.length === 0) continue;
        await this.#channel.write(joined(frames));
        for (const sender of senders) sender.sent();
      }
    } catch (error) {
      this.#cut(error);
    } finally {
      this.#isSending = false;
    }
  }

  #takeTurns(frames: Uint8Array[]): readonly ChannelConnection[] {
    const senders: ChannelConnection[] = [];
    let bytes = 0;
    for (const connection of this.#queue) {
      if (bytes >= BATCH) break;
      this.#queue.delete(connection);
      bytes += connection.takeTurn(frames);
      senders.push(connection);
      // At the end of the queue, which this loop comes to as well.
      if (connection.wantsTurn) this.#queue.add(connection);
    }
    return senders;
  }

  #heard(): void {
    this.#heardAt = Date.now();
    clearTimeout(this.#asked);
    this.#asked = undefined;
  }

  /** Notices a backend that is gone without a word, after a change of network or a sleep. */
  #askIfSilent(silenceMs: number): void {
    if (this.#asked !== undefined || this.size === 0) return;
    // By the wall clock, since the monotonic one may stand still while the machine sleeps.
    if (Math.abs(Date.now() - this.#heardAt) < silenceMs) return;
    const answerMs = ANSWER_FACTOR * silenceMs;
    this.#asked = setTimeout(() => this.#cut(new ChannelSilentError(answerMs)), answerMs);
    this.#control(frameHeader(0, FrameKind.ping, 0));
  }

  #cut(error: unknown): void {
    const cause = error instanceof Error ? error : new Error(String(error));
    this.#over(cause);
    this.#channel.fail(cause);
  }

  /** Nothing more comes: connections that have not ended are cut. */
  #over(error: Error | undefined): void {
    this.#isEnding = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#asked);
    clearTimeout(this.#rest);
    for (const connection of [...this.#connections]) connection.arrivedReset(error);
  }
}

function joined(frames: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(frames.reduce((bytes, frame) => bytes + frame.byteLength, 0));
  let at = 0;
  for (const frame of frames) {
    whole.set(frame, at);
    at += frame.byteLength;
  }
  return whole;
}
