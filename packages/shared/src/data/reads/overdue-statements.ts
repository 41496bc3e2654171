import { type KnownStatement, ownerOf } from '../statements/statement-registry.ts';
import type { EngineThread } from '../threads/engine-thread.ts';
import type { OverdueStatement } from '../types.ts';
import { StatementOverdueError } from './errors.ts';

/** The number of threads that one owner may occupy with overdue statements. */
const PER_OWNER = 3;

interface Overdue extends OverdueStatement {
  readonly sql: string;
}

/**
 * The overdue statements that still run, each in a thread that no caller waits for. They are reported until they end. Meanwhile the
 * same statement is refused, and an owner with several of them may not read at all, which bounds the number of threads.
 */
export class OverdueStatements {
  readonly #limitMs: number;
  readonly #running = new Map<EngineThread, Overdue>();

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  get list(): readonly OverdueStatement[] {
    return [...this.#running.values()].map(({ owner, statement, since }) => ({ owner, statement, since }));
  }

  /** Resolves when none of them runs any more. */
  async ended(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((thread) => thread.exited));
  }

  add(
    thread: EngineThread,
    known: KnownStatement | undefined,
    owner: string | undefined,
    since: Date,
  ): StatementOverdueError {
    const { sql = '', shape = '' } = known ?? {};
    this.#running.set(thread, { owner, sql, statement: shape, since });
    void thread.exited.then(() => this.#running.delete(thread));
    return new StatementOverdueError(owner, shape, `ran longer than ${this.#limitMs} ms and was abandoned`);
  }

  /** @throws {StatementOverdueError} when the same statement, or too many of its owner, are overdue and still run */
  refuse(statement: KnownStatement): void {
    if (this.#running.size === 0) return;
    const owner = ownerOf(statement);
    const same = [...this.#running.values()].filter((each) => each.owner === owner);
    const it = same.find(({ sql }) => sql === statement.sql);
    if (it !== undefined)
      throw new StatementOverdueError(
        owner,
        it.statement,
        `was abandoned and still runs, since ${it.since.toISOString()}`,
      );
    const [first] = same;
    if (owner !== undefined && first !== undefined && same.length >= PER_OWNER)
      throw new StatementOverdueError(
        owner,
        first.statement,
        `and ${same.length - 1} more were abandoned and still run; until one ends, no other reads run for ${owner}`,
      );
  }
}
