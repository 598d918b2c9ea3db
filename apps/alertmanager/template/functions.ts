// What notification templates can call besides the template language's own functions.
import { compileSearchRegex, parseFloatStrict } from "@narthex/model";
import { BUILTIN_FUNCTIONS, humanizeDuration, SafeText, type TemplateFunction } from "@narthex/template";
import { Moment } from "../moment/moment.ts";
import { goJson } from "./go-json.ts";
import { parseGoTime } from "./go-layout.ts";
import { GoDuration, GoTime } from "./go-time.ts";

const OWN: readonly (readonly [string, TemplateFunction])[] = [
  ["toUpper", (text) => String(text).toUpperCase()],
  ["toLower", (text) => String(text).toLowerCase()],
  ["title", (text) => titleCase(String(text))],
  ["trimSpace", (text) => String(text).trim()],
  ["join", (separator, items) => listOf(items).join(String(separator))],
  ["match", (pattern, text) => compileSearchRegex(String(pattern)).find(String(text))],
  ["safeHtml", (text) => new SafeText(String(text), "html")],
  ["safeUrl", (text) => new SafeText(String(text), "url")],
  ["urlUnescape", (text) => unescapeQuery(String(text))],
  [
    "reReplaceAll",
    (pattern, replacement, text) => compileSearchRegex(String(pattern)).replaceAll(String(text), String(replacement)),
  ],
  ["stringSlice", (...items) => items],
  ["date", (layout, time) => timeOf(time).Format(layout)],
  ["tz", (location, time) => timeOf(time).in(String(location))],
  ["since", (time) => new GoDuration(Date.now() - timeOf(time).moment.ms)],
  ["now", () => new GoTime(Moment.fromMs(Date.now())).Local()],
  ["humanizeDuration", (value) => humanizeDuration(secondsOf(value))],
  ["toDate", (layout, text) => parseGoTime(String(layout), String(text)) ?? new GoTime(Moment.zero)],
  [
    "mustToDate",
    (layout, text) => {
      const time = parseGoTime(String(layout), String(text));
      if (time === undefined)
        throw new Error(`parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)} failed`);
      return time;
    },
  ],
  ["toJson", (value) => goJson(value)],
  ["base64encode", (text) => Buffer.from(String(text)).toString("base64").replaceAll("+", "-").replaceAll("/", "_")],
  ["base64decode", (text) => decodeBase64(String(text))],
  ["list", (...items) => items],
  ["append", (list, ...items) => [...listOf(list), ...items]],
  ["dict", (...items) => dict(items)],
  // Stands here for its name; every execution has its own.
  ["routeLabels", () => ""],
];

/** All of them, with the language's own. */
export const TEMPLATE_FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map([...BUILTIN_FUNCTIONS, ...OWN]);

export function isTemplateFunction(name: string): boolean {
  return TEMPLATE_FUNCTIONS.has(name);
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error("wrong type for value; expected a list");
}

function timeOf(value: unknown): GoTime {
  if (value instanceof GoTime) return value;
  throw new Error("wrong type for value; expected time.Time");
}

/** Every word with a capital and the rest small. */
function titleCase(text: string): string {
  return text.replace(/[\p{L}\p{N}][\p{L}\p{M}\p{N}'’_]*/gu, (word) => {
    const first = word.search(/\p{L}/u);
    const at = Math.max(first, 0);
    return word.slice(0, at) + (word[at] as string).toUpperCase() + word.slice(at + 1).toLowerCase();
  });
}

function unescapeQuery(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    const bad = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(text)?.[0] ?? text;
    throw new Error(`invalid URL escape ${JSON.stringify(bad)}`);
  }
}

function decodeBase64(text: string): string {
  if (!/^[A-Za-z0-9\-_]*={0,2}$/.test(text) || text.length % 4 !== 0) {
    const at = text.search(/[^A-Za-z0-9\-_=]/);
    throw new Error(`illegal base64 data at input byte ${at < 0 ? text.length : at}`);
  }
  return Buffer.from(text.replaceAll("-", "+").replaceAll("_", "/"), "base64").toString("utf8");
}

function dict(items: readonly unknown[]): Map<string, unknown> {
  if (items.length % 2 !== 0) throw new Error("dict requires an even number of arguments");
  const entries = new Map<string, unknown>();
  for (let i = 0; i < items.length; i += 2) {
    if (typeof items[i] !== "string") throw new Error("dict keys must be strings");
    entries.set(items[i] as string, items[i + 1]);
  }
  return entries;
}

function secondsOf(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (value instanceof GoDuration) return value.Seconds();
  if (typeof value === "string") {
    const number = parseFloatStrict(value);
    if (number !== undefined) return number;
    throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  throw new Error(`can't convert ${typeof value} to float`);
}
