const UNITS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/**
 * The moment that a person means: `10m`, `1h30m`, `3d` (so long ago), `now`, `today` and `yesterday` (their beginning), a time of
 * today (`14:30`), or a date or date-time of ISO 8601, also with a space instead of the `T`. A date without a time is its beginning,
 * and a time without a zone is local: one that a change of the clock leaves out is an hour later, and of two it is the first.
 * `undefined` for any other text.
 *
 * @example momentOf('10m', new Date('2026-11-27T12:00:00Z')); // 2026-11-27T11:50:00.000Z
 */
export function momentOf(text: string, now: Date): Date | undefined {
  const wanted = text.trim().toLowerCase();
  if (/^(?:\d{1,6}[smhdw]){1,5}$/.test(wanted)) return new Date(now.getTime() - durationOf(wanted));
  if (wanted === 'now') return new Date(now);
  if (wanted === 'today') return midnight(now, 0);
  if (wanted === 'yesterday') return midnight(now, -1);
  const [, hours, minutes, seconds = '0'] = /^(\d\d?):(\d\d)(?::(\d\d))?$/.exec(wanted) ?? [];
  if (hours !== undefined && minutes !== undefined) {
    if (Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 59) return undefined;
    const moment = new Date(now);
    moment.setHours(Number(hours), Number(minutes), Number(seconds), 0);
    return moment;
  }
  const [, date, rest] =
    /^(\d{4}-\d\d-\d\d)([t ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:z|[+-]\d\d:\d\d)?)?$/.exec(wanted) ?? [];
  if (date === undefined) return undefined;
  // Without a time, JavaScript would take the date for one in UTC.
  const moment = new Date(`${date}${(rest ?? 'T00:00').replace(' ', 'T').toUpperCase()}`);
  return Number.isNaN(moment.getTime()) || !isDay(date) ? undefined : moment;
}

function durationOf(text: string): number {
  let duration = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(\w)/g))
    if (isUnit(unit)) duration += Number(count) * UNITS[unit];
  return duration;
}

function isUnit(unit: string | undefined): unit is keyof typeof UNITS {
  return unit !== undefined && unit in UNITS;
}

function midnight(now: Date, days: number): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + days);
}

/** Whether there is such a day: JavaScript takes February 31 for March 3. */
function isDay(date: string): boolean {
  const moment = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(date);
}
