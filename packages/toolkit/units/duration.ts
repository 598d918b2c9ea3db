// Durations as configuration files and flags write them: `1h30m`, `15s`, `90d`.

import { quote } from "../log/format.ts";

const UNITS: readonly (readonly [name: string, ms: number, onlyWhole: boolean])[] = [
  ["y", 365 * 86_400_000, true],
  ["w", 7 * 86_400_000, true],
  ["d", 86_400_000, false],
  ["h", 3_600_000, false],
  ["m", 60_000, false],
  ["s", 1000, false],
  ["ms", 1, false],
];

/** The longest duration, 2^63 nanoseconds: about 292 years. */
const MAX_MS = 9_223_372_036_854.775;

/** A text that is no duration; the message is the reference's. */
export class DurationError extends Error {
  override readonly name = "DurationError";
}

/**
 * Parses whole numbers with units `y w d h m s ms` in descending order, each at most once; a bare `0` is allowed.
 * Returns milliseconds. Throws a `DurationError`.
 */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (text === "") throw new DurationError("empty duration string");
  let ms = 0;
  let nextUnit = 0;
  let rest = text;
  while (rest !== "") {
    const match = /^([0-9]{1,19})([^0-9]+)/.exec(rest);
    if (match === null) throw new DurationError(`not a valid duration string: ${quote(text)}`);
    const [part, digits, unit] = match as unknown as [string, string, string];
    const index = UNITS.findIndex(([name]) => name === unit);
    if (index < 0) throw new DurationError(`unknown unit ${quote(unit)} in duration ${quote(text)}`);
    if (index < nextUnit) throw new DurationError(`not a valid duration string: ${quote(text)}`);
    nextUnit = index + 1;
    ms += Number(digits) * (UNITS[index] as (typeof UNITS)[number])[1];
    if (ms > MAX_MS) throw new DurationError("duration out of range");
    rest = rest.slice(part.length);
  }
  return ms;
}

/** Writes milliseconds: years and weeks only when nothing is left below them, then days down to milliseconds. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  let rest = Math.abs(ms);
  let text = ms < 0 ? "-" : "";
  for (const [name, unitMs, onlyWhole] of UNITS) {
    if (onlyWhole && rest % unitMs !== 0) continue;
    const count = Math.floor(rest / unitMs);
    if (count > 0) text += `${count}${name}`;
    rest -= count * unitMs;
  }
  return text;
}
