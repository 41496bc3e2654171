import type { Database, Migration } from './types.ts';

/** The database that keeps the time of a retention clock, and the clocks that it follows. */
export interface RetentionClockOptions {
  readonly database: Pick<Database, 'execute' | 'migrate'>;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly wallClock?: () => number;
  /** Milliseconds of a clock that never goes back. Default `performance.now`. */
  readonly monotonicClock?: () => number;
}

/** The owner under which the clock's table is recorded. */
const OWNER = 'retention_clock';

const MIGRATIONS: readonly Migration[] = [
  {
    id: '001_retention_clock',
    sql: 'CREATE TABLE retention_clock (id INTEGER PRIMARY KEY CHECK (id = 1), reached_ms INTEGER NOT NULL) STRICT',
  },
];

/** Hours by which the clock may catch up with the wall clock in each hour that the process runs. */
const CATCH_UP = 24;

/**
 * The clock that decides whether data is too old to keep.
 *
 * The wall clock alone is not safe: a machine whose clock is wrong by 40 days for a minute would delete everything that is kept
 * for 30. This clock follows the wall clock back at once, and forward by at most 25 hours per hour of the process, measured by
 * the monotonic clock. Its state is stored, so that it also advances over many short runs of the process. After a machine was
 * off for a month, data is kept about a day too long.
 *
 * @example
 * ```ts
 * const clock = new RetentionClock({ database });
 * await clock.start();
 * await database.execute('DELETE FROM note WHERE created_ms < ?', [clock.now() - maxAgeMs]);
 * await clock.save();
 * ```
 */
export class RetentionClock {
  readonly #database: Pick<Database, 'execute' | 'migrate'>;
  readonly #wallClock: () => number;
  readonly #monotonicClock: () => number;
  #reached = 0;
  #readAt = 0;

  constructor({
    database,
    wallClock = Date.now,
    monotonicClock = () => performance.now(),
  }: RetentionClockOptions) {
    this.#database = database;
    this.#wallClock = wallClock;
    this.#monotonicClock = monotonicClock;
  }

  /** Loads the stored time; a new database begins with the wall clock. */
  async start(): Promise<void> {
    await this.#database.migrate(OWNER, MIGRATIONS);
    const { rows } = await this.#database.execute<{ reached_ms: number }>(
      'SELECT reached_ms FROM retention_clock WHERE id = 1',
    );
    this.#readAt = this.#monotonicClock();
    this.#reached = rows[0]?.reached_ms ?? this.#wallClock();
  }

  /** Whole milliseconds since 1970, never later than the wall clock. */
  now(): number {
    const readAt = this.#monotonicClock();
    const elapsed = readAt - this.#readAt;
    this.#readAt = readAt;
    this.#reached = Math.min(this.#wallClock(), this.#reached + elapsed * (1 + CATCH_UP));
    return Math.floor(this.#reached);
  }

  /** Stores the time for the next start. */
  async save(): Promise<void> {
    await this.#database.execute(
      'INSERT INTO retention_clock VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET reached_ms = excluded.reached_ms',
      [this.now()],
    );
  }
}
