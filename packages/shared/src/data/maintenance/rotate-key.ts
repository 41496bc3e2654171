import { timingSafeEqual } from 'node:crypto';
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
import { readFileHeader, unauthenticatedHeader } from '../file/database-file.ts';
import { headFileOf, readHead, writeHead } from '../file/database-head.ts';
import { DatabaseGoneError, DatabaseHeadError } from '../file/errors.ts';
import type { DatabaseWitness } from '../file/rollback-guard.ts';
import { withSharedKey } from '../file/with-key.ts';
import { bytesOf, exists, requireSpace } from './disk-space.ts';
import { RotationFailedError } from './errors.ts';

/** The steps of a rotation, in order. If the process dies after any of them, the home still opens. */
export type RotationStep =
  | 'staged'
  | 'copied'
  | 'head written'
  | 'head in place'
  | 'database in place'
  | 'promoted';

/** The database whose key is rotated, and its key manager. */
export interface RotateKeyOptions {
  readonly file: string;
  /** The key manager, which must be unlocked. */
  readonly keys: AICOKeyManager;
  /** Refuses an older copy of the database, before anything is changed. */
  readonly witness?: DatabaseWitness | undefined;
  /** Called after each step. */
  readonly onStep?: (step: RotationStep) => void;
}

/** The free space that a rotation needs for the copy and its log, as a multiple of the database's size. */
const SPACE_FACTOR = 1.2;
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
  await requireSpace(folder, (await bytesOf(file)) * SPACE_FACTOR);
  const current = keys.databaseKey();
  let next: Uint8Array | undefined;
  let stamp: VerifiedCopy['stamp'] | undefined;
  try {
    const known = await readHead(file, current);
    if (known?.isOurs !== true)
      throw new DatabaseHeadError(headFileOf(file), 'does not authenticate the database');
    const { head } = known;
    // This runs the checks of a normal start, and closing removes the log.
    await (await EncryptedDatabase.open({ file, key: current, cipher: head.cipher, witness })).close();
    next = await keys.stageDatabaseKey();
    onStep('staged');
    const copy = `${file}.rotating`;
    ({ stamp } = await makeCopy(file, copy, head.cipher, current, next));
    onStep('copied');
    const fileHeader = await readFileHeader(copy);
    if (fileHeader === undefined) throw new DatabaseGoneError(copy);
    const renewed = { ...head, header: unauthenticatedHeader(fileHeader, head.cipher) };
    await writeHead(copy, renewed, { commits: stamp.commits, notes: known.notes }, next);
    onStep('head written');
    // Durable before the next step: the database under the new key with a head under the old one could not be opened.
    await moveDurably(headFileOf(copy), headFileOf(file));
    onStep('head in place');
    await finish(file, keys, onStep);
    return { commits: stamp.commits };
  } catch (error) {
    // The rotation is undone, or finished if the new head is in place. After a crash the next opening does the same.
    const recovered = await recoverRotation(options).catch(() => undefined);
    if (recovered === undefined) throw new RotationFailedError(file, 'unfinished', error);
    const isNew = next !== undefined && keys.isUnlocked && holdsKey(keys, next);
    if (isNew && stamp !== undefined) return { commits: stamp.commits };
    // Without a staged key the rotation had not begun, so the error is reported as it is.
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
    // Without a database the staged key is only discarded.
    if (!isOld && (await exists(file)))
      throw new DatabaseHeadError(
        headFileOf(file),
        'belongs neither to the present key nor to the staged one',
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
    // The log belongs to the old database, and SQLite would apply it to the new one. SQLite removes its log without syncing the
    // folder, so after a power loss the log can exist again: it is removed durably before the new database is in place.
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
  try {
    for (const side of SIDE_FILES) await removeDurably(`${copy}${side}`);
    // The file is private before it has any content.
    await createPrivateFile(copy);
    // The import is dynamic, so that a start does not load SQLite into this thread.
    const { writeEncryptedCopy } = await import('../engine/encrypted-copy.ts');
    const verified = await withSharedKey(current, (from) =>
      withSharedKey(next, async (to) => writeEncryptedCopy({ file, key: from, cipher }, copy, to)),
    );
    for (const side of ['-wal', '-shm', '-journal']) await removeDurably(`${copy}${side}`);
    await syncFile(copy);
    return verified;
  } catch (error) {
    throw new RotationFailedError(file, 'undone', error);
  }
}

/** Whether `expected` is the key manager's present database key. */
function holdsKey(keys: AICOKeyManager, expected: Uint8Array): boolean {
  const present = keys.databaseKey();
  try {
    return timingSafeEqual(present, expected);
  } finally {
    wipe(present);
  }
}
