import Driver from 'better-sqlite3-multiple-ciphers';
import type { Connection } from '../driver.ts';
import type { CipherName, EngineData } from './wire.ts';

/** The engine set something else than it was asked to: nothing may be written through such a connection. */
export class ConnectionSetupError extends Error {
  readonly code = 'AICO_SETUP';
}

/** Kilobytes of pages kept by the connection that serves single statements, and by one of a transaction or stream. */
const CACHE_KIB = 16_000;
const SESSION_CACHE_KIB = 2_000;

/**
 * Bytes to which the engine cuts the log's file when it begins the log anew. A bulk import or a vacuum makes the log as
 * long as everything it wrote; without this bound the file kept that size until the database was closed.
 */
const LOG_FILE_LIMIT = 16 * 1024 * 1024;

/** Sets a pragma, and compares what it reads back as. */
function expectSetting(connection: Connection, setting: string, expected: unknown): void {
  const found = connection.pragma(setting, { simple: true });
  if (found !== expected)
    throw new ConnectionSetupError(`PRAGMA ${setting} came back as ${JSON.stringify(found)}`);
}

/**
 * `raw:` and the key in hex, as bytes: no string of it is ever made, and the caller can wipe it. (A malformed key pragma
 * leaves a plaintext database without an error; this form returns a code, and the cipher is read back besides.)
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
    if (connection.key(argument) !== 0) throw new ConnectionSetupError('the key was not taken');
  } finally {
    argument.fill(0);
  }
  expectSetting(connection, 'cipher', cipher);
}

/**
 * Opens the file and proves that its key fits, by reading its first page. Every setting is read back.
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
    if (writes) connection.pragma('journal_mode = WAL');
    expectSetting(connection, 'journal_mode', 'wal');
    for (const [setting, value] of [
      ['synchronous', 2],
      ['foreign_keys', 1],
      // Temporary files of a sort or an index would hold rows in the clear.
      ['temp_store', 2],
      ['cell_size_check', 1],
      ['query_only', writes ? 0 : 1],
      ['cache_size', use === 'session' ? -SESSION_CACHE_KIB : -CACHE_KIB],
    ] as const) {
      connection.pragma(`${setting} = ${value}`);
      expectSetting(connection, setting, value);
    }
    // The engine's own way hides failures: see checkpoint.ts.
    if (writes) connection.pragma('wal_autocheckpoint = 0');
    if (writes) connection.pragma(`journal_size_limit = ${LOG_FILE_LIMIT}`);
    if (writes && data.maxPages !== undefined) connection.pragma(`max_page_count = ${data.maxPages}`);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}
