import type { ByteSource } from './http1-response.ts';

/** A byte stream in both directions, as a carrier of HTTP/1.1. */
export interface ByteConnection extends ByteSource {
  /** Whether it can be used for another request. */
  readonly isOpen: boolean;
  /**
   * Resolves when more can be written.
   * @throws {ConnectionBrokenError}
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes it normally. */
  close(): void;
  /** Aborts it: pending reads and writes fail with `error`. */
  fail(error: Error): void;
}
