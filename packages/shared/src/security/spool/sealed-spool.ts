import { readdirSync } from 'node:fs';
import path from 'node:path';
import { removeSpoolFile, SpoolFile } from '../../core/paths/index.ts';
import { GuardedKey } from '../keys/guarded-key.ts';
import { createHeader, entryBytes, HEADER_BYTES, sealEntry, segmentKey } from './segment-format.ts';

/** Options of a {@link SealedSpool}. */
export interface SealedSpoolOptions {
  /** An existing folder. */
  readonly folder: string;
  /** The key of all spools of the folder, 32 bytes. It is taken over and wiped. */
  readonly key: Uint8Array;
  /** The process that writes it, as 32 hexadecimal digits. */
  readonly run: string;
  /** Default 64 MiB. */
  readonly maxBytes?: number;
  /** The size from which on a new file is begun. Default: one sixteenth of `maxBytes`. */
  readonly segmentBytes?: number;
}

/** A text that is stored until the numbers from `first` to `last` are released. */
export interface SpoolEntry {
  readonly first: number;
  readonly last: number;
  readonly text: string;
}

interface Segment {
  readonly file: SpoolFile;
  readonly key: GuardedKey;
  size: number;
  /** The highest number in it. */
  last: number;
  /** Of its next entry. */
  counter: number;
  version: number;
}

interface Written {
  readonly position: number;
  readonly counter: number;
  readonly bytes: number;
}

const EXTENSION = '.spool';
/** A file that is smaller stays as it is until it is closed, so that not every entry costs two writes. */
const MIN_TRUNCATED = 65_536;

/** The names of the files of spools in `folder`, oldest first. */
export function segmentFiles(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => /^\d{8}\.spool$/.test(name))
    .sort();
}

/**
 * Texts that are to be stored, in encrypted files that survive the process: an entry has been written to the operating system when
 * {@link append} returns. Nothing is created before the first entry; files whose entries are all released are removed.
 *
 * @example
 * ```ts
 * const spool = new SealedSpool({ folder: paths.stateDir, key: keys.deriveKey('logs/spool'), run });
 * spool.append({ first: 1, last: 1, text: JSON.stringify(line) });
 * await store(line);
 * spool.release(1);
 * ```
 */
export class SealedSpool {
  readonly #folder: string;
  readonly #run: string;
  readonly #key: GuardedKey;
  readonly #maxBytes: number;
  readonly #segmentBytes: number;
  #segments: Segment[] = [];
  #bytes = 0;
  #released = 0;
  #latest: Written | undefined;

  constructor({
    folder,
    key,
    run,
    maxBytes = 64 * 1_048_576,
    segmentBytes = maxBytes / 16,
  }: SealedSpoolOptions) {
    this.#folder = folder;
    this.#run = run;
    this.#key = GuardedKey.take(key);
    this.#maxBytes = maxBytes;
    this.#segmentBytes = segmentBytes;
  }

  /**
   * Writes an entry, unless it would fill more than `share` of the allowed size.
   *
   * @returns whether it was written
   * @throws the system's error
   */
  append(entry: SpoolEntry, share = 1): boolean {
    const header = this.#hasRoom ? 0 : HEADER_BYTES;
    if (this.#bytes + header + entryBytes(entry.text) > this.#maxBytes * share) return false;
    const segment = this.#segmentFor();
    const sealed = this.#seal(segment, segment.counter, entry);
    this.#write(segment, sealed, segment.size, entry);
    this.#latest = { position: segment.size, counter: segment.counter, bytes: sealed.byteLength };
    segment.size += sealed.byteLength;
    this.#bytes += sealed.byteLength;
    segment.counter += 1;
    return true;
  }

  /**
   * Replaces the entry that was written last by a later state of it, which may exceed the allowed size.
   * @throws the system's error
   */
  amend(entry: SpoolEntry): void {
    const segment = this.#segments.at(-1);
    const latest = this.#latest;
    if (segment === undefined || latest === undefined) {
      this.append(entry, Number.POSITIVE_INFINITY);
      return;
    }
    const sealed = this.#seal(segment, latest.counter, entry);
    this.#write(segment, sealed, latest.position, entry);
    if (sealed.byteLength < latest.bytes) segment.file.truncate(latest.position + sealed.byteLength);
    this.#latest = { ...latest, bytes: sealed.byteLength };
    segment.size = latest.position + sealed.byteLength;
    this.#bytes += sealed.byteLength - latest.bytes;
  }

  /** Marks every number up to `through` as stored elsewhere, and frees the space of entries that have no other. */
  release(through: number): void {
    this.#released = Math.max(this.#released, through);
    while (this.#segments.length > 1 && this.#isReleased(this.#segments[0])) this.#remove();
    const [only] = this.#segments;
    if (only === undefined || this.#segments.length > 1) return;
    if (!this.#isReleased(only) || only.size < MIN_TRUNCATED) return;
    only.file.truncate(HEADER_BYTES);
    this.#bytes -= only.size - HEADER_BYTES;
    only.size = HEADER_BYTES;
    this.#latest = undefined;
  }

  /** Closes the files, removes those that are released, and wipes the keys. */
  close(): void {
    while (this.#isReleased(this.#segments[0])) this.#remove();
    for (const { file, key } of this.#segments) {
      file.close();
      key.wipe();
    }
    this.#segments = [];
    this.#key.wipe();
  }

  #isReleased(segment: Segment | undefined): boolean {
    return segment !== undefined && segment.last <= this.#released;
  }

  #remove(): void {
    const segment = this.#segments.shift();
    if (segment === undefined) return;
    this.#bytes -= segment.size;
    segment.key.wipe();
    segment.file.close();
    removeSpoolFile(segment.file.path);
  }

  /** Whether the file that is written takes another entry. */
  get #hasRoom(): boolean {
    const active = this.#segments.at(-1);
    return active !== undefined && active.size < this.#segmentBytes;
  }

  #segmentFor(): Segment {
    const active = this.#segments.at(-1);
    if (active !== undefined && this.#hasRoom) return active;
    const newest = Number(segmentFiles(this.#folder).at(-1)?.slice(0, 8) ?? 0);
    const file = SpoolFile.create(
      path.join(this.#folder, `${String(newest + 1).padStart(8, '0')}${EXTENSION}`),
    );
    const header = createHeader(this.#run);
    try {
      file.write(header, 0);
    } catch (error) {
      file.close();
      removeSpoolFile(file.path);
      throw error;
    }
    const segment: Segment = {
      file,
      key: segmentKey(this.#key, header),
      size: HEADER_BYTES,
      last: 0,
      counter: 0,
      version: 0,
    };
    this.#segments.push(segment);
    this.#bytes += HEADER_BYTES;
    this.#latest = undefined;
    return segment;
  }

  #seal(segment: Segment, counter: number, { first, text }: SpoolEntry): Buffer {
    // Never the same for two texts, even if the first of them could not be written.
    segment.version += 1;
    return sealEntry(segment.key, { number: first, counter, version: segment.version }, text);
  }

  #write(segment: Segment, sealed: Buffer, position: number, { last }: SpoolEntry): void {
    // Before the write, which may fail after the operating system has accepted its bytes.
    segment.last = Math.max(segment.last, last);
    segment.file.write(sealed, position);
  }
}
