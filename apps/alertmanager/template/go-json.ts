// JSON as Go's encoding/json writes it.
import { compareStrings } from "@narthex/model";

/** A value that has its own way to be written. */
interface JsonValue {
  toJSON(): unknown;
}

const ESCAPED = /["\\\u0000-\u001f\u2028\u2029\ud800-\udfff]/g;
const ESCAPED_WITH_HTML = /["\\\u0000-\u001f\u2028\u2029\ud800-\udfff<>&]/g;
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f",
};

/** The text in quotes. `<`, `>` and `&` are escaped unless told otherwise: Go guards pages that embed JSON. */
export function goJsonString(text: string, escapesHtml: boolean = true): string {
  const pattern = escapesHtml ? ESCAPED_WITH_HTML : ESCAPED;
  pattern.lastIndex = 0;
  if (!pattern.test(text)) return `"${text}"`;
  return `"${text.toWellFormed().replace(pattern, (character) => {
    const code = character.charCodeAt(0);
    if (code >= 0xd800 && code <= 0xdfff) return character;
    return SHORT[character] ?? `\\u${code.toString(16).padStart(4, "0")}`;
  })}"`;
}

/** Maps are written sorted by key, objects in the order of their properties; what is undefined is left out. */
export function goJson(value: unknown, escapesHtml: boolean = true): string {
  switch (typeof value) {
    case "string":
      return goJsonString(value, escapesHtml);
    case "number":
      return Number.isFinite(value) ? numberText(value) : "null";
    case "bigint":
    case "boolean":
      return String(value);
    case "undefined":
      return "null";
    default:
      break;
  }
  if (value === null) return "null";
  if (typeof (value as Partial<JsonValue>).toJSON === "function")
    return goJson((value as JsonValue).toJSON(), escapesHtml);
  if (Array.isArray(value)) return `[${value.map((item) => goJson(item, escapesHtml)).join(",")}]`;
  const entries =
    value instanceof Map
      ? [...value].map(([key, item]): [string, unknown] => [String(key), item]).sort(([a], [b]) => compareStrings(a, b))
      : Object.entries(value as object).filter(([, item]) => item !== undefined);
  return `{${entries.map(([key, item]) => `${goJsonString(key, escapesHtml)}:${goJson(item, escapesHtml)}`).join(",")}}`;
}

/** Go turns to exponents at 1e21 as JavaScript does, but below 1e-6 writes `1e-7` where JavaScript does too. */
function numberText(value: number): string {
  return String(value).replace(/e([-+])(\d)$/, "e$10$2");
}
