/** A moment as the clock on the wall shows it. */
export interface LocalTime {
  /** As 2026-01-31. */
  readonly day: string;
  /** 0 to 23. */
  readonly hour: number;
}

/**
 * The day and hour of a moment in a time zone.
 *
 * @throws {RangeError} where the zone is unknown
 * @example localTime(Date.UTC(2026, 0, 31, 23, 30), 'Europe/Berlin') // { day: '2026-02-01', hour: 0 }
 */
export function localTime(ms: number, zone: string): LocalTime {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(ms);
  const part = (type: Intl.DateTimeFormatPartTypes): string =>
    parts.find((each) => each.type === type)?.value ?? '';
  return { day: `${part('year')}-${part('month')}-${part('day')}`, hour: Number(part('hour')) };
}
