import { Heartbeat, MultiplexerState } from '@aico/protocol/carrier/multiplexing';
import { ChannelConnection, type ConnectionOwner } from './channel-connection.ts';

/** An open channel as a byte stream. */
export interface ByteChannel {
  readonly isOpen: boolean;
  /** Resolves when more can be written. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves with the next bytes, or `undefined` after the backend's end record; rejects when the channel was cut before. */
  read(): Promise<Uint8Array | undefined>;
  /** Sends the end record and closes. */
  close(): void;
  /** Aborts it: pending reads and writes fail with `error`. */
  fail(error: Error): void;
}

/** Milliseconds after which a channel without connections is ended. */
const IDLE_MS = 10_000;

/**
 * The side of a multiplexed channel that opens connections (docs/sealed-channel.md, "Several connections"), with browser APIs
 * only. Writes in one turn of the event loop share a record.
 *
 * @example
 * ```ts
 * const channel = new MultiplexedChannel(new SealedBytes(carrier, session), 5_000);
 * const connection = channel.connection();
 * ```
 */
export class MultiplexedChannel implements ConnectionOwner {
  readonly #channel: ByteChannel;
  readonly #state: MultiplexerState;
  readonly #heartbeat: Heartbeat;
  /** Callbacks for the writes in the frames being gathered. */
  #written: (() => void)[] = [];
  #isSending = false;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  /** @param silenceMs milliseconds of silence after which the backend is sent a ping while connections are open */
  constructor(channel: ByteChannel, silenceMs: number) {
    this.#channel = channel;
    this.#state = new MultiplexerState({
      onWake: () => {
        this.#endWhenIdle();
        void this.#send();
      },
      onFailure: (error) => this.#cut(error),
    });
    this.#heartbeat = new Heartbeat({
      silenceMs,
      isBusy: () => this.size > 0,
      ping: () => this.#state.ping(),
      onSilent: (error) => this.#cut(error),
    });
    void this.#receive();
  }

  /** The number of open connections. */
  get size(): number {
    return this.#state.size;
  }

  /** Whether the peer has sent data on any connection. */
  get hasServed(): boolean {
    return this.#state.hasReceived;
  }

  /** Whether connections can be opened and used. */
  get isOpen(): boolean {
    return this.#state.canOpen && this.#channel.isOpen;
  }

  /** Opens a connection; the backend learns of it with the first write. */
  connection(): ChannelConnection {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = undefined;
    return new ChannelConnection(this, this.#state.open());
  }

  whenWritten(written: () => void): void {
    this.#written.push(written);
  }

  /** Resets its connections, sends the end record and closes. */
  close(error: Error | undefined): void {
    this.#over(error);
    this.#channel.close();
  }

  /** Ends an idle channel soon: a new one costs little, and an idle one may break without notice. */
  #endWhenIdle(): void {
    if (this.size > 0 || this.#state.isEnding || this.#idleTimer !== undefined) return;
    this.#idleTimer = setTimeout(() => {
      if (this.size === 0) this.close(undefined);
    }, IDLE_MS);
  }

  async #receive(): Promise<void> {
    try {
      for (;;) {
        const bytes = await this.#channel.read();
        if (bytes === undefined) break;
        this.#heartbeat.heard();
        this.#state.receive(bytes);
      }
      this.close(undefined);
    } catch (error) {
      this.#cut(error);
    }
  }

  /** Seals and writes pending frames, batch by batch, as fast as the channel accepts them. */
  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      // Frames that are written later in this turn of the event loop share the record.
      await Promise.resolve();
      while (this.#state.hasOutput && !this.#state.isEnding) {
        const frames: Uint8Array[] = [];
        this.#state.take(frames);
        const written = this.#written;
        this.#written = [];
        if (frames.length > 0) await this.#channel.write(joined(frames));
        for (const each of written) each();
      }
    } catch (error) {
      this.#cut(error);
    } finally {
      this.#isSending = false;
    }
  }

  #cut(error: unknown): void {
    const cause = error instanceof Error ? error : new Error(String(error));
    this.#over(cause);
    this.#channel.fail(cause);
  }

  /** Handles the end of the channel: connections that have not ended fail. */
  #over(error: Error | undefined): void {
    this.#heartbeat.stop();
    clearTimeout(this.#idleTimer);
    this.#state.over(error);
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
