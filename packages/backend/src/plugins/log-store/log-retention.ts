import type { Database } from '@aico/shared/data';

export interface RetentionLimits {
  /** The maximum number of lines; the oldest beyond it are deleted. Default 1 000 000. */
  readonly maxRows?: number;
  /** Lines older than this, in milliseconds, are deleted. Default 30 days. */
  readonly maxAgeMs?: number;
  /** The maximum number of bytes of messages and fields; the oldest lines beyond it are deleted. Default 1 GiB. */
  readonly maxBytes?: number;
}

/** Rows deleted at once: writers are not held up for longer. */
const SLICE = 2_000;

const DAY_MS = 86_400_000;

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
  { maxRows = 1_000_000, maxAgeMs = 30 * DAY_MS, maxBytes = 2 ** 30 }: RetentionLimits,
  now: number,
  signal?: AbortSignal,
): Promise<number> {
  let deleted = 0;
  while (signal?.aborted !== true) {
    const { rows: totals } = await database.execute<{ lines: number; bytes: number }>(TOTALS);
    let lines = totals.reduce((sum, each) => sum + each.lines, 0);
    let bytes = totals.reduce((sum, each) => sum + each.bytes, 0);
    const { rows: oldest } = await database.execute<{ id: number; time: number; bytes: number }>(
      `SELECT id, time, ${BYTES} AS bytes FROM logs ORDER BY id LIMIT ?`,
      [SLICE],
    );
    const kept = oldest.findIndex((line) => {
      if (lines <= maxRows && bytes <= maxBytes && line.time >= now - maxAgeMs) return true;
      lines -= 1;
      bytes -= line.bytes;
      return false;
    });
    const newest = (kept === -1 ? oldest : oldest.slice(0, kept)).at(-1);
    if (newest === undefined) break;
    const { changes } = await database.execute('DELETE FROM logs WHERE id <= ?', [newest.id]);
    deleted += changes;
    if (kept !== -1) break;
  }
  return deleted;
}
