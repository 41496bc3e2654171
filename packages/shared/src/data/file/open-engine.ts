import { stat } from 'node:fs/promises';
import type { Logger } from '../../core/logging/types.ts';
import { moveDurably } from '../../core/paths/index.ts';
import type { HeadPlace } from '../engine/commit-record.ts';
import { type DatabaseHistory, type DatabaseStamp, RECORDS_AT } from '../engine/commit-record.ts';
import type { DiskFaults } from '../engine/disk-faults.ts';
import type { EngineFailure } from '../engine/engine-failure.ts';
import type { CipherName, EngineData } from '../engine/wire.ts';
import type { Vocabulary } from '../sql/vocabulary.ts';
import { errorOf } from '../threads/engine-errors.ts';
import { EngineThread, type ThreadEvents } from '../threads/engine-thread.ts';
import type { EngineWorker } from '../threads/engine-worker.ts';
import { create, unfinishedCreation } from './create-database.ts';
import {
  canBeDatabase,
  type FileHeader,
  type FileIdentity,
  identify,
  identifyWithBeginning,
  makePrivate,
  readFileHeader,
  unauthenticatedHeader,
} from './database-file.ts';
import { headFileOf, headMacKey, type ReadHead, readHead } from './database-head.ts';
import {
  DatabaseCipherError,
  DatabaseCorruptError,
  DatabaseGoneError,
  DatabaseHeadError,
  DatabaseHeadMissingError,
  DatabaseKeyWrongError,
  DatabaseOpenTwiceError,
  NotADatabaseError,
} from './errors.ts';
import { type DatabaseWitness, refuseOlder } from './rollback-guard.ts';
import { withKey } from './with-key.ts';

interface OpenEngineOptions {
  readonly file: string;
  readonly key: SharedArrayBuffer;
  readonly cipher: CipherName;
  readonly busyTimeoutMs: number;
  readonly maxPages: number | undefined;
  readonly logger: Logger | undefined;
  /** The worker of the writer, if it was started ahead. */
  readonly worker: EngineWorker | undefined;
  readonly witness: DatabaseWitness | undefined;
  /** The handlers of all threads, which may be set later, and the vocabulary, which learns the schema. Only the writer uses `onFailure`. */
  readonly events: ThreadEvents & { readonly vocabulary: Vocabulary };
  readonly statementLimitMs: number;
  readonly maxResultBytes: number | undefined;
  readonly faults: DiskFaults | undefined;
}

/** The writer of an open database, and the identities of its files. */
export interface OpenEngine {
  readonly writer: EngineThread;
  /** Starts a reader, which opens the file with its first statement. */
  readonly startReader: (name: string) => EngineThread;
  readonly identities: readonly FileIdentity[];
  /** Lets this process open the file again. */
  readonly unregister: () => void;
}

/**
 * The files that this process has open, by device and inode. This is module state because POSIX locks belong to the process:
 * opening and closing a file again would release the locks of SQLite.
 */
const openFiles = new Set<string>();

/**
 * Opens the database, or creates it if it is missing, and checks its identity before anything is written to it.
 * @throws an error that states the fault of the file, the key or the location
 */
export async function openEngine(options: OpenEngineOptions): Promise<OpenEngine> {
  const { file } = options;
  const unregister = await register(file);
  try {
    const head = await withKey(options.key, (key) => readHead(file, key));
    if (head !== undefined && head.head.cipher !== options.cipher)
      throw new DatabaseCipherError(file, head.head.cipher, options.cipher);
    const draft = await unfinishedCreation(file, options.cipher, head);
    if (draft !== undefined && head !== undefined) {
      await verifyDraft(options, draft, head);
      await moveDurably(draft, file);
    }
    const found = await readFileHeader(file);
    if (found === undefined) await refuseIfExisted(options, head);
    else if (!canBeDatabase(found, options.cipher) && (head === undefined || head.isOurs))
      throw new NotADatabaseError(file);
    return { ...(await start(options, found, head)), unregister };
  } catch (error) {
    unregister();
    throw error;
  }
}

/** Verifies that a draft opens with this key and has the history of its head, before it is renamed. */
async function verifyDraft(options: OpenEngineOptions, draft: string, head: ReadHead): Promise<void> {
  const fileHeader = await readFileHeader(draft);
  if (fileHeader === undefined) return;
  const thread = new EngineThread('draft', engineData({ ...options, file: draft }, 'reader'), {
    onCrash: () => undefined,
  });
  try {
    await verify(options, fileHeader, head, thread);
  } finally {
    await thread.terminate();
  }
}

/**
 * Refuses to create a database in place of one that existed.
 * @throws {DatabaseGoneError} if there is a head, or a log with content
 * @throws {DatabaseRolledBackError} if the witness has an entry
 */
