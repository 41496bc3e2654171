import { setTimeout as pause } from 'node:timers/promises';
import type { Call } from '../threads/calls.ts';
import { WriteQueueFullError } from '../writes/errors.ts';
import { commit, TRANSACTION_NUMBER } from './commit.ts';
import { type PostgresConnection, type Statement, StepFailed } from './connection.ts';
import { isConflict } from './failures.ts';
import type { PostgresPool } from './pool.ts';
import type { CallCodec } from './postgres-session.ts';
import { roleStatement } from './roles.ts';

const GROUP = 64;
const QUEUE_LIMIT = 100_000;
/** How often a write with a conflict runs at most. */
const MOST_RUNS = 30;

interface GroupWriterParts {
  readonly writers: PostgresPool;
  readonly control: PostgresPool;
  readonly location: string;
  readonly codec: CallCodec;
  /** @throws once writes are no longer acknowledged */
  readonly refuseWrites: () => void;
}

/**
 * Runs single writes in groups: those that wait while a group commits are the next group. A group is one transaction in one
 * round trip, and another for its commit. If one of its members fails, the members run alone.
 */
export class GroupWriter {
  readonly #parts: GroupWriterParts;
  #queue: Call[] = [];
  #running: Promise<void> | undefined;

  constructor(parts: GroupWriterParts) {
    this.#parts = parts;
  }

  submit(call: Call): void {
    this.#parts.refuseWrites();
    if (this.#queue.length >= QUEUE_LIMIT) throw new WriteQueueFullError(QUEUE_LIMIT);
    this.#queue.push(call);
    this.#running ??= this.#run();
  }

  /** Resolves when no write waits. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    // Calls of the same turn of the event loop join the first group.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const group = this.#queue.splice(0, GROUP);
      await this.#commitGroup(group);
    }
    this.#running = undefined;
  }

  async #commitGroup(group: readonly Call[]): Promise<void> {
    const { writers, codec } = this.#parts;
    let connection: PostgresConnection;
    try {
      connection = await writers.acquire();
    } catch (error) {
      for (const { reject, statement } of group) reject(await codec.failure(error, statement));
      return;
    }
    try {
      const failure = await this.#attempt(connection, group);
      if (failure === undefined) return;
      if (group.length === 1) {
        await this.#alone(connection, group, failure);
        return;
      }
      for (const call of group) {
        const own = await this.#attempt(connection, [call]);
        if (own !== undefined) await this.#alone(connection, [call], own);
      }
    } finally {
      writers.release(connection);
    }
  }

  /** Repeats a failed write if it met a conflict, and rejects it otherwise. */
  async #alone(connection: PostgresConnection, [call]: readonly Call[], first: unknown): Promise<void> {
    if (call === undefined) return;
    let failure: unknown = first;
    for (let run = 2; run <= MOST_RUNS && isRepeatable(failure); run += 1) {
      await pause(Math.random() * Math.min(100, 2 ** run));
      failure = await this.#attempt(connection, [call]);
      if (failure === undefined) return;
    }
    call.reject(await this.#parts.codec.failure(failure, call.statement));
  }

  /** Runs calls in one transaction and settles them. @returns the error if nothing was stored and no call is settled */
  async #attempt(connection: PostgresConnection, calls: readonly Call[]): Promise<unknown> {
    const { control, location, codec, refuseWrites } = this.#parts;
    const steps: Statement[] = [{ text: 'BEGIN ISOLATION LEVEL SERIALIZABLE' }];
    const places: number[] = [];
    let role: string | undefined;
    try {
      for (const { statement, params } of calls) {
        const wanted = await codec.roleOf(statement);
        if (wanted !== role) steps.push({ text: roleStatement(wanted) });
        role = wanted;
        places.push(steps.length);
        steps.push(codec.encode(statement, params));
      }
      if (role !== undefined) steps.push({ text: roleStatement(undefined) });
      steps.push({ text: TRANSACTION_NUMBER });
      const results = await connection.run(steps, { maxBytes: codec.maxResultBytes });
      refuseWrites();
      const number = results.at(-1)?.rows[0]?.[0];
      await commit(connection, String(number), control, location);
      for (const [index, { statement, resolve }] of calls.entries()) {
        const result = results[places[index] ?? 0];
        if (result !== undefined) resolve(codec.result(statement, result));
      }
      return undefined;
    } catch (error) {
      if (connection.lost === undefined)
        await connection.one('ROLLBACK').catch((reason: unknown) => connection.destroy(reason));
      return error;
    }
  }
}

function isRepeatable(error: unknown): boolean {
  return error instanceof StepFailed && (isConflict(error.cause) || error.isStale);
}
