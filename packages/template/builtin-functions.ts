// The functions that Go's template language itself has.

import { AnyMap } from "./any-map.ts";
import { isTrue, type TemplateFunction } from "./execute.ts";
import { formatValue, goType, sprint, sprintf, sprintln } from "./go-format.ts";

type Ordered = string | number | bigint;

/** `and` and `or` are part of execution itself, since they stop early; they stand here so that their names are known. */
export const BUILTIN_FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ["and", (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1)],
  ["or", (...values) => values.find(isTrue) ?? values.at(-1)],
  ["not", (value) => !isTrue(value)],
  ["len", length],
  ["index", (value, ...keys) => keys.reduce(index, value)],
  ["slice", slice],
  ["print", (...values) => sprint(values)],
  ["println", (...values) => sprintln(values)],
  ["printf", (format, ...values) => sprintf(String(format), values)],
  ["html", (...values) => escapeHtml(sprint(values))],
  ["js", (...values) => escapeJs(sprint(values))],
  ["urlquery", (...values) => escapeQuery(sprint(values))],
  ["call", (run, ...values) => call(run, values)],
  ["eq", (first, ...others) => equalToAny(first, others)],
  ["ne", (a, b) => !equal(a, b)],
  ["lt", (a, b) => compare(a, b) < 0],
  ["le", (a, b) => compare(a, b) <= 0],
  ["gt", (a, b) => compare(a, b) > 0],
  ["ge", (a, b) => compare(a, b) >= 0],
]);

function length(value: unknown): bigint {
  if (typeof value === "string") return BigInt(Buffer.byteLength(value));
  if (Array.isArray(value)) return BigInt(value.length);
  if (value instanceof Map) return BigInt(value.size);
  throw new Error(value === undefined || value === null ? "len of nil pointer" : `len of type ${goType(value)}`);
}

function index(value: unknown, key: unknown): unknown {
  if (value === undefined || value === null) throw new Error("index of untyped nil");
  if (value instanceof Map) {
    if (typeof key !== "string") throw new Error(`value has type ${goType(key)}; should be string`);
    return value.get(key) ?? (value instanceof AnyMap ? undefined : "");
  }
  if (Array.isArray(value) || typeof value === "string") {
    if (typeof key !== "bigint") throw new Error(`cannot index slice/array with type ${goType(key)}`);
    const at = Number(key);
    const items = typeof value === "string" ? Buffer.from(value) : value;
    if (at < 0 || at >= items.length) throw new Error(`index out of range: ${at}`);
    const item = items[at];
    return typeof value === "string" ? BigInt(item as number) : item;
  }
  throw new Error(`can't index item of type ${goType(value)}`);
}

function slice(value: unknown, ...bounds: readonly unknown[]): unknown {
  if (typeof value !== "string" && !Array.isArray(value)) throw new Error(`can't slice item of type ${goType(value)}`);
  if (bounds.length > 2 && typeof value === "string") throw new Error("cannot 3-index slice a string");
  const items = typeof value === "string" ? Buffer.from(value) : value;
  const length = BigInt(items.length);
  const [from = 0n, to = length] = bounds;
  if (typeof from !== "bigint" || typeof to !== "bigint")
    throw new Error("cannot index slice/array with a value that is no integer");
  for (const bound of [from, to]) if (bound < 0n || bound > length) throw new Error(`index out of range: ${bound}`);
  if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`);
  const part = items.slice(Number(from), Number(to));
  return typeof value === "string" ? (part as Buffer).toString("utf8") : part;
}

function call(run: unknown, values: readonly unknown[]): unknown {
  if (typeof run !== "function") throw new Error(`non-function ${formatValue(run)} of type ${goType(run)}`);
  return run(...values);
}

function equalToAny(first: unknown, others: readonly unknown[]): boolean {
  if (others.length === 0) throw new Error("missing argument for comparison");
  return others.some((other) => equal(first, other));
}

function equal(a: unknown, b: unknown): boolean {
  if (a === undefined || a === null || b === undefined || b === null) return (a ?? undefined) === (b ?? undefined);
  const [left, right] = [plain(a), plain(b)];
  if (typeof left !== typeof right) throw incompatible(a, b);
  return left === right;
}

function compare(a: unknown, b: unknown): number {
  const [left, right] = [plain(a), plain(b)];
  if (typeof left !== typeof right) throw incompatible(a, b);
  if (typeof left === "boolean" || typeof left === "object") throw new Error("invalid type for comparison");
  return (left as Ordered) < (right as Ordered)
    ? -1
    : (left as Ordered) > (right as Ordered)
      ? 1
      : left === right
        ? 0
        : Number.NaN;
}

function incompatible(a: unknown, b: unknown): Error {
  return new Error(`incompatible types for comparison: ${goType(a)} and ${goType(b)}`);
}

function plain(value: unknown): unknown {
  return typeof value === "object" && value !== null && "toGoString" in value ? formatValue(value) : value;
}

const HTML: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  "'": "&#39;",
  '"': "&#34;",
  "\0": "\uFFFD",
};

export function escapeHtml(text: string): string {
  return text.replace(/[<>&'"\0]/g, (character) => HTML[character] as string);
}

function escapeJs(text: string): string {
  return text.replace(/[\\'"<>&=\n\r\t\u0000-\u001f]/g, (character) => {
    if (character === "\\" || character === "'" || character === '"') return `\\${character}`;
    return `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  });
}

/** As Go's `url.QueryEscape`. */
export function escapeQuery(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}
