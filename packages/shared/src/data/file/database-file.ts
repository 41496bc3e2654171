import { readFile, stat } from 'node:fs/promises';
import { reasonOf } from '@aico/protocol';
import { createPrivateFile, openToRead, tightenFile } from '../../core/paths/index.ts';
import { errnoOf } from '../../core/system-errors/index.ts';
import type { CipherName } from '../engine/wire.ts';
import {
  DatabaseGoneError,
  DatabaseOpenError,
  DatabaseReplacedError,
  PlaintextDatabaseError,
} from './errors.ts';

/** The first bytes of every SQLite file that is not encrypted. */
const PLAINTEXT = Buffer.from('SQLite format 3\0', 'latin1');
/** The salt, and the bytes after it that the cipher leaves readable. */
const HEADER_BYTES = 24;

/** The size of a database file and its first bytes. */
export interface FileHeader {
  readonly fileBytes: number;
  readonly header: Buffer;
}

/**
 * Reads the header of the file. Must not be called while SQLite has the file open: closing any descriptor of a file releases all
 * POSIX locks that the process has on it, including SQLite's.
 *
 * @returns `undefined` when the file is missing or empty
 * @throws {PlaintextDatabaseError} @throws {DatabaseOpenError}
 */
export async function readFileHeader(file: string): Promise<FileHeader | undefined> {
  let handle: Awaited<ReturnType<typeof openToRead>>;
  try {
    handle = await openToRead(file);
  } catch (error) {
    if (error instanceof Error && errnoOf(error) === 'ENOENT') return undefined;
    throw new DatabaseOpenError(file, reasonOf(error), error);
  }
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw new DatabaseOpenError(file, 'it is not a file');
    if (found.size === 0) return undefined;
    const header = Buffer.alloc(HEADER_BYTES);
    const { bytesRead } = await handle.read(header, 0, HEADER_BYTES, 0);
    if (header.subarray(0, PLAINTEXT.byteLength).equals(PLAINTEXT)) throw new PlaintextDatabaseError(file);
    return { fileBytes: found.size, header: header.subarray(0, bytesRead) };
  } finally {
    await handle.close();
  }
}

/** Creates an empty file that only its owner may read. SQLite gives its log the same permissions. */
export async function makeFile(file: string): Promise<void> {
  try {
    await createPrivateFile(file);
  } catch (error) {
    throw new DatabaseOpenError(file, reasonOf(error), error);
  }
}

/** Removes the permissions of all other users. @returns whether there were any */
export async function makePrivate(file: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  const { mode } = await stat(file);
  if ((mode & 0o077) === 0) return false;
  await tightenFile(file);
  return true;
}

/**
 * Whether the file can be a database of this cipher, judged without the key. Aegis leaves constants of SQLite's header readable
 * (bytes 21 to 23); SQLCipher encrypts all of it, so only the size can be checked.
 */
export function canBeDatabase(fileHeader: FileHeader, cipher: CipherName): boolean {
  if (fileHeader.fileBytes < 512 || fileHeader.fileBytes % 512 !== 0) return false;
  return cipher === 'sqlcipher' || fileHeader.header.subarray(21, 24).equals(Buffer.from([0x40, 0x20, 0x20]));
}

/** The part of the header that the cipher does not authenticate, so that the head file does. SQLCipher authenticates all of it. */
export function unauthenticatedHeader(fileHeader: FileHeader, cipher: CipherName): string {
  return cipher === 'aegis' ? fileHeader.header.toString('base64url') : '';
}

/** The file that a path named when the database was opened. */
export interface FileIdentity {
  readonly file: string;
  readonly device: bigint;
  readonly inode: bigint;
  /** Its first bytes, which do not change while it is open. Absent for a file with locks, because reading it would release them. */
  readonly beginning?: Buffer;
}

/** @throws {DatabaseGoneError} when there is no file */
export async function identify(file: string): Promise<FileIdentity> {
  try {
    const { dev, ino } = await stat(file, { bigint: true });
    return { file, device: dev, inode: ino };
  } catch (error) {
    if (error instanceof Error && errnoOf(error) === 'ENOENT') throw new DatabaseGoneError(file);
    throw new DatabaseOpenError(file, reasonOf(error), error);
  }
}

/** @throws {DatabaseGoneError} @throws {DatabaseReplacedError} when the path now names another file */
export async function expectSameFile(then: FileIdentity): Promise<void> {
  const now = await identify(then.file);
  if (now.device !== then.device || now.inode !== then.inode) throw new DatabaseReplacedError(then.file);
  if (then.beginning === undefined) return;
  const { beginning } = await identifyWithBeginning(then.file, then.beginning.byteLength);
  if (beginning?.equals(then.beginning) !== true) throw new DatabaseReplacedError(then.file);
}

/**
 * Like {@link identify}, with the first `length` bytes, so that a file that is truncated or overwritten counts as replaced.
 * @throws {DatabaseGoneError} when there is no file
 */
export async function identifyWithBeginning(file: string, length: number): Promise<FileIdentity> {
  const identity = await identify(file);
  try {
    return { ...identity, beginning: (await readFile(file)).subarray(0, length) };
  } catch (error) {
    throw new DatabaseOpenError(file, reasonOf(error), error);
  }
}
