import { ChannelClosedError, ChannelTruncatedError } from '../errors.ts';
import type { HandshakeKeys } from '../noise/handshake-state.ts';
import { RecordType } from '../records/record.ts';
import { RecordReader } from '../records/record-reader.ts';
import { RecordWriter } from '../records/record-writer.ts';

/** Where a session stands. Each direction ends by itself; a failure ends both. */
export type SessionState =
  | { readonly kind: 'open' }
  /** This side has said its end; the peer may still send. */
  | { readonly kind: 'ending' }
  /** Both sides have said their end, or this one has closed. */
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * An open channel: bytes in, bytes out. What `seal`, `end`, `idle` and `renew` return must be sent whole and in the order
 * they were called; what arrives goes to `push`; the arrival's end goes to `finish`.
 *
 * After a throw of `push` the channel is dead: send `refusal`, close, and drop it.
 */
export class ChannelSession {
  /** The peer's static public key, proven by the handshake. */
  readonly peerKey: Uint8Array;
  /** 32 bytes that name this session and no other; both sides have the same. Not secret. */
  readonly sessionId: Uint8Array;
  /** The bytes sent to the peer after any failure, the same for all. Empty on the initiator, which closes without a word. */
  readonly refusal: Uint8Array;
  readonly #keys: HandshakeKeys;
  readonly #writer: RecordWriter;
  readonly #reader: RecordReader;
  #state: SessionState = { kind: 'open' };

  constructor(keys: HandshakeKeys, peerKey: Uint8Array, refusal: Uint8Array) {
    this.#keys = keys;
    this.peerKey = peerKey;
    this.sessionId = keys.handshakeHash;
    this.refusal = refusal;
    this.#writer = new RecordWriter(keys.send);
    this.#reader = new RecordReader(keys.receive);
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Whether the peer has said its end. */
  get peerEnded(): boolean {
    return this.#reader.ended;
  }

  /**
   * Whether the peer has sent a record, and so proved on a responder that it is there now and holds its keys: before that,
   * its first message may have been a replay.
   */
  get isConfirmed(): boolean {
    return this.#reader.opened > 0;
  }

  /**
   * Seals bytes of the stream, one part or several, as few records as they need. Several small writes are cheaper
   * sealed together.
   * @throws {ChannelClosedError} after `end`, `close` or a failure.
   */
  seal(bytes: Uint8Array | readonly Uint8Array[]): Uint8Array {
    this.#mustBeOpen();
    return this.#writer.seal(bytes instanceof Uint8Array ? [bytes] : bytes);
  }

  /** This side's end, after which it seals nothing more. @throws {ChannelClosedError} */
  end(): Uint8Array {
    this.#mustBeOpen();
    const record = this.#writer.sealEmpty(RecordType.end);
    this.#state = { kind: 'ending' };
    if (this.#reader.ended) this.close();
    return record;
  }

  /** A record that says nothing, of the smallest size. @throws {ChannelClosedError} */
  idle(): Uint8Array {
    this.#mustBeOpen();
    return this.#writer.sealEmpty(RecordType.idle);
  }

  /** Replaces this direction's key now; by itself it happens after 65,536 records or 1 GiB. @throws {ChannelClosedError} */
  renew(): Uint8Array {
    this.#mustBeOpen();
    return this.#writer.sealEmpty(RecordType.renew);
  }

  /**
   * Takes bytes that arrived, cut anywhere, and calls `onData` with the content of each data record they complete. The
   * chunk is handed over: records are opened in place, and what `onData` gets lies in it.
   *
   * A throw of `onData` kills the channel too, and comes out here.
   *
   * @throws {ChannelRecordError} for anything that is not the peer's next record, unaltered.
   * @throws {ChannelRefusedError} where the peer broke the channel off.
   * @throws {ChannelBusyError} where the peer has too many channels.
   * @throws {ChannelClosedError} after a failure or `close`.
   */
  push(chunk: Uint8Array, onData: (content: Uint8Array) => void): void {
    if (this.#state.kind === 'failed' || (this.#state.kind === 'closed' && !this.#reader.ended))
      throw new ChannelClosedError();
    try {
      this.#reader.push(chunk, onData);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
    if (this.#reader.ended && this.#state.kind === 'ending') this.close();
  }

  /**
   * The transport delivers nothing more.
   * @throws {ChannelTruncatedError} unless the peer had said its end, or this side has closed or failed before.
   */
  finish(): void {
    if (this.#reader.ended || this.#state.kind === 'failed' || this.#state.kind === 'closed') return;
    const error = new ChannelTruncatedError();
    this.#fail(error);
    throw error;
  }

  /** Lets the keys go. Calling it again does nothing. */
  close(): void {
    if (this.#state.kind === 'failed' || this.#state.kind === 'closed') return;
    this.#state = { kind: 'closed' };
    this.#reader.stop();
    this.#wipe();
  }

  #fail(error: unknown): void {
    this.#state = { kind: 'failed', error };
    this.#wipe();
  }

  #wipe(): void {
    this.#keys.send.wipe();
    this.#keys.receive.wipe();
  }

  #mustBeOpen(): void {
    if (this.#state.kind !== 'open') throw new ChannelClosedError();
  }
}
