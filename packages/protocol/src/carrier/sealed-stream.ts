import { Duplex } from 'node:stream';
import { ChannelTruncatedError } from '../channel/errors.ts';
import { IdleTimer } from './multiplexing/idle-timer.ts';
import type { SocketLike } from './socket-like.ts';

/** Milliseconds that a peer has to read the last bytes before the carrier is destroyed. */
const CLOSE_MS = 500;

/** The members of a channel session that a stream uses. */
export interface Sealing {
  /** The frame that is sent to the peer after any failure. */
  readonly refusal: Uint8Array;
  /** Whether the peer has sent its end record. */
  readonly peerEnded: boolean;
  /** Whether a record of the peer has been opened, which proves that the first message was no replay. */
  readonly isConfirmed: boolean;
  seal(bytes: Uint8Array | readonly Uint8Array[]): Uint8Array;
  end(): Uint8Array;
  push(chunk: Uint8Array, onData: (content: Uint8Array) => void): void;
  finish(): void;
  close(): void;
}

/**
 * A channel as a Node stream: written bytes are sealed and sent on `carrier`, and records that arrive are opened and can be
 * read. It takes the place of a socket, so an HTTP server or client runs over it unchanged. Writes that wait for the carrier
 * share a record. A truncation, alteration or replay destroys the stream with the matching error, and the peer is sent the
 * constant refusal. Emits `confirmed` at the peer's first record.
 *
 * @example server.emit('connection', new SealedStream(socket, session));
 */
export class SealedStream extends Duplex {
  readonly #carrier: Duplex & SocketLike;
  readonly #channel: Sealing;
  #ended = false;
  #confirmed = false;
  /** Used if the carrier has no timeout of its own, as a WebSocket. */
  readonly #idle = new IdleTimer(() => this.emit('timeout'));

  constructor(carrier: Duplex, channel: Sealing) {
    // Half-open like the channel: after the end of one side the other may still send.
    super({ allowHalfOpen: true });
    this.#carrier = carrier;
    this.#channel = channel;
    carrier.on('data', (chunk: Uint8Array) => this.#arrived(chunk));
    carrier.on('end', () => this.#arrivedLast());
    carrier.on('close', () => this.#arrivedLast());
    // Reported as our own error: HTTP clients take ECONNRESET for the end of a body without a length.
    carrier.on('error', (error) => this.destroy(new ChannelTruncatedError(error)));
    carrier.on('timeout', () => this.emit('timeout'));
  }

  get remoteAddress(): string | undefined {
    return this.#carrier.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#carrier.remotePort;
  }

  get remoteFamily(): string | undefined {
    return this.#carrier.remoteFamily;
  }

  setTimeout(ms: number, callback?: () => void): this {
    if (this.destroyed) return this;
    if (callback !== undefined) this.once('timeout', callback);
    if (this.#carrier.setTimeout === undefined) this.#idle.set(ms);
    else this.#carrier.setTimeout(ms);
    return this;
  }

  setNoDelay(on?: boolean): this {
    this.#carrier.setNoDelay?.(on);
    return this;
  }

  setKeepAlive(on?: boolean, delay?: number): this {
    this.#carrier.setKeepAlive?.(on, delay);
    return this;
  }

  ref(): this {
    this.#carrier.ref?.();
    return this;
  }

  unref(): this {
    this.#carrier.unref?.();
    return this;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(() => this.#channel.seal(chunk), done);
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#send(() => this.#channel.seal(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#send(
      () => this.#channel.end(),
      (error) => {
        if (!error) this.#carrier.end();
        done(error);
      },
    );
  }

  override _read(): void {
    this.#carrier.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#idle.stop();
    this.#channel.close();
    // A pending end record or refusal is still sent.
    const carrier = this.#carrier;
    if (carrier.writableEnded && !carrier.writableFinished) {
      carrier.once('finish', () => carrier.destroy());
      const timer = setTimeout(() => carrier.destroy(), CLOSE_MS);
      timer.unref();
      carrier.once('close', () => clearTimeout(timer));
    } else carrier.destroy();
    done(error);
  }

  #send(seal: () => Uint8Array, done: (error?: Error | null) => void): void {
    this.#idle.active();
    let sealed: Uint8Array;
    try {
      sealed = seal();
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    // The next record is sealed when the carrier drains, so bytes written meanwhile share a record.
    if (this.#carrier.write(sealed)) done();
    else this.#whenDrained(done);
  }

  #whenDrained(done: (error?: Error | null) => void): void {
    const settle = (): void => {
      this.#carrier.off('drain', settle);
      this.#carrier.off('close', settle);
      done(this.#carrier.destroyed ? new Error('the connection has gone') : null);
    };
    this.#carrier.on('drain', settle);
    this.#carrier.on('close', settle);
  }

  #arrived(chunk: Uint8Array): void {
    if (this.destroyed) return;
    this.#idle.active();
    let wantsMore = true;
    try {
      this.#channel.push(chunk, (content) => {
        wantsMore = this.push(content) && wantsMore;
      });
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (!this.#confirmed && this.#channel.isConfirmed) {
      this.#confirmed = true;
      this.emit('confirmed');
    }
    if (this.#channel.peerEnded) this.#endReading();
    else if (!wantsMore) this.#carrier.pause();
  }

  /** Handles the end of the carrier, which is a truncation unless the peer's end record came before. */
  #arrivedLast(): void {
    if (this.destroyed || this.#ended) return;
    try {
      this.#channel.finish();
      this.#endReading();
    } catch (error) {
      this.#refuse(error);
    }
  }

  #endReading(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.push(null);
  }

  #refuse(error: unknown): void {
    const { refusal } = this.#channel;
    if (refusal.byteLength > 0 && this.#carrier.writable) {
      this.#carrier.end(refusal);
    }
    this.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
