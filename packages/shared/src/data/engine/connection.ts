import Driver from 'better-sqlite3-multiple-ciphers';
import type { Connection } from '../driver.ts';
import type { CipherName, EngineData } from './wire.ts';

/** SQLite did not apply a setting, so the connection must not be used. */
class ConnectionSetupError extends Error {
  readonly code = 'ENGINE_SETUP';
}

/** The size of the page cache of a connection for single statements, and of one for a transaction or stream. */
const CACHE_KIB = 16_000;
const SESSION_CACHE_KIB = 2_000;

/**
 * The size in bytes to which SQLite truncates the log when it restarts it. A bulk import or a vacuum makes the log as large as
 * all the pages it wrote; without this limit the file keeps that size until the database is closed.
 */
const LOG_FILE_LIMIT = 16 * 1024 * 1024;

/** Sets a pragma and checks the value that SQLite returns. */
function expectSetting(connection: Connection, setting: string, expected: unknown): void {
  const found = connection.pragma(setting, { simple: true });
  if (found !== expected)
    throw new ConnectionSetupError(`PRAGMA ${setting} came back as ${JSON.stringify(found)}`);
}

/**
 * `raw:` and the key in hex, as bytes that the caller can wipe, because a string cannot be wiped. (A malformed key pragma
 * leaves a plaintext database without an error; `connection.key` returns a code, and the cipher is read back as well.)
 */
export function keyArgument(key: SharedArrayBuffer): Buffer {
  const bytes = new Uint8Array(key);
  const argument = Buffer.alloc(4 + bytes.byteLength * 2);
  argument.write('raw:', 'latin1');
  const digit = (value: number): number => value + (value < 10 ? 0x30 : 0x57);
  bytes.forEach((byte, index) => {
    argument[4 + index * 2] = digit(byte >> 4);
    argument[5 + index * 2] = digit(byte & 15);
  });
  return argument;
}

export function unlockConnection(connection: Connection, cipher: CipherName, key: SharedArrayBuffer): void {
  expectSetting(connection, `cipher = '${cipher}'`, cipher);
  if (cipher === 'sqlcipher') expectSetting(connection, 'legacy = 4', '4');
  const argument = keyArgument(key);
  try {
    if (connection.key(argument) !== 0) throw new ConnectionSetupError('the key was not accepted');
  } finally {
    argument.fill(0);
  }
  expectSetting(connection, 'cipher', cipher);
}

/**
 * Opens the file and reads its first page, which fails with a wrong key. Every setting is read back.
 * @throws the driver's error, `SQLITE_NOTADB` when page 1 does not authenticate
 */
export function openConnection(data: EngineData, use: 'statements' | 'session' | 'probe'): Connection {
  const writes = data.role === 'writer' && use === 'statements';
  const connection = new Driver(data.file, {
    readonly: !writes,
    fileMustExist: true,
    timeout: data.busyTimeoutMs,
  });
  try {
    unlockConnection(connection, data.cipher, data.key);
    connection.prepare('SELECT count(*) FROM sqlite_schema').get();
    if (use === 'probe') return connection;
    // Takes effect for a new file, and for an existing one with the next VACUUM: see `reclaim` of checkpoint.ts.
    if (writes) connection.pragma('auto_vacuum = INCREMENTAL');
    if (writes) connection.pragma('journal_mode = WAL');
    expectSetting(connection, 'journal_mode', 'wal');
    for (const [setting, value] of [
      ['synchronous', 2],
      ['foreign_keys', 1],
      // Temporary files of a sort or an index would contain rows as plaintext.
      ['temp_store', 2],
      ['cell_size_check', 1],
      ['query_only', writes ? 0 : 1],
      ['cache_size', use === 'session' ? -SESSION_CACHE_KIB : -CACHE_KIB],
    ] as const) {
      connection.pragma(`${setting} = ${value}`);
      expectSetting(connection, setting, value);
    }
    // SQLite's automatic checkpoint hides failures: see checkpoint.ts.
    if (writes) connection.pragma('wal_autocheckpoint = 0');
    if (writes) connection.pragma(`journal_size_limit = ${LOG_FILE_LIMIT}`);
    if (writes && data.maxPages !== undefined) connection.pragma(`max_page_count = ${data.maxPages}`);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}
