/** Numbers with units, and times, as text. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** @example bytesText(1_536); // '1.5 KiB' */
export function bytesText(bytes: number): string {
  const power = bytes < 1_024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1_024 ** power;
  return `${value >= 100 || power === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
}

/** @example countText(12_345); // '12,345' */
export function countText(count: number): string {
  return count.toLocaleString('en');
}

/** @example durationText(90_000); // '1 min' */
export function durationText(ms: number): string {
  if (ms < 1) return ms === 0 ? '0 ms' : `${ms.toFixed(2)} ms`;
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** The time of a moment relative to `now`. */
export function agoText(time: number, now: number): string {
  const ms = now - time;
  if (Math.abs(ms) < 1_000) return 'now';
  const seconds = Math.floor(Math.abs(ms) / 1_000);
  const text = seconds < 60 ? `${seconds} s` : durationText(Math.abs(ms));
  return ms > 0 ? `${text} ago` : `in ${text}`;
}

/** @example clockText(0); // '1970-01-01 00:00:00.000', in the time zone of the browser */
export function clockText(time: number): string {
  const date = new Date(time);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
