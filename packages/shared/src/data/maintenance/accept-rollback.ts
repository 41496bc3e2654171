import type { DatabaseHistory, DatabaseStamp } from '../engine/commit-record.ts';
import type { CipherName } from '../engine/wire.ts';
import { DatabaseGoneError, DatabaseHeadError } from '../errors.ts';
import { lookAtFile, unauthenticatedHeader } from '../file/database-file.ts';
import { type ReadHead, readHead, writeHead } from '../file/database-head.ts';
import { isSameHistory, newName } from '../file/rollback-guard.ts';
import { EngineThread } from '../threads/engine-thread.ts';
import type { HeadWitness } from './head-witness.ts';

/** The database whose older state is accepted, and its key. */
export interface AcceptRollbackOptions {
  readonly file: string;
  /** The database's key, 32 bytes. The caller wipes it. */
  readonly key: Uint8Array;
  /** Used where the head does not tell. Default `aegis`. */
  readonly cipher?: CipherName;
  /** The second head, which may doubt what the head beside the database accepts. */
  readonly witness?: HeadWitness | undefined;
  /** The history that the new one takes the place of, where that is not the one the head or the witness speaks of. */
  readonly replaces?: DatabaseHistory | undefined;
  /** Asked before anything is changed. */
  readonly confirm: (finding: RollbackFinding) => Promise<boolean>;
}

/** How a database and the head beside it stand to each other. */
export interface RollbackFinding {
  readonly file: string;
  /** The stamp that the database holds. */
  readonly found: DatabaseStamp | undefined;
  /** The stamp by the head or the witness; `undefined` where neither can be read or is this key's. */
  readonly expected: DatabaseStamp | undefined;
  /** `in-order`: there is nothing to accept. `gone`: there is neither database nor head, and the witness knows of one. */
  readonly state: 'in-order' | 'older' | 'another' | 'no-head' | 'gone';
  /** Commits that were durable once and are not there, where that can be told. */
  readonly missing: number | undefined;
}

/**
 * Accepts the present database as the newest: it begins a new history, which is recorded in its head, so that no copy of the old
 * one is accepted. The database must not be open anywhere.
 *
 * @returns what was found, and whether it was accepted
 * @throws {DatabaseGoneError} when there is none, and the errors of reading it: a damaged one is not accepted
 */
export async function acceptRollback(
  options: AcceptRollbackOptions,
): Promise<RollbackFinding & { readonly accepted: boolean; readonly adopted: DatabaseStamp | undefined }> {
  const { file, key, confirm, witness } = options;
  const isThere = (await lookAtFile(file)) !== undefined;
  const head = await readHead(file, key).catch((error: unknown) => {
    if (error instanceof DatabaseHeadError) return undefined;
    throw error;
  });
  if (!isThere) return await acceptLoss(options, head);
  const cipher = head?.head.cipher ?? options.cipher ?? 'aegis';
  const shared = new SharedArrayBuffer(key.byteLength);
  new Uint8Array(shared).set(key);
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
    const { commits } = (await engine.operation({ name: 'adopt', history })) as DatabaseStamp;
    await engine.close();
    const look = await lookAtFile(file);
    if (look === undefined) throw new DatabaseGoneError(file);
    // The witness learns of the new history now or, if this process dies first, at the next opening: the head tells it.
    const replaced = options.replaces ?? known ?? finding.expected;
    await writeHead(
      file,
      {
        format: 'aico-database-head',
        version: 2,
        cipher,
        header: unauthenticatedHeader(look, cipher),
        ...history,
        createdAt: new Date().toISOString(),
        ...(replaced === undefined ? {} : { replaces: { id: replaced.id, epoch: replaced.epoch } }),
      },
      commits,
      key,
    );
    const adopted = { ...history, commits };
    await witness?.adopt(adopted).catch(() => undefined);
    return { ...finding, accepted: true, adopted };
  } finally {
    await engine.terminate();
    new Uint8Array(shared).fill(0);
  }
}

/** Nothing is left that could be opened: all there is to accept is that the next start makes an empty database. */
async function acceptLoss(
  { file, confirm, witness }: AcceptRollbackOptions,
  head: ReadHead | undefined,
): Promise<RollbackFinding & { readonly accepted: boolean; readonly adopted: undefined }> {
  const expected = await witness?.known();
  // A head without its database speaks of data that may still be found: that is for a restore.
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
