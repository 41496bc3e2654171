import { Buffer } from 'node:buffer';
import { sodium } from '@aico/protocol/sodium';
import { GuardedKey } from './guarded-key.ts';

/** A key, sealed with XChaCha20-Poly1305 under another. Both texts are base64url. */
interface SealedKey {
  readonly nonce: string;
  readonly ciphertext: string;
}

const TAG = sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES;
const NONCE = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;

/** Seals `key` under `wrappingKey`, bound to `context`: it can be opened with the same context only. */
export function sealKey(key: GuardedKey, wrappingKey: GuardedKey, context: string): SealedKey {
  const nonce = Buffer.alloc(NONCE);
  sodium.randombytes_buf(nonce);
  const ciphertext = Buffer.alloc(key.length + TAG);
  const associated = Buffer.from(context, 'utf8');
  wrappingKey.use((wrapping) =>
    key.use((bytes) =>
      sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(ciphertext, bytes, associated, null, nonce, wrapping),
    ),
  );
  return { nonce: nonce.toString('base64url'), ciphertext: ciphertext.toString('base64url') };
}

/** Opens a sealed key; `undefined` when `wrappingKey` or `context` is not the one it was sealed with. */
export function openSealedKey(
  sealed: SealedKey,
  wrappingKey: GuardedKey,
  context: string,
): GuardedKey | undefined {
  const nonce = Buffer.from(sealed.nonce, 'base64url');
  const ciphertext = Buffer.from(sealed.ciphertext, 'base64url');
  if (nonce.byteLength !== NONCE || ciphertext.byteLength <= TAG) return undefined;
  const associated = Buffer.from(context, 'utf8');
  try {
    return GuardedKey.fill(ciphertext.byteLength - TAG, (memory) =>
      wrappingKey.use((wrapping) =>
        sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
          memory,
          null,
          ciphertext,
          associated,
          nonce,
          wrapping,
        ),
      ),
    );
  } catch {
    // libsodium's only report of a failed authentication is a throw; lengths were checked above.
    return undefined;
  }
}
