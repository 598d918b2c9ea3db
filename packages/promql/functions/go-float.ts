// Numbers as label values write them.

/** Reads a float as the reference's runtime does: decimal or hexadecimal, `Inf` and `NaN` in any case. Undefined if malformed. */
export function parseGoFloat(text: string): number | undefined {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return text.startsWith("-") ? -Infinity : Infinity;
  if (/^nan$/i.test(text)) return NaN;
  const hex = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?\d+)$/.exec(text);
  if (hex === null) return undefined;
  const [, sign, whole = "", fraction = "", exponent] = hex;
  if (whole === "" && fraction === "") return undefined;
  const digits = Number.parseInt(whole + fraction, 16);
  const value = digits * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === "-" ? -value : value;
}
