// What alert templates can call besides the template language's own functions.
import { compileSearchRegex, type Labels } from "@narthex/model";
import type { VectorElement } from "@narthex/promql";
import { BUILTIN_FUNCTIONS, escapeQuery, formatG, SafeText, type TemplateFunction } from "@narthex/template";

/** One element of a query's result, as templates see it. */
export interface TemplateSample {
  readonly Labels: ReadonlyMap<string, string>;
  readonly Value: number;
}

export interface TemplateEnvironment {
  /** Runs an instant query at the time of the evaluation. */
  query(expr: string): readonly VectorElement[];
  /** Without a trailing slash. */
  readonly externalUrl: string;
  readonly pathPrefix: string;
}

export function labelMap(labels: Labels): ReadonlyMap<string, string> {
  return new Map(labels);
}

/** Below the external URL, the page that shows an expression as a table. */
export function tableLink(expr: string): string {
  return `/graph?g0.expr=${escapeQuery(expr)}&g0.tab=1`;
}

/** The functions for one evaluation. Names are known without one, for checking templates when they are loaded. */
export function templateFunctions(environment: TemplateEnvironment): ReadonlyMap<string, TemplateFunction> {
  const own: [string, TemplateFunction][] = [
    [
      "query",
      (expr) =>
        environment
          .query(String(expr))
          .map(({ labels, value }): TemplateSample => ({ Labels: labelMap(labels), Value: value })),
    ],
    ["first", (samples) => firstOf(samples)],
    ["label", (name, sample) => asSample(sample).Labels.get(String(name)) ?? ""],
    ["value", (sample) => asSample(sample).Value],
    ["strvalue", (sample) => asSample(sample).Labels.get("__value__") ?? ""],
    ["sortByLabel", sortByLabel],
    ["args", (...values) => new Map(values.map((value, i) => [`arg${i}`, value]))],
    [
      "reReplaceAll",
      (pattern, replacement, text) => compileSearchRegex(String(pattern)).replaceAll(String(text), String(replacement)),
    ],
    ["match", (pattern, text) => compileSearchRegex(String(pattern)).find(String(text))],
    [
      "title",
      (text) =>
        String(text).replace(/(^|[\s])(\p{L})/gu, (_, before: string, letter: string) => before + letter.toUpperCase()),
    ],
    ["toUpper", (text) => String(text).toUpperCase()],
    ["toLower", (text) => String(text).toLowerCase()],
    ["graphLink", (expr) => `/graph?g0.expr=${escapeQuery(String(expr))}&g0.tab=0`],
    ["tableLink", (expr) => tableLink(String(expr))],
    ["stripPort", (address) => String(address).replace(/^\[(.*)\]:\d+$|^([^:]*):\d+$/, "$1$2")],
    ["stripDomain", stripDomain],
    [
      "humanize",
      (value) =>
        scaled(
          toNumber(value),
          1000,
          ["", "k", "M", "G", "T", "P", "E", "Z", "Y"],
          ["m", "u", "n", "p", "f", "a", "z", "y"],
        ),
    ],
    [
      "humanize1024",
      (value) => scaled(toNumber(value), 1024, ["", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"], []),
    ],
    ["humanizeDuration", (value) => humanizeDuration(toNumber(value))],
    ["humanizePercentage", (value) => `${formatG(toNumber(value) * 100, 4)}%`],
    ["humanizeTimestamp", (value) => humanizeTimestamp(toNumber(value))],
    ["toTime", (value) => new GoTime(toNumber(value) * 1000)],
    ["now", () => Date.now() / 1000],
    ["safeHtml", (text) => new SafeText(String(text))],
    ["pathPrefix", () => environment.pathPrefix],
    ["externalURL", () => environment.externalUrl],
    ["urlQueryEscape", (text) => escapeQuery(String(text))],
    ["parseDuration", (text) => parseSeconds(String(text))],
    ["toDuration", (value) => humanizeDuration(toNumber(value))],
  ];
  return new Map([...BUILTIN_FUNCTIONS, ...own]);
}

const NO_ENVIRONMENT: TemplateEnvironment = { query: () => [], externalUrl: "", pathPrefix: "" };
const NAMES: ReadonlySet<string> = new Set(templateFunctions(NO_ENVIRONMENT).keys());

export function isTemplateFunction(name: string): boolean {
  return NAMES.has(name);
}

function asSample(value: unknown): TemplateSample {
  if (typeof value === "object" && value !== null && "Labels" in value && "Value" in value)
    return value as TemplateSample;
  throw new Error("wrong type of argument: expected an element of a query's result");
}

function firstOf(samples: unknown): unknown {
  if (Array.isArray(samples) && samples.length > 0) return samples[0];
  throw new Error("first() called on vector with no elements");
}

function sortByLabel(name: unknown, samples: unknown): unknown {
  if (!Array.isArray(samples)) throw new Error("wrong type of argument: expected a query's result");
  const key = (sample: TemplateSample): string => sample.Labels.get(String(name)) ?? "";
  return [...(samples as TemplateSample[])].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

function stripDomain(hostPort: unknown): string {
  const text = String(hostPort);
  const [, host = text, port = ""] = /^(.*?)(:\d+)?$/.exec(text) ?? [];
  if (/^[\d.]+$/.test(host) || host.includes(":")) return text;
  return `${host.split(".")[0]}${port}`;
}

/** Numbers, and texts that are numbers. */
function toNumber(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string") {
    const words: Readonly<Record<string, number>> = {
      "+Inf": Number.POSITIVE_INFINITY,
      "-Inf": Number.NEGATIVE_INFINITY,
      Inf: Number.POSITIVE_INFINITY,
      NaN: Number.NaN,
    };
    const number = words[value] ?? (value.trim() === "" ? Number.NaN : Number(value));
    if (!Number.isNaN(number) || value === "NaN") return number;
    throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  throw new Error(`can't convert ${typeof value} to float`);
}

function scaled(value: number, base: number, large: readonly string[], small: readonly string[]): string {
  if (value === 0 || !Number.isFinite(value)) return formatG(value, 4);
  const magnitude = Math.abs(value);
  let rest = value;
  if (magnitude >= 1 || small.length === 0) {
    if (magnitude <= 1) return formatG(value, 4);
    let step = 0;
    while (Math.abs(rest) >= base && step < large.length - 1) {
      rest /= base;
      step++;
    }
    return `${formatG(rest, 4)}${large[step]}`;
  }
  let step = -1;
  while (Math.abs(rest) < 1 && step < small.length - 1) {
    rest *= base;
    step++;
  }
  return `${formatG(rest, 4)}${small[step] ?? ""}`;
}

function humanizeDuration(value: number): string {
  if (!Number.isFinite(value)) return formatG(value, 4);
  if (value === 0) return `${formatG(value, 4)}s`;
  if (Math.abs(value) < 1) return `${scaled(value, 1000, [""], ["m", "u", "n", "p", "f", "a", "z", "y"])}s`;
  const sign = value < 0 ? "-" : "";
  const whole = Math.trunc(Math.abs(value));
  const seconds = whole % 60;
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600) % 24;
  const days = Math.floor(whole / 86_400);
  if (days > 0) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours > 0) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  if (minutes > 0) return `${sign}${minutes}m ${seconds}s`;
  return `${sign}${formatG(Math.abs(value), 4)}s`;
}

function humanizeTimestamp(value: number): string {
  if (!Number.isFinite(value)) return formatG(value, 4);
  return new GoTime(value * 1000).toGoString();
}

/** A moment that prints as Go's `time.Time` does. */
class GoTime {
  readonly #date: Date;

  constructor(ms: number) {
    this.#date = new Date(Math.round(ms));
    if (Number.isNaN(this.#date.getTime())) throw new Error(`${ms / 1000} cannot be represented as a timestamp`);
  }

  Unix(): bigint {
    return BigInt(Math.floor(this.#date.getTime() / 1000));
  }

  toGoString(): string {
    const [day, time = ""] = this.#date.toISOString().split("T");
    return `${day} ${time.replace("Z", "").replace(/\.?0+$/, (zeros) => (zeros.startsWith(".") ? "" : zeros.replace(/0+$/, "")))} +0000 UTC`;
  }
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  y: 31_536_000,
  w: 604_800,
  d: 86_400,
  h: 3600,
  m: 60,
  s: 1,
  ms: 0.001,
};

function parseSeconds(text: string): number {
  const negative = text.startsWith("-");
  const body = negative ? text.slice(1) : text;
  if (!/^(\d+(y|w|d|h|ms|m|s))+$/.test(body) && body !== "0")
    throw new Error(`not a valid duration string: ${JSON.stringify(text)}`);
  let seconds = 0;
  for (const [, count = "0", unit = "s"] of body.matchAll(/(\d+)(ms|[ywdhms])/g))
    seconds += Number(count) * (UNIT_SECONDS[unit] as number);
  return negative ? -seconds : seconds;
}
