// Moments and durations as templates see them: they print, and can be asked, as Go's do.
import { formatShortest, type GoTyped } from "@narthex/template";
import { goDuration } from "@narthex/toolkit";

/** 2^63 nanoseconds, as far as Go's clock reaches from the epoch. */
const MAX_NS = 2 ** 63;
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"] as const;
const DAY_MS = 86_400_000;

/** A moment in UTC, to the millisecond. */
export class GoTime implements GoTyped {
  readonly goTypeName: string = "*time.Time";
  readonly #date: Date;

  private constructor(date: Date) {
    this.#date = date;
  }

  /** Throws for what is no number, or beyond what Go's clock can tell. */
  static fromSeconds(seconds: number): GoTime {
    if (!Number.isFinite(seconds)) throw new Error("value is NaN or Inf");
    const ns = seconds * 1e9;
    if (ns > MAX_NS || ns < -MAX_NS) {
      throw new Error(
        `${formatShortest(seconds)} cannot be represented as a nanoseconds timestamp since it overflows int64`,
      );
    }
    return new GoTime(new Date(Math.trunc(ns / 1e6)));
  }

  Unix(): bigint {
    return BigInt(Math.floor(this.#date.getTime() / 1000));
  }

  UnixMilli(): bigint {
    return BigInt(this.#date.getTime());
  }

  UnixNano(): bigint {
    return BigInt(this.#date.getTime()) * 1_000_000n;
  }

  Year(): bigint {
    return BigInt(this.#date.getUTCFullYear());
  }

  Month(): string {
    return MONTHS[this.#date.getUTCMonth()] as string;
  }

  Day(): bigint {
    return BigInt(this.#date.getUTCDate());
  }

  YearDay(): bigint {
    return BigInt(Math.floor((this.#date.getTime() - Date.UTC(this.#date.getUTCFullYear(), 0, 1)) / DAY_MS) + 1);
  }

  Weekday(): string {
    return WEEKDAYS[this.#date.getUTCDay()] as string;
  }

  Hour(): bigint {
    return BigInt(this.#date.getUTCHours());
  }

  Minute(): bigint {
    return BigInt(this.#date.getUTCMinutes());
  }

  Second(): bigint {
    return BigInt(this.#date.getUTCSeconds());
  }

  UTC(): GoTime {
    return this;
  }

  /** Go's layouts: the same moment in January 2006, written as the wanted one is to be. */
  Format(layout: unknown): string {
    const iso = this.#date.toISOString();
    const date = this.#date;
    const hour = date.getUTCHours();
    const two = (value: number, fill = "0"): string => String(value).padStart(2, fill);
    const twelve = hour % 12 === 0 ? 12 : hour % 12;
    return String(layout).replace(
      /January|Jan|Monday|Mon|MST|2006|Z07:00|-07:00|Z0700|-0700|-07|002|01|02|03|04|05|06|15|PM|pm|[.,]0+|[.,]9+|_2|1|2|3|4|5/g,
      (word) => {
        switch (word) {
          case "January":
            return this.Month();
          case "Jan":
            return this.Month().slice(0, 3);
          case "Monday":
            return this.Weekday();
          case "Mon":
            return this.Weekday().slice(0, 3);
          case "MST":
            return "UTC";
          case "2006":
            return iso.slice(0, iso.indexOf("-", 1));
          case "Z07:00":
          case "Z0700":
            return "Z";
          case "-07:00":
            return "+00:00";
          case "-0700":
            return "+0000";
          case "-07":
            return "+00";
          case "002":
            return String(this.YearDay()).padStart(3, "0");
          case "01":
            return two(date.getUTCMonth() + 1);
          case "1":
            return String(date.getUTCMonth() + 1);
          case "02":
            return two(date.getUTCDate());
          case "_2":
            return two(date.getUTCDate(), " ");
          case "2":
            return String(date.getUTCDate());
          case "03":
            return two(twelve);
          case "3":
            return String(twelve);
          case "04":
            return two(date.getUTCMinutes());
          case "4":
            return String(date.getUTCMinutes());
          case "05":
            return two(date.getUTCSeconds());
          case "5":
            return String(date.getUTCSeconds());
          case "06":
            return two(date.getUTCFullYear() % 100);
          case "15":
            return two(hour);
          case "PM":
            return hour < 12 ? "AM" : "PM";
          case "pm":
            return hour < 12 ? "am" : "pm";
          default:
            return fraction(word, date.getUTCMilliseconds());
        }
      },
    );
  }

  String(): string {
    return this.toGoString();
  }

  toGoString(): string {
    return this.Format("2006-01-02 15:04:05.999 -0700 MST");
  }
}

/** A length of time, to the nanosecond. */
export class GoDuration implements GoTyped {
  readonly goTypeName: string = "*time.Duration";
  readonly #ns: number;

  constructor(seconds: number) {
    this.#ns = Math.trunc(seconds * 1e9);
  }

  Seconds(): number {
    return this.#ns / 1e9;
  }

  Minutes(): number {
    return this.#ns / 60e9;
  }

  Hours(): number {
    return this.#ns / 3600e9;
  }

  Milliseconds(): bigint {
    return BigInt(Math.trunc(this.#ns / 1e6));
  }

  String(): string {
    return this.toGoString();
  }

  toGoString(): string {
    return goDuration(this.#ns / 1e6);
  }
}

/** A fraction of a second behind its point: with nines, without zeros at its end. */
function fraction(word: string, ms: number): string {
  const digits = String(ms)
    .padStart(3, "0")
    .padEnd(word.length - 1, "0")
    .slice(0, word.length - 1);
  if (word[1] === "0") return word[0] + digits;
  const trimmed = digits.replace(/0+$/, "");
  return trimmed === "" ? "" : word[0] + trimmed;
}
