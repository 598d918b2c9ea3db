// Moments and durations as templates see them: they print, and can be asked, as Go's do.
import { dayOfYear, formatShortest, formatTime, type GoTyped, MONTHS, WEEKDAYS } from "@narthex/template";
import { goDuration } from "@narthex/toolkit";

/** 2^63 nanoseconds, as far as Go's clock reaches from the epoch. */
const MAX_NS = 2 ** 63;
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
    return BigInt(dayOfYear(this.#date));
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

  Format(layout: unknown): string {
    const nanos = this.#date.getUTCMilliseconds() * 1e6;
    return formatTime({ date: this.#date, nanos, offsetMinutes: 0, zone: "UTC" }, String(layout));
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
