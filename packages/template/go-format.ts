// Values as Go's fmt package prints them: `print`, `println` and `printf`.
// In templates an integer is a bigint and a float64 is a number, so that the two can be told apart.

/** A value that prints itself, as Go types with a String method do. */
export interface Printable {
  toGoString(): string;
}

/** A value that says what its Go type is called. */
export interface GoTyped {
  readonly goTypeName: string;
}

function isPrintable(value: unknown): value is Printable {
  return typeof value === "object" && value !== null && typeof (value as Partial<Printable>).toGoString === "function";
}

/** As `%v` prints it. */
export function formatValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return formatShortest(value);
    case "bigint":
    case "boolean":
      return String(value);
    case "undefined":
      return "<nil>";
    default:
      break;
  }
  if (value === null) return "<nil>";
  if (isPrintable(value)) return value.toGoString();
  if (Array.isArray(value)) return `[${value.map(formatValue).join(" ")}]`;
  if (value instanceof Map) {
    const keys = [...value.keys()].map(String).sort();
    return `map[${keys.map((key) => `${key}:${formatValue(value.get(key))}`).join(" ")}]`;
  }
  if (typeof value === "object") return `{${Object.values(value).map(formatValue).join(" ")}}`;
  return "<func>";
}

/** Operands joined; a space between two of which neither is a string. */
export function sprint(values: readonly unknown[]): string {
  let text = "";
  values.forEach((value, i) => {
    if (i > 0 && typeof value !== "string" && typeof values[i - 1] !== "string") text += " ";
    text += formatValue(value);
  });
  return text;
}

export function sprintln(values: readonly unknown[]): string {
  return `${values.map(formatValue).join(" ")}\n`;
}

/** The shortest decimal that reads back as `value`, in Go's `%g` layout. */
export function formatShortest(value: number): string {
  return formatG(value, -1);
}

const VERB = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?([a-zA-Z%])/;
/** Widths and precisions beyond this are refused, so that a template cannot ask for gigabytes. */
const MAX_WIDTH = 10_000;

/** As Go's `Sprintf`, mistakes included (`%!d(string=x)`, `%!v(MISSING)`, `%!(EXTRA int=1)`). */
export function sprintf(format: string, values: readonly unknown[]): string {
  let text = "";
  let next = 0;
  let rest = format;
  for (;;) {
    const percent = rest.indexOf("%");
    if (percent < 0) break;
    text += rest.slice(0, percent);
    rest = rest.slice(percent);
    const match = VERB.exec(rest);
    if (match === null || match.index !== 0) {
      text += "%!(NOVERB)";
      rest = rest.slice(1);
      continue;
    }
    const [whole, flags = "", widthText, precisionText, verb = ""] = match;
    rest = rest.slice(whole.length);
    if (verb === "%") {
      text += "%";
      continue;
    }
    const width = widthText === "*" ? Number(values[next++] ?? 0) : widthText === undefined ? 0 : Number(widthText);
    const hasPrecision = whole.includes(".");
    const precision =
      precisionText === "*" ? Number(values[next++] ?? 0) : hasPrecision ? Number(precisionText ?? 0) : undefined;
    if (next >= values.length) {
      text += `%!${verb}(MISSING)`;
      continue;
    }
    const value = values[next++];
    const bounded = Math.min(Math.abs(width), MAX_WIDTH);
    text += padded(
      formatVerb(verb, value, flags, precision === undefined ? undefined : Math.min(precision, MAX_WIDTH)),
      bounded,
      width < 0 ? `${flags}-` : flags,
      value,
    );
  }
  text += rest;
  if (next < values.length)
    text += `%!(EXTRA ${values
      .slice(next)
      .map((value) => `${goType(value)}=${formatValue(value)}`)
      .join(", ")})`;
  return text;
}

