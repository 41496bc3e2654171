import type { Database } from '@aico/shared/data';

export interface RetentionLimits {
  /** The maximum number of lines; the oldest beyond it are deleted. Default 1 000 000. */
  readonly maxRows?: number;
  /** Lines older than this, in milliseconds, are deleted. Default 30 days. */
  readonly maxAgeMs?: number;
  /** The maximum number of bytes of messages and fields; the oldest lines beyond it are deleted. Default 1 GiB. */
  readonly maxBytes?: number;
}

/** Rows read and deleted at once: writers are not held up for longer. */
const SLICE = 2_000;

const DAY_MS = 86_400_000;

const DEFAULTS = { maxRows: 1_000_000, maxAgeMs: 30 * DAY_MS, maxBytes: 2 ** 30 };

/** Limits that are a twentieth of the lines and bytes, and a day, above these. */
export function enlarged(limits: RetentionLimits): RetentionLimits {
  const { maxRows, maxAgeMs, maxBytes } = { ...DEFAULTS, ...limits };
  return { maxRows: maxRows * 1.05, maxAgeMs: maxAgeMs + DAY_MS, maxBytes: maxBytes * 1.05 };
}

const BYTES = 'octet_length(message) + octet_length(fields)';

/**
 * The lines of whole segments, which have counts, and those after the last segment, which are counted here. Two rows instead of
 * their sum: without a loop within a loop the writer answers the query, and a start needs no reader thread.
 */
const TOTALS = `
  SELECT coalesce(sum(lines), 0) AS lines, coalesce(sum(bytes), 0) AS bytes FROM logs_segment
  UNION ALL
  SELECT count(*), coalesce(sum(${BYTES}), 0) FROM logs
  WHERE id > coalesce((SELECT max(last) FROM logs_segment), 0)`;

/**
 * Deletes the oldest lines beyond the limits, in small steps.
 *
 * @returns the number of deleted lines
 */
export async function applyRetention(
  database: Pick<Database, 'execute'>,
  limits: RetentionLimits,
  now: number,
  signal?: AbortSignal,
): Promise<number> {
  let deleted = 0;
  for await (const id of beyond(database, limits, now)) {
    if (signal?.aborted === true) break;
    const { changes } = await database.execute('DELETE FROM logs WHERE id <= ?', [id]);
    deleted += changes;
  }
  return deleted;
}

/** The id of the newest line beyond the limits; `undefined` if all are within them. */
export async function newestBeyond(
  database: Pick<Database, 'execute'>,
  limits: RetentionLimits,
  now: number,
): Promise<number | undefined> {
  let newest: number | undefined;
  for await (const id of beyond(database, limits, now)) newest = id;
  return newest;
}

/** The lines beyond the limits, oldest first: the id of the newest of each slice. */
async function* beyond(
  database: Pick<Database, 'execute'>,
  limits: RetentionLimits,
  now: number,
): AsyncGenerator<number> {
  const { maxRows, maxAgeMs, maxBytes } = { ...DEFAULTS, ...limits };
  const { rows: totals } = await database.execute<{ lines: number; bytes: number }>(TOTALS);
  let lines = totals.reduce((sum, each) => sum + each.lines, 0);
  let bytes = totals.reduce((sum, each) => sum + each.bytes, 0);
  for (let last = 0; ; ) {
    const { rows } = await database.execute<{ id: number; time: number; bytes: number }>(
      `SELECT id, time, ${BYTES} AS bytes FROM logs WHERE id > ? ORDER BY id LIMIT ?`,
      [last, SLICE],
    );
    const kept = rows.findIndex((line) => {
      if (lines <= maxRows && bytes <= maxBytes && line.time >= now - maxAgeMs) return true;
      lines -= 1;
      bytes -= line.bytes;
      return false;
    });
    const newest = (kept === -1 ? rows : rows.slice(0, kept)).at(-1);
    if (newest === undefined) return;
    yield newest.id;
    if (kept !== -1) return;
    last = newest.id;
  }
}
