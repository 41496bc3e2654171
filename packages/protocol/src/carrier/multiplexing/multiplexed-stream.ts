import { Duplex } from 'node:stream';
import { ChannelTruncatedError } from '../../channel/errors.ts';
import type { SocketLike } from '../socket-like.ts';
import { IdleTimer } from './idle-timer.ts';
import type { StreamListener, StreamState } from './stream-state.ts';

/** The high-water mark of the read buffer in bytes. Must be less than half of a window. */
const HIGH_WATER = 65_536;

/** The part of a multiplexer that its streams use. */
export interface StreamCarrier {
  readonly carrier: Duplex & SocketLike;
  /** Whether this side opens the streams. */
  readonly isOpener: boolean;
  noteRef(isRef: boolean): void;
}

type Done = (error?: Error | null) => void;

/**
 * One of several connections in a channel, used in place of a socket. Unread data beyond a window of 256 KiB stays with its
 * writer, so a slow reader does not delay the other connections.
 */
export class MultiplexedStream extends Duplex {
  readonly #owner: StreamCarrier;
  readonly #state: StreamState;
  /** Callbacks of the write and of the end in progress. */
  readonly #pending: { sent: Done | undefined; ending: Done | undefined } = {
    sent: undefined,
    ending: undefined,
  };
  #wasReset = false;
  #isRef = true;
  readonly #idle = new IdleTimer(() => this.emit('timeout'));

  constructor(owner: StreamCarrier, state: StreamState) {
    super({ allowHalfOpen: true, readableHighWaterMark: HIGH_WATER });
    this.#owner = owner;
    this.#state = state;
    state.listener = this.#listener();
    owner.noteRef(true);
  }

  get id(): number {
    return this.#state.id;
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
    // As with a socket: a timer would keep a destroyed stream in memory until it fires.
    if (this.destroyed) return this;
    if (callback !== undefined) this.once('timeout', callback);
    this.#idle.set(ms);
    return this;
  }

  /** Does nothing: the option belongs to the socket of the channel. */
  setNoDelay(): this {
    return this;
  }

  /** Does nothing: the option belongs to the socket of the channel. */
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
    this.#pending.ending = done;
    this.#state.end();
  }

  override _read(): void {
    // The bytes of the current read count as unread until it has returned.
    if (this.#state.isWindowLow) process.nextTick(() => this.#state.updateWindow(this.readableLength));
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#idle.stop();
    this.#setRef(false);
    this.#state.close();
    this.#settle('sent', error ?? new ChannelTruncatedError());
    done(error);
  }

  #listener(): StreamListener {
    return {
      onData: (bytes) => {
        this.#idle.active();
        this.push(bytes);
        this.#state.updateWindow(this.readableLength);
      },
      onEnd: () => void this.push(null),
      onReset: (error) => this.#reset(error),
      onSent: (isAll) => {
        this.#idle.active();
        if (isAll) this.#settle('sent');
      },
      onEndSent: () => this.#settle('ending'),
    };
  }

  #reset(error: Error | undefined): void {
    this.#wasReset = true;
    // After the end of the peer, all data has arrived and nothing is lost.
    if (!this.#state.peerEnded) this.destroy(error ?? new ChannelTruncatedError());
    // A response that has arrived completely can still be read; the answer to a request can no longer be sent.
    else if (this.#owner.isOpener && !this.readableEnded && !this.destroyed) this.#leaveReadable();
    else this.destroy();
  }

  /** Keeps the received data readable; discards all writes. */
  #leaveReadable(): void {
    this.#idle.stop();
    this.#setRef(false);
    this.once('end', () => this.destroy());
    this.#settle('sent');
    this.#settle('ending');
  }

  #send(chunks: Uint8Array[], bytes: number, done: Done): void {
    if (bytes === 0 || this.#wasReset) {
      done();
      return;
    }
    this.#pending.sent = done;
    this.#idle.active();
    this.#state.write(chunks, bytes);
  }

  #settle(which: 'sent' | 'ending', error?: Error): void {
    const done = this.#pending[which];
    this.#pending[which] = undefined;
    done?.(error);
  }

  #setRef(isRef: boolean): void {
    if (this.#isRef === isRef || (isRef && (this.destroyed || this.#wasReset))) return;
    this.#isRef = isRef;
    this.#owner.noteRef(isRef);
  }
}
