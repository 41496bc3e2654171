import { identify, lookAtFile, unauthenticatedHeader } from '../database-file.ts';
import { type ReadHead, readHead, writeHead } from '../database-head.ts';
import type { DatabaseLife, DatabaseStamp } from '../engine/commit-record.ts';
import type { CipherName } from '../engine/wire.ts';
import { EngineThread } from '../engine-thread.ts';
import { DatabaseGoneError, DatabaseHeadError } from '../errors.ts';
import { isSameLife, newName } from './rollback-guard.ts';

export interface AcceptRollbackOptions {
  readonly file: string;
  /** The database's key, 32 bytes. The caller wipes it. */
  readonly key: Uint8Array;
  /** Used where the head does not tell. Default `aegis`. */
  readonly cipher?: CipherName;
  /** Asked before anything is changed. */
  readonly confirm: (finding: RollbackFinding) => Promise<boolean>;
}

/** How a database and the head beside it stand to each other. */
export interface RollbackFinding {
  readonly file: string;
  /** What the database says of itself. */
  readonly found: DatabaseStamp | undefined;
  /** What the head says; `undefined` where it is gone, damaged or another key's. */
  readonly expected: DatabaseStamp | undefined;
  /** `in-order`: there is nothing to accept. */
  readonly state: 'in-order' | 'older' | 'another' | 'no-head';
  /** Commits that were durable once and are not there, where that can be told. */
  readonly missing: number | undefined;
}

/**
 * Takes the database as it lies there for the newest: it begins a new life, which its head then vouches for, so that no
 * copy of the old one passes. For a database that nobody has open.
 *
 * @returns what was found, and whether it was accepted
 * @throws {DatabaseGoneError} when there is none, and what reading it throws: a damaged one is not accepted
 */
export async function acceptRollback(
  options: AcceptRollbackOptions,
): Promise<RollbackFinding & { readonly accepted: boolean }> {
  const { file, key, confirm } = options;
  if ((await lookAtFile(file)) === undefined) throw new DatabaseGoneError(file);
  await identify(file);
  const head = await readHead(file, key).catch((error: unknown) => {
    if (error instanceof DatabaseHeadError) return undefined;
    throw error;
  });
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
    const finding = compare(file, found, head);
    if (finding.state === 'in-order' || !(await confirm(finding))) return { ...finding, accepted: false };
    const life: DatabaseLife = { id: found?.id ?? newName(), epoch: newName() };
    const { commits } = (await engine.operation({ name: 'adopt', life })) as DatabaseStamp;
    await engine.close();
    const look = await lookAtFile(file);
    if (look === undefined) throw new DatabaseGoneError(file);
    await writeHead(
      file,
      {
        format: 'aico-database-head',
        version: 2,
        cipher,
        header: unauthenticatedHeader(look, cipher),
        ...life,
        createdAt: new Date().toISOString(),
      },
      commits,
      key,
    );
    return { ...finding, accepted: true };
  } finally {
    await engine.terminate();
    new Uint8Array(shared).fill(0);
  }
}

function compare(
  file: string,
  found: DatabaseStamp | undefined,
  head: ReadHead | undefined,
): RollbackFinding {
  if (head?.isOurs !== true)
    return { file, found, expected: undefined, state: 'no-head', missing: undefined };
  const { id, epoch } = head.head;
  const expected = { id, epoch, commits: head.commits };
  if (found === undefined || !isSameLife(found, expected))
    return { file, found, expected, state: 'another', missing: undefined };
  const missing = Math.max(0, expected.commits - found.commits);
  return { file, found, expected, state: missing === 0 ? 'in-order' : 'older', missing };
}
