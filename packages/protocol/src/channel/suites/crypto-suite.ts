/** The length of an X25519 key, a hash, a cipher key and a pre-shared key. */
export const KEY_BYTES = 32;
/** The length of the authentication tag of a sealed text. */
export const TAG_BYTES = 16;

/** A static or ephemeral key pair of X25519 (RFC 7748). */
export interface KeyPair {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** ChaCha20-Poly1305 (RFC 8439) under one key, with Noise's nonce: four zero bytes, then 64 bits little-endian. */
export interface AeadKey {
  /**
   * Writes ciphertext and tag to `output`, whose length is that of the plaintext plus `TAG_BYTES`. The plaintext may be the
   * first bytes of `output`.
   */
  seal(nonce: bigint | number, ad: Uint8Array | undefined, plaintext: Uint8Array, output: Uint8Array): void;
  /**
   * Writes the plaintext to `output`, which may be the first bytes of `ciphertext`. Returns false, and leaves `output`
   * undefined, if the ciphertext does not authenticate.
   */
  open(
    nonce: bigint | number,
    ad: Uint8Array | undefined,
    ciphertext: Uint8Array,
    output: Uint8Array,
  ): boolean;
  /** Overwrites the key, as far as the runtime allows. */
  wipe(): void;
}

/**
 * The primitives of the protocol. Two implementations produce the same bytes: `@aico/protocol/channel/node` and
 * `@aico/protocol/channel/noble`.
 */
export interface CryptoSuite {
  /** The name of the implementation, for logs and figures. */
  readonly backend: string;
  /** The names of the three primitives in Noise's notation: `25519_ChaChaPoly_SHA256`. */
  readonly name: string;
  /** The key pair of 32 secret bytes. */
  keyPair(secretKey: Uint8Array): KeyPair;
  /**
   * X25519.
   * @throws if the result is zero, which a malicious public key can cause
   */
  dh(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array;
  aead(key: Uint8Array): AeadKey;
  /** SHA-256 of the concatenated parts. */
  hash(...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC-SHA-256 (RFC 2104), the basis of the key derivation. */
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** Bytes from the system's random generator. */
  random(length: number): Uint8Array;
}

/** Generates a key pair from the suite's randomness. */
export function generateKeyPair(suite: CryptoSuite): KeyPair {
  return suite.keyPair(suite.random(KEY_BYTES));
}
