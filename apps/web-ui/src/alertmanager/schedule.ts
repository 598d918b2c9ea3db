/** When a recurring silence holds: as people type it, as the API takes it, as it is read. */

/** A time interval in the keys of the Alertmanager's configuration. Lists that are missing do not restrict. */
export interface TimeInterval {
  readonly times?: readonly { readonly start_time: string; readonly end_time: string }[];
  readonly weekdays?: readonly string[];
  readonly days_of_month?: readonly string[];
  readonly months?: readonly string[];
  readonly years?: readonly string[];
  readonly location?: string;
}

/** One interval in the form. What is empty does not restrict. */
export interface IntervalDraft {
  /** Of `WEEKDAYS`. */
  readonly weekdays: readonly string[];
  /** `02:00-03:30, 22:00-24:00`. */
  readonly times: string;
  /** `1-7, -1`. */
  readonly daysOfMonth: string;
  /** `december, january-march`. */
  readonly months: string;
  /** IANA name; empty for UTC. */
  readonly location: string;
}

export const WEEKDAYS: readonly string[] = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
];

const TIMES = /^(\d{1,2}):(\d\d)\s*[-–]\s*(\d{1,2}):(\d\d)$/;

/** Returns what is wrong with it, in a sentence, where something is; names and numbers the server looks at. */
export function readInterval(draft: IntervalDraft): TimeInterval | string {
  const times: { start_time: string; end_time: string }[] = [];
  for (const text of parts(draft.times)) {
    const [, startHour = "", startMinute, endHour = "", endMinute] = TIMES.exec(text) ?? [];
    if (startHour === "") return `${JSON.stringify(text)} is no time of day: write 02:00-03:30`;
    const start = `${startHour.padStart(2, "0")}:${startMinute}`;
    const end = `${endHour.padStart(2, "0")}:${endMinute}`;
    if (end <= start) return `${text} ends before it begins: for a night write ${start}-24:00, 00:00-${end}`;
    times.push({ start_time: start, end_time: end });
  }
  const weekdays = WEEKDAYS.filter((day) => draft.weekdays.includes(day));
  const interval: TimeInterval = {
    ...given("weekdays", weekdays.length === WEEKDAYS.length ? [] : weekdays),
    ...given("times", times),
    ...given("days_of_month", ranges(draft.daysOfMonth, /^(-?\d+)\s*[-–]\s*(-?\d+)$/)),
    ...given("months", ranges(draft.months.toLowerCase(), /^(\w+)\s*[-–]\s*(\w+)$/)),
  };
  if (Object.keys(interval).length === 0) return "Say when it holds: on which days, at which times, in which months";
  const location = draft.location.trim();
  return location === "" || location === "UTC" ? interval : { ...interval, location };
}

/** `Mon–Fri 02:00–03:30 Europe/Berlin`. */
export function intervalText(interval: TimeInterval): string {
  const { times = [], weekdays = [], days_of_month = [], months = [], years = [], location = "UTC" } = interval;
  const shown = [
    weekdays.map((range) => range.split(":").map(short).join("–")).join(", "),
    days_of_month.length === 0 ? "" : `day ${list(days_of_month)} of the month`,
    months.length === 0 ? "" : `in ${list(months)}`,
    years.length === 0 ? "" : `of ${list(years)}`,
    times.map(({ start_time, end_time }) => `${start_time}–${end_time}`).join(", "),
    location,
  ];
  return shown.filter(Boolean).join(" ");
}

function parts(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean);
}

/** Ranges as the configuration has them: `1:7` for what people write as `1-7`. */
function ranges(text: string, range: RegExp): string[] {
  return parts(text).map((part) => part.replace(range, "$1:$2"));
}

function given<K extends string, T>(key: K, values: readonly T[]): { readonly [key in K]?: readonly T[] } {
  return values.length === 0 ? {} : ({ [key]: values } as { readonly [key in K]?: readonly T[] });
}

function short(day: string): string {
  return `${day.slice(0, 1).toUpperCase()}${day.slice(1, 3)}`;
}

function list(ranges: readonly string[]): string {
  return ranges.map((range) => range.replace(":", "–")).join(", ");
}
