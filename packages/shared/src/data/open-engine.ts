import { stat } from 'node:fs/promises';
import type { Logger } from '../core/logging/types.ts';
import { wipe } from '../security/index.ts';
import {
  type FileIdentity,
  type FileLook,
  identify,
  lookAtFile,
  looksLikeDatabase,
  makeFile,
  makePrivate,
  unauthenticatedHeader,
} from './database-file.ts';
import { headFileOf, type ReadHead, readHead, writeHead } from './database-head.ts';
import type { CipherName, EngineData, Failure } from './engine/wire.ts';
import { type EngineFailure, errorOf } from './engine-errors.ts';
import { EngineThread } from './engine-thread.ts';
import {
  DatabaseCipherError,
  DatabaseCorruptError,
  DatabaseGoneError,
  DatabaseHeadError,
  DatabaseKeyWrongError,
  DatabaseOpenTwiceError,
  type EngineCrashedError,
  NotADatabaseError,
} from './errors.ts';

export interface OpenEngineOptions {
  readonly file: string;
  readonly key: SharedArrayBuffer;
  readonly cipher: CipherName;
  readonly readers: number;
  readonly busyTimeoutMs: number;
  readonly maxPages: number | undefined;
  readonly logger: Logger | undefined;
  readonly onCrash: (error: EngineCrashedError) => void;
  /** Of the writer. */
  readonly onFailure: (failure: Failure) => void;
}

/** The threads of an open database and the files they have open. */
export interface OpenEngine {
  readonly writer: EngineThread;
  readonly readers: readonly EngineThread[];
  readonly identities: readonly FileIdentity[];
  /** Lets this process open the file again. */
  readonly unregister: () => void;
}

/**
 * The files this process has open, by device and inode. Module state on purpose: the locks it protects are the process's
 * own, and a second look at an open file would drop them.
 */
const openFiles = new Set<string>();

/**
 * Opens the database, or makes it where there is none, and proves what it is before anything is written to it.
 * @throws the error that says what is wrong with the file, the key or the place
 */
export async function openEngine(options: OpenEngineOptions): Promise<OpenEngine> {
  const { file } = options;
  const unregister = await register(file);
  try {
    const head = await withKey(options.key, (key) => readHead(file, key));
    if (head !== undefined && head.head.cipher !== options.cipher)
      throw new DatabaseCipherError(file, head.head.cipher, options.cipher);
    const found = await lookAtFile(file);
    refuseByLook(options, found, head);
    return { ...(await start(options, found, head)), unregister };
  } catch (error) {
    unregister();
    throw error;
  }
}

/** Refuses what needs no engine to be refused. */
function refuseByLook(
  { file, cipher }: OpenEngineOptions,
  look: FileLook | undefined,
  head: ReadHead | undefined,
): void {
  if (look === undefined) {
    if (head !== undefined) throw new DatabaseGoneError(file);
    return;
  }
  if (!looksLikeDatabase(look, cipher) && (head === undefined || head.isOurs))
    throw new NotADatabaseError(file);
  if (head?.isOurs && head.head.header !== unauthenticatedHeader(look, cipher))
    throw new DatabaseCorruptError(file, 'its header is not the one it was made with');
}

async function register(file: string): Promise<() => void> {
  const found = await stat(file, { bigint: true }).catch(() => undefined);
  const name = found === undefined ? file : `${found.dev}:${found.ino}`;
  if (openFiles.has(name) || openFiles.has(file)) throw new DatabaseOpenTwiceError(file);
  openFiles.add(name);
  openFiles.add(file);
  return () => {
    openFiles.delete(name);
    openFiles.delete(file);
  };
}

/** Makes the file, lets go of it, and looks at what came out. */
async function create(file: string, writer: EngineThread): Promise<FileLook> {
  await makeFile(file);
  await writer.operation({ name: 'create' });
  const look = await lookAtFile(file);
  if (look === undefined) throw new NotADatabaseError(file);
  return look;
}

async function start(
  options: OpenEngineOptions,
  found: FileLook | undefined,
  head: ReadHead | undefined,
): Promise<Omit<OpenEngine, 'unregister'>> {
  const { file, cipher } = options;
  const threads: EngineThread[] = [];
  const startThread = (name: string, role: EngineData['role']): EngineThread => {
    const thread = new EngineThread(name, engineData(options, role), {
      onCrash: options.onCrash,
      ...(role === 'writer' ? { onFailure: options.onFailure } : {}),
    });
    threads.push(thread);
    return thread;
  };
  try {
    // All threads start at once; only the first to open the file is waited for by the others.
    const writer = startThread('writer', 'writer');
    const readers = Array.from({ length: options.readers }, (_, index) =>
      startThread(`reader ${index + 1}`, 'reader'),
    );
    const look = found ?? (await create(file, writer));
    if (await makePrivate(file)) options.logger?.warn('Database was open to others; now it is not', { file });
    const header = unauthenticatedHeader(look, cipher);
    // Through a connection that cannot write: until the file is known to be ours nothing of it changes.
    const failure = await writer.attempt({ name: 'verify' });
    if (failure !== undefined) throw openingError(options, look, head, failure);
    if (head !== undefined && !head.isOurs)
      throw new DatabaseHeadError(headFileOf(file), 'was not written with the key that opens it');
    await writer.operation({ name: 'open' });
    if (head === undefined)
      await withKey(options.key, (key) =>
        writeHead(
          file,
          { format: 'aico-database-head', version: 1, cipher, header, createdAt: new Date().toISOString() },
          key,
        ),
      );
    await Promise.all(readers.map((reader) => reader.operation({ name: 'open' })));
    const identities = await Promise.all([identify(file), identify(`${file}-wal`)]);
    return { writer, readers, identities };
  } catch (error) {
    await Promise.all(threads.map((thread) => thread.terminate()));
    throw error;
  }
}

/**
 * What it means that the first page does not open. The engine says the same for a wrong key, a stranger's file and a
 * damaged one; the head tells them apart.
 */
function openingError(
  options: OpenEngineOptions,
  look: FileLook,
  head: ReadHead | undefined,
  failure: EngineFailure,
): Error {
  const { file, cipher } = options;
  if (failure.code !== 'SQLITE_NOTADB') return errorOf(failure, file, 'open');
  if (!looksLikeDatabase(look, cipher)) return new NotADatabaseError(file, failure);
  if (head === undefined || !head.isOurs) return new DatabaseKeyWrongError(file, failure);
  return new DatabaseCorruptError(file, 'its first page does not authenticate', failure);
}

function engineData(options: OpenEngineOptions, role: EngineData['role']): EngineData {
  const { file, key, cipher, busyTimeoutMs, maxPages } = options;
  return { file, key, cipher, role, busyTimeoutMs, maxPages };
}

/** The key's bytes for the time `work` runs, in memory that is wiped after. */
async function withKey<T>(shared: SharedArrayBuffer, work: (key: Uint8Array) => Promise<T>): Promise<T> {
  const key = Uint8Array.from(new Uint8Array(shared));
  try {
    return await work(key);
  } finally {
    wipe(key);
  }
}
