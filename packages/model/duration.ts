// Durations as configuration, flags and PromQL write them: `1h30m`, units from large to small, each once.
// Source: `ParseDuration` of prometheus/common and its error texts; a year has 365 days, a week 7, a day 24 hours.
import { quote } from "./quote.ts";

/** Milliseconds per unit, large to small: the order in which units must stand. */
const UNITS: readonly (readonly [string, number])[] = [
  ["y", 365 * 86_400_000],
  ["w", 7 * 86_400_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

/** The longest duration: what fits 63 bits of nanoseconds, some 292 years. In milliseconds. */
const MAX_MS = 9_223_372_036_854;

/** A text that is no duration; `message` is worded as the reference words it. */
export class DurationError extends Error {
  override readonly name = "DurationError";
}

/**
 * Reads a duration such as `5m`, `1h30m`, `100ms` or `0`, and returns milliseconds. Throws a `DurationError`:
 * `not a valid duration string: "5"`, `unknown unit "x" in duration "5x"`, `empty duration string`,
 * `duration out of range`.
 */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (text === "") throw new DurationError("empty duration string");
  const invalid = (): DurationError => new DurationError(`not a valid duration string: ${quote(text)}`);
  let total = 0;
  let lastUnit = -1;
  let i = 0;
  while (i < text.length) {
    const numberStart = i;
    while (i < text.length && isDigit(text, i)) i++;
    const unitStart = i;
    while (i < text.length && !isDigit(text, i)) i++;
    if (unitStart === numberStart || i === unitStart) throw invalid();
    const digits = text.slice(numberStart, unitStart).replace(/^0+(?=.)/, "");
    // What no 64-bit number holds is refused before its unit is looked at.
    if (digits.length > 20 || (digits.length === 20 && digits > "18446744073709551615")) throw invalid();
    const name = text.slice(unitStart, i);
    const unit = UNITS.findIndex(([known]) => known === name);
    if (unit < 0) throw new DurationError(`unknown unit ${quote(name)} in duration ${quote(text)}`);
    if (unit <= lastUnit) throw invalid();
    lastUnit = unit;
    total += Number(digits) * (UNITS[unit] as readonly [string, number])[1];
    if (total > MAX_MS) throw new DurationError("duration out of range");
  }
  return total;
}

/** As `parseDuration`, with an optional minus sign in front. */
export function parseSignedDuration(text: string): number {
  if (!text.startsWith("-")) return parseDuration(text);
  const magnitude = parseDuration(text.slice(1));
  return magnitude === 0 ? 0 : -magnitude;
}

/**
 * Writes milliseconds as the shortest usual form: `1h30m`, `90d`, `0s`. Years and weeks appear only where they come
 * out even, as `90d` reads better than `12w6d`.
 */
export function formatDuration(milliseconds: number): string {
  let rest = Math.trunc(Math.abs(milliseconds));
  if (rest === 0) return "0s";
  let text = milliseconds < 0 ? "-" : "";
  for (const [unit, size] of UNITS) {
    if ((unit === "y" || unit === "w") && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

function isDigit(text: string, i: number): boolean {
  const code = text.charCodeAt(i);
  return code >= 0x30 && code <= 0x39;
}
