// What alert templates can call besides the template language's own functions.
import {
  compileSearchRegex,
  type FloatHistogramFields,
  histogramToString,
  type Labels,
  parseFloatStrict,
  parseSignedDuration,
  quote,
  type SearchRegex,
} from "@narthex/model";
import type { VectorElement } from "@narthex/promql";
import {
  ANY,
  AnyMap,
  BUILTIN_FUNCTIONS,
  escapeQuery,
  formatG,
  type GoTyped,
  goType,
  humanize,
  humanize1024,
  humanizeDuration,
  type ParameterType,
  SafeText,
  type Signature,
  STRING,
  type TemplateFunction,
} from "@narthex/template";
import { GoDuration, GoTime } from "./go-time.ts";
import { isAddress, joinHostPort, splitHostPort } from "./host-port.ts";

/** One element of a query's result, as templates see it. */
export interface TemplateSample {
  readonly Labels: ReadonlyMap<string, string>;
  readonly Value: number | GoHistogram;
}

/** A native histogram, as templates see it. */
export class GoHistogram implements GoTyped {
  readonly goTypeName: string = "*histogram.FloatHistogram";
  readonly #histogram: FloatHistogramFields;

  constructor(histogram: FloatHistogramFields) {
    this.#histogram = histogram;
  }

  get Count(): number {
    return this.#histogram.count;
  }

  get Sum(): number {
    return this.#histogram.sum;
  }

  toGoString(): string {
    return histogramToString(this.#histogram);
  }
}

/** The value of an element: its number, or its histogram. */
export function templateValue({ value, histogram }: Pick<VectorElement, "value" | "histogram">): number | GoHistogram {
  return histogram === undefined ? value : new GoHistogram(histogram);
}

export interface TemplateEnvironment {
  /** Runs an instant query at the time of the evaluation. */
  query(expr: string): readonly VectorElement[];
  /** Milliseconds: the time of the evaluation. */
  readonly nowMs: number;
  /** Without a trailing slash. */
  readonly externalUrl: string;
  readonly pathPrefix: string;
}

/** A word as titles begin it: letters, digits and what may stand between them. */
const WORD = /[\p{L}\p{N}\p{M}\p{Pc}]+(?:['’.·:](?=\p{L})[\p{L}\p{N}\p{M}\p{Pc}]+)*/gu;

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
          .map((element): TemplateSample => ({ Labels: labelMap(element.labels), Value: templateValue(element) })),
    ],
    ["first", (samples) => firstOf(samples)],
    ["label", (name, sample) => asSample(sample).Labels.get(String(name)) ?? ""],
    ["value", (sample) => asSample(sample).Value],
    ["strvalue", (sample) => asSample(sample).Labels.get("__value__") ?? ""],
    ["sortByLabel", sortByLabel],
    ["args", (...values) => new AnyMap(values.map((value, i) => [`arg${i}`, value]))],
    [
      "reReplaceAll",
      (pattern, replacement, text) => compiled(String(pattern)).replaceAll(String(text), String(replacement)),
    ],
    ["match", (pattern, text) => patternOf(String(pattern)).find(String(text))],
    ["title", (text) => String(text).replace(WORD, (word) => word.replace(/\p{L}/u, titleLetter))],
    ["toUpper", (text) => String(text).toUpperCase()],
    ["toLower", (text) => String(text).toLowerCase()],
    ["graphLink", (expr) => `/graph?g0.expr=${escapeQuery(String(expr))}&g0.tab=0`],
    ["tableLink", (expr) => tableLink(String(expr))],
    ["stripPort", (address) => splitHostPort(String(address))?.host ?? String(address)],
    ["stripDomain", stripDomain],
    ["humanize", (value) => humanize(toNumber(value))],
    ["humanize1024", (value) => humanize1024(toNumber(value))],
    ["humanizeDuration", (value) => humanizeDuration(toNumber(value))],
    ["humanizePercentage", (value) => `${formatG(toNumber(value) * 100, 4)}%`],
    ["humanizeTimestamp", (value) => humanizeTimestamp(toNumber(value))],
    ["toTime", (value) => GoTime.fromSeconds(toNumber(value))],
    ["now", () => environment.nowMs / 1000],
    ["safeHtml", (text) => new SafeText(String(text))],
    ["pathPrefix", () => environment.pathPrefix],
    ["externalURL", () => environment.externalUrl],
    ["urlQueryEscape", (text) => escapeQuery(String(text))],
    ["parseDuration", (text) => parseSignedDuration(String(text)) / 1000],
    ["toDuration", (value) => new GoDuration(toNumber(value))],
  ];
  return new Map([...BUILTIN_FUNCTIONS, ...own]);
}

