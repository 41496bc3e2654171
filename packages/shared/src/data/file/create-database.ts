import path from 'node:path';
import { moveDurably, removeDurably, syncFolder } from '../../core/paths/index.ts';
import type { CipherName } from '../engine/wire.ts';
import type { EngineThread } from '../threads/engine-thread.ts';
import { type FileHeader, makeFile, readFileHeader, unauthenticatedHeader } from './database-file.ts';
import { headOf, type ReadHead, writeHead } from './database-head.ts';
import { NotADatabaseError } from './errors.ts';
import { newName } from './rollback-guard.ts';
import { withKey } from './with-key.ts';

interface CreateOptions {
  readonly file: string;
  readonly key: SharedArrayBuffer;
  readonly cipher: CipherName;
}

/** The name of a database file until it is complete and its head is written. */
function draftOf(file: string): string {
  return `${file}.new`;
}

/**
 * Creates a database: first the file under a temporary name, then its head, then the rename. So a database without a head is one
 * whose head was removed, and an interrupted creation is completed or repeated by the next start.
 */
export async function create(
  { file, key, cipher }: CreateOptions,
  engine: EngineThread,
): Promise<{ readonly fileHeader: FileHeader; readonly head: ReadHead }> {
  const draft = draftOf(file);
  for (const suffix of ['', '-wal', '-shm', '-journal']) await removeDurably(`${draft}${suffix}`);
  await makeFile(draft);
  const history = { id: newName(), epoch: newName() };
  await engine.operation({ name: 'create', file: draft, history });
  // SQLite does not make the directory entry of the draft durable.
  await syncFolder(path.dirname(draft));
  const fileHeader = await readFileHeader(draft);
  if (fileHeader === undefined) throw new NotADatabaseError(file);
  const head = headOf(fileHeader, cipher, history);
  await withKey(key, (bytes) => writeHead(file, head, { commits: 0 }, bytes));
  await moveDurably(draft, file);
  return { fileHeader, head: { head, isOurs: true, commits: 0, notes: [] } };
}

/**
 * The draft of a creation that was interrupted between the head and the rename, if it is the database that the head describes. A
 * head that has counted a commit belongs to a database that was renamed, so a draft is ignored then.
 */
export async function unfinishedCreation(
  file: string,
  cipher: CipherName,
  head: ReadHead | undefined,
): Promise<string | undefined> {
  if (head?.isOurs !== true || head.commits > 0 || (await readFileHeader(file)) !== undefined)
    return undefined;
  const draft = await readFileHeader(draftOf(file));
  const isTheOne = draft !== undefined && unauthenticatedHeader(draft, cipher) === head.head.header;
  return isTheOne ? draftOf(file) : undefined;
}
