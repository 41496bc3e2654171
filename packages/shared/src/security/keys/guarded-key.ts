import { inspect } from 'node:util';
import sodium from 'sodium-native';

/**
 * A key in libsodium's guarded memory: locked against swapping, left out of core dumps, between guard pages, and
 * unreadable except while `use` runs. It prints as `[redacted]` and cannot be serialised.
 *
 * Its limits: bytes that pass through V8 (a derived key handed out, a password string) may leave copies that the
 * garbage collector clears when it likes.
 *
 * @example
 * ```ts
 * const key = GuardedKey.random(32);
 * key.use((bytes) => mac(bytes, message));
 * key.wipe();
 * ```
 */
export class GuardedKey {
  #memory: Buffer | undefined;
  readonly length: number;

  private constructor(memory: Buffer) {
    this.length = memory.byteLength;
    sodium.sodium_mprotect_noaccess(memory);
    this.#memory = memory;
  }

  static random(length: number): GuardedKey {
    const memory = sodium.sodium_malloc(length);
    sodium.randombytes_buf(memory);
    return new GuardedKey(memory);
  }

  /** Takes the key over: `source` holds zeros afterwards. */
  static take(source: Uint8Array): GuardedKey {
    const memory = sodium.sodium_malloc(source.byteLength);
    memory.set(source);
    sodium.sodium_memzero(source);
    return new GuardedKey(memory);
  }

  /** Lets `work` write the key itself, so that it never exists outside guarded memory. */
  static fill(length: number, work: (memory: Buffer) => void): GuardedKey {
    const memory = sodium.sodium_malloc(length);
    try {
      work(memory);
    } catch (error) {
      sodium.sodium_free(memory);
      throw error;
    }
    return new GuardedKey(memory);
  }

  /**
   * Opens the key for the time `work` runs; `work` must not keep the buffer.
   * @throws {RangeError} after `wipe`.
   */
  use<T>(work: (bytes: Buffer) => T): T {
    const memory = this.#memory;
    if (memory === undefined) throw new RangeError('this key has been wiped');
    sodium.sodium_mprotect_readonly(memory);
    try {
      return work(memory);
    } finally {
      sodium.sodium_mprotect_noaccess(memory);
    }
  }

  /** Overwrites the key and gives the memory back. Calling it again does nothing. */
  wipe(): void {
    const memory = this.#memory;
    this.#memory = undefined;
    if (memory === undefined) return;
    sodium.sodium_mprotect_readwrite(memory);
    sodium.sodium_free(memory);
  }

  toJSON(): string {
    return '[redacted]';
  }

  toString(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return 'GuardedKey [redacted]';
  }
}

/** Overwrites `bytes` with zeros in a way no optimiser removes. */
export function wipe(bytes: Uint8Array): void {
  sodium.sodium_memzero(bytes);
}
