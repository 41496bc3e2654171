import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pLimit, { type LimitFunction } from 'p-limit';
import { readHead } from '../file/database-head.ts';
import { DatabaseGoneError } from '../file/errors.ts';
import { placeholdersOf } from '../sql/placeholders.ts';
import { classifyStatement } from '../sql/statement-guard.ts';
import { Vocabulary } from '../sql/vocabulary.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';
import { StatementRefusedError } from '../statements/errors.ts';
import { bindParameters } from '../statements/parameters.ts';
import { errorOf } from '../threads/engine-errors.ts';
import type { SqlParameters, SqlValue } from '../types.ts';
import { QueryAbandonedError, QueryDeadlineError, QueryProcessError, QueryTooLargeError } from './errors.ts';
import { frame, type QueryReply, unframe } from './wire.ts';

/** A query that a user wrote, with its parameters and limits. */
export interface AdHocQuery {
  readonly sql: string;
  readonly params?: SqlParameters | undefined;
  readonly maxRows: number;
  /** The limit for the values of all rows, in bytes. Default 16 MiB. */
  readonly maxBytes?: number;
  /** The limit for the other memory of the process, in bytes. Default 512 MiB. */
  readonly maxMemoryBytes?: number;
  /** Milliseconds after which the query is cancelled. Default 30 000. */
  readonly deadlineMs?: number;
  /** Cancels the query, for example when its client disconnects. */
  readonly signal: AbortSignal;
}

/** The result of an ad-hoc query. */
export interface AdHocRows {
  readonly columns: readonly string[];
  /** Each row as the values of `columns`, in their order. */
  readonly rows: readonly (readonly SqlValue[])[];
  /** There are more rows than `maxRows` and `maxBytes` allow. */
  readonly truncated: boolean;
}

/** The database that ad-hoc queries read, and their limits. */
export interface AdHocQueriesOptions {
  /** The database file, which may be open elsewhere. */
  readonly file: string;
  /** Returns a copy of the database's key. Each query takes one and wipes it. */
  readonly key: () => Uint8Array;
  /** The number of queries that run at once. Default 4. */
  readonly atOnce?: number;
}

const MIB = 1024 * 1024;
const CHILD = fileURLToPath(new URL('./query-child.ts', import.meta.url));
/** The only environment variables that the process of a query inherits. They contain no secrets. */
const INHERITED_VARIABLES = ['SystemRoot', 'TEMP', 'TMP', 'TMPDIR', 'NODE_COMPILE_CACHE'];

/**
 * Runs statements that users wrote, each in a process of its own. So a statement that does not end is killed with its process, at
 * its deadline or when its caller cancels it, and blocks no thread of the backend.
 *
 * @example
 * ```ts
 * const queries = new AdHocQueries({ file, key: () => keys.databaseKey() });
 * const { rows } = await queries.run({ sql: 'SELECT * FROM note', maxRows: 100, signal });
 * ```
 */
export class AdHocQueries {
  readonly #options: AdHocQueriesOptions;
  readonly #limit: LimitFunction;
  readonly #vocabulary = new Vocabulary();

  constructor(options: AdHocQueriesOptions) {
    this.#options = options;
    this.#limit = pLimit(options.atOnce ?? 4);
  }

  /**
   * Runs one query. The promise settles when the process has ended, which closes the database file.
   * @throws {StatementRefusedError} for anything but a single statement that only reads
   * @throws {QueryDeadlineError} @throws {QueryAbandonedError} @throws {QueryTooLargeError} @throws {QueryProcessError}
   */
  async run(query: AdHocQuery): Promise<AdHocRows> {
    const { sql, signal } = query;
    if (classifyStatement(sql, this.#vocabulary).kind === 'write')
      throw new StatementRefusedError(this.#vocabulary.shapeOf(sql), 'it does not only read');
    const params = bindParameters(placeholdersOf(sql), query.params);
    return await this.#limit(async () => {
      if (signal.aborted) throw new QueryAbandonedError(this.#vocabulary.shapeOf(sql));
      return await this.#runNow({ ...query, params });
    });
  }

  async #runNow(query: AdHocQuery & { readonly params: BoundParameters }): Promise<AdHocRows> {
    const { file } = this.#options;
    const {
      sql,
      params,
      maxRows,
      maxBytes = 16 * MIB,
      maxMemoryBytes = 512 * MIB,
      deadlineMs = 30_000,
    } = query;
    const key = this.#options.key();
    let request: Buffer;
    try {
      const head = await readHead(file, key);
      if (head?.isOurs !== true) throw new DatabaseGoneError(file);
      const { cipher } = head.head;
      const limits = { maxRows, maxBytes, maxMemoryBytes, deadlineMs };
      request = Buffer.concat([frame({ file, cipher, sql, params, ...limits }), key]);
    } finally {
      key.fill(0);
    }
    const vocabulary = this.#vocabulary;
    const shape = vocabulary.shapeOf(sql);
    const reply = await ask(request, deadlineMs, query.signal, shape);
    switch (reply.is) {
      case 'failure':
        throw errorOf(reply.failure, { file, shape, vocabulary });
      case 'too large':
        throw new QueryTooLargeError(shape, reply.what, reply.what === 'row' ? maxBytes : maxMemoryBytes);
      case 'rows':
        return { columns: reply.columns, rows: reply.rows, truncated: reply.truncated };
    }
  }
}

/** Sends the request to a new process, wipes it, and settles when the process has ended. */
async function ask(
  request: Buffer,
  deadlineMs: number,
  signal: AbortSignal,
  statement: string,
): Promise<QueryReply> {
  const child = startProcess();
  let reason: Error | undefined;
  const kill = (error: Error): void => {
    reason ??= error;
    child.kill('SIGKILL');
  };
  const abandon = (): void => kill(new QueryAbandonedError(statement));
  const timer = setTimeout(() => kill(new QueryDeadlineError(statement, deadlineMs)), deadlineMs);
  signal.addEventListener('abort', abandon, { once: true });
  if (signal.aborted) abandon();
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  // The write fails if the process has ended. The exit code or signal is reported instead.
  child.stdin?.on('error', () => undefined);
  child.stdin?.write(request, () => request.fill(0));
  try {
    const ending = await ended(child);
    const reply = unframe(Buffer.concat(chunks));
    if (reply !== undefined) return reply.value as QueryReply;
    throw reason ?? new QueryProcessError(ending);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abandon);
  }
}

function startProcess(): ChildProcess {
  const env: NodeJS.ProcessEnv = {};
  for (const name of INHERITED_VARIABLES) if (process.env[name] !== undefined) env[name] = process.env[name];
  return spawn(process.execPath, ['--disable-sigusr1', CHILD], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env,
    windowsHide: true,
  });
}

/** Resolves with the signal or exit code when the process has ended and its pipes are read. */
async function ended(child: ChildProcess): Promise<string> {
  return await new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new QueryProcessError(error.message, error)));
    child.once('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}
