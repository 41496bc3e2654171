import { stat } from 'node:fs/promises';
import type { Logger } from '../../core/logging/types.ts';
import { moveDurably } from '../../core/paths/index.ts';
import type { HeadPlace } from '../engine/commit-record.ts';
import { type DatabaseHistory, type DatabaseStamp, RECORDS_AT } from '../engine/commit-record.ts';
import type { DiskFaults } from '../engine/disk-faults.ts';
import type { CipherName, EngineData, Failure } from '../engine/wire.ts';
import type { EngineFailure } from '../engine-failure.ts';
import type { Vocabulary } from '../sql/vocabulary.ts';
import { errorOf } from '../threads/engine-errors.ts';
import { EngineThread } from '../threads/engine-thread.ts';
import type { EngineWorker } from '../threads/engine-worker.ts';
import type { EngineCrashedError } from '../threads/errors.ts';
import type { RunningStatement } from '../threads/thread-watch.ts';
import { create, unfinishedCreation } from './create-database.ts';
import {
  type FileIdentity,
  type FileLook,
  identify,
  identifyWithBeginning,
  lookAtFile,
  looksLikeDatabase,
  makePrivate,
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

export interface OpenEngineOptions {
  readonly file: string;
  readonly key: SharedArrayBuffer;
  readonly cipher: CipherName;
  readonly busyTimeoutMs: number;
  readonly maxPages: number | undefined;
  readonly logger: Logger | undefined;
  /** The worker of the writer, if it was started ahead. */
  readonly worker: EngineWorker | undefined;
  readonly witness: DatabaseWitness | undefined;
  readonly onCrash: (error: EngineCrashedError) => void;
  /** Of the writer. */
  readonly onFailure: (failure: Failure) => void;
  readonly statementLimitMs: number;
  readonly maxResultBytes: number | undefined;
  readonly faults: DiskFaults | undefined;
  /** Learns the schema. */
  readonly vocabulary: Vocabulary;
  readonly onSlow: (running: RunningStatement, isOverdue: boolean, thread: EngineThread) => void;
}

/** The writer of an open database, and the files that are open. */
export interface OpenEngine {
  readonly writer: EngineThread;
  /** Starts a reader, which opens the file with its first statement. */
  readonly startReader: (name: string) => EngineThread;
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
      await proveDraft(options, draft, head);
      await moveDurably(draft, file);
    }
    const found = await lookAtFile(file);
    if (found === undefined) await refuseToMakeAnew(options, head);
    else if (!looksLikeDatabase(found, options.cipher) && (head === undefined || head.isOurs))
      throw new NotADatabaseError(file);
    return { ...(await start(options, found, head)), unregister };
  } catch (error) {
    unregister();
    throw error;
  }
}

/** A draft gets the name of the database only as what it is: empty, of this key and of the history its head speaks of. */
async function proveDraft(options: OpenEngineOptions, draft: string, head: ReadHead): Promise<void> {
  const look = await lookAtFile(draft);
  if (look === undefined) return;
  const thread = new EngineThread('draft', engineData({ ...options, file: draft }, 'reader'), {
    onCrash: () => undefined,
  });
  try {
    await prove(options, look, head, thread);
  } finally {
    await thread.terminate();
  }
}

/**
 * @throws {DatabaseGoneError} if there is a sign that a database existed
 * @throws {DatabaseRolledBackError} if the witness has an entry
 */
async function refuseToMakeAnew(
  { file, witness }: OpenEngineOptions,
  head: ReadHead | undefined,
): Promise<void> {
  if (head !== undefined) throw new DatabaseGoneError(file);
  // A log without its database; under a new one it would be taken for that one's.
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
  found: FileLook | undefined,
  foundHead: ReadHead | undefined,
): Promise<Omit<OpenEngine, 'unregister'>> {
  const { file } = options;
  const newThread = (name: string, role: EngineData['role']): EngineThread =>
    new EngineThread(
      name,
      engineData(options, role),
      {
        onCrash: options.onCrash,
        onSlow: options.onSlow,
        vocabulary: options.vocabulary,
        ...(role === 'writer' ? { onFailure: options.onFailure } : {}),
      },
      role === 'writer' ? options.worker : undefined,
    );
  const writer = newThread('writer', 'writer');
  try {
    const made = found === undefined ? await create(options, writer) : undefined;
    const look = found ?? made?.look;
    const head = foundHead ?? made?.head;
    if (look === undefined) throw new NotADatabaseError(file);
    const history = await prove(options, look, head, writer);
    // Nothing is changed before the file is proven to be ours and the newest.
    if (await makePrivate(file)) options.logger?.warn('Database was open to others; now it is not', { file });
    options.vocabulary.learn(
      String(await writer.operation({ name: 'open', head: await headPlace(options, history) })),
    );
    // The head counts as much as the two others: without it, or with an older one, the next start is refused.
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
 * Proves that the file opens with this key, that it is the one its head vouches for and that it is not older. Through a
 * connection that cannot write: until the file is known to be ours nothing of it changes.
 */
async function prove(
  options: OpenEngineOptions,
  look: FileLook,
  head: ReadHead | undefined,
  thread: EngineThread,
): Promise<DatabaseHistory> {
  const { file, cipher } = options;
  const { value, failure } = await thread.attempt({ name: 'verify' });
  const headerDiffers = head?.isOurs === true && head.head.header !== unauthenticatedHeader(look, cipher);
  if (failure !== undefined && !headerDiffers) throw openingError(options, look, head, failure);
  if (failure === undefined) {
    if (head === undefined) throw new DatabaseHeadMissingError(file, headFileOf(file));
    if (!head.isOurs)
      throw new DatabaseHeadError(headFileOf(file), 'was not written with the key that opens it');
    const stamp = value as DatabaseStamp | undefined;
    refuseOlder(file, stamp, head);
    await options.witness?.refuse(stamp, head.head.replaces);
  }
  if (headerDiffers || head === undefined)
    throw new DatabaseCorruptError(file, 'its header is not the one it was made with');
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
 * The error for a first page that does not open. The engine says the same for a wrong key, a stranger's file and a
 * damaged one; the head tells them apart.
 */
function openingError(
  options: OpenEngineOptions,
  look: FileLook,
  head: ReadHead | undefined,
  failure: EngineFailure,
): Error {
  const { file, cipher } = options;
  if (failure.code !== 'SQLITE_NOTADB')
    return errorOf(failure.failure, { file, shape: 'open', vocabulary: options.vocabulary });
  if (!looksLikeDatabase(look, cipher)) return new NotADatabaseError(file, failure);
  if (head === undefined || !head.isOurs) return new DatabaseKeyWrongError(file, failure);
  return new DatabaseCorruptError(file, 'its first page does not authenticate', failure);
}

function engineData(options: OpenEngineOptions, role: EngineData['role']): EngineData {
  const { file, key, cipher, busyTimeoutMs, maxPages, statementLimitMs, maxResultBytes } = options;
  const limits = { statementLimitMs, ...(maxResultBytes === undefined ? {} : { maxResultBytes }) };
  const faults = role === 'writer' ? options.faults?.memory : undefined;
  return { file, key, cipher, role, busyTimeoutMs, maxPages, faults, ...limits };
}
