// Parts of a date in UTC, from seconds since the epoch.

const DAY = 86400;

interface Day {
  year: number;
  /** 1 to 12. */
  month: number;
  /** 1 to 31. */
  day: number;
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

/** A time as days since the epoch and seconds of the day. */
interface Moment {
  readonly days: number;
  readonly seconds: number;
}

/**
 * The moment that a number of seconds means. What is no 64-bit number becomes the least one in the reference's
 * conversion, and its calendar wraps that around to 2^63 seconds after the epoch.
 */
function momentOf(seconds: number): Moment {
  if (!(Math.abs(seconds) < 2 ** 63)) return { days: 106751991167300, seconds: 55808 };
  const days = Math.floor(seconds / DAY);
  return { days, seconds: seconds - days * DAY };
}

/** The calendar functions of PromQL by name; each takes whole seconds since the epoch. */
export const calendar: Readonly<Record<string, (seconds: number) => number>> = {
  minute: (seconds) => Math.floor(momentOf(seconds).seconds / 60) % 60,
  hour: (seconds) => Math.floor(momentOf(seconds).seconds / 3600),
  day_of_week: (seconds) => modulo(momentOf(seconds).days + 4, 7),
  day_of_month: (seconds) => dateOf(momentOf(seconds).days).day,
  day_of_year: (seconds) => dayOfYear(dateOf(momentOf(seconds).days)),
  days_in_month: (seconds) => daysInMonth(dateOf(momentOf(seconds).days)),
  month: (seconds) => dateOf(momentOf(seconds).days).month,
  year: (seconds) => dateOf(momentOf(seconds).days).year,
};
