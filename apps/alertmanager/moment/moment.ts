// Moments to the nanosecond, as the interfaces carry them: what was sent with nine digits comes out with nine digits.

const NANOS_PER_MS = 1_000_000;
/** The first second of year 1: what stands for "no time" in the reference's interfaces. */
const ZERO_SECONDS = -62_135_596_800;

/** The first second of year 10000. */
const END_SECONDS = 253_402_300_800;

/** The second that was written last: whole lists share theirs. */
let lastSeconds = Number.NaN;
let lastText = "";

/** A moment and the offset from UTC with which it was written. Immutable. */
export class Moment {
  /** `0001-01-01T00:00:00Z`, which means that no time was given. */
  static readonly zero: Moment = new this(ZERO_SECONDS, 0);

  /** Whole seconds since the epoch, rounded down. */
  readonly seconds: number;
  /** From 0 to 999,999,999. */
  readonly nanos: number;
  readonly offsetMinutes: number;

  constructor(seconds: number, nanos: number, offsetMinutes: number = 0) {
    this.seconds = seconds;
    this.nanos = nanos;
    this.offsetMinutes = offsetMinutes;
  }

  /** From milliseconds since the epoch, which may have a fraction. */
  static fromMs(ms: number): Moment {
    const seconds = Math.floor(ms / 1000);
    return new Moment(seconds, Math.min(999_999_999, Math.round((ms - seconds * 1000) * NANOS_PER_MS)));
  }

  get isZero(): boolean {
    return this.seconds === ZERO_SECONDS && this.nanos === 0;
  }

  /** Whether RFC 3339 can say it: years 1 to 9999. The texts of any other moment are nonsense, or a `RangeError`. */
  get isWritable(): boolean {
    const local = this.seconds + this.offsetMinutes * 60;
    return local >= ZERO_SECONDS && local < END_SECONDS && this.nanos >= 0 && this.nanos < 1_000_000_000;
  }

  /** Milliseconds since the epoch, with a fraction. */
  get ms(): number {
    return this.seconds * 1000 + this.nanos / NANOS_PER_MS;
  }

  /** Negative when this is earlier. */
  compare(other: Moment): number {
    return this.seconds - other.seconds || this.nanos - other.nanos;
  }

  isBefore(other: Moment): boolean {
    return this.compare(other) < 0;
  }

  isAfter(other: Moment): boolean {
    return this.compare(other) > 0;
  }

  plusMs(ms: number): Moment {
    const whole = Math.floor(ms / 1000);
    const nanos = this.nanos + Math.round((ms - whole * 1000) * NANOS_PER_MS);
    const carry = nanos >= 1_000_000_000 ? 1 : 0;
    return new Moment(this.seconds + whole + carry, nanos - carry * 1_000_000_000, this.offsetMinutes);
  }

  /** The next moment there is. */
  next(): Moment {
    return this.nanos === 999_999_999
      ? new Moment(this.seconds + 1, 0, this.offsetMinutes)
      : new Moment(this.seconds, this.nanos + 1, this.offsetMinutes);
  }

  inOffset(offsetMinutes: number): Moment {
    return new Moment(this.seconds, this.nanos, offsetMinutes);
  }

  /** RFC 3339 with as many digits behind the second as there are: what JSON bodies of webhooks hold. */
  toRfc3339Nano(): string {
    const fraction = this.nanos === 0 ? "" : `.${String(this.nanos).padStart(9, "0").replace(/0+$/, "")}`;
    return `${this.#local()}${fraction}${this.#zone()}`;
  }

  /** RFC 3339 with three digits, the rest cut off: what the API answers. */
  toRfc3339Millis(): string {
    return `${this.#local()}.${String(Math.floor(this.nanos / NANOS_PER_MS)).padStart(3, "0")}${this.#zone()}`;
  }

  /** RFC 3339 to the second. */
  toRfc3339(): string {
    return this.#local() + this.#zone();
  }

  /** Date and time of day in its own offset, as a date whose UTC parts are the local ones. */
  localDate(): Date {
    return new Date((this.seconds + this.offsetMinutes * 60) * 1000);
  }

  #local(): string {
    const seconds = this.seconds + this.offsetMinutes * 60;
    if (seconds !== lastSeconds) {
      lastText = new Date(seconds * 1000).toISOString().slice(0, 19);
      lastSeconds = seconds;
    }
    return lastText;
  }

  #zone(): string {
    if (this.offsetMinutes === 0) return "Z";
    const minutes = Math.abs(this.offsetMinutes);
    const two = (n: number): string => String(n).padStart(2, "0");
    return `${this.offsetMinutes < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  }
}
