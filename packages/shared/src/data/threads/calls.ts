import type { BatchReply, Failure } from '../engine/wire.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';
import type { KnownStatement } from '../statements/statement-registry.ts';
import { Columns, StatementResult } from '../statements/statement-result.ts';
import type { Row, SqlValue } from '../types.ts';

/** A call of a statement, and the functions that settle it. */
export interface Call {
  readonly statement: KnownStatement;
  readonly params: BoundParameters;
  readonly resolve: (result: StatementResult) => void;
  readonly reject: (error: Error) => void;
  /** Called instead of `reject` when the engine finds that the statement writes. */
  readonly reroute?: (call: Call) => void;
  /** Sends the call again when the engine has omitted it from a large reply. */
  readonly again?: (call: Call) => void;
}

/** The columns of statements by their id, as the connection that runs them has sent them. */
export type Layouts = Map<number, Columns>;

/** Calls that were sent together and await their reply. */
export interface PendingBatch {
  readonly calls: readonly Call[];
  readonly layouts: Layouts;
  /** Statements that the engine drops with this batch. */
  readonly forgotten: readonly number[];
  readonly done: (rolledBack: boolean) => void;
}

/** Settles the calls of a batch, except those that another thread has taken over. */
export function settleBatch(
  { calls, layouts, forgotten }: PendingBatch,
  { rows: counts, values, effects, failures, layouts: received }: BatchReply,
  errorFor: (failure: Failure, statement: KnownStatement) => Error,
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
    const names = received[layout + 1];
    if (received[layout] === index && typeof names === 'object') {
      layouts.set(id, new Columns(names));
      layout += 2;
    }
    const count = counts[index] ?? 0;
    if (count < 0) {
      if (!isTakenBack(call)) rejectCall(call, failures[failed], errorFor);
      failed += 1;
      continue;
    }
    const columns = layouts.get(id) ?? Columns.none;
    const width = columns.names.length;
    const rows = new Array<Row>(count);
    const tuples = columns.areAmbiguous ? new Array<readonly SqlValue[]>(count) : undefined;
    for (let row = 0; row < count; row += 1) {
      rows[row] = columns.rowAt(values, value);
      if (tuples !== undefined) tuples[row] = values.slice(value, value + width);
      value += width;
    }
    if (isTakenBack(call)) continue;
    const changes = Number(effects[index * 2] ?? 0);
    const lastRowId = effects[index * 2 + 1] ?? undefined;
    call.resolve(new StatementResult({ columns, rows, tuples, changes, lastRowId }));
  }
}

function rejectCall(
  call: Call,
  failure: Failure | undefined,
  errorFor: (failure: Failure, statement: KnownStatement) => Error,
): void {
  if (failure?.code === 'ENGINE_NOT_READ_ONLY' && call.reroute !== undefined) call.reroute(call);
  else if (failure?.code === 'ENGINE_NOT_RUN' && call.again !== undefined) call.again(call);
  else {
    const reason = failure ?? { code: 'SQLITE_ERROR', message: 'no reason given' };
    call.reject(errorFor(reason, call.statement));
  }
}
