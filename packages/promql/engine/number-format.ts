// Numbers as the reference prints them inside messages and labels.

/** Go's `%g`: shortest digits that read back the same, or `precision` significant ones; exponents of two digits at least. */
export function formatGeneral(value: number, precision?: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const [mantissa, exponentText] = (
    precision === undefined ? value.toExponential() : value.toExponential(precision - 1)
  ).split("e") as [string, string];
  const exponent = Number(exponentText);
  const digits = mantissa.includes(".") ? mantissa.replace(/0+$/, "").replace(/\.$/, "") : mantissa;
  if (exponent < -4 || exponent >= (precision ?? 6)) {
    const sign = exponent < 0 ? "-" : "+";
    return `${digits}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  return formatPlain(precision === undefined ? value : Number(`${digits}e${exponent}`));
}

/** Shortest digits without exponent: how `count_values` writes values. */
export function formatPlain(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  if (Object.is(value, -0)) return "-0";
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign, whole, fraction = "", exponentText] = match as unknown as [string, string, string, string?, string?];
  const exponent = Number(exponentText);
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${whole}${fraction}`;
  return `${sign}${whole}${fraction.padEnd(exponent, "0")}`;
}

/** As OpenMetrics writes label values of floats: always with a point or an exponent. */
export function formatOpenMetrics(value: number): string {
  if (value === 1) return "1.0";
  if (value === 0) return "0.0";
  if (value === -1) return "-1.0";
  if (Number.isNaN(value)) return "NaN";
  const text = formatGeneral(value);
  return text.includes("e") || text.includes(".") || text.includes("Inf") ? text : `${text}.0`;
}
