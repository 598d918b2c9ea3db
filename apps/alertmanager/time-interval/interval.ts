// Intervals of the week, month and year, in some place's local time.

/** From a first to a last, both included. */
export interface Range {
  readonly begin: number;
  readonly end: number;
}

/**
 * A list that is empty does not restrict; all that are not must contain the moment. Minutes count from midnight, the end is
 * excluded. Weekdays: 0 is Sunday. Days of the month below 0 count from its end: -1 is the last day.
 */
export interface TimeInterval {
  readonly times: readonly Range[];
  readonly weekdays: readonly Range[];
  readonly daysOfMonth: readonly Range[];
  readonly months: readonly Range[];
  readonly years: readonly Range[];
  /** IANA name; "" for UTC, "Local" for the machine's own. */
  readonly location: string;
}

interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly minute: number;
  readonly daysInMonth: number;
}

/** Whether the moment, in milliseconds since the epoch, lies within. */
export function containsTime(interval: TimeInterval, ms: number): boolean {
  const at = localTime(interval.location, ms);
  return (
    fits(interval.times, ({ begin, end }) => at.minute >= begin && at.minute < end) &&
    fits(interval.daysOfMonth, (range) => containsDay(range, at)) &&
    fits(interval.months, ({ begin, end }) => at.month >= begin && at.month <= end) &&
    fits(interval.weekdays, ({ begin, end }) => at.weekday >= begin && at.weekday <= end) &&
    fits(interval.years, ({ begin, end }) => at.year >= begin && at.year <= end)
  );
}

/** Whether the place is known here. */
export function isKnownLocation(name: string): boolean {
  if (name === "" || name === "UTC" || name === "Local") return true;
  try {
    formatFor(name);
    return true;
  } catch {
    return false;
  }
}

function fits(ranges: readonly Range[], contains: (range: Range) => boolean): boolean {
  return ranges.length === 0 || ranges.some(contains);
}

/** Days beyond the month's last are cut off, except where the range begins there: then the month has no such day. */
function containsDay({ begin, end }: Range, { day, daysInMonth }: LocalTime): boolean {
  const from = begin < 0 ? daysInMonth + begin + 1 : begin;
  const to = end < 0 ? daysInMonth + end + 1 : end;
  if (from > daysInMonth) return false;
  return day >= Math.max(from, -daysInMonth) && day <= Math.min(to, daysInMonth);
}

/** Formats are dear to make; there are as many as places in configurations. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatFor(location: string): Intl.DateTimeFormat {
  let format = formats.get(location);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      ...(location === "Local" ? {} : { timeZone: location }),
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(location, format);
  }
  return format;
}

/** How far the place's clocks are ahead of UTC at a moment, in minutes. */
export function offsetMinutes(location: string, ms: number): number {
  if (location === "" || location === "UTC") return 0;
  const parts: Record<string, number> = {};
  for (const { type, value } of formatFor(location).formatToParts(ms)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Math.round((Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000) / 60_000);
}

function localTime(location: string, ms: number): LocalTime {
  const date = new Date(ms + offsetMinutes(location, ms) * 60_000);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth() + 1;
  return {
    year,
    month,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    minute: date.getUTCHours() * 60 + date.getUTCMinutes(),
    daysInMonth: new Date(Date.UTC(year, month, 0)).getUTCDate(),
  };
}
