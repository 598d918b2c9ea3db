// Durations as Go programs read them from a few flags: `2ms`, `1.5h`, `300us`.
import { quote } from "../log/format.ts";
import { DurationError } from "./duration.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Parses decimal numbers with units `ns us ms s m h` in any order. Returns milliseconds. Throws a `DurationError`. */
export function parseGoDuration(text: string): number {
  const negative = text.startsWith("-");
  let rest = /^[-+]/.test(text) ? text.slice(1) : text;
  if (rest === "0") return 0;
  if (rest === "") throw new DurationError(`time: invalid duration ${quote(text)}`);
  let ms = 0;
  while (rest !== "") {
    const match = /^([0-9]+\.?[0-9]*|\.[0-9]+)([^0-9.]*)/.exec(rest);
    if (match === null) throw new DurationError(`time: invalid duration ${quote(text)}`);
    const [part, number, unit] = match as unknown as [string, string, string];
    if (unit === "") throw new DurationError(`time: missing unit in duration ${quote(text)}`);
    const unitMs = UNIT_MS[unit];
    if (unitMs === undefined) throw new DurationError(`time: unknown unit ${quote(unit)} in duration ${quote(text)}`);
    ms += Number(number) * unitMs;
    rest = rest.slice(part.length);
  }
  return negative ? -ms : ms;
}
