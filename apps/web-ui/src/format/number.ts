/** Numbers as people read them on axes, in tooltips and in tables. */

const PREFIXES = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];
const SMALL_PREFIXES = ["", "m", "µ", "n", "p", "f", "a", "z", "y"];

/**
 * Labels for the marks of a value axis, with one SI prefix and as many decimals as tell neighbours apart.
 * `marks` ascend and are evenly spaced; a null (a mark the plot leaves out) stays an empty text.
 */
export function axisLabels(marks: readonly (number | null)[]): string[] {
  const known = marks.filter((mark) => mark !== null);
  const largest = Math.max(0, ...known.map(Math.abs));
  const { divisor, prefix } = scaleOf(largest);
  const gap = known.length > 1 ? Math.abs(known[1]! - known[0]!) : largest;
  const tolerance = (gap / divisor) * 1e-3;
  const decimals = [0, 1, 2, 3, 4, 5, 6, 7, 8].find((digits) =>
    known.every((mark) => Math.abs(Number((mark / divisor).toFixed(digits)) - mark / divisor) <= tolerance),
  );
  return marks.map((mark) => {
    if (mark === null) return "";
    if (mark === 0) return "0";
    return `${(mark / divisor).toFixed(decimals ?? 9)}${prefix}`;
  });
}

/** A count in words a person would say: `999`, `12.3k`, `4.56M`. Negative and fractional numbers are welcome. */
export function compactNumber(value: number): string {
  if (!Number.isFinite(value)) return formatValue(value);
  if (value === 0) return "0";
  const { divisor, prefix } = scaleOf(Math.abs(value));
  return `${Number((value / divisor).toPrecision(3))}${prefix}`;
}

/** Bytes with a binary unit: `512 B`, `1.5 KiB`, `3.2 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${units[unit]}`;
}

/** A sample value in full precision, written as the API writes it: `NaN`, `+Inf`, `-Inf`, else the shortest exact text. */
export function formatValue(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

/** Reads a sample value of the API, where the infinities are spelt `+Inf` and `-Inf`. Unreadable text is NaN. */
export function parseValue(text: string): number {
  if (text === "+Inf" || text === "Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  return text === "" ? Number.NaN : Number(text);
}

/** Integers with thin separators between thousands: `10,000`. */
export function groupDigits(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

function scaleOf(magnitude: number): { divisor: number; prefix: string } {
  if (magnitude === 0 || (magnitude >= 0.01 && magnitude < 10_000)) return { divisor: 1, prefix: "" };
  const power = Math.floor(Math.log10(magnitude) / 3 + 1e-9);
  const bounded = Math.max(-(SMALL_PREFIXES.length - 1), Math.min(PREFIXES.length - 1, power));
  return { divisor: 1000 ** bounded, prefix: bounded >= 0 ? PREFIXES[bounded]! : SMALL_PREFIXES[-bounded]! };
}
