/** libsodium, for the suite of the channel and for the packages that seal data at rest. */
import native from 'sodium-native';

/** The part of sodium-native that this project uses; the package ships no types. */
export interface Sodium {
  sodium_malloc(size: number): Buffer;
  sodium_free(buffer: Buffer): void;
  sodium_memzero(buffer: Uint8Array): void;
  sodium_mprotect_noaccess(buffer: Buffer): void;
  sodium_mprotect_readonly(buffer: Buffer): void;
  sodium_mprotect_readwrite(buffer: Buffer): void;
  randombytes_buf(buffer: Uint8Array): void;
  crypto_generichash(output: Uint8Array, input: Uint8Array, key?: Uint8Array): void;
  readonly crypto_aead_xchacha20poly1305_ietf_ABYTES: number;
  readonly crypto_aead_xchacha20poly1305_ietf_NPUBBYTES: number;
  crypto_aead_xchacha20poly1305_ietf_encrypt(
    ciphertext: Uint8Array,
    message: Uint8Array,
    associatedData: Uint8Array | null,
    nsec: null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;
  /** Throws when the ciphertext does not authenticate. */
  crypto_aead_xchacha20poly1305_ietf_decrypt(
    message: Uint8Array,
    nsec: null,
    ciphertext: Uint8Array,
    associatedData: Uint8Array | null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;
  readonly crypto_secretstream_xchacha20poly1305_ABYTES: number;
  readonly crypto_secretstream_xchacha20poly1305_HEADERBYTES: number;
  readonly crypto_secretstream_xchacha20poly1305_STATEBYTES: number;
  readonly crypto_secretstream_xchacha20poly1305_TAG_MESSAGE: number;
  readonly crypto_secretstream_xchacha20poly1305_TAG_FINAL: number;
  crypto_secretstream_xchacha20poly1305_init_push(
    state: Uint8Array,
    header: Uint8Array,
    key: Uint8Array,
  ): void;
  crypto_secretstream_xchacha20poly1305_push(
    state: Uint8Array,
    ciphertext: Uint8Array,
    message: Uint8Array,
    associatedData: Uint8Array | null,
    tag: number,
  ): number;
  crypto_secretstream_xchacha20poly1305_init_pull(
    state: Uint8Array,
    header: Uint8Array,
    key: Uint8Array,
  ): void;
  /** Throws when the ciphertext does not authenticate. */
  crypto_secretstream_xchacha20poly1305_pull(
    state: Uint8Array,
    message: Uint8Array,
    tag: Uint8Array,
    ciphertext: Uint8Array,
    associatedData: Uint8Array | null,
  ): number;
  crypto_scalarmult_base(publicKey: Uint8Array, secretKey: Uint8Array): void;
  /** Throws if the result is zero. */
  crypto_scalarmult(shared: Uint8Array, secretKey: Uint8Array, publicKey: Uint8Array): void;
  crypto_hash_sha256(digest: Uint8Array, data: Uint8Array): void;
  crypto_aead_chacha20poly1305_ietf_encrypt(
    ciphertext: Uint8Array,
    message: Uint8Array,
    associatedData: Uint8Array | null,
    nsec: null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;
  /** Throws if the ciphertext does not authenticate. */
  crypto_aead_chacha20poly1305_ietf_decrypt(
    message: Uint8Array,
    nsec: null,
    ciphertext: Uint8Array,
    associatedData: Uint8Array | null,
    nonce: Uint8Array,
    key: Uint8Array,
  ): number;
}

export const sodium: Sodium = native;
