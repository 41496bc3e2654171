import type { BatchReply, Failure } from '../engine/wire.ts';
import type { BoundParameters } from '../statements/parameters.ts';
import type { KnownStatement } from '../statements/statement-registry.ts';
import { rowOf, StatementResult } from '../statements/statement-result.ts';
import type { Row } from '../types.ts';
import { errorOf } from './engine-errors.ts';

/** A statement on its way to the engine, and whom to tell. */
export interface Call {
  readonly statement: KnownStatement;
  readonly params: BoundParameters;
  readonly resolve: (result: StatementResult) => void;
  readonly reject: (error: Error) => void;
  /** Takes the call over when it turns out to write. */
  readonly reroute?: (call: Call) => void;
  /** Sends the call again when the engine has left it out of a large answer. */
  readonly again?: (call: Call) => void;
}

/** Column names of the statements, by their id, as the connection that runs them has told. */
export type Layouts = Map<number, readonly string[]>;

/** Calls that travel together, until they are answered. */
export interface PendingBatch {
  readonly calls: readonly Call[];
  readonly layouts: Layouts;
  /** Statements that the engine has dropped once it answers. */
  readonly forgotten: readonly number[];
  readonly done: (rolledBack: boolean) => void;
}

const NO_NAMES: readonly string[] = [];

/** Settles the calls of a batch, but for those that another thread has taken over. */
export function settleBatch(
  { calls, layouts, forgotten }: PendingBatch,
  { rows: counts, values, effects, failures, layouts: told }: BatchReply,
  file: string,
  isTakenBack: (call: Call) => boolean,
): void {
  for (const statement of forgotten) layouts.delete(statement);
  let value = 0;
  let failed = 0;
  let layout = 0;
  for (let index = 0; index < calls.length; index += 1) {
    const call = calls[index];
    if (call === undefined) continue;
    const { id } = call.statement;
    const columns = told[layout + 1];
    if (told[layout] === index && typeof columns === 'object') {
      layouts.set(id, columns);
      layout += 2;
    }
    const count = counts[index] ?? 0;
    if (count < 0) {
      if (!isTakenBack(call)) rejectCall(call, failures[failed], file);
      failed += 1;
      continue;
    }
    const names = count === 0 ? NO_NAMES : (layouts.get(id) ?? NO_NAMES);
    const rows = new Array<Row>(count);
    for (let row = 0; row < count; row += 1) {
      rows[row] = rowOf(names, values, value);
      value += names.length;
    }
    if (isTakenBack(call)) continue;
    const lastRowId = effects[index * 2 + 1];
    call.resolve(new StatementResult(rows, Number(effects[index * 2] ?? 0), lastRowId ?? undefined));
  }
}

function rejectCall(call: Call, failure: Failure | undefined, file: string): void {
  if (failure?.code === 'AICO_NOT_READ_ONLY' && call.reroute !== undefined) call.reroute(call);
  else if (failure?.code === 'AICO_NOT_RUN' && call.again !== undefined) call.again(call);
  else {
    const reason = failure ?? { code: 'SQLITE_ERROR', message: 'no reason given' };
    call.reject(errorOf(reason, file, call.statement.sql));
  }
}
