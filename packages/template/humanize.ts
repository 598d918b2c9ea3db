// Numbers as people read them, in templates of rules and of notifications. Source: the reference's template functions.
import { formatG } from "./go-format.ts";

const LARGE = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];
const SMALL = ["m", "u", "n", "p", "f", "a", "z", "y"];
const BINARY = ["", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];

/** With four digits and a metric prefix. */
export function humanize(value: number): string {
  return scaled(value, 1000, LARGE, SMALL);
}

/** With four digits and a prefix of a power of 1024. */
export function humanize1024(value: number): string {
  return scaled(value, 1024, BINARY, []);
}

/** Seconds as `1d 2h 3m 4s`; below one, with a prefix. */
export function humanizeDuration(value: number): string {
  if (!Number.isFinite(value)) return formatG(value, 4);
  if (value === 0) return `${formatG(value, 4)}s`;
  if (Math.abs(value) < 1) return `${humanize(value)}s`;
  const sign = value < 0 ? "-" : "";
  const whole = Math.trunc(Math.abs(value));
  const seconds = whole % 60;
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600) % 24;
  const days = Math.floor(whole / 86_400);
  if (days > 0) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours > 0) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  if (minutes > 0) return `${sign}${minutes}m ${seconds}s`;
  return `${sign}${formatG(Math.abs(value), 4)}s`;
}

function scaled(value: number, base: number, large: readonly string[], small: readonly string[]): string {
  if (value === 0 || !Number.isFinite(value)) return formatG(value, 4);
  const magnitude = Math.abs(value);
  let rest = value;
  if (magnitude >= 1 || small.length === 0) {
    if (magnitude <= 1) return formatG(value, 4);
    let step = 0;
    while (Math.abs(rest) >= base && step < large.length - 1) {
      rest /= base;
      step++;
    }
    return `${formatG(rest, 4)}${large[step]}`;
  }
  let step = -1;
  while (Math.abs(rest) < 1 && step < small.length - 1) {
    rest *= base;
    step++;
  }
  return `${formatG(rest, 4)}${small[step] ?? ""}`;
}
