import { readFile, stat } from 'node:fs/promises';
import { reasonOf } from '@aico/protocol';
import { createPrivateFile, openToRead, tightenFile } from '../../core/paths/index.ts';
import type { CipherName } from '../engine/wire.ts';
import {
  DatabaseGoneError,
  DatabaseOpenError,
  DatabaseReplacedError,
  PlaintextDatabaseError,
} from '../errors.ts';

/** How every SQLite file that is not encrypted begins. */
const PLAINTEXT = Buffer.from('SQLite format 3\0', 'latin1');
/** The salt, and what the cipher leaves readable behind it. */
const HEADER_BYTES = 24;

export interface FileLook {
  readonly bytes: number;
  readonly header: Buffer;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/**
 * Looks at the file before the engine opens it, never while it has it open: closing any descriptor of a file drops the
 * POSIX locks that the same process holds on it, and with them the engine's.
 *
 * @returns `undefined` when there is no file or an empty one
 * @throws {PlaintextDatabaseError} @throws {DatabaseOpenError}
 */
export async function lookAtFile(file: string): Promise<FileLook | undefined> {
  let handle: Awaited<ReturnType<typeof openToRead>>;
  try {
    handle = await openToRead(file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new DatabaseOpenError(file, reasonOf(error), error);
  }
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new DatabaseOpenError(file, 'it is not a file');
    if (found.size === 0) return undefined;
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await handle.read(header, 0, HEADER_BYTES, 0);
    if (header.subarray(0, PLAINTEXT.byteLength).equals(PLAINTEXT)) throw new PlaintextDatabaseError(file);
    return { bytes: found.size, header: header.subarray(0, bytesRead) };
  } finally {
    await handle.close();
  }
}

/** Makes the file, empty and readable by its owner alone; the engine's side files take its rights. */
export async function makeFile(file: string): Promise<void> {
  try {
    await createPrivateFile(file);
  } catch (error) {
    throw new DatabaseOpenError(file, reasonOf(error), error);
  }
}

/** Takes all other users' rights away. @returns whether there were any */
export async function makePrivate(file: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  const { mode } = await stat(file);
  if ((mode & 0o077) === 0) return false;
  await tightenFile(file);
  return true;
}

/**
 * Whether the file can be a database of this cipher, key or no key. Aegis leaves the constants of SQLite's header in
 * sight (bytes 21 to 23); SQLCipher nothing but the size.
 */
export function looksLikeDatabase(look: FileLook, cipher: CipherName): boolean {
  if (look.bytes < 512 || look.bytes % 512 !== 0) return false;
  return cipher === 'sqlcipher' || look.header.subarray(21, 24).equals(Buffer.from([0x40, 0x20, 0x20]));
}

/** The part of the header that only the head file vouches for; SQLCipher authenticates all of its own. */
export function unauthenticatedHeader(look: FileLook, cipher: CipherName): string {
  return cipher === 'aegis' ? look.header.toString('base64url') : '';
}

/** Which file a name stood for when the database was opened. */
export interface FileIdentity {
  readonly file: string;
  readonly device: bigint;
  readonly inode: bigint;
  /** Its first bytes, which do not change while it is open. Only of a file without locks, since reading it would end them. */
  readonly beginning?: Buffer;
}

/** @throws {DatabaseGoneError} when nothing is there */
export async function identify(file: string): Promise<FileIdentity> {
  try {
    const { dev, ino } = await stat(file, { bigint: true });
    return { file, device: dev, inode: ino };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new DatabaseGoneError(file);
    throw new DatabaseOpenError(file, reasonOf(error), error);
  }
}

/** @throws {DatabaseGoneError} @throws {DatabaseReplacedError} when the name stands for another file now */
export async function expectSameFile(then: FileIdentity): Promise<void> {
  const now = await identify(then.file);
  if (now.device !== then.device || now.inode !== then.inode) throw new DatabaseReplacedError(then.file);
  if (then.beginning === undefined) return;
  const { beginning } = await identifyWithBeginning(then.file, then.beginning.byteLength);
  if (beginning?.equals(then.beginning) !== true) throw new DatabaseReplacedError(then.file);
}

/**
 * The same with the first `length` bytes, so that a file that is emptied or overwritten counts as lost as well.
 * @throws {DatabaseGoneError} when nothing is there
 */
export async function identifyWithBeginning(file: string, length: number): Promise<FileIdentity> {
  const identity = await identify(file);
  try {
    return { ...identity, beginning: (await readFile(file)).subarray(0, length) };
  } catch (error) {
    throw new DatabaseOpenError(file, reasonOf(error), error);
  }
}
