import type { CryptoSuite } from '../suites/crypto-suite.ts';
import { createPairingCode, type PairingCode } from './pairing-code.ts';

export interface PairingBookOptions {
  readonly suite: CryptoSuite;
  /** Monotonic milliseconds, such as `performance.now`. */
  readonly now: () => number;
  /** Milliseconds for which a code is valid. Default 5 minutes. */
  readonly lifetimeMs?: number;
  /** Handshakes that may try one code, including the successful one. Default 5. */
  readonly maxAttempts?: number;
  /** The most pending codes; a further one removes the oldest. Default 8. */
  readonly maxPending?: number;
}

interface Pending<T> {
  readonly psk: Uint8Array;
  readonly expiresAt: number;
  /** The value that the issuer passed, for example the roles of the new device. */
  readonly context: T;
  attempts: number;
}

/**
 * The pending pairing codes of a server. Each is short-lived, usable once, and allows a few attempts. They are kept in memory
 * only, since a lost code is easily replaced after a restart.
 *
 * @example
 * ```ts
 * const code = book.issue({ roles: ['reader'] });
 * const psk = book.attempt(opening.codeId);      // before the third message is read
 * const context = book.complete(opening.codeId); // after it has authenticated; defined for the first caller only
 * ```
 */
export class PairingBook<T> {
  readonly #options: Required<PairingBookOptions>;
  readonly #pending = new Map<number, Pending<T>>();

  constructor(options: PairingBookOptions) {
    this.#options = { lifetimeMs: 300_000, maxAttempts: 5, maxPending: 8, ...options };
  }

  /** The number of pending codes. */
  get size(): number {
    this.#sweep();
    return this.#pending.size;
  }

  issue(context: T): PairingCode {
    this.#sweep();
    const { suite, now, lifetimeMs, maxPending } = this.#options;
    for (const id of this.#pending.keys()) {
      if (this.#pending.size < maxPending) break;
      this.cancel(id);
    }
    const code = createPairingCode(suite, (id) => this.#pending.has(id));
    // A copy, so that removing the code here does not wipe the caller's key.
    this.#pending.set(code.id, {
      psk: code.psk.slice(),
      expiresAt: now() + lifetimeMs,
      context,
      attempts: 0,
    });
    return code;
  }

  /** Whether a code of this id is pending. Lets the server refuse the first message before it computes anything. */
  has(id: number): boolean {
    this.#sweep();
    return this.#pending.has(id);
  }

  /**
   * Returns the code's key and counts an attempt, whatever its outcome. Undefined if the code has expired or has no attempts
   * left.
   */
  attempt(id: number): Uint8Array | undefined {
    this.#sweep();
    const pending = this.#pending.get(id);
    if (pending === undefined) return undefined;
    pending.attempts += 1;
    if (pending.attempts <= this.#options.maxAttempts) return pending.psk.slice();
    this.cancel(id);
    return undefined;
  }

  /** Uses the code up. The first call returns its context, any later call `undefined`. */
  complete(id: number): { readonly context: T } | undefined {
    this.#sweep();
    const pending = this.#pending.get(id);
    this.cancel(id);
    return pending === undefined ? undefined : { context: pending.context };
  }

  /** Removes a code. */
  cancel(id: number): void {
    this.#pending.get(id)?.psk.fill(0);
    this.#pending.delete(id);
  }

  #sweep(): void {
    const now = this.#options.now();
    for (const [id, { expiresAt }] of this.#pending) if (expiresAt <= now) this.cancel(id);
  }
}
