/**
 * The suite for Node, over libsodium: a small record costs a fifth of that with a cipher object of node:crypto, and X25519 and
 * SHA-256 are faster too (benchmarks/channel-suites.ts). Browsers load noble-suite.ts instead.
 */
import { type AeadKey, type CryptoSuite, KEY_BYTES } from './crypto-suite.ts';
import { sodium } from './sodium.ts';

const NONCE_BYTES = 12;
/** The block length of SHA-256, to which HMAC pads its key. */
const BLOCK_BYTES = 64;

class SodiumAeadKey implements AeadKey {
  readonly #key: Uint8Array;
  readonly #nonce = new Uint8Array(NONCE_BYTES);
  readonly #view = new DataView(this.#nonce.buffer);

  constructor(key: Uint8Array) {
    this.#key = key.slice();
  }

  seal(nonce: bigint | number, ad: Uint8Array | undefined, plaintext: Uint8Array, output: Uint8Array): void {
    this.#writeNonce(nonce);
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
      output,
      plaintext,
      ad ?? null,
      null,
      this.#nonce,
      this.#key,
    );
  }

  open(
    nonce: bigint | number,
    ad: Uint8Array | undefined,
    ciphertext: Uint8Array,
    output: Uint8Array,
  ): boolean {
    this.#writeNonce(nonce);
    try {
      sodium.crypto_aead_chacha20poly1305_ietf_decrypt(
        output,
        null,
        ciphertext,
        ad ?? null,
        this.#nonce,
        this.#key,
      );
      return true;
    } catch {
      return false;
    }
  }

  wipe(): void {
    sodium.sodium_memzero(this.#key);
  }

  #writeNonce(nonce: bigint | number): void {
    if (typeof nonce === 'bigint') {
      this.#view.setBigUint64(4, nonce, true);
      return;
    }
    this.#view.setUint32(4, nonce >>> 0, true);
    this.#view.setUint32(8, Math.floor(nonce / 0x1_0000_0000), true);
  }
}

/** X25519, ChaCha20-Poly1305 and SHA-256 by sodium-native. */
export const sodiumSuite: CryptoSuite = {
  backend: 'sodium-native',
  name: '25519_ChaChaPoly_SHA256',
  keyPair(secretKey) {
    const publicKey = new Uint8Array(KEY_BYTES);
    sodium.crypto_scalarmult_base(publicKey, secretKey);
    return { secretKey: secretKey.slice(), publicKey };
  },
  dh(secretKey, publicKey) {
    const shared = new Uint8Array(KEY_BYTES);
    sodium.crypto_scalarmult(shared, secretKey, publicKey);
    return shared;
  },
  aead: (key) => new SodiumAeadKey(key),
  hash(...parts) {
    const digest = new Uint8Array(KEY_BYTES);
    sodium.crypto_hash_sha256(digest, joined(parts));
    return digest;
  },
  hmac(key, data) {
    // sodium-native has no HMAC-SHA-256; one array per pass keeps this at two calls.
    const short = key.byteLength > BLOCK_BYTES ? this.hash(key) : key;
    const inner = new Uint8Array(BLOCK_BYTES + data.byteLength).fill(0x36, 0, BLOCK_BYTES);
    const outer = new Uint8Array(BLOCK_BYTES + KEY_BYTES).fill(0x5c, 0, BLOCK_BYTES);
    for (let index = 0; index < short.byteLength; index += 1) {
      const byte = short[index] ?? 0;
      inner[index] = byte ^ 0x36;
      outer[index] = byte ^ 0x5c;
    }
    inner.set(data, BLOCK_BYTES);
    sodium.crypto_hash_sha256(outer.subarray(BLOCK_BYTES), inner);
    const digest = new Uint8Array(KEY_BYTES);
    sodium.crypto_hash_sha256(digest, outer);
    return digest;
  },
  random(length) {
    const bytes = new Uint8Array(length);
    sodium.randombytes_buf(bytes);
    return bytes;
  },
};

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}
