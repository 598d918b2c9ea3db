// Times and durations as templates see them: with Go's methods, layouts and ways to print.
import { formatTime, MONTHS, offsetText, WEEKDAYS } from "@narthex/template";
import { goDuration } from "@narthex/toolkit";
import type { Moment } from "../moment/moment.ts";
import { isKnownLocation, offsetMinutes } from "../time-interval/interval.ts";

/** A length of time. Prints as `1h2m3s`. */
export class GoDuration {
  readonly #ms: number;

  constructor(ms: number) {
    this.#ms = ms;
  }

  Seconds(): number {
    return this.#ms / 1000;
  }

  Minutes(): number {
    return this.#ms / 60_000;
  }

  Hours(): number {
    return this.#ms / 3_600_000;
  }

  Milliseconds(): bigint {
    return BigInt(Math.trunc(this.#ms));
  }

  Round(to: unknown): GoDuration {
    const step = to instanceof GoDuration ? to.Seconds() * 1000 : Number(to) / 1e6;
    return step <= 0 ? this : new GoDuration(Math.round(this.#ms / step) * step);
  }

  Truncate(to: unknown): GoDuration {
    const step = to instanceof GoDuration ? to.Seconds() * 1000 : Number(to) / 1e6;
    return step <= 0 ? this : new GoDuration(Math.trunc(this.#ms / step) * step);
  }

  String(): string {
    return goDuration(this.#ms);
  }

  toGoString(): string {
    return goDuration(this.#ms);
  }

  toJSON(): bigint {
    return BigInt(Math.round(this.#ms * 1e6));
  }
}

/** A moment in some place. */
export class GoTime {
  readonly moment: Moment;
  /** What `MST` in a layout prints. */
  readonly #zone: string;
  readonly #location: string;

  constructor(
    moment: Moment,
    zone: string = moment.offsetMinutes === 0 ? "UTC" : offsetText(moment.offsetMinutes, ""),
    location: string = moment.offsetMinutes === 0 ? "UTC" : "",
  ) {
    this.moment = moment;
    this.#zone = zone;
    this.#location = location;
  }

  /** Name of the place whose clocks it goes by; "" where only their distance from UTC is known. */
  Location(): string {
    return this.#location;
  }

  /** The same moment by the clocks of a place. Throws for a place that is not known. */
  in(location: string): GoTime {
    if (!isKnownLocation(location)) throw new Error(`unknown time zone ${location}`);
    const offset = offsetMinutes(location, this.moment.ms);
    return new GoTime(this.moment.inOffset(offset), zoneName(location, this.moment.ms), location);
  }

  Format(layout: unknown): string {
    const { nanos, offsetMinutes } = this.moment;
    return formatTime({ date: this.moment.localDate(), nanos, offsetMinutes, zone: this.#zone }, String(layout));
  }

  UTC(): GoTime {
    return new GoTime(this.moment.inOffset(0), "UTC");
  }

  Local(): GoTime {
    return this.in("Local");
  }

  Unix(): bigint {
    return BigInt(this.moment.seconds);
  }

  UnixMilli(): bigint {
    return BigInt(Math.floor(this.moment.ms));
  }

  UnixNano(): bigint {
    return BigInt(this.moment.seconds) * 1_000_000_000n + BigInt(this.moment.nanos);
  }

  IsZero(): boolean {
    return this.moment.isZero;
  }

  Before(other: unknown): boolean {
    return this.moment.isBefore((other as GoTime).moment);
  }

  After(other: unknown): boolean {
    return this.moment.isAfter((other as GoTime).moment);
  }

  Equal(other: unknown): boolean {
    return this.moment.compare((other as GoTime).moment) === 0;
  }

  Sub(other: unknown): GoDuration {
    return new GoDuration(this.moment.ms - (other as GoTime).moment.ms);
  }

  Add(duration: unknown): GoTime {
    const ms = duration instanceof GoDuration ? duration.Seconds() * 1000 : Number(duration) / 1e6;
    return new GoTime(this.moment.plusMs(ms), this.#zone);
  }

  Year(): bigint {
    return BigInt(this.moment.localDate().getUTCFullYear());
  }

  Day(): bigint {
    return BigInt(this.moment.localDate().getUTCDate());
  }

  Hour(): bigint {
    return BigInt(this.moment.localDate().getUTCHours());
  }

  Minute(): bigint {
    return BigInt(this.moment.localDate().getUTCMinutes());
  }

  Second(): bigint {
    return BigInt(this.moment.localDate().getUTCSeconds());
  }

  Month(): string {
    return MONTHS[this.moment.localDate().getUTCMonth()] as string;
  }

  Weekday(): string {
    return WEEKDAYS[this.moment.localDate().getUTCDay()] as string;
  }

  String(): string {
    return this.toGoString();
  }

  toGoString(): string {
    return this.Format("2006-01-02 15:04:05.999999999 -0700 MST");
  }

  toJSON(): string {
    return this.moment.toRfc3339Nano();
  }
}

function zoneName(location: string, ms: number): string {
  if (location === "" || location === "UTC") return "UTC";
  const format = new Intl.DateTimeFormat("en-US", {
    ...(location === "Local" ? {} : { timeZone: location }),
    timeZoneName: "short",
  });
  const name = format.formatToParts(ms).find(({ type }) => type === "timeZoneName")?.value ?? "UTC";
  return name.replace(/^GMT([-+])(\d+)$/, (_, sign: string, hours: string) => `${sign}${hours.padStart(2, "0")}`);
}
