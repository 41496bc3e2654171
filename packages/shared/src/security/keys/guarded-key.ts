import { inspect } from 'node:util';
import { sodium } from '@aico/protocol/sodium';

/**
 * A key in libsodium's guarded memory: locked against swapping, excluded from core dumps, between guard pages, and unreadable
 * except while `use` runs. It prints as `[redacted]` and cannot be serialised.
 *
 * Bytes that pass through V8 (a returned key, a password string) may leave copies until the garbage collector reuses their
 * memory.
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

  /** Takes ownership of the key: `source` contains zeros afterwards. */
  static take(source: Uint8Array): GuardedKey {
    const memory = sodium.sodium_malloc(source.byteLength);
    memory.set(source);
    sodium.sodium_memzero(source);
    return new GuardedKey(memory);
  }

  /** Lets `work` write the key directly, so that it never exists outside guarded memory. */
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
   * Makes the key readable while `work` runs; `work` must not keep the buffer.
   * @throws {RangeError} after `wipe`
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

  /** Overwrites the key and frees the memory. Further calls do nothing. */
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

/** Overwrites `bytes` with zeros in a way that no optimiser removes. */
export function wipe(bytes: Uint8Array): void {
  sodium.sodium_memzero(bytes);
}
