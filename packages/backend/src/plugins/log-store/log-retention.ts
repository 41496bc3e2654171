import type { Database } from '@aico/shared/data';

export interface RetentionLimits {
  /** The maximum number of lines; the oldest beyond it are deleted. Default 1 000 000. */
  readonly maxRows?: number;
  /** Lines older than this, in milliseconds, go. Default 30 days. */
  readonly maxAgeMs?: number;
}

/** Rows deleted at once: writers are not held up for longer. */
const SLICE = 2_000;

const DAY_MS = 86_400_000;

/**
 * Deletes the oldest lines beyond the limits, in small steps.
 *
 * @returns the number of deleted lines
 */
export async function applyRetention(
  database: Pick<Database, 'execute'>,
  { maxRows = 1_000_000, maxAgeMs = 30 * DAY_MS }: RetentionLimits,
  now: number,
  signal?: AbortSignal,
): Promise<number> {
  const counted = await database.execute<{ lines: number }>('SELECT count(*) AS lines FROM logs');
  const excess = (counted.rows[0]?.lines ?? 0) - maxRows;
  let deleted = 0;
  while (signal?.aborted !== true) {
    const { rows } = await database.execute<{ id: number; time: number }>(
      'SELECT id, time FROM logs ORDER BY id LIMIT ?',
      [SLICE],
    );
    const kept = rows.findIndex(({ time }, index) => deleted + index >= excess && time >= now - maxAgeMs);
    const newest = (kept === -1 ? rows : rows.slice(0, kept)).at(-1);
    if (newest === undefined) break;
    const { changes } = await database.execute('DELETE FROM logs WHERE id <= ?', [newest.id]);
    deleted += changes;
    if (kept !== -1) break;
  }
  return deleted;
}
