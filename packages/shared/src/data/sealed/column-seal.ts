import sodium from 'sodium-native';
import type { Database } from '../types.ts';
import { SealedValueError } from './errors.ts';

const NONCE = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
const TAG = sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES;
const KEY = 32;
const [TEXT, BYTES] = [0, 1];

/** The column of a value and the key of its row. A value that was moved to another place does not open. */
export interface SealedPlace {
  readonly table: string;
  readonly column: string;
  readonly key: string;
}

/**
 * Seals values of columns that the administrator of the database must not read (XChaCha20-Poly1305). The place of a value is
 * authenticated with it. An engine that encrypts the whole store needs no sealed columns.
 *
 * @example
 * ```ts
 * const seal = new ColumnSeal(keys.deriveKey('data/columns'));
 * const place = { table: 'device', column: 'psk', key: id };
 * await database.execute('UPDATE device SET psk = ? WHERE id = ?', [seal.seal(psk, place), id]);
 * ```
 */
export class ColumnSeal {
  readonly #key: Buffer;

  /** @param key 32 bytes of a purpose of their own. Copied; the caller wipes its own. */
  constructor(key: Uint8Array) {
    if (key.byteLength !== KEY) throw new RangeError(`a key of sealed columns is ${KEY} bytes`);
    this.#key = Buffer.from(key);
  }

  /** The sealed value: a nonce and the ciphertext. */
  seal(value: string | Uint8Array, place: SealedPlace): Uint8Array {
    const content = Buffer.concat([
      Buffer.of(typeof value === 'string' ? TEXT : BYTES),
      typeof value === 'string' ? Buffer.from(value) : value,
    ]);
    const sealed = Buffer.alloc(NONCE + content.byteLength + TAG);
    const nonce = sealed.subarray(0, NONCE);
    sodium.randombytes_buf(nonce);
    sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
      sealed.subarray(NONCE),
      content,
      associated(place),
      null,
      nonce,
      this.#key,
    );
    return new Uint8Array(sealed);
  }

  /** @throws {SealedValueError} when the value was changed, moved or sealed with another key */
  open(sealed: Uint8Array, place: SealedPlace): string | Uint8Array {
    const content = Buffer.alloc(Math.max(0, sealed.byteLength - NONCE - TAG));
    try {
      sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        content,
        null,
        Buffer.from(sealed.subarray(NONCE)),
        associated(place),
        Buffer.from(sealed.subarray(0, NONCE)),
        this.#key,
      );
    } catch (cause) {
      throw new SealedValueError(place.table, place.column, cause);
    }
    const rest = content.subarray(1);
    return content[0] === TEXT ? rest.toString() : new Uint8Array(rest);
  }

  /** Opens text. @throws {SealedValueError} */
  openText(sealed: Uint8Array, place: SealedPlace): string {
    const value = this.open(sealed, place);
    if (typeof value === 'string') return value;
    throw new SealedValueError(place.table, place.column, new TypeError('the value is not text'));
  }

  /** Opens bytes. @throws {SealedValueError} */
  openBytes(sealed: Uint8Array, place: SealedPlace): Uint8Array {
    const value = this.open(sealed, place);
    if (typeof value !== 'string') return value;
    throw new SealedValueError(place.table, place.column, new TypeError('the value is text'));
  }

  /** Wipes the key. */
  close(): void {
    this.#key.fill(0);
  }
}

/** The purpose of the key of sealed columns. */
const PURPOSE = 'data/columns';

/** The seal for the columns of a database; `undefined` if its engine encrypts the whole store. */
export function sealFor(
  { dialect }: Pick<Database, 'dialect'>,
  keys: { deriveKey(purpose: string): Uint8Array },
): ColumnSeal | undefined {
  if (dialect === 'sqlite') return undefined;
  const key = keys.deriveKey(PURPOSE);
  try {
    return new ColumnSeal(key);
  } finally {
    key.fill(0);
  }
}

/** JSON, so that no two places have the same bytes. */
function associated({ table, column, key }: SealedPlace): Buffer {
  return Buffer.from(JSON.stringify([table, column, key]));
}
