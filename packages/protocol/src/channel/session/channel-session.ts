import { ChannelClosedError, ChannelTruncatedError } from '../errors.ts';
import type { HandshakeKeys } from '../noise/handshake-state.ts';
import { RecordType } from '../records/record.ts';
import { RecordReader } from '../records/record-reader.ts';
import { RecordWriter } from '../records/record-writer.ts';

/** The state of a session. The directions end independently; a failure ends both. */
export type SessionState =
  | { readonly kind: 'open' }
  /** This side has sent its end record; the peer may still send. */
  | { readonly kind: 'ending' }
  /** Both sides have sent their end record, or this one has closed. */
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * An open channel: bytes in, bytes out. The results of `seal`, `end`, `idle` and `renew` must be sent completely and in the
 * order of the calls. Pass received bytes to `push`, and call `finish` when the connection ends.
 *
 * If `push` throws, the channel has failed: send `refusal`, close the connection, and drop the session.
 */
export class ChannelSession {
  /** The peer's static public key, authenticated by the handshake. */
  readonly peerKey: Uint8Array;
  /** 32 bytes that identify this session uniquely, the same on both sides. Not secret. */
  readonly sessionId: Uint8Array;
  /** The bytes sent to the peer after any failure, the same for all. Empty on the initiator, which only closes. */
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

  /** Whether the peer has sent its end record. */
  get peerEnded(): boolean {
    return this.#reader.ended;
  }

  /**
   * Whether a record of the peer has been opened. On a responder this proves that the peer is present and holds its keys;
   * before that, its first message may have been a replay.
   */
  get isConfirmed(): boolean {
    return this.#reader.opened > 0;
  }

  /**
   * Seals bytes of the stream, in one part or several, into as few records as possible. Sealing several small writes together
   * is cheaper.
   * @throws {ChannelClosedError} after `end`, `close` or a failure
   */
  seal(bytes: Uint8Array | readonly Uint8Array[]): Uint8Array {
    this.#mustBeOpen();
    return this.#writer.seal(bytes instanceof Uint8Array ? [bytes] : bytes);
  }

  /**
   * Ends this side, which seals nothing afterwards.
   * @throws {ChannelClosedError}
   */
  end(): Uint8Array {
    this.#mustBeOpen();
    const record = this.#writer.sealEmpty(RecordType.end);
    this.#state = { kind: 'ending' };
    if (this.#reader.ended) this.close();
    return record;
  }

  /**
   * Creates a record without content, of the smallest size.
   * @throws {ChannelClosedError}
   */
  idle(): Uint8Array {
    this.#mustBeOpen();
    return this.#writer.sealEmpty(RecordType.idle);
  }

  /**
   * Replaces the key of this direction now. This happens automatically after 65,536 records or 1 GiB.
   * @throws {ChannelClosedError}
   */
  renew(): Uint8Array {
    this.#mustBeOpen();
    return this.#writer.sealEmpty(RecordType.renew);
  }

  /**
   * Opens received bytes, in chunks of any size, and calls `onData` with the content of each data record they complete. Records
   * are opened in place, so the caller gives up the chunk, and `onData` gets views of it.
   *
   * If `onData` throws, the channel fails and the error is rethrown.
   *
   * @throws {ChannelRecordError} for anything but the peer's next record, unaltered
   * @throws {ChannelRefusedError} if the peer refused the channel
   * @throws {ChannelBusyError} if the peer has too many channels
   * @throws {ChannelClosedError} after a failure or `close`
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
   * Handles the end of the connection.
   * @throws {ChannelTruncatedError} unless the peer's end record came before, or this side has closed or failed
   */
  finish(): void {
    if (this.#reader.ended || this.#state.kind === 'failed' || this.#state.kind === 'closed') return;
    const error = new ChannelTruncatedError();
    this.#fail(error);
    throw error;
  }

  /** Wipes the keys. Further calls do nothing. */
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