async function refuseIfExisted(
  { file, witness }: OpenEngineOptions,
  head: ReadHead | undefined,
): Promise<void> {
  if (head !== undefined) throw new DatabaseGoneError(file);
  // SQLite would apply the log of the missing database to a new one.
  const log = await stat(`${file}-wal`).catch(() => undefined);
  if (log !== undefined && log.size > 0) throw new DatabaseGoneError(file);
  await witness?.refuse(undefined, undefined);
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

async function start(
  options: OpenEngineOptions,
  found: FileHeader | undefined,
  foundHead: ReadHead | undefined,
): Promise<Omit<OpenEngine, 'unregister'>> {
  const { file } = options;
  const newThread = (name: string, role: EngineData['role']): EngineThread =>
    new EngineThread(
      name,
      engineData(options, role),
      role === 'writer' ? options.events : { ...options.events, onFailure: undefined },
      role === 'writer' ? options.worker : undefined,
    );
  const writer = newThread('writer', 'writer');
  try {
    const made = found === undefined ? await create(options, writer) : undefined;
    const fileHeader = found ?? made?.fileHeader;
    const head = foundHead ?? made?.head;
    if (fileHeader === undefined) throw new NotADatabaseError(file);
    const history = await verify(options, fileHeader, head, writer);
    // The file is changed only after it was verified.
    if (await makePrivate(file))
      options.logger?.warn('The database file was accessible to other users; the permissions were removed', {
        file,
      });
    options.events.vocabulary.learn(
      String(await writer.operation({ name: 'open', head: await headPlace(options, history) })),
    );
    // The head is watched too: without it, or with an older one, the next start is refused.
    const identities = await Promise.all([
      identify(file),
      identify(`${file}-wal`),
      identifyWithBeginning(headFileOf(file), RECORDS_AT),
    ]);
    const startReader = (name: string): EngineThread => newThread(name, 'reader');
    return { writer, startReader, identities };
  } catch (error) {
    await writer.terminate();
    throw error;
  }
}

/**
 * Verifies that the file opens with this key, belongs to its head and is not an older copy. The connection is read-only, so that
 * a file that fails verification is not changed.
 */
async function verify(
  options: OpenEngineOptions,
  fileHeader: FileHeader,
  head: ReadHead | undefined,
  thread: EngineThread,
): Promise<DatabaseHistory> {
  const { file, cipher } = options;
  const { value, failure } = await thread.attempt({ name: 'verify' });
  const headerDiffers =
    head?.isOurs === true && head.head.header !== unauthenticatedHeader(fileHeader, cipher);
  if (failure !== undefined && !headerDiffers) throw openingError(options, fileHeader, head, failure);
  if (failure === undefined) {
    if (head === undefined) throw new DatabaseHeadMissingError(file, headFileOf(file));
    if (!head.isOurs)
      throw new DatabaseHeadError(headFileOf(file), 'was not written with the key that opens it');
    const stamp = value as DatabaseStamp | undefined;
    refuseOlder(file, stamp, head);
    await options.witness?.refuse(stamp, head.head.replaces);
  }
  if (headerDiffers || head === undefined)
    throw new DatabaseCorruptError(file, 'its header differs from the one it was created with');
  return head.head;
}

async function headPlace(
  { file, key }: OpenEngineOptions,
  { id, epoch }: DatabaseHistory,
): Promise<HeadPlace> {
  const macKey = await withKey(key, (bytes) => Promise.resolve(headMacKey(bytes)));
  return { file: headFileOf(file), id, epoch, macKey };
}

/**
 * The error for a first page that does not open. The engine reports a wrong key, a foreign file and a damaged file in the same way;
 * the head distinguishes them.
 */
function openingError(
  options: OpenEngineOptions,
  fileHeader: FileHeader,
  head: ReadHead | undefined,
  failure: EngineFailure,
): Error {
  const { file, cipher } = options;
  if (failure.code !== 'SQLITE_NOTADB')
    return errorOf(failure.failure, { file, shape: 'open', vocabulary: options.events.vocabulary });
  if (!canBeDatabase(fileHeader, cipher)) return new NotADatabaseError(file, failure);
  if (head === undefined || !head.isOurs) return new DatabaseKeyWrongError(file, failure);
  return new DatabaseCorruptError(file, 'its first page does not authenticate', failure);
}

function engineData(options: OpenEngineOptions, role: EngineData['role']): EngineData {
  const { file, key, cipher, busyTimeoutMs, maxPages, statementLimitMs, maxResultBytes } = options;
  const limits = { statementLimitMs, ...(maxResultBytes === undefined ? {} : { maxResultBytes }) };
  const faults = role === 'writer' ? options.faults?.memory : undefined;
  return { file, key, cipher, role, busyTimeoutMs, maxPages, faults, ...limits };
}
