import Driver from 'better-sqlite3-multiple-ciphers';

/** The faults of a disk, with the code and message of SQLite. */
const FAULTS = {
  /** No space is left. */
  full: ['SQLITE_FULL', 'database or disk is full'],
  /** An fsync fails, after which the content of the disk is unknown. */
  broken: ['SQLITE_IOERR_FSYNC', 'disk I/O error'],
} as const;

/** A disk fault that a test injects. */
export type DiskFault = keyof typeof FAULTS;

const KINDS = Object.keys(FAULTS) as readonly DiskFault[];
const FAULT = 0;
const DELAY = 1;
const NEVER_WOKEN = new Int32Array(new SharedArrayBuffer(4));

/**
 * Disk faults that a test injects at the writer's commits. They are kept in memory shared with the engine thread, so that they
 * apply to the next commit, and are thrown where SQLite would throw them: the consequences are those of a real fault.
 *
 * @example
 * ```ts
 * const disk = new DiskFaults();
 * const database = await EncryptedDatabase.open({ file, key, faults: { disk } });
 * disk.meet('full');
 * ```
 */
export class DiskFaults {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.memory = memory;
    this.#cells = new Int32Array(memory);
  }

  get fault(): DiskFault | undefined {
    return KINDS[Atomics.load(this.#cells, FAULT) - 1];
  }

  /** Makes every later commit fail with `fault`; `undefined` ends the fault. */
  meet(fault: DiskFault | undefined): void {
    Atomics.store(this.#cells, FAULT, fault === undefined ? 0 : KINDS.indexOf(fault) + 1);
  }

  /** Delays every later commit by `ms` milliseconds. */
  delay(ms: number): void {
    Atomics.store(this.#cells, DELAY, ms);
  }

  /** Called in the engine thread before a commit. @throws {Driver.SqliteError} */
  beforeCommit(): void {
    const delayMs = Atomics.load(this.#cells, DELAY);
    if (delayMs > 0) Atomics.wait(NEVER_WOKEN, 0, 0, delayMs);
    if (this.fault === undefined) return;
    const [code, message] = FAULTS[this.fault];
    throw new Driver.SqliteError(message, code);
  }
}
