/** Instants as text, in UTC or in the browser's time zone, and back again. All instants are milliseconds since the epoch. */
import { humanSpan } from "./duration.ts";

/** `2026-11-21 14:03:05`, with milliseconds only where there are some, in UTC unless `local`. */
export function formatTime(t: number, local = false): string {
  const date = new Date(t);
  if (Number.isNaN(date.getTime())) return "unknown time";
  const f = fields(date, local);
  const milliseconds = f.millisecond === 0 ? "" : `.${pad(f.millisecond, 3)}`;
  return `${f.year}-${pad(f.month)}-${pad(f.day)} ${pad(f.hour)}:${pad(f.minute)}:${pad(f.second)}${milliseconds}`;
}

/**
 * Reads `2026-11-21 14:03:05`, `2026-11-21T14:03`, `2026-11-21`, a Unix time in seconds, or an RFC 3339 text with a zone.
 * Texts without a zone are UTC unless `local`. Returns null for anything else.
 */
export function parseTime(text: string, local = false): number | null {
  const trimmed = text.trim();
  if (/^\d{9,11}(\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * 1000);
  const match =
    /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?)?\s*(Z|[+-]\d\d:\d\d)?$/i.exec(trimmed);
  if (!match) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", zone] = match;
  const parts = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (
    parts[1] < 1 ||
    parts[1] > 12 ||
    parts[2] < 1 ||
    parts[2] > 31 ||
    parts[3] > 23 ||
    parts[4] > 59 ||
    parts[5] > 59
  ) {
    return null;
  }
  const millisecond = Number(fraction.padEnd(3, "0"));
  if (!zone && local)
    return new Date(parts[0], parts[1] - 1, parts[2], parts[3], parts[4], parts[5], millisecond).getTime();
  const utc = Date.UTC(parts[0], parts[1] - 1, parts[2], parts[3], parts[4], parts[5], millisecond);
  if (!zone || zone.toUpperCase() === "Z") return utc;
  const offsetMinutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return utc - (zone[0] === "-" ? -1 : 1) * offsetMinutes * 60_000;
}

/** How long ago `t` was: `3 s ago`, `in 2m`, `never` for the API's zero time (year 1). */
export function timeAgo(t: number, now: number): string {
  if (Number.isNaN(t) || t < 0) return "never";
  const span = Math.round((now - t) / 1000) * 1000;
  if (span === 0) return "just now";
  return span > 0 ? `${humanSpan(span)} ago` : `in ${humanSpan(-span)}`;
}

/**
 * Two-line labels for the marks of a time axis: the clock on each, the date below wherever the day changes.
 * `marks` are seconds since the epoch, ascending; `stepSeconds` is the distance between marks.
 */
export function timeAxisLabels(marks: readonly number[], stepSeconds: number, local = false): string[] {
  let previousDay = "";
  let previousYear = "";
  return marks.map((mark) => {
    const full = formatTime(Math.round(mark * 1000), local);
    const day = full.slice(0, 10);
    const year = full.slice(0, 4);
    const date = year === previousYear || previousYear === "" ? day.slice(5) : day;
    const clock = stepSeconds < 1 ? full.slice(11) : stepSeconds < 60 ? full.slice(11, 19) : full.slice(11, 16);
    const dayChanged = day !== previousDay;
    previousDay = day;
    previousYear = year;
    if (stepSeconds >= 24 * 3600) return dayChanged ? date : "";
    return dayChanged ? `${clock}\n${date}` : clock;
  });
}

function fields(
  date: Date,
  local: boolean,
): Record<"year" | "month" | "day" | "hour" | "minute" | "second" | "millisecond", number> {
  if (local) {
    return {
      year: date.getFullYear(),
      month: date.getMonth() + 1,
      day: date.getDate(),
      hour: date.getHours(),
      minute: date.getMinutes(),
      second: date.getSeconds(),
      millisecond: date.getMilliseconds(),
    };
  }
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    millisecond: date.getUTCMilliseconds(),
  };
}

function pad(value: number, width = 2): string {
  return String(value).padStart(width, "0");
}
