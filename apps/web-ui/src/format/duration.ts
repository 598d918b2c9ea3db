/** Durations in the notation of PromQL (`1d12h`, `90s`, `250ms`), and the ladder of ranges the page steps through. */

const UNITS: readonly (readonly [string, number])[] = [
  ["y", 365 * 24 * 3600_000],
  ["w", 7 * 24 * 3600_000],
  ["d", 24 * 3600_000],
  ["h", 3600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

/** Graph ranges offered by the − and + buttons, ascending, in milliseconds: from one second to two years. */
export const RANGE_LADDER_MS: readonly number[] =
  "1s 10s 1m 5m 15m 30m 1h 2h 6h 12h 1d 2d 7d 14d 28d 56d 112d 182d 1y 2y"
    .split(" ")
    .map((text) => parseDuration(text) ?? 0);

/**
 * Milliseconds of a duration such as `1h30m`, `90s`, `1.5h`, or of a plain number of seconds (`90`).
 * Returns null for anything else, for zero, and for more than a hundred years.
 */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim().toLowerCase();
  if (trimmed === "" || trimmed.length > 40) return null;
  let total = 0;
  if (/^\d+(\.\d+)?$/.test(trimmed)) {
    total = Number(trimmed) * 1000;
  } else {
    const part = /\s*(\d+(?:\.\d+)?)(ms|[ywdhms])\s*/y;
    while (part.lastIndex < trimmed.length) {
      const match = part.exec(trimmed);
      if (!match) return null;
      total += Number(match[1]) * UNITS.find(([unit]) => unit === match[2])![1];
    }
  }
  total = Math.round(total);
  return total > 0 && total <= 100 * 365 * 24 * 3600_000 ? total : null;
}

/** Writes milliseconds with the largest units that fit whole, as PromQL prints them: `3600000` is `1h`, `36 h` is `1d12h`. */
export function formatDuration(durationMs: number): string {
  let rest = Math.round(durationMs);
  if (rest <= 0) return "0s";
  let text = "";
  for (const [unit, unitMs] of UNITS) {
    // Years and weeks only when nothing is left over: 10d reads better than 1w3d.
    if ((unit === "y" || unit === "w") && rest % unitMs !== 0) continue;
    const count = Math.floor(rest / unitMs);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text;
}

/** The next larger (`direction` 1) or smaller (-1) range of the ladder; the outermost ones stay as they are. */
export function neighbouringRange(rangeMs: number, direction: 1 | -1): number {
  if (direction === 1)
    return RANGE_LADDER_MS.find((range) => range > rangeMs) ?? Math.max(rangeMs, RANGE_LADDER_MS.at(-1)!);
  return RANGE_LADDER_MS.findLast((range) => range < rangeMs) ?? Math.min(rangeMs, RANGE_LADDER_MS[0]!);
}

/** A time span for people, with two significant units at most: `3.2 ms`, `1.4 s`, `2m 5s`, `3h 10m`, `5d 2h`. */
export function humanSpan(spanMs: number): string {
  if (!Number.isFinite(spanMs)) return "unknown";
  const sign = spanMs < 0 ? "-" : "";
  const ms = Math.abs(spanMs);
  if (ms > 0 && ms < 0.05) return `${sign}<0.1 ms`;
  if (ms < 1000) return `${sign}${ms < 10 ? trim(ms.toFixed(1)) : Math.round(ms)} ms`;
  if (ms < 60_000) return `${sign}${trim((ms / 1000).toFixed(ms < 10_000 ? 1 : 0))} s`;
  const [large, largeMs, small, smallMs] =
    ms < 3600_000
      ? ["m", 60_000, "s", 1000]
      : ms < 24 * 3600_000
        ? ["h", 3600_000, "m", 60_000]
        : ["d", 24 * 3600_000, "h", 3600_000];
  const whole = Math.floor(ms / largeMs);
  const rest = Math.floor((ms - whole * largeMs) / smallMs);
  return `${sign}${whole}${large}${rest > 0 ? ` ${rest}${small}` : ""}`;
}

function trim(text: string): string {
  return text.replace(/\.0+$/, "");
}
