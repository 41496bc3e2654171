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

/** Whole segments have counts, so that the lines after the last segment alone are counted here. */
const TOTALS = `
  SELECT indexed.lines + rest.lines AS lines, indexed.bytes + rest.bytes AS bytes
  FROM (SELECT coalesce(sum(lines), 0) AS lines, coalesce(sum(bytes), 0) AS bytes FROM logs_segment) AS indexed,
    (SELECT count(*) AS lines, coalesce(sum(${BYTES}), 0) AS bytes FROM logs
      WHERE id > coalesce((SELECT max(last) FROM logs_segment), 0)) AS rest`;

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
    let { lines, bytes } = totals[0] ?? { lines: 0, bytes: 0 };
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
