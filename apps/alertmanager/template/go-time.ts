// Times and durations as templates see them: with Go's methods, layouts and ways to print.
import { goDuration } from "@narthex/toolkit";
import type { Moment } from "../moment/moment.ts";
import { isKnownLocation, offsetMinutes } from "../time-interval/interval.ts";

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
];
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** What stands for a part of a time in a layout, longest first where one begins another. */
const LAYOUT_PART =
  /January|Jan|Monday|Mon|MST|2006|-07:00:00|-070000|-07:00|-0700|-07|Z07:00:00|Z070000|Z07:00|Z0700|Z07|__2|_2(?!006)|002|01|02|03|04|05|06|15|PM|pm|[.,]0+(?!\d)|[.,]9+(?!\d)|1|2|3|4|5/g;

const two = (n: number): string => String(n).padStart(2, "0");

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
    return formatTime(this, String(layout), this.#zone);
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

function offsetText(minutes: number, separator: string): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}${separator}${two(size % 60)}`;
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

function formatTime(time: GoTime, layout: string, zone: string): string {
  const date = time.moment.localDate();
  const { nanos, offsetMinutes: offset } = time.moment;
  const hour = date.getUTCHours();
  const dayOfYear = Math.floor(
    (Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()) - Date.UTC(date.getUTCFullYear(), 0, 1)) /
      86_400_000,
  );
  const month = MONTHS[date.getUTCMonth()] as string;
  const weekday = WEEKDAYS[date.getUTCDay()] as string;
  return layout.replace(LAYOUT_PART, (part) => {
    if (/^[.,]/.test(part)) {
      const digits = String(nanos)
        .padStart(9, "0")
        .slice(0, part.length - 1);
      const kept = part[1] === "9" ? digits.replace(/0+$/, "") : digits;
      return kept === "" ? "" : (part[0] as string) + kept;
    }
    if (part.startsWith("Z0")) return offset === 0 ? "Z" : offsetText(offset, part.includes(":") ? ":" : "");
    if (part.startsWith("-07")) {
      const text = offsetText(offset, part.includes(":") ? ":" : "");
      if (part === "-07") return text.slice(0, 3);
      return part.length > 6 ? `${text}${part.includes(":") ? ":00" : "00"}` : text;
    }
    switch (part) {
      case "January":
        return month;
      case "Jan":
        return month.slice(0, 3);
      case "1":
        return String(date.getUTCMonth() + 1);
      case "01":
        return two(date.getUTCMonth() + 1);
      case "Monday":
        return weekday;
      case "Mon":
        return weekday.slice(0, 3);
      case "2":
        return String(date.getUTCDate());
      case "_2":
        return String(date.getUTCDate()).padStart(2, " ");
      case "02":
        return two(date.getUTCDate());
      case "__2":
        return String(dayOfYear + 1).padStart(3, " ");
      case "002":
        return String(dayOfYear + 1).padStart(3, "0");
      case "15":
        return two(hour);
      case "3":
        return String(hour % 12 || 12);
      case "03":
        return two(hour % 12 || 12);
      case "4":
        return String(date.getUTCMinutes());
      case "04":
        return two(date.getUTCMinutes());
      case "5":
        return String(date.getUTCSeconds());
      case "05":
        return two(date.getUTCSeconds());
      case "2006":
        return String(date.getUTCFullYear()).padStart(4, "0");
      case "06":
        return two(date.getUTCFullYear() % 100);
      case "PM":
        return hour >= 12 ? "PM" : "AM";
      case "pm":
        return hour >= 12 ? "pm" : "am";
      default:
        return zone;
    }
  });
}
