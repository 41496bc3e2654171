import type { Queryable } from '@aico/shared/data';

/** Lines that are indexed by one statement, which holds up other writes for about 10 ms. */
const SLICE = 512;

/** The first and last line that are not indexed. Deleted lines leave gaps between ids, which may be larger than a slice. */
const NEXT = `
  SELECT (SELECT min(id) FROM logs WHERE id > coalesce((SELECT max(last) FROM logs_segment), 0)) AS first,
    (SELECT max(id) FROM logs) AS last`;

/** A trigger puts the words of these lines into the index, so that both happen or neither. */
const INDEX = `
  INSERT INTO logs_segment (first, last, min_time, max_time, lines, bytes)
  SELECT min(id), max(id), min(time), max(time), count(*), sum(octet_length(message) + octet_length(fields))
  FROM logs WHERE id BETWEEN ? AND ? HAVING count(*) > 0`;

/** The ids that may have lines of a time. */
export interface IdRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The index of words and times of the table of lines. It is filled after the lines are stored, so that a burst is not slowed
 * down by it: in whole slices in the background, and up to the last line before a question that needs it.
 */
export class LineIndex {
  readonly #database: Queryable;
  #filling: Promise<void> | undefined;

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** Indexes whole slices of lines, and leaves the rest for later: small segments would make the index larger. */
  async fill(signal?: AbortSignal): Promise<void> {
    await this.#alone(() => this.#fill(SLICE, signal));
  }

  /** Indexes every line that is stored. */
  async complete(): Promise<void> {
    await this.#alone(() => this.#fill(1));
  }

  /** The lines of that time are among these ids. Clocks jump, so that they need not be all of them. */
  async idsOf(since: number | undefined, until: number | undefined): Promise<IdRange> {
    const { rows } = await this.#database.execute<{ from: number | null; to: number | null; end: number }>(
      `SELECT (SELECT min(first) FROM logs_segment WHERE max_time >= ?1) AS "from",
         (SELECT max(last) FROM logs_segment WHERE min_time < ?2) AS "to",
         coalesce((SELECT max(last) FROM logs_segment), 0) AS "end"`,
      [since ?? 0, until ?? Number.MAX_SAFE_INTEGER],
    );
    const { from, to, end } = rows[0] ?? { from: null, to: null, end: 0 };
    return {
      from: since === undefined ? 0 : (from ?? end + 1),
      to: until === undefined ? Number.MAX_SAFE_INTEGER : (to ?? 0),
    };
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    while (this.#filling !== undefined) await this.#filling.catch(() => undefined);
    this.#filling = work().finally(() => {
      this.#filling = undefined;
    });
    await this.#filling;
  }

  async #fill(least: number, signal?: AbortSignal): Promise<void> {
    while (signal?.aborted !== true) {
      const { rows } = await this.#database.execute<{ first: number | null; last: number | null }>(NEXT);
      const { first = null, last = null } = rows[0] ?? {};
      if (first === null || last === null || last - first + 1 < least) return;
      await this.#database.execute(INDEX, [first, Math.min(last, first + SLICE - 1)]);
    }
  }
}
