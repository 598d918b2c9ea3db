// Parts of a date in UTC, from seconds since the epoch.

const DAY = 86400;

interface Day {
  year: number;
  /** 1 to 12. */
  month: number;
  /** 1 to 31. */
  day: number;
}

/** Whole days since the epoch of a time in seconds. */
function daysOf(seconds: number): number {
  return Math.floor(seconds / DAY);
}

/** The Gregorian date of a day since the epoch, by eras of 400 years. */
function dateOf(days: number): Day {
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36524) - Math.floor(dayOfEra / 146096)) / 365,
  );
  // Years that begin in March keep the leap day last.
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  };
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function modulo(value: number, by: number): number {
  return value - Math.floor(value / by) * by;
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysInMonth({ year, month }: Day): number {
  return month === 2 && isLeap(year) ? 29 : (MONTH_DAYS[month - 1] as number);
}

function dayOfYear(date: Day): number {
  let days = date.day;
  for (let month = 1; month < date.month; month++) days += daysInMonth({ ...date, month });
  return days;
}

/** What seconds count as when they are no time at all: the least 64-bit integer, as the reference's conversion gives. */
function finite(seconds: number): number {
  return Number.isFinite(seconds) && Math.abs(seconds) < 2 ** 63 ? seconds : -(2 ** 63);
}

/** The calendar functions of PromQL by name; each takes whole seconds since the epoch. */
export const calendar: Readonly<Record<string, (seconds: number) => number>> = {
  minute: (seconds) => modulo(Math.floor(finite(seconds) / 60), 60),
  hour: (seconds) => modulo(Math.floor(finite(seconds) / 3600), 24),
  day_of_week: (seconds) => modulo(daysOf(finite(seconds)) + 4, 7),
  day_of_month: (seconds) => dateOf(daysOf(finite(seconds))).day,
  day_of_year: (seconds) => dayOfYear(dateOf(daysOf(finite(seconds)))),
  days_in_month: (seconds) => daysInMonth(dateOf(daysOf(finite(seconds)))),
  month: (seconds) => dateOf(daysOf(finite(seconds))).month,
  year: (seconds) => dateOf(daysOf(finite(seconds))).year,
};
