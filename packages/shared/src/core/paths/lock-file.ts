import SQLite from 'better-sqlite3-multiple-ciphers';

/**
 * A lock of the operating system, taken through an empty SQLite file. It ends with the process and so never becomes stale. The
 * file remains.
 */
export class LockFile implements Disposable {
  readonly #database: InstanceType<typeof SQLite>;

  /** Opens the file, and creates it unless it must exist. @throws the driver's error */
  constructor(file: string, { mustExist = false }: { readonly mustExist?: boolean } = {}) {
    this.#database = new SQLite(file, { timeout: 0, fileMustExist: mustExist });
  }

  /**
   * Takes the lock without waiting.
   *
   * @returns the driver's error if another holder has it, or if the file system has no locks: SQLite reports both as busy
   * @throws the driver's error if the file cannot be locked
   */
  take(): Error | undefined {
    try {
      this.#database.exec('BEGIN EXCLUSIVE');
      return undefined;
    } catch (error) {
      if (error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY'))
        return error;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
