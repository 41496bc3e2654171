/** The suite for browsers and other runtimes: plain JavaScript, no Node builtins. */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { randomBytes } from '@noble/hashes/utils.js';
import type { AeadKey, CryptoSuite } from './crypto-suite.ts';

class NobleAeadKey implements AeadKey {
  readonly #key: Uint8Array;
  readonly #nonce = new Uint8Array(12);
  readonly #view = new DataView(this.#nonce.buffer);

  constructor(key: Uint8Array) {
    this.#key = key.slice();
  }

  seal(nonce: bigint | number, ad: Uint8Array | undefined, plaintext: Uint8Array, output: Uint8Array): void {
    this.#cipher(nonce, ad).encrypt(plaintext, output);
  }

  open(
    nonce: bigint | number,
    ad: Uint8Array | undefined,
    ciphertext: Uint8Array,
    output: Uint8Array,
  ): boolean {
    try {
      this.#cipher(nonce, ad).decrypt(ciphertext, output);
      return true;
    } catch {
      return false;
    }
  }

  wipe(): void {
    this.#key.fill(0);
  }

  #cipher(nonce: bigint | number, ad: Uint8Array | undefined): ReturnType<typeof chacha20poly1305> {
    this.#view.setBigUint64(4, BigInt(nonce), true);
    return chacha20poly1305(this.#key, this.#nonce, ad);
  }
}

/** X25519, ChaCha20-Poly1305 and SHA-256 by the @noble packages. */
export const nobleSuite: CryptoSuite = {
  backend: 'noble',
  name: '25519_ChaChaPoly_SHA256',
  keyPair: (secretKey) => ({ secretKey: secretKey.slice(), publicKey: x25519.getPublicKey(secretKey) }),
  dh: (secretKey, publicKey) => x25519.getSharedSecret(secretKey, publicKey),
  aead: (key) => new NobleAeadKey(key),
  hash(...parts) {
    const state = sha256.create();
    for (const part of parts) state.update(part);
    return state.digest();
  },
  hmac: (key, data) => hmac(sha256, key, data),
  random: (length) => randomBytes(length),
};
