// Numbers in expositions: a fast path for what exporters print, and the reference's exact rules for the rest.
import { ExpositionError } from "./errors.ts";
import { quoteBytes } from "./quote.ts";

/** Powers of ten that a double holds exactly: with at most 15 digits before them, one rounding gives the right double. */
const EXACT_POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`));

const SPECIALS = /^(?:nan|[+-]?inf(?:inity)?)$/i;
const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?$/i;

/**
 * Reads a plain decimal (`-12.5`, `1.5e+06`) that starts at `at` into `into[index]`, correctly rounded, and returns
 * where it ends: the first byte that does not belong to it. Returns -1, with nothing written, for everything that is
 * not certain on this path: more than 15 digits, large exponents, signs other than `-`, NaN, Inf, no number at all.
 *
 * The bytes must end with something that is no part of a number (a line break will do).
 * Source: W. D. Clinger, "How to read floating point numbers accurately", the exact case.
 */
export function scanDecimal(bytes: Uint8Array, at: number, into: Float64Array, index: number): number {
  let i = at;
  let byte = bytes[i] as number;
  const negative = byte === 0x2d;
  if (negative) byte = bytes[++i] as number;
  let mantissa = 0;
  const first = i;
  let digit = byte - 0x30;
  // Sixteen digits or more overflow what is exact; counting them afterwards is cheaper than watching each.
  while (digit >= 0 && digit <= 9) {
    mantissa = mantissa * 10 + digit;
    digit = (bytes[++i] as number) - 0x30;
  }
  let digits = i - first;
  let exponent = 0;
  byte = bytes[i] as number;
  if (byte === 0x2e) {
    const point = ++i;
    digit = (bytes[i] as number) - 0x30;
    while (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      digit = (bytes[++i] as number) - 0x30;
    }
    exponent = point - i;
    digits -= exponent;
    byte = bytes[i] as number;
  }
  if (digits === 0 || digits > 15) return -1;
  if (byte === 0x65 || byte === 0x45) {
    byte = bytes[++i] as number;
    const exponentNegative = byte === 0x2d;
    if (exponentNegative || byte === 0x2b) byte = bytes[++i] as number;
    const start = i;
    let written = 0;
    digit = byte - 0x30;
    while (digit >= 0 && digit <= 9) {
      written = written * 10 + digit;
      digit = (bytes[++i] as number) - 0x30;
    }
    if (i === start || i - start > 4) return -1;
    exponent += exponentNegative ? -written : written;
  }
  if (exponent > 0) {
    if (exponent > 22) return -1;
    mantissa *= EXACT_POWERS[exponent] as number;
  } else if (exponent < 0) {
    if (exponent < -22) return -1;
    mantissa /= EXACT_POWERS[-exponent] as number;
  }
  into[index] = negative ? -mantissa : mantissa;
  return i;
}

const scratch = new Float64Array(1);

/**
 * The number that fills `bytes[start, end)`, by the rules of Go's `ParseFloat` without hexadecimal and underscores.
 * `bytes[end]` must exist. Throws an `ExpositionError` without the place for anything else, and for what a double cannot hold.
 */
export function parseFloatBytes(bytes: Uint8Array, start: number, end: number): number {
  if (scanDecimal(bytes, start, scratch, 0) === end) return scratch[0] as number;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
  if (/[pP_]/.test(text)) throw new ExpositionError("unsupported character in float");
  const value = parseFloatText(text);
  if (value === undefined) {
    throw new ExpositionError(`strconv.ParseFloat: parsing ${quoteBytes(bytes, start, end)}: invalid syntax`);
  }
  if (Math.abs(value) === Number.POSITIVE_INFINITY && !SPECIALS.test(text)) {
    throw new ExpositionError(`strconv.ParseFloat: parsing ${quoteBytes(bytes, start, end)}: value out of range`);
  }
  return value;
}

/** The number a text stands for (decimal, NaN, Inf, infinity in any case), or undefined. Too large ones become infinite. */
export function parseFloatText(text: string): number | undefined {
  if (DECIMAL.test(text)) return Number(text);
  if (!SPECIALS.test(text)) return undefined;
  if (text.length === 3 && (text.charCodeAt(0) | 0x20) === 0x6e) return Number.NaN;
  return text.charCodeAt(0) === 0x2d ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/**
 * A float as `le` and `quantile` labels carry it: shortest digits, `.0` after whole numbers, an exponent below 1e-4
 * and from 1e6 on. Source: OpenMetrics 1.0, "Canonical Numbers"; digits laid out as Go's format `g` does.
 */
export function canonicalFloat(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-4 && magnitude < 1e6) return Number.isInteger(value) ? `${value}.0` : String(value);
  const [digits = "", exponent = "+0"] = value.toExponential().split("e");
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
}
