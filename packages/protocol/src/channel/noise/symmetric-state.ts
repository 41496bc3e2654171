import { type CryptoSuite, KEY_BYTES, TAG_BYTES } from '../suites/crypto-suite.ts';
import { CipherState } from './cipher-state.ts';

/** The chaining key, the transcript hash and the current key of the handshake (Noise rev 34, section 5.2). */
export class SymmetricState {
  readonly #suite: CryptoSuite;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #cipher: CipherState | undefined;

  constructor(suite: CryptoSuite, protocolName: string) {
    this.#suite = suite;
    const name = new TextEncoder().encode(protocolName);
    if (name.byteLength <= KEY_BYTES) {
      this.#hash = new Uint8Array(KEY_BYTES);
      this.#hash.set(name);
    } else {
      this.#hash = suite.hash(name);
    }
    this.#chainingKey = this.#hash.slice();
  }

  /** `h`: equal on both sides if and only if both saw the same handshake. */
  get handshakeHash(): Uint8Array {
    return this.#hash.slice();
  }

  /** The number of bytes that sealing adds at this point. */
  get overhead(): number {
    return this.#cipher === undefined ? 0 : TAG_BYTES;
  }

  mixHash(bytes: Uint8Array): void {
    this.#hash = this.#suite.hash(this.#hash, bytes);
  }

  mixKey(input: Uint8Array): void {
    const [chainingKey, key] = hkdf(this.#suite, this.#chainingKey, input, 2);
    this.#chainingKey = chainingKey;
    this.#setKey(key);
  }

  mixKeyAndHash(input: Uint8Array): void {
    const [chainingKey, hashed, key] = hkdf(this.#suite, this.#chainingKey, input, 3);
    this.#chainingKey = chainingKey;
    this.mixHash(hashed);
    this.#setKey(key);
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(plaintext.byteLength + this.overhead);
    if (this.#cipher === undefined) sealed.set(plaintext);
    else this.#cipher.seal(this.#hash, plaintext, sealed);
    this.mixHash(sealed);
    return sealed;
  }

  /** Returns undefined if the text does not authenticate. */
  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    if (sealed.byteLength < this.overhead) return undefined;
    const plaintext = new Uint8Array(sealed.byteLength - this.overhead);
    if (this.#cipher === undefined) plaintext.set(sealed);
    else if (!this.#cipher.open(this.#hash, sealed, plaintext)) return undefined;
    this.mixHash(sealed);
    return plaintext;
  }

  /** Returns the keys of the records: initiator to responder, and back. */
  split(): readonly [CipherState, CipherState] {
    const [first, second] = hkdf(this.#suite, this.#chainingKey, new Uint8Array(0), 2);
    const keys = [new CipherState(this.#suite, first), new CipherState(this.#suite, second)] as const;
    first.fill(0);
    second.fill(0);
    this.wipe();
    return keys;
  }

  wipe(): void {
    this.#chainingKey.fill(0);
    this.#cipher?.wipe();
  }

  #setKey(key: Uint8Array): void {
    this.#cipher?.wipe();
    this.#cipher = new CipherState(this.#suite, key);
    key.fill(0);
  }
}

/** Noise's HKDF (section 4.3). With two outputs the third is empty. */
function hkdf(
  suite: CryptoSuite,
  chainingKey: Uint8Array,
  input: Uint8Array,
  outputs: 2 | 3,
): readonly [Uint8Array, Uint8Array, Uint8Array] {
  const temporary = suite.hmac(chainingKey, input);
  const first = suite.hmac(temporary, Uint8Array.of(1));
  const second = suite.hmac(temporary, numbered(first, 2));
  const third = outputs === 3 ? suite.hmac(temporary, numbered(second, 3)) : new Uint8Array(0);
  temporary.fill(0);
  return [first, second, third];
}

function numbered(output: Uint8Array, next: number): Uint8Array {
  const bytes = new Uint8Array(output.byteLength + 1);
  bytes.set(output);
  bytes[output.byteLength] = next;
  return bytes;
}
