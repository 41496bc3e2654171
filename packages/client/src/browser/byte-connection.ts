import type { ByteSource } from './http1-response.ts';

/** A connection that HTTP/1.1 is spoken on: a stream of bytes, both ways. */
export interface ByteConnection extends ByteSource {
  /** Whether it may be used for another request. */
  readonly isOpen: boolean;
  /** Resolves when there is room for more. @throws {ConnectionBrokenError} */
  write(bytes: Uint8Array): Promise<void>;
  /** Nothing more is wanted of it. */
  close(): void;
  /** Cuts it: pending reads and writes fail with `error`. */
  fail(error: Error): void;
}
