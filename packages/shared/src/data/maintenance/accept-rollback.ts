import type { DatabaseHistory, DatabaseStamp } from '../engine/commit-record.ts';
import type { CipherName } from '../engine/wire.ts';
import { readFileHeader } from '../file/database-file.ts';
import { headOf, type ReadHead, readHead, writeHead } from '../file/database-head.ts';
import { DatabaseGoneError, DatabaseHeadError } from '../file/errors.ts';
import { isSameHistory, newName } from '../file/rollback-guard.ts';
import { withSharedKey } from '../file/with-key.ts';
import { EngineThread } from '../threads/engine-thread.ts';
import type { HeadWitness } from './head-witness.ts';

/** The database whose older state is accepted, and its key. */
export interface AcceptRollbackOptions {
  readonly file: string;
  /** The database's key, 32 bytes. The caller wipes it. */
  readonly key: Uint8Array;
  /** The cipher if the head cannot be read. Default `aegis`. */
  readonly cipher?: CipherName;
  /** The second head, which can refuse a database that the head file accepts. */
  readonly witness?: HeadWitness | undefined;
  /** The history that the new one replaces. Default: that of the witness or the head. */
  readonly replaces?: DatabaseHistory | undefined;
  /** Called before anything is changed. `false` cancels the acceptance. */
  readonly confirm: (finding: RollbackFinding) => Promise<boolean>;
}

/** The result of comparing a database with its head file and the witness. */
export interface RollbackFinding {
  readonly file: string;
  /** The stamp in the database. */
  readonly found: DatabaseStamp | undefined;
  /** The stamp in the head or the witness; `undefined` if neither can be read with this key. */
  readonly expected: DatabaseStamp | undefined;
  /** `in-order`: there is nothing to accept. `gone`: the witness knows a database, but its file and its head are missing. */
  readonly state: 'in-order' | 'older' | 'another' | 'no-head' | 'gone';
  /** The number of lost commits; `undefined` if it cannot be determined. */
  readonly missing: number | undefined;
}

/**
 * Accepts the present database as the newest: it starts a new history, which its head records, so that a copy of the old history
 * is refused. The database must not be open anywhere.
 *
 * @returns the finding, and whether the database was accepted
 * @throws {DatabaseGoneError} when there is no database, and the errors of reading it: a damaged database is not accepted
 */
export async function acceptRollback(
  options: AcceptRollbackOptions,
): Promise<RollbackFinding & { readonly accepted: boolean; readonly adopted: DatabaseStamp | undefined }> {
  const { file, key, confirm, witness } = options;
  const isThere = (await readFileHeader(file)) !== undefined;
  const head = await readHead(file, key).catch((error: unknown) => {
    if (error instanceof DatabaseHeadError) return undefined;
    throw error;
  });
  if (!isThere) return await acceptLoss(options, head);
  const cipher = head?.head.cipher ?? options.cipher ?? 'aegis';
  return await withSharedKey(key, async (shared) => {
    const engine = new EngineThread(
      'writer',
      { file, key: shared, cipher, role: 'writer', busyTimeoutMs: 1_000, maxPages: undefined },
      { onCrash: () => undefined },
    );
    try {
      const found = (await engine.operation({ name: 'verify' })) as DatabaseStamp | undefined;
      const known = await witness?.known();
      const finding = compare(file, found, head, known);
      if (finding.state === 'in-order' || !(await confirm(finding)))
        return { ...finding, accepted: false, adopted: undefined };
      const history: DatabaseHistory = { id: found?.id ?? newName(), epoch: newName() };
      const { commits, note } = (await engine.operation({ name: 'adopt', history })) as DatabaseStamp & {
        readonly note: string | undefined;
      };
      await engine.close();
      const fileHeader = await readFileHeader(file);
      if (fileHeader === undefined) throw new DatabaseGoneError(file);
      // If this process dies before it updates the witness, the witness reads the new history from the head at the next opening.
      const replaced = options.replaces ?? known ?? finding.expected;
      await writeHead(
        file,
        headOf(fileHeader, cipher, history, replaced),
        { commits, notes: note === undefined ? [] : [note] },
        key,
      );
      const adopted = { ...history, commits };
      await witness?.adopt(adopted).catch(() => undefined);
      return { ...finding, accepted: true, adopted };
    } finally {
      await engine.terminate();
    }
  });
}

/** Accepts the loss of a database that is missing with its head: the next start creates an empty one. */
async function acceptLoss(
  { file, confirm, witness }: AcceptRollbackOptions,
  head: ReadHead | undefined,
): Promise<RollbackFinding & { readonly accepted: boolean; readonly adopted: undefined }> {
  const expected = await witness?.known();
  // A head without its database shows that data is missing: the user must find it or restore a backup.
  if (head !== undefined || expected === undefined) throw new DatabaseGoneError(file);
  const finding = { file, found: undefined, expected, state: 'gone', missing: expected.commits } as const;
  const accepted = await confirm(finding);
  if (accepted) await witness?.forget();
  return { ...finding, accepted, adopted: undefined };
}

function compare(
  file: string,
  found: DatabaseStamp | undefined,
  head: ReadHead | undefined,
  known: DatabaseStamp | undefined,
): RollbackFinding {
  if (head?.isOurs !== true)
    return { file, found, expected: undefined, state: 'no-head', missing: undefined };
  const { id, epoch, replaces } = head.head;
  const byHead = against(file, found, { id, epoch, commits: head.commits });
  const isSuccessor = known !== undefined && replaces !== undefined && isSameHistory(replaces, known);
  if (byHead.state !== 'in-order' || known === undefined || isSuccessor) return byHead;
  return against(file, found, known);
}

function against(file: string, found: DatabaseStamp | undefined, expected: DatabaseStamp): RollbackFinding {
  if (found === undefined || !isSameHistory(found, expected))
    return { file, found, expected, state: 'another', missing: undefined };
  const missing = Math.max(0, expected.commits - found.commits);
  return { file, found, expected, state: missing === 0 ? 'in-order' : 'older', missing };
}
