import type { ChannelSession } from '@aico/protocol/channel';
import { ConnectionBrokenError } from '../errors.ts';
import type { ByteChannel } from './multiplexed-channel.ts';
import type { WebSocketCarrier } from './web-socket-carrier.ts';

/** Bytes of a WebSocket message: a backend accepts at most 128 KiB. */
const PART = 65_536;

/** An open channel as a byte stream. */
export class SealedBytes implements ByteChannel {
  readonly #carrier: WebSocketCarrier;
  readonly #session: ChannelSession;
  readonly #read: Uint8Array[] = [];
  #failure: Error | undefined;

  constructor(carrier: WebSocketCarrier, session: ChannelSession) {
    this.#carrier = carrier;
    this.#session = session;
  }

  /** Whether it can be written to. */
  get isOpen(): boolean {
    return this.#carrier.isOpen && this.#session.state.kind === 'open' && !this.#session.peerEnded;
  }

  /**
   * Resolves when more can be written.
   * @throws {ConnectionBrokenError}
   */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; at += PART) {
      if (!this.isOpen) throw new ConnectionBrokenError(new Error('the channel is closed'));
      this.#carrier.send(this.#session.seal(bytes.subarray(at, at + PART)));
      await this.#carrier.drained();
    }
  }

  /**
   * Resolves with the next bytes, or `undefined` after the backend's end record.
   *
   * @throws {ChannelTruncatedError} when the connection ends before an end record
   * @throws {ChannelRecordError} when the bytes were altered
   */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const content = this.#read.shift();
      if (content !== undefined) return content;
      if (this.#session.peerEnded) return undefined;
      const chunk = await this.#carrier.receive();
      if (chunk === undefined) {
        this.#session.finish();
        return undefined;
      }
      this.#session.push(chunk, (part) => this.#read.push(part));
    }
  }

  /** Sends the end record and closes. */
  close(): void {
    if (this.#session.state.kind === 'open') this.#carrier.send(this.#session.end());
    this.#session.close();
    this.#carrier.close();
  }

  /** Aborts it: pending reads and writes fail with `error`. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#carrier.fail(error);
    this.#session.close();
  }
}
