// Numbers as Go reads them: whole numbers with a base prefix and underscores first, then decimal ones.
import { quote } from "./go-text.ts";

/** The value of a number token; a text when it has none, worded as the reference does. */
export function parseNumber(text: string): number | string {
  const plain = text.replaceAll("_", "");
  const underscoresFit = plain.length === text.length || areUnderscoresBetweenDigits(text);
  if (underscoresFit) {
    if (/^0[xX][0-9a-fA-F]+$/.test(plain)) {
      const value = Number(plain);
      // Past 64 bits only the decimal reader is left, which takes no hexadecimal without an exponent.
      if (value < 2 ** 63) return value;
    } else if (/^0[0-7]+$/.test(plain)) {
      const value = Number(`0o${plain}`);
      if (value < 2 ** 63) return value;
    }
    const lower = plain.toLowerCase();
    if (lower === "inf") return Number.POSITIVE_INFINITY;
    if (lower === "nan") return Number.NaN;
    if (/^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(lower)) {
      const value = Number(lower);
      if (Number.isFinite(value)) return value;
      return `strconv.ParseFloat: parsing ${quote(text)}: value out of range`;
    }
  }
  return `strconv.ParseFloat: parsing ${quote(text)}: invalid syntax`;
}

/** Underscores stand between digits, or between a base prefix and the first digit. */
function areUnderscoresBetweenDigits(text: string): boolean {
  if (/^0[xX]/.test(text)) return !/__|_$/.test(text);
  return !/(^|[^0-9])_|_([^0-9]|$)/.test(text);
}
