import type { CipherState } from '../noise/cipher-state.ts';
import { RENEW_AFTER_BYTES, RENEW_AFTER_RECORDS, RecordType } from './record.ts';

/**
 * Counts the records of one direction, identically on both sides, and replaces its key when the count or a record requires it.
 */
export class KeyRenewal {
  readonly #cipher: CipherState;
  #records = 0;
  #bytes = 0;

  constructor(cipher: CipherState) {
    this.#cipher = cipher;
  }

  /** Must be called after each record, with its type and its length in bytes including the tag. */
  count(type: number, length: number): void {
    this.#records += 1;
    this.#bytes += length;
    if (
      type === RecordType.renew ||
      this.#records >= RENEW_AFTER_RECORDS ||
      this.#bytes >= RENEW_AFTER_BYTES
    ) {
      this.#cipher.rekey();
      this.#records = 0;
      this.#bytes = 0;
    }
  }
}
