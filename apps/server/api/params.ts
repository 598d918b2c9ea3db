// Parameters of API calls: query string and form body as one, and how times, durations and limits are read.
import { parseDuration } from "@narthex/model";
import { type ApiError, invalidParameter } from "./api-error.ts";

/** All of time, in milliseconds that a float holds exactly; stands for a bound that was not given. */
export const MIN_TIME: number = Number.MIN_SAFE_INTEGER;
export const MAX_TIME: number = Number.MAX_SAFE_INTEGER;

const NUMBER = /^[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|inf|infinity|nan|0[xX][0-9a-fA-F]+)$/i;
const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** Values of a form body stand before those of the query string, as the first one counts. Read when somebody asks. */
export class Params {
  readonly #texts: readonly [body: string, query: string];
  /** Names and values in turn. */
  #pairs: readonly string[] | undefined;

  /** Both as `application/x-www-form-urlencoded`. */
  constructor(query: string, body: string) {
    this.#texts = [body, query];
  }

  /** The first value, or "". */
  get(name: string): string {
    const pairs = this.#read();
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1] as string;
    return "";
  }

  all(name: string): string[] {
    return this.#read().filter((_, i, pairs) => i % 2 === 1 && pairs[i - 1] === name);
  }

  #read(): readonly string[] {
    if (this.#pairs === undefined) {
      const pairs: string[] = [];
      for (const text of this.#texts) readPairs(text, pairs);
      this.#pairs = pairs;
    }
    return this.#pairs;
  }

  /** Milliseconds; `fallback` where the parameter is absent or empty. Throws an `ApiError`: what `refusal` makes of a reason. */
  time(name: string, fallback: number, refusal = (reason: string): ApiError => invalidParameter(name, reason)): number {
    const text = this.get(name);
    if (text === "") return fallback;
    const t = parseTime(text);
    if (t === undefined) throw refusal(`invalid time value for '${name}': ${cannotParse(text, "timestamp")}`);
    return t;
  }

  /** As `time`, for an evaluation: see `engineTime`. */
  evaluationTime(name: string, fallback: number): number {
    return engineTime(this.get(name), this.time(name, fallback));
  }

  /** As `time`, but required, and with the wording of range queries. */
  requiredTime(name: string): number {
    const text = this.get(name);
    const t = parseTime(text);
    if (t === undefined) throw invalidParameter(name, cannotParse(text, "timestamp"));
    return engineTime(text, t);
  }

  /** Milliseconds, undefined where absent. Throws an `ApiError`. */
  duration(name: string): number | undefined {
    const text = this.get(name);
    return text === "" ? undefined : this.requiredDuration(name);
  }

  requiredDuration(name: string): number {
    const text = this.get(name);
    const parsed = parseDurationMs(text);
    if (typeof parsed === "string") throw invalidParameter(name, parsed);
    return parsed;
  }

  /** A count of at least 0, where 0 (the default) means no limit. */
  limit(name = "limit"): number {
    const text = this.get(name);
    if (text === "") return 0;
    if (!/^[+-]?\d+$/.test(text))
      throw invalidParameter(name, `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
    const limit = Number(text);
    if (limit < 0) throw invalidParameter(name, "limit must be non-negative");
    return limit;
  }
}

/** Adds names and values in turn. */
function readPairs(text: string, into: string[]): void {
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf("&", start);
    if (end < 0) end = text.length;
    const sign = text.indexOf("=", start);
    const nameEnd = sign < 0 || sign > end ? end : sign;
    if (end > start) into.push(decodeForm(text.slice(start, nameEnd)), decodeForm(text.slice(nameEnd + 1, end)));
    start = end + 1;
  }
}

/** As the URL standard decodes forms, several times as fast for long texts: those hold the main thread. */
function decodeForm(text: string): string {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Not all of it is UTF-8, or not all percent signs begin a byte: the standard knows what stands for those.
    return new URLSearchParams(`_=${text}`).get("_") ?? "";
  }
}

/** Unix seconds (fractions rounded to milliseconds) or RFC 3339; undefined when it is neither. */
export function parseTime(text: string): number | undefined {
  if (NUMBER.test(text)) {
    const seconds = goNumber(text);
    // What no 64-bit integer holds ends where the reference's conversions leave it.
    if (!Number.isFinite(seconds)) return -9223372036854;
    if (Math.abs(seconds) >= 2 ** 63) return 0;
    const whole = Math.trunc(seconds);
    const t = whole * 1000 + Math.round((seconds - whole) * 1000);
    return Number.isSafeInteger(t) ? t : Number(BigInt.asIntN(64, BigInt(whole) * 1000n));
  }
  if (RFC3339.test(text)) {
    const t = Date.parse(text);
    return Number.isNaN(t) ? undefined : t;
  }
  return undefined;
}

/**
 * The time that the reference's engine makes of one: it goes through 64-bit nanoseconds, which hold the years 1677 to
 * 2262; others come out somewhere else.
 */
function engineTime(text: string, t: number): number {
  if (Math.abs(t) <= 9_223_372_036_854 || !NUMBER.test(text)) return t;
  const seconds = goNumber(text);
  if (!Number.isFinite(seconds)) return t;
  return Number(BigInt.asIntN(64, BigInt(Math.trunc(seconds)) * 1_000_000_000n) / 1_000_000n);
}

/** Milliseconds, or the reason why there are none. */
export function parseDurationMs(text: string): number | string {
  if (NUMBER.test(text)) {
    const seconds = goNumber(text);
    // As the reference's conversion leaves it, which its callers then refuse as negative.
    if (Number.isNaN(seconds)) return Number.NEGATIVE_INFINITY;
    if (!(Math.abs(seconds) <= 2 ** 63 / 1e9)) return `${cannotParse(text, "duration")}. It overflows int64`;
    return Math.trunc(seconds * 1e9) / 1e6;
  }
  try {
    return parseDuration(text);
  } catch {
    return cannotParse(text, "duration");
  }
}

function goNumber(text: string): number {
  const lower = text.toLowerCase();
  if (/inf/.test(lower)) return lower.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(lower);
}

function cannotParse(text: string, what: string): string {
  return `cannot parse ${JSON.stringify(text)} to a valid ${what}`;
}