function formatVerb(verb: string, value: unknown, flags: string, precision: number | undefined): string {
  const bad = (): string => `%!${verb}(${goType(value)}=${formatValue(value)})`;
  const signed = (text: string): string =>
    flags.includes("+") && !text.startsWith("-")
      ? `+${text}`
      : flags.includes(" ") && !text.startsWith("-")
        ? ` ${text}`
        : text;
  switch (verb) {
    case "v":
      return typeof value === "number" ? signed(formatG(value, precision ?? -1)) : formatValue(value);
    case "s":
      if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return bad();
      return precision === undefined ? formatValue(value) : [...formatValue(value)].slice(0, precision).join("");
    case "q":
      return typeof value === "string" ? JSON.stringify(value) : bad();
    case "t":
      return typeof value === "boolean" ? String(value) : bad();
    case "d":
      return typeof value === "bigint" ? signed(String(value)) : bad();
    case "x":
    case "X": {
      const lower =
        typeof value === "bigint"
          ? value.toString(16)
          : typeof value === "string"
            ? Buffer.from(value).toString("hex")
            : undefined;
      return lower === undefined ? bad() : verb === "X" ? lower.toUpperCase() : lower;
    }
    case "o":
      return typeof value === "bigint" ? value.toString(8) : bad();
    case "b":
      return typeof value === "bigint" ? value.toString(2) : bad();
    case "U":
      return typeof value === "bigint" ? `U+${value.toString(16).toUpperCase().padStart(4, "0")}` : bad();
    case "c":
      return typeof value === "bigint" ? String.fromCodePoint(Number(value)) : bad();
    case "f":
    case "F":
      return typeof value === "number" ? signed(formatF(value, precision ?? 6)) : bad();
    case "e":
    case "E": {
      if (typeof value !== "number") return bad();
      const text = signed(formatE(value, precision ?? 6));
      return verb === "E" ? text.toUpperCase() : text;
    }
    case "g":
    case "G":
      return typeof value === "number" ? signed(formatG(value, precision ?? -1)) : bad();
    case "T":
      return goType(value);
    default:
      return bad();
  }
}

function padded(text: string, width: number, flags: string, value: unknown): string {
  const length = [...text].length;
  if (length >= width) return text;
  const fill = width - length;
  if (flags.includes("-")) return text + " ".repeat(fill);
  const isNumber = typeof value === "number" ? Number.isFinite(value) : typeof value === "bigint";
  if (!flags.includes("0") || !isNumber) return " ".repeat(fill) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + "0".repeat(fill) + text.slice(sign.length);
}

function special(value: number): string | undefined {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return undefined;
}

/** `%.Nf`. JavaScript's own `toFixed` is exact below 1e21; above, every double is whole. */
export function formatF(value: number, precision: number): string {
  const word = special(value);
  if (word !== undefined) return word;
  const sign = Object.is(value, -0) ? "-" : "";
  if (Math.abs(value) >= 1e21) return `${BigInt(value)}${precision > 0 ? `.${"0".repeat(precision)}` : ""}`;
  const digits = Math.min(precision, 100);
  return `${sign}${value.toFixed(digits)}${"0".repeat(precision - digits)}`;
}

/** `%.Ne`, the exponent with two digits at least. */
export function formatE(value: number, precision: number): string {
  const word = special(value);
  if (word !== undefined) return word;
  const text = precision < 0 ? value.toExponential() : value.toExponential(Math.min(precision, 100));
  return (Object.is(value, -0) ? "-" : "") + text.replace(/e([+-])(\d)$/, "e$10$2");
}

/** `%.Ng`, or for a negative precision the shortest digits that read back. */
export function formatG(value: number, precision: number): string {
  const word = special(value);
  if (word !== undefined) return word;
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const wanted = precision === 0 ? 1 : precision;
  const scientific = wanted < 0 ? value.toExponential() : value.toExponential(Math.min(wanted, 100) - 1);
  const exponent = Number(scientific.slice(scientific.indexOf("e") + 1));
  const mantissa = scientific
    .slice(0, scientific.indexOf("e"))
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
  const digits = mantissa.replace(/[-.]/g, "").length;
  // Source: Go's strconv: with the shortest digits the choice is made as for a precision of 6.
  const limit = wanted < 0 ? 6 : wanted;
  if (exponent < -4 || exponent >= limit) {
    const sign = exponent < 0 ? "-" : "+";
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const decimals = Math.max(digits - 1 - exponent, 0);
  return formatF(Number(`${mantissa}e${exponent}`), decimals);
}

/** The name of a value's Go type, for messages. */
export function goType(value: unknown): string {
  switch (typeof value) {
    case "string":
      return "string";
    case "number":
      return "float64";
    case "bigint":
      return "int";
    case "boolean":
      return "bool";
    default:
      break;
  }
  if (value === null || value === undefined) return "<nil>";
  if (value instanceof Map) return "map[string]string";
  if (Array.isArray(value)) return "[]interface {}";
  return (value as Partial<GoTyped>).goTypeName ?? "struct";
}
