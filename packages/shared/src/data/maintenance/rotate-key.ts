import { timingSafeEqual } from 'node:crypto';
import { stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import {
  createPrivateFile,
  moveDurably,
  removeDurably,
  syncFile,
  syncFolder,
} from '../../core/paths/index.ts';
import { type AICOKeyManager, wipe } from '../../security/index.ts';
import { EncryptedDatabase } from '../encrypted-database.ts';
import type { VerifiedCopy } from '../engine/encrypted-copy.ts';
import { DatabaseGoneError, DatabaseHeadError } from '../errors.ts';
import { lookAtFile, unauthenticatedHeader } from '../file/database-file.ts';
import { headFileOf, readHead, writeHead } from '../file/database-head.ts';
import type { DatabaseWitness } from '../file/rollback-guard.ts';
import { RotationFailedError, SpaceMissingError } from './errors.ts';

/** The steps of a rotation, in order; after each of them a death leaves a home that opens. */
export type RotationStep =
  | 'staged'
  | 'copied'
  | 'head written'
  | 'head in place'
  | 'database in place'
  | 'promoted';

/** The database whose key is changed, and its keys. */
export interface RotateKeyOptions {
  readonly file: string;
  /** Unlocked. */
  readonly keys: AICOKeyManager;
  /** Asked whether the database is the newest, before anything is changed. */
  readonly witness?: DatabaseWitness | undefined;
  /** Told after each step. */
  readonly onStep?: (step: RotationStep) => void;
}

/** How much more than the database's size must be free: the copy, its log, and some room. */
const ROOM = 1.2;
const SIDE_FILES = ['', '-wal', '-shm', '-journal', '.head'];

/**
 * Encrypts the database under a new random key. The database must not be open anywhere. If the process dies at any moment, the
 * next opening (after {@link recoverRotation}) has all rows under the old or the new key.
 *
 * The commit point is the rename of the head: after it the new copy is the database, before it the old one.
 *
 * @throws {SpaceMissingError} before anything is done
 * @throws {RotationFailedError} when the copy is not complete; the database is unchanged
 * @throws the errors of opening the database
 */
export async function rotateKey(options: RotateKeyOptions): Promise<{ readonly commits: number }> {
  const { file, keys, witness, onStep = () => {} } = options;
  await recoverRotation(options);
  const folder = path.dirname(file);
  await refuseWithoutRoom(file, folder);
  const current = keys.databaseKey();
  let next: Uint8Array | undefined;
  let stamp: VerifiedCopy['stamp'] | undefined;
  try {
    const known = await readHead(file, current);
    if (known?.isOurs !== true)
      throw new DatabaseHeadError(headFileOf(file), 'does not vouch for the database');
    const { head } = known;
    // Opened as at any start: whole, ours and the newest. Its closing leaves no log behind.
    await (await EncryptedDatabase.open({ file, key: current, cipher: head.cipher, witness })).close();
    next = await keys.stageDatabaseKey();
    onStep('staged');
    const copy = `${file}.rotating`;
    ({ stamp } = await makeCopy(file, copy, head.cipher, current, next));
    onStep('copied');
    const look = await lookAtFile(copy);
    if (look === undefined) throw new DatabaseGoneError(copy);
    await writeHead(copy, { ...head, header: unauthenticatedHeader(look, head.cipher) }, stamp.commits, next);
    onStep('head written');
    // Durable before the next step: the database under the new key with a head under the old one could not be opened.
    await moveDurably(headFileOf(copy), headFileOf(file));
    onStep('head in place');
    await finish(file, keys, onStep);
    return { commits: stamp.commits };
  } catch (error) {
    // A step that can be undone is undone, any other is finished. After a crash the next opening does so.
    const recovered = await recoverRotation(options).catch(() => undefined);
    if (recovered === undefined) throw new RotationFailedError(file, 'unfinished', error);
    const isNew = next !== undefined && keys.isUnlocked && holdsKey(keys, next);
    if (isNew && stamp !== undefined) return { commits: stamp.commits };
    // Before anything is staged it was no rotation that failed.
    throw next === undefined ? error : new RotationFailedError(file, 'undone', error);
  } finally {
    wipe(current);
    if (next !== undefined) wipe(next);
  }
}

/**
 * Completes or undoes an interrupted rotation; does nothing if there was none. Must be called before each opening of the
 * database.
 *
 * @returns the action taken
 * @throws {DatabaseHeadError} when neither key authenticates the head; nothing is changed then
 */
export async function recoverRotation({
  file,
  keys,
  onStep = () => {},
}: RotateKeyOptions): Promise<'nothing' | 'undone' | 'finished'> {
  const next = keys.nextDatabaseKey();
  if (next === undefined) return 'nothing';
  const current = keys.databaseKey();
  try {
    const isOld = (await readHead(file, current))?.isOurs === true;
    const isNew = !isOld && (await readHead(file, next))?.isOurs === true;
    if (isNew) {
      await finish(file, keys, onStep);
      return 'finished';
    }
    // No database yet: a key was staged for nothing.
    if (!isOld && (await exists(file)))
      throw new DatabaseHeadError(
        headFileOf(file),
        'is neither of the present key nor of the one it is changed to',
      );
    for (const side of SIDE_FILES) await removeDurably(`${file}.rotating${side}`);
    await keys.discardStagedDatabaseKey();
    return 'undone';
  } finally {
    wipe(current);
    wipe(next);
  }
}

async function finish(
  file: string,
  keys: AICOKeyManager,
  onStep: (step: RotationStep) => void,
): Promise<void> {
  const copy = `${file}.rotating`;
  if (await exists(copy)) {
    // They belong to the database that goes; beside the new one they would be taken for its own, so they are gone for
    // good before it comes. The engine removes its log without syncing the folder, and it may have come back.
    for (const side of ['-wal', '-shm']) await removeDurably(`${file}${side}`);
    for (const side of ['-wal', '-shm', '-journal']) await removeDurably(`${copy}${side}`);
    await syncFolder(path.dirname(file));
    await moveDurably(copy, file);
  }
  onStep('database in place');
  await keys.promoteDatabaseKey();
  onStep('promoted');
}

async function makeCopy(
  file: string,
  copy: string,
  cipher: 'aegis' | 'sqlcipher',
  current: Uint8Array,
  next: Uint8Array,
): Promise<VerifiedCopy> {
  const [from, to] = [shared(current), shared(next)];
  try {
    for (const side of SIDE_FILES) await removeDurably(`${copy}${side}`);
    // Empty and private before anything is in it.
    await createPrivateFile(copy);
    // Loaded when it is wanted: a start need not load the engine into this thread.
    const { writeEncryptedCopy } = await import('../engine/encrypted-copy.ts');
    const verified = writeEncryptedCopy({ file, key: from, cipher }, copy, to);
    for (const side of ['-wal', '-shm', '-journal']) await removeDurably(`${copy}${side}`);
    await syncFile(copy);
    return verified;
  } catch (error) {
    throw new RotationFailedError(file, 'undone', error);
  } finally {
    new Uint8Array(from).fill(0);
    new Uint8Array(to).fill(0);
  }
}

/** Whether the key manager's database key is this one. */
function holdsKey(keys: AICOKeyManager, expected: Uint8Array): boolean {
  const present = keys.databaseKey();
  try {
    return timingSafeEqual(present, expected);
  } finally {
    wipe(present);
  }
}

async function refuseWithoutRoom(file: string, folder: string): Promise<void> {
  const { size } = await stat(file).catch(() => {
    throw new DatabaseGoneError(file);
  });
  const { bavail, bsize } = await statfs(folder);
  const needed = Math.ceil(size * ROOM) + 1_048_576;
  if (bavail * bsize < needed) throw new SpaceMissingError(folder, needed, bavail * bsize);
}

function shared(key: Uint8Array): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(key.byteLength);
  new Uint8Array(memory).set(key);
  return memory;
}

async function exists(file: string): Promise<boolean> {
  return await stat(file).then(
    () => true,
    () => false,
  );
}
