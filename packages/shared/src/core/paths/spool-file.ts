import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { giveNameToOwnerOf } from './ownership.ts';

/**
 * A private file (0600) that is written synchronously and without `fsync`: what a call has written is with the operating
 * system when it returns, so it survives the end of the process by any signal, but no power loss.
 *
 * @example
 * ```ts
 * const file = SpoolFile.create(path.join(paths.stateDir, '00000001.spool'));
 * file.write(bytes, 0);
 * file.close();
 * ```
 */
export class SpoolFile {
  readonly path: string;
  readonly #descriptor: number;

  private constructor(file: string, descriptor: number) {
    this.path = file;
    this.#descriptor = descriptor;
  }

  /** @throws the system's error, `EEXIST` where the file exists */
  static create(file: string): SpoolFile {
    const descriptor = openSync(file, 'wx', 0o600);
    giveNameToOwnerOf(path.dirname(file), file);
    return new SpoolFile(file, descriptor);
  }

  /** @throws the system's error; a part of `bytes` may then have been written */
  write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.byteLength; )
      done += writeSync(this.#descriptor, bytes, done, bytes.byteLength - done, position + done);
  }

  /** Truncates the file to `length` bytes. */
  truncate(length: number): void {
    ftruncateSync(this.#descriptor, length);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Removes a spool file. A power loss may bring it back. */
export function removeSpoolFile(file: string): void {
  rmSync(file, { force: true });
}

/** Reads parts of a spool file. */
export class SpoolReader {
  readonly size: number;
  readonly #descriptor: number;

  constructor(file: string) {
    this.#descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
    this.size = fstatSync(this.#descriptor).size;
  }

  /** The bytes from `position` on: `length` of them, or fewer at the end of the file. */
  read(position: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, this.size - position)));
    let done = 0;
    while (done < bytes.byteLength) {
      const count = readSync(this.#descriptor, bytes, done, bytes.byteLength - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
