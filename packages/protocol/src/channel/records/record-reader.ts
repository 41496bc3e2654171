import { ChannelBusyError, ChannelRecordError, ChannelRefusedError } from '../errors.ts';
import type { CipherState } from '../noise/cipher-state.ts';
import { TAG_BYTES } from '../suites/crypto-suite.ts';
import { BUSY_BYTES, busySeconds, REFUSAL_BYTES } from '../wire.ts';
import { FrameReader } from './frame-reader.ts';
import { KeyRenewal } from './key-renewal.ts';
import { HEADER_BYTES, MIN_RECORD, RecordType } from './record.ts';

/** Splits one direction of the stream into records and opens them. It must not be used after a throw. */
export class RecordReader {
  readonly #cipher: CipherState;
  readonly #renewal: KeyRenewal;
  readonly #frames = new FrameReader();
  #ended = false;
  #stopped = false;

  constructor(cipher: CipherState) {
    this.#cipher = cipher;
    this.#renewal = new KeyRenewal(cipher);
  }

  /** Whether the peer's end record has arrived. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The number of opened records. */
  get opened(): number {
    return this.#cipher.nonce;
  }

  /** Stops opening records, also those left in the current chunk. */
  stop(): void {
    this.#stopped = true;
  }

  /** Opens the records that `chunk` completes, in place: `onData` gets views of the chunk where possible. */
  push(chunk: Uint8Array, onData: (content: Uint8Array) => void): void {
    if (this.#ended && chunk.byteLength > 0) throw new ChannelRecordError('bytes after the end');
    for (
      let sealed = this.#frames.read(chunk, 0);
      sealed !== undefined && !this.#stopped;
      sealed = this.#frames.read(chunk, this.#frames.position)
    ) {
      this.#open(sealed, onData);
      if (this.#ended) {
        if (this.#frames.position < chunk.byteLength) throw new ChannelRecordError('bytes after the end');
        return;
      }
    }
  }

  #open(sealed: Uint8Array, onData: (content: Uint8Array) => void): void {
    const length = sealed.byteLength;
    if (length === REFUSAL_BYTES) throw new ChannelRefusedError();
    if (length === BUSY_BYTES) throw new ChannelBusyError(busySeconds(sealed));
    if (length < MIN_RECORD) throw new ChannelRecordError('a record below the minimum length');
    const plaintext = sealed.subarray(0, length - TAG_BYTES);
    if (!this.#cipher.open(undefined, sealed, plaintext))
      throw new ChannelRecordError('a record does not authenticate');
    const type = plaintext[0] ?? 0;
    const content = ((plaintext[1] ?? 0) << 8) | (plaintext[2] ?? 0);
    if (content > plaintext.byteLength - HEADER_BYTES)
      throw new ChannelRecordError('a record shorter than its content length');
    if (type > RecordType.renew || (type !== RecordType.data && content > 0))
      throw new ChannelRecordError('a record of unknown type');
    this.#renewal.count(type, length);
    if (type === RecordType.data) onData(plaintext.subarray(HEADER_BYTES, HEADER_BYTES + content));
    else if (type === RecordType.end) this.#ended = true;
  }
}