const NO_ENVIRONMENT: TemplateEnvironment = { query: () => [], nowMs: 0, externalUrl: "", pathPrefix: "" };
const NAMES: ReadonlySet<string> = new Set(templateFunctions(NO_ENVIRONMENT).keys());

export function isTemplateFunction(name: string): boolean {
  return NAMES.has(name);
}

const SAMPLES: ParameterType = { name: "template.queryResult", accepts: Array.isArray };
const SAMPLE: ParameterType = {
  name: "*template.sample",
  accepts: (value) => typeof value === "object" && value !== null && "Labels" in value && "Value" in value,
};

/** What each function takes: a missing or a wrong argument fails before the function is called. */
export const TEMPLATE_SIGNATURES: ReadonlyMap<string, Signature> = new Map(
  [
    { names: ["now", "pathPrefix", "externalURL"], parameters: [] },
    {
      names: [
        "query",
        "title",
        "toUpper",
        "toLower",
        "graphLink",
        "tableLink",
        "stripPort",
        "stripDomain",
        "safeHtml",
        "urlQueryEscape",
        "parseDuration",
      ],
      parameters: [STRING],
    },
    {
      names: [
        "humanize",
        "humanize1024",
        "humanizeDuration",
        "humanizePercentage",
        "humanizeTimestamp",
        "toTime",
        "toDuration",
      ],
      parameters: [ANY],
    },
    { names: ["first"], parameters: [SAMPLES] },
    { names: ["value", "strvalue"], parameters: [SAMPLE] },
    { names: ["label"], parameters: [STRING, SAMPLE] },
    { names: ["sortByLabel"], parameters: [STRING, SAMPLES] },
  ]
    .flatMap(({ names, parameters }) => names.map((name): [string, Signature] => [name, { parameters }]))
    .concat([
      ["match", { parameters: [STRING, STRING], cost: patternCost }],
      ["reReplaceAll", { parameters: [STRING, STRING, STRING], cost: patternCost }],
    ]),
);

/** Patterns that were compiled lately. */
const patterns = new Map<string, SearchRegex>();
const MAX_PATTERNS = 64;
const MAX_PATTERN_LENGTH = 1000;
/** A repetition is compiled as often as it repeats, a thousand times at most. */
const REPETITION_COST = 2000;

/** Compiling takes about a microsecond per character, a search one for eight, replacing one for two; the text comes last. */
function patternCost(values: readonly unknown[]): number {
  const [pattern, text] = [String(values[0]), String(values.at(-1))];
  const compiling = patterns.has(pattern) ? 0 : 20 + pattern.length + (pattern.includes("{") ? REPETITION_COST : 0);
  return compiling + Math.floor(text.length / (values.length === 2 ? 8 : 2));
}

function patternOf(source: string): SearchRegex {
  let pattern = patterns.get(source);
  if (pattern !== undefined) return pattern;
  pattern = compileSearchRegex(source);
  if (source.length > MAX_PATTERN_LENGTH) return pattern;
  const [oldest] = patterns.keys();
  if (patterns.size >= MAX_PATTERNS && oldest !== undefined) patterns.delete(oldest);
  patterns.set(source, pattern);
  return pattern;
}

function titleLetter(letter: string): string {
  const [first = "", ...rest] = letter.toUpperCase();
  return first + rest.join("").toLowerCase();
}

/** As the reference compiles where it cannot refuse: the message names the function of Go's library. */
function compiled(pattern: string): SearchRegex {
  try {
    return patternOf(pattern);
  } catch (error) {
    throw new Error(`regexp: Compile(\`${pattern}\`): ${(error as Error).message}`, { cause: error });
  }
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
  return (samples as TemplateSample[]).sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

function stripDomain(address: unknown): string {
  const text = String(address);
  const { host, port } = splitHostPort(text) ?? { host: text, port: "" };
  if (isAddress(host)) return text;
  const [name] = host.split(".") as [string];
  return port === "" ? name : joinHostPort(name, port);
}

/** Numbers, and texts that are numbers. */
function toNumber(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "string") throw new Error(`can't convert ${goType(value)} to float`);
  const number = parseFloatStrict(value);
  if (number === undefined) throw new Error(`strconv.ParseFloat: parsing ${quote(value)}: invalid syntax`);
  return number;
}

function humanizeTimestamp(value: number): string {
  if (!Number.isFinite(value)) return formatG(value, 4);
  return GoTime.fromSeconds(value).toGoString();
}
