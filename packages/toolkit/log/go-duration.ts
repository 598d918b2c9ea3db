// Durations as logs print them: `1.412µs`, `35.2ms`, `1m30s`.

/**
 * Writes a span of `ms` milliseconds (fractions count down to the nanosecond) as Go's `Duration.String` does: below a
 * second in the largest fitting unit, above it as hours, minutes and seconds with the leading zero units left out.
 */
export function goDuration(ms: number): string {
  if (!Number.isFinite(ms)) return String(ms);
  const nanos = Math.round(Math.abs(ms) * 1e6);
  const sign = ms < 0 && nanos > 0 ? "-" : "";
  if (nanos === 0) return "0s";
  if (nanos < 1e3) return `${sign}${nanos}ns`;
  if (nanos < 1e6) return `${sign}${decimals(nanos, 1e3)}µs`;
  if (nanos < 1e9) return `${sign}${decimals(nanos, 1e6)}ms`;
  const hours = Math.floor(nanos / 3.6e12);
  const minutes = Math.floor((nanos % 3.6e12) / 6e10);
  const seconds = `${decimals(nanos % 6e10, 1e9)}s`;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

/** `nanos / unit` exactly, without trailing zeros. `unit` is a power of ten. */
function decimals(nanos: number, unit: number): string {
  const whole = Math.floor(nanos / unit);
  const rest = nanos % unit;
  if (rest === 0) return String(whole);
  const digits = String(unit).length - 1;
  return `${whole}.${String(rest).padStart(digits, "0").replace(/0+$/, "")}`;
}
