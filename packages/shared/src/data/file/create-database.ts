import path from 'node:path';
import { moveDurably, removeDurably, syncFolder } from '../../core/paths/index.ts';
import type { CipherName } from '../engine/wire.ts';
import { NotADatabaseError } from '../errors.ts';
import type { EngineThread } from '../threads/engine-thread.ts';
import { type FileLook, lookAtFile, makeFile, unauthenticatedHeader } from './database-file.ts';
import { type DatabaseHead, type ReadHead, writeHead } from './database-head.ts';
import { newName } from './rollback-guard.ts';
import { withKey } from './with-key.ts';

export interface CreateOptions {
  readonly file: string;
  readonly key: SharedArrayBuffer;
  readonly cipher: CipherName;
}

/** Where a database lies until it is whole and its head is written. */
function draftOf(file: string): string {
  return `${file}.new`;
}

/**
 * Makes a database: first the file under another name, then its head, then the name. So there is never a database
 * without a head but one whose head was taken away, and a creation cut short anywhere is finished, or begun again, by
 * the next start.
 */
export async function create(
  { file, key, cipher }: CreateOptions,
  engine: EngineThread,
): Promise<{ readonly look: FileLook; readonly head: ReadHead }> {
  const draft = draftOf(file);
  for (const suffix of ['', '-wal', '-shm', '-journal']) await removeDurably(`${draft}${suffix}`);
  await makeFile(draft);
  const history = { id: newName(), epoch: newName() };
  await engine.operation({ name: 'create', file: draft, history });
  // The name of the draft itself, which the engine does not make durable.
  await syncFolder(path.dirname(draft));
  const look = await lookAtFile(draft);
  if (look === undefined) throw new NotADatabaseError(file);
  const head: DatabaseHead = {
    format: 'aico-database-head',
    version: 2,
    cipher,
    header: unauthenticatedHeader(look, cipher),
    ...history,
    createdAt: new Date().toISOString(),
  };
  await withKey(key, (bytes) => writeHead(file, head, 0, bytes));
  await moveDurably(draft, file);
  return { look, head: { head, isOurs: true, commits: 0 } };
}

/**
 * Where a creation was cut short between the head and the name: the draft that is the database its head speaks of, and
 * no other. A head that has counted a commit belongs to a database that had its name, so no draft is looked at then.
 */
export async function unfinishedCreation(
  file: string,
  cipher: CipherName,
  head: ReadHead | undefined,
): Promise<string | undefined> {
  if (head?.isOurs !== true || head.commits > 0 || (await lookAtFile(file)) !== undefined) return undefined;
  const draft = await lookAtFile(draftOf(file));
  const isTheOne = draft !== undefined && unauthenticatedHeader(draft, cipher) === head.head.header;
  return isTheOne ? draftOf(file) : undefined;
}
