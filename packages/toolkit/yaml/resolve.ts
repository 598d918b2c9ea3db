// What a plain YAML scalar means where no type is asked for: the rules of the reference's YAML library (YAML 1.1 with
// the words of 1.2).

export type ScalarTag = "!!null" | "!!bool" | "!!int" | "!!float" | "!!timestamp" | "!!merge" | "!!str";

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map((word) => [word, true] as const),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map((word) => [word, false] as const),
]);

const NULLS: ReadonlySet<string> = new Set(["", "~", "null", "Null", "NULL"]);

const SPECIAL_FLOATS: ReadonlyMap<string, number> = new Map([
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, Number.NaN] as const),
  ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map((word) => [word, Number.POSITIVE_INFINITY] as const),
  ...["-.inf", "-.Inf", "-.INF"].map((word) => [word, Number.NEGATIVE_INFINITY] as const),
]);

const INTEGER = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9][0-9]*|0)$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const TIMESTAMP = /^\d{4}-\d{1,2}-\d{1,2}(?:(?:[Tt]|[ \t]+)\d{1,2}:\d{2}:\d{2}(?:\.\d*)?(?:Z|[-+]\d{2}:\d{2})?)?$/;

/** True for the plain texts that mean "nothing". */
export function isNullText(text: string): boolean {
  return NULLS.has(text);
}

/** The boolean that a plain text means, or undefined. */
export function booleanOf(text: string): boolean | undefined {
  return BOOLEANS.get(text);
}

/** The whole number that a plain text means (decimal, 0x, 0b, 0o or a leading 0; `_` is skipped), or undefined. */
export function integerOf(text: string): bigint | undefined {
  const digits = text.replaceAll("_", "");
  if (!INTEGER.test(digits)) return undefined;
  const negative = digits.startsWith("-");
  const bare = /^[-+]/.test(digits) ? digits.slice(1) : digits;
  const value = BigInt(/^0[0-7]+$/.test(bare) ? `0o${bare.slice(1)}` : bare);
  return negative ? -value : value;
}

/** The number that a plain text means, or undefined. */
export function floatOf(text: string): number | undefined {
  const special = SPECIAL_FLOATS.get(text);
  if (special !== undefined) return special;
  const digits = text.replaceAll("_", "");
  if (FLOAT.test(digits)) return Number(digits);
  const integer = integerOf(text);
  return integer === undefined ? undefined : Number(integer);
}

/** The tag of a plain text. */
export function tagOf(text: string): ScalarTag {
  if (isNullText(text)) return "!!null";
  if (text === "<<") return "!!merge";
  if (BOOLEANS.has(text)) return "!!bool";
  if (!/^[-+.0-9]/.test(text)) return "!!str";
  if (SPECIAL_FLOATS.has(text)) return "!!float";
  if (integerOf(text) !== undefined) return "!!int";
  if (floatOf(text) !== undefined) return "!!float";
  return TIMESTAMP.test(text) ? "!!timestamp" : "!!str";
}
