// Numbers as the exposition formats write them. The digits are the shortest that read back as the same float, laid out
// as Go's %g lays them out, because that is what every consumer of these formats has seen so far.

/** A float in the text format: `1e+06`, `0.25`, `NaN`, `+Inf`, `-Inf`. */
export function formatValue(value: number): string {
  // Most values are small whole numbers, which need no look at their digits.
  if (value < 1e6 && value > -1e6 && (value | 0) === value) return value === 0 && 1 / value < 0 ? "-0" : `${value | 0}`;
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-4 && magnitude < 1e6) return String(value);
  const text = value.toExponential();
  const e = text.indexOf("e");
  // Go writes at least two digits of exponent.
  return text.length - e > 3 ? text : `${text.slice(0, e + 2)}0${text.slice(e + 2)}`;
}

/** A float in OpenMetrics, where whole numbers of float type are told from integers by their `.0`. */
export function formatOpenMetricsValue(value: number): string {
  const text = formatValue(value);
  return /^-?[0-9]+$/.test(text) ? `${text}.0` : text;
}
