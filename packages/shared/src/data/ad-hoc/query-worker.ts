/** The worker thread of a query's process, which runs the statement. Only the end of the process interrupts it. */
import { parentPort, workerData } from 'node:worker_threads';
import { openConnection } from '../engine/connection.ts';
import { EngineRefusal, toFailure } from '../engine/failure.ts';
import { bindableArguments, bytesOfRow, withExactIntegers } from '../engine/statements.ts';
import type { SqlValue } from '../types.ts';
import type { QueryReply, QueryRequest } from './wire.ts';

export interface QueryTask {
  readonly request: QueryRequest;
  readonly key: SharedArrayBuffer;
}

const BUSY_TIMEOUT_MS = 5_000;

function answer({ request, key }: QueryTask): QueryReply {
  const { file, cipher, sql, params, maxRows, maxBytes } = request;
  try {
    // The connection is read-only and ignores the head file: only the backend checks which commit is the newest.
    const connection = openConnection(
      { file, key, cipher, role: 'reader', busyTimeoutMs: BUSY_TIMEOUT_MS, maxPages: undefined },
      'session',
    );
    try {
      const statement = connection.prepare<unknown[], SqlValue[]>(sql);
      if (!statement.reader || !statement.readonly)
        throw new EngineRefusal('ENGINE_NOT_READ_ONLY', 'the statement does not only read');
      const found = statement.raw().safeIntegers().iterate(bindableArguments(params));
      const columns = statement.columns().map(({ name }) => name);
      const rows: SqlValue[][] = [];
      let bytes = 0;
      for (const row of found) {
        bytes += bytesOfRow(row);
        if (bytes > maxBytes && rows.length === 0) return { is: 'too large', what: 'row' };
        if (bytes > maxBytes || rows.length === maxRows)
          return { is: 'rows', columns, rows, truncated: true };
        rows.push(withExactIntegers(row));
      }
      return { is: 'rows', columns, rows, truncated: false };
    } finally {
      connection.close();
    }
  } catch (error) {
    return { is: 'failure', failure: toFailure(error, file) };
  }
}

parentPort?.postMessage(answer(workerData as QueryTask));
