// Text as Go prints it, where messages carry what was pushed.
import { formatValue } from "@narthex/client";
import type { Metric } from "./family.ts";

/**
 * Bytes that are no UTF-8 are carried through strings as lone surrogates U+DC80 to U+DCFF, so that messages can show them; nothing of
 * the kind is ever stored.
 */
const CARRIED = 0xdc00;

/** UTF-8, with bytes that are none carried as lone surrogates. */
export function decodeCarrying(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  if (!text.includes("\ufffd") || Buffer.from(text, "utf8").equals(bytes)) return text;
  let out = "";
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i);
    if (length === 0) out += String.fromCharCode(CARRIED | (bytes[i++] as number));
    else {
      out += Buffer.from(bytes.buffer, bytes.byteOffset + i, length).toString("utf8");
      i += length;
    }
  }
  return out;
}

/** Bytes of the character at `at`, 0 where there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (length <= 1) return length;
  const text = Buffer.from(bytes.subarray(at, at + length)).toString("utf8");
  return at + length <= bytes.length && !text.includes("\ufffd") ? length : isReplacement(bytes, at) ? 3 : 0;
}

function isReplacement(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd;
}

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const SHORT: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
};

/** A text as `%q` prints it. */
export function goQuote(text: string): string {
  let out = "";
  for (const character of text) out += character === '"' ? '\\"' : escaped(character);
  return `"${out}"`;
}

/** The first byte of a character as Go prints a byte by `%c`: readers of bytes meet a character so. */
export function goByte(character: string): string {
  const code = character.charCodeAt(0);
  const isCarried = code >= 0xdc80 && code <= 0xdcff;
  return String.fromCharCode(isCarried ? code & 0xff : (Buffer.from(character, "utf8")[0] ?? 0));
}

/** The same by `%q`. */
export function goQuoteByte(character: string): string {
  const text = goByte(character);
  return text === "'" ? "'\\''" : `'${escaped(text)}'`;
}

function escaped(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  if (PRINTABLE.test(character)) return character;
  const code = character.codePointAt(0) as number;
  const hex = (digits: number, value: number): string => value.toString(16).padStart(digits, "0");
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(2, code & 0xff)}`;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(2, code)}`;
  if (code >= 0xd800 && code <= 0xdfff) return "\ufffd";
  return code < 0x10000 ? `\\u${hex(4, code)}` : `\\U${hex(8, code)}`;
}

/** A metric in protobuf's text form, fields in the schema's order, as it stands in messages about it. */
export function metricText(metric: Metric): string {
  const parts: string[] = [];
  for (let i = 0; i < metric.labels.length; i += 2)
    parts.push(
      `label:{name:${protoQuote(metric.labels[i] as string)} value:${protoQuote(metric.labels[i + 1] as string)}}`,
    );
  const { summary, histogram, value } = metric;
  switch (metric.kind) {
    case "gauge":
    case "counter":
    case "untyped":
      parts.push(`${metric.kind}:{value:${protoFloat(value)}}`);
      break;
    case "summary":
      if (summary !== undefined) {
        const quantiles = summary.quantiles.map(
          (each) => `quantile:{quantile:${protoFloat(each.quantile)} value:${protoFloat(each.value)}}`,
        );
        parts.push(
          `summary:{${[...present("sample_count", summary.count), ...present("sample_sum", summary.sum), ...quantiles].join(" ")}}`,
        );
      }
      break;
    case "histogram":
      if (histogram !== undefined) {
        const buckets = histogram.buckets.map(
          (each) =>
            `bucket:{${[...present("cumulative_count", each.count), ...present("cumulative_count_float", each.floatCount), `upper_bound:${protoFloat(each.bound)}`].join(" ")}}`,
        );
        const native = histogram.native === undefined ? [] : [`schema:${histogram.native.schema}`];
        parts.push(
          `histogram:{${[...present("sample_count", histogram.count), ...present("sample_count_float", histogram.floatCount), ...present("sample_sum", histogram.sum), ...buckets, ...native].join(" ")}}`,
        );
      }
      break;
    case "nothing":
      break;
  }
  if (metric.timestampMs !== undefined) parts.push(`timestamp_ms:${metric.timestampMs}`);
  return parts.join(" ");
}

function present(name: string, value: number | undefined): string[] {
  if (value === undefined) return [];
  const isCount = name.endsWith("count");
  return [`${name}:${isCount ? String(value) : protoFloat(value)}`];
}

function protoFloat(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return formatValue(value);
}

function protoQuote(text: string): string {
  let out = "";
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (character === '"' || character === "\\") out += `\\${character}`;
    else if (character === "\n") out += "\\n";
    else if (character === "\r") out += "\\r";
    else if (character === "\t") out += "\\t";
    else if (code >= 0xdc80 && code <= 0xdcff) out += `\\x${(code & 0xff).toString(16)}`;
    else if (code < 0x20 || code === 0x7f) out += `\\x${code.toString(16).padStart(2, "0")}`;
    else out += character;
  }
  return `"${out}"`;
}
