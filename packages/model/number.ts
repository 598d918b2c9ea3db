// Floats as text and back, as Go writes and reads them: what clients, rules and tests have always seen.
// All forms use the shortest digits that read back as the same float, which is what JavaScript computes as well.

/**
 * A sample value in the HTTP API: plain decimal from 1e-6 up to 1e21, an exponent of at least two digits beyond;
 * `NaN`, `+Inf`, `-Inf`.
 */
export function formatFloat(value: number): string {
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  // JavaScript changes to exponents at exactly the same magnitudes.
  return padExponent(String(value));
}

/**
 * A float as Go's `%g` and `%v` print it: plain decimal from 1e-4 up to 1e6, an exponent of at least two digits beyond.
 * Expositions, error texts, annotations, templates and histograms use it.
 */
export function formatGeneral(value: number): string {
  const magnitude = Math.abs(value);
  if ((magnitude >= 1e-4 && magnitude < 1e6) || value === 0 || !Number.isFinite(value)) return formatFloat(value);
  return padExponent(value.toExponential());
}

/** A float without an exponent, however long: Go's `FormatFloat(v, 'f', -1, 64)`. */
export function formatDecimal(value: number): string {
  const text = formatFloat(value);
  const e = text.indexOf("e");
  if (e < 0) return text;
  const exponent = Number(text.slice(e + 1));
  const sign = text.startsWith("-") ? "-" : "";
  const digits = text.slice(sign.length, e).replace(".", "");
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  return sign + digits.padEnd(exponent + 1, "0");
}

// Underscores stand between digits only.
const DECIMAL =
  /^[+-]?(?:[0-9]+(?:_[0-9]+)*\.?(?:[0-9]+(?:_[0-9]+)*)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]+(?:_[0-9]+)*)?$/;
const HEXADECIMAL = /^([+-]?)0[xX]_?([0-9a-fA-F_]*)(?:\.([0-9a-fA-F_]*))?[pP]([+-]?[0-9_]+)$/;
const SPECIAL: ReadonlyMap<string, number> = new Map([
  ["nan", NaN],
  ["inf", Infinity],
  ["+inf", Infinity],
  ["-inf", -Infinity],
  ["infinity", Infinity],
  ["+infinity", Infinity],
  ["-infinity", -Infinity],
]);

/**
 * Reads a float as Go's `strconv.ParseFloat` does: decimal with an optional exponent, hexadecimal with a binary one,
 * `Inf`, `Infinity` and `NaN` in any case, underscores between digits. Undefined for anything else, and for what is
 * too large for a float.
 */
export function parseFloatStrict(text: string): number | undefined {
  if (DECIMAL.test(text)) {
    const value = Number(text.includes("_") ? text.replaceAll("_", "") : text);
    return Number.isFinite(value) ? value : undefined;
  }
  if (text.length <= 9) {
    const special = SPECIAL.get(text.toLowerCase());
    if (special !== undefined) return special;
  }
  return parseHexadecimal(text);
}

function parseHexadecimal(text: string): number | undefined {
  const match = HEXADECIMAL.exec(text);
  if (match === null || text.includes("__") || text.endsWith("_") || /_[.pP+-]|[.pP+-]_/.test(text)) return undefined;
  const whole = (match[2] as string).replaceAll("_", "");
  const fraction = (match[3] ?? "").replaceAll("_", "");
  if (whole === "" && fraction === "") return undefined;
  const exponent = Number((match[4] as string).replaceAll("_", "")) - 4 * fraction.length;
  const value = scaleExactly(BigInt(`0x${whole}${fraction}`), exponent);
  if (!Number.isFinite(value)) return undefined;
  return match[1] === "-" ? -value : value;
}

/** The float nearest to `mantissa * 2^exponent`, ties to even. */
function scaleExactly(mantissa: bigint, exponent: number): number {
  if (mantissa === 0n) return 0;
  const bits = mantissa.toString(2).length;
  if (bits + exponent > 1024) return Infinity;
  if (bits + exponent < -1080) return 0;
  // Keep as many bits as the result has (fewer when it is subnormal), so that it is rounded once only.
  const kept = Math.min(53, bits + exponent + 1074);
  const dropped = bits - kept;
  let rounded = mantissa;
  if (dropped > 0) {
    const divisor = 1n << BigInt(dropped);
    const rest = mantissa % divisor;
    rounded = mantissa / divisor;
    if (rest * 2n > divisor || (rest * 2n === divisor && rounded % 2n === 1n)) rounded++;
  }
  const scale = dropped > 0 ? exponent + dropped : exponent;
  // In two steps, as 2^scale alone may be out of range.
  const half = Math.trunc(scale / 2);
  return Number(rounded) * 2 ** half * 2 ** (scale - half);
}

/** Go writes at least two digits of exponent. */
function padExponent(text: string): string {
  const e = text.indexOf("e");
  if (e < 0 || text.length - e > 3) return text;
  return `${text.slice(0, e + 2)}0${text.slice(e + 2)}`;
}
