const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] as const;

/**
 * Minutes east of UTC of the zones that mail names by letters: those of RFC 5322, section 4.3, and what mail programs
 * write besides. For an abbreviation of several zones this is the most frequent one in mail.
 */
const ZONES: Readonly<Record<string, number>> = {
  ut: 0,
  utc: 0,
  gmt: 0,
  z: 0,
  wet: 0,
  west: 60,
  bst: 60,
  ist: 330,
  cet: 60,
  met: 60,
  mez: 60,
  cest: 120,
  mest: 120,
  mesz: 120,
  sast: 120,
  eet: 120,
  eest: 180,
  trt: 180,
  msk: 180,
  msd: 240,
  ict: 420,
  wib: 420,
  hkt: 480,
  sgt: 480,
  awst: 480,
  jst: 540,
  kst: 540,
  acst: 570,
  aest: 600,
  acdt: 630,
  aedt: 660,
  nzst: 720,
  nzdt: 780,
  brt: -180,
  art: -180,
  adt: -180,
  ast: -240,
  edt: -240,
  est: -300,
  cdt: -300,
  cst: -360,
  mdt: -360,
  mst: -420,
  pdt: -420,
  pst: -480,
  akdt: -480,
  akst: -540,
  hst: -600,
};

/** `22 Aug 2002 12:36:23`, with or without the day of the week; and `Aug 22 12:36:23 2002`, as asctime() has it. */
const DAY_FIRST =
  /\b(?<day>\d{1,2})[ -]+(?<month>[a-z]{3})[a-z]*\.?,?[ -]+(?<year>\d{2,5}),?\s+(?<hour>\d{1,2})[:.](?<minute>\d{2})(?:[:.](?<second>\d{2})(?:\.\d+)?)?\s*(?<zone>.*)$/is;
const MONTH_FIRST =
  /\b(?<month>[a-z]{3})[a-z]*\.?\s+(?<day>\d{1,2}),?\s+(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2}))?\s+(?<zone>[a-z]{1,5}\s+|[+-]\d{4}\s+)?(?<year>\d{4})\s*$/is;
const ISO =
  /^\s*(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})[T ](?<hour>\d{2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:\.\d+)?)?\s*(?<zone>.*)$/is;

/** The maximum length of a header that is parsed. */
const LONGEST = 200;

/** Mail is not older than this, and not from later. */
const EARLIEST = Date.UTC(1970, 0, 1);
const LATEST = Date.UTC(2200, 0, 1);

/**
 * When a message was sent, by its `Date` header, in milliseconds since 1970.
 *
 * Reads the formats of RFC 5322, including obsolete ones, and those of old mailboxes. A date without a zone, or with a
 * zone that is unknown, counts as UTC, as RFC 5322 says: never as the zone of the machine that reads it.
 *
 * @returns `undefined` if the header is not a date
 * @example dateOf('Thu, 22 Aug 2002 12:36:23 CEST') // 1030012583000
 */
export function dateOf(header: string): number | undefined {
  const text = header.slice(0, LONGEST);
  const found = (DAY_FIRST.exec(text) ?? MONTH_FIRST.exec(text) ?? ISO.exec(text))?.groups;
  if (found === undefined) return undefined;
  const { day, month = '', year = '', hour, minute, second, zone = '' } = found;
  const named = MONTHS.indexOf(month.toLowerCase() as (typeof MONTHS)[number]);
  const [y, mo, d] = [fullYear(year), named < 0 ? Number(month) - 1 : named, Number(day)];
  const [h, mi, s] = [Number(hour), Number(minute), Number(second ?? 0)];
  // The constructor takes the 31st of February for a day of March.
  const midnight = new Date(Date.UTC(y, mo, d));
  if (midnight.getUTCMonth() !== mo || midnight.getUTCDate() !== d || h > 24 || mi > 59 || s > 60)
    return undefined;
  const time = Date.UTC(y, mo, d, h, mi, s) - minutesEast(zone) * 60_000;
  return time >= EARLIEST && time < LATEST ? time : undefined;
}

/** Years of two and three digits, as RFC 5322, section 4.3, counts them. */
function fullYear(text: string): number {
  const year = Number(text);
  if (text.length === 2) return year + (year < 50 ? 2_000 : 1_900);
  return text.length === 3 ? year + 1_900 : year;
}

function minutesEast(zone: string): number {
  const numeric = /^(?:gmt|utc)?\s*([+-])(\d{2}):?(\d{2})\b/i.exec(zone);
  if (numeric !== null) {
    const [, sign, hours, minutes] = numeric;
    const east = Number(hours) * 60 + Number(minutes);
    return east >= 24 * 60 ? 0 : sign === '-' ? -east : east;
  }
  const name = /^\(?([a-z]{1,5})\b/i.exec(zone)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(ZONES, name) ? (ZONES[name] ?? 0) : 0;
}
