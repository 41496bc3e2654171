/** Bytes of an X25519 key, of a hash, of a cipher key and of a pre-shared key. */
export const KEY_BYTES = 32;
/** Bytes of the tag that authenticates a sealed text. */
export const TAG_BYTES = 16;

/** A static or ephemeral key pair of X25519 (RFC 7748). */
export interface KeyPair {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** ChaCha20-Poly1305 (RFC 8439) under one key, with Noise's nonce: four zero bytes, then 64 bits little-endian. */
export interface AeadKey {
  /**
   * Writes ciphertext and tag to `output`, whose length is the plaintext's plus `TAG_BYTES`. The plaintext may be the
   * first bytes of `output` itself.
   */
  seal(nonce: bigint | number, ad: Uint8Array | undefined, plaintext: Uint8Array, output: Uint8Array): void;
  /**
   * Writes the plaintext to `output`, which may be the first bytes of `ciphertext` itself. False, and `output` holds
   * nothing of worth, where the ciphertext does not authenticate.
   */
  open(
    nonce: bigint | number,
    ad: Uint8Array | undefined,
    ciphertext: Uint8Array,
    output: Uint8Array,
  ): boolean;
  /** Overwrites the key, as far as the runtime allows it. */
  wipe(): void;
}

/**
 * The primitives the protocol stands on. Two implementations make the same bytes: `@aico/protocol/channel/node` and
 * `@aico/protocol/channel/noble`.
 */
export interface CryptoSuite {
  /** Which implementation this is: for logs and figures. */
  readonly backend: string;
  /** The three primitives as Noise writes them: `25519_ChaChaPoly_SHA256`. */
  readonly name: string;
  /** The public key that belongs to 32 secret bytes. */
  keyPair(secretKey: Uint8Array): KeyPair;
  /** X25519. @throws where the result is zero, which a hostile public key can bring about. */
  dh(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array;
  aead(key: Uint8Array): AeadKey;
  /** SHA-256 of one or more parts, one after the other. */
  hash(...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC-SHA-256 (RFC 2104), of which the key derivation is made. */
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** Bytes from the system's generator. */
  random(length: number): Uint8Array;
}

/** A fresh key pair from the suite's own randomness. */
export function generateKeyPair(suite: CryptoSuite): KeyPair {
  return suite.keyPair(suite.random(KEY_BYTES));
}
