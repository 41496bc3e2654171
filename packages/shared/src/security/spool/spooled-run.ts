import { lstatSync } from 'node:fs';
import path from 'node:path';
import { removeSpoolFile, SpoolReader } from '../../core/paths/index.ts';
import { GuardedKey } from '../keys/guarded-key.ts';
import { segmentFiles } from './sealed-spool.ts';
import {
  type EntryPrefix,
  HEADER_BYTES,
  openEntry,
  PREFIX_BYTES,
  readPrefix,
  runOf,
  segmentKey,
} from './segment-format.ts';

interface Place {
  readonly file: string;
  readonly position: number;
  readonly prefix: EntryPrefix;
}

/** An entry that a process left behind. */
export interface SpooledEntry {
  readonly text: string;
  /** The lowest number that a later entry can have. */
  readonly next: number;
}

/** The entries that one process left behind, and that were not stored. */
export class SpooledRun {
  readonly run: string;
  readonly #files: readonly string[];
  readonly #key: GuardedKey;
  #damaged = 0;

  /** @internal */
  constructor(run: string, files: readonly string[], key: GuardedKey) {
    this.run = run;
    this.#files = files;
    this.#key = key;
  }

  /** The number of entries that are unreadable, missing or out of place, without an incomplete last entry. */
  get damaged(): number {
    return this.#damaged;
  }

  /** The entries by the lowest number of each. */
  *entries(): Generator<SpooledEntry> {
    this.#damaged = 0;
    const places = this.#files.flatMap((file) => this.#placesIn(file));
    places.sort((a, b) => a.prefix.number - b.prefix.number);
    const keys = new Map<string, GuardedKey>();
    const readers = new Map<string, SpoolReader>();
    try {
      for (const [index, { file, position, prefix }] of places.entries()) {
        const reader = readers.get(file) ?? new SpoolReader(file);
        readers.set(file, reader);
        const key = keys.get(file) ?? segmentKey(this.#key, reader.read(0, HEADER_BYTES));
        keys.set(file, key);
        const text = openEntry(key, reader.read(position, PREFIX_BYTES + prefix.length));
        if (text === undefined) this.#damaged += 1;
        else yield { text, next: places[index + 1]?.prefix.number ?? Number.POSITIVE_INFINITY };
      }
    } finally {
      for (const reader of readers.values()) reader.close();
      for (const key of keys.values()) key.wipe();
    }
  }

  remove(): void {
    for (const file of this.#files) removeSpoolFile(file);
  }

  #placesIn(file: string): readonly Place[] {
    const reader = new SpoolReader(file);
    const bytes = reader.read(0, reader.size);
    reader.close();
    const places: Place[] = [];
    let position = HEADER_BYTES;
    let expected: number | undefined;
    while (position < bytes.byteLength) {
      const prefix = readPrefix(bytes.subarray(position, position + PREFIX_BYTES));
      const end = position + PREFIX_BYTES + (prefix?.length ?? 0);
      // A process that ends while it writes leaves a part of its last entry.
      if (prefix === undefined || end > bytes.byteLength) break;
      const { counter } = prefix;
      expected ??= counter;
      if (counter < expected) this.#damaged += 1;
      else {
        this.#damaged += counter - expected;
        expected = counter + 1;
        places.push({ file, position, prefix });
      }
      position = end;
    }
    return places;
  }
}

/**
 * The runs whose spools are in a folder, oldest first, but for the run `except`, which is still being written.
 *
 * @param key the key of the spools of the folder. It is taken over, and wiped by `close()`
 * @example
 * ```ts
 * const spools = new SpooledRuns(paths.stateDir, keys.deriveKey('logs/spool'));
 * for (const left of spools.runs(run)) {
 *   for (const { text } of left.entries()) await store(left.run, JSON.parse(text));
 *   left.remove();
 * }
 * spools.close();
 * ```
 */
export class SpooledRuns {
  readonly #folder: string;
  readonly #key: GuardedKey;

  constructor(folder: string, key: Uint8Array) {
    this.#folder = folder;
    this.#key = GuardedKey.take(key);
  }

  runs(except: string): readonly SpooledRun[] {
    const filesOf = new Map<string, string[]>();
    for (const name of segmentFiles(this.#folder)) {
      const file = path.join(this.#folder, name);
      // A folder cannot be read, and opening a pipe would wait for its writer.
      if (!lstatSync(file).isFile()) continue;
      const reader = new SpoolReader(file);
      // Entries below another header do not open, and are counted as damaged.
      const run = runOf(reader.read(0, HEADER_BYTES)) ?? 'unreadable';
      reader.close();
      // A process that ends before it has written the header leaves an empty file.
      if (reader.size < HEADER_BYTES) removeSpoolFile(file);
      else filesOf.set(run, [...(filesOf.get(run) ?? []), file]);
    }
    filesOf.delete(except);
    return [...filesOf].map(([run, files]) => new SpooledRun(run, files, this.#key));
  }

  close(): void {
    this.#key.wipe();
  }
}
