// Durations in PromQL's notation: `1h30m`. A year has 365 days, a week 7.
import { quote } from "./go-text.ts";

/** Units from the longest to the shortest, in milliseconds. */
const UNITS: readonly (readonly [string, number])[] = [
  ["y", 365 * 24 * 60 * 60 * 1000],
  ["w", 7 * 24 * 60 * 60 * 1000],
  ["d", 24 * 60 * 60 * 1000],
  ["h", 60 * 60 * 1000],
  ["m", 60 * 1000],
  ["s", 1000],
  ["ms", 1],
];

/** The longest duration there is: 2^63 nanoseconds, in milliseconds. */
const MAX_MS = 9223372036854.775;

/** A text that is no duration; `message` as the reference has it. */
export class DurationError extends Error {
  override readonly name = "DurationError";
}

/** Milliseconds of a duration: units in descending order, each at most once, or a plain `0`. Throws a `DurationError`. */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (text === "") throw new DurationError("empty duration string");
  const invalid = (): never => {
    throw new DurationError(`not a valid duration string: ${quote(text)}`);
  };
  let total = 0;
  let lastUnit = -1;
  let consumed = 0;
  for (const match of text.matchAll(/(\d+)(\D*)/g)) {
    if (match.index !== consumed) return invalid();
    consumed += match[0].length;
    const [, count, name] = match as unknown as [string, string, string];
    if (name === "" || Number(count) >= 2 ** 64) return invalid();
    const unit = UNITS.findIndex(([known]) => known === name);
    if (unit < 0) throw new DurationError(`unknown unit ${quote(name)} in duration ${quote(text)}`);
    if (unit <= lastUnit) return invalid();
    lastUnit = unit;
    total += Number(count) * (UNITS[unit] as readonly [string, number])[1];
    if (total > MAX_MS) throw new DurationError("duration out of range");
  }
  return consumed === text.length ? total : invalid();
}

/** A duration of so many milliseconds (whole, not negative), canonically: years and weeks only where they divide it. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.trunc(milliseconds);
  if (rest === 0) return "0s";
  let text = "";
  if (rest < 0) {
    text = "-";
    rest = -rest;
  }
  for (const [unit, size] of UNITS) {
    const exactOnly = unit === "y" || unit === "w";
    if (exactOnly && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count === 0) continue;
    text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
