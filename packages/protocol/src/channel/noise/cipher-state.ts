import { type AeadKey, type CryptoSuite, KEY_BYTES, TAG_BYTES } from '../suites/crypto-suite.ts';

/** The nonce that Noise reserves for REKEY: all ones. */
const REKEY_NONCE = 0xffff_ffff_ffff_ffffn;

/**
 * The key and counter of one direction (Noise rev 34, section 5.1). The counter is a double, exact up to 2^53 - 1; beyond that
 * `seal` throws rather than use a nonce twice.
 */
export class CipherState {
  readonly #suite: CryptoSuite;
  #aead: AeadKey;
  #nonce = 0;
  #wiped = false;

  constructor(suite: CryptoSuite, key: Uint8Array) {
    this.#suite = suite;
    this.#aead = suite.aead(key);
  }

  /** The number of texts sealed or opened. */
  get nonce(): number {
    return this.#nonce;
  }

  /** Seals into `output`. The plaintext may be its first bytes. */
  seal(ad: Uint8Array | undefined, plaintext: Uint8Array, output: Uint8Array): void {
    this.#aead.seal(this.#next(), ad, plaintext, output);
    this.#nonce += 1;
  }

  /** Opens into `output`. Returns false, and keeps the counter, if the text does not authenticate. */
  open(ad: Uint8Array | undefined, ciphertext: Uint8Array, output: Uint8Array): boolean {
    if (!this.#aead.open(this.#next(), ad, ciphertext, output)) return false;
    this.#nonce += 1;
    return true;
  }

  /** Replaces the key by a one-way function of itself (section 4.2, REKEY). The counter continues. */
  rekey(): void {
    const sealed = new Uint8Array(KEY_BYTES + TAG_BYTES);
    this.#aead.seal(REKEY_NONCE, undefined, new Uint8Array(KEY_BYTES), sealed);
    this.#aead.wipe();
    this.#aead = this.#suite.aead(sealed.subarray(0, KEY_BYTES));
    sealed.fill(0);
  }

  /** Wipes the key; `seal` and `open` throw afterwards. */
  wipe(): void {
    this.#aead.wipe();
    this.#wiped = true;
  }

  #next(): number {
    if (this.#wiped) throw new RangeError('this key has been wiped');
    if (this.#nonce >= Number.MAX_SAFE_INTEGER) throw new RangeError('the counter of this key is used up');
    return this.#nonce;
  }
}
