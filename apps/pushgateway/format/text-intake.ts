// The text format 0.0.4 as a stream of lines, gathered into families.
// Rules and messages follow the reference's family parser (expfmt); see `packages/exposition` for the one of scrapes, which knows
// samples but no families.
import { isValidLabelName, isValidMetricName, type NameScheme } from "@narthex/model";
import {
  type BucketValue,
  FAMILY_TYPES,
  type Family,
  type FamilyType,
  type HistogramValue,
  type Metric,
  metricBytes,
  numberMetric,
  type SummaryValue,
} from "../family/family.ts";
import { goByte, goQuote, goQuoteByte } from "../family/go-text.ts";
import { IntakeError } from "./intake-error.ts";

/** A family under construction. */
interface OpenFamily {
  readonly name: string;
  help: string | undefined;
  type: FamilyType | undefined;
  readonly metrics: Metric[];
}

/** A summary or histogram under construction: its lines come one by one. */
interface OpenMetric {
  timestampMs: number | undefined;
  readonly summary: Writable<SummaryValue> | undefined;
  readonly histogram: Writable<HistogramValue> | undefined;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? Writable<E>[] : T[K] };

/** Stands at the end of the body in place of a character. */
const END = "";
const MAX_TIMESTAMP = 2 ** 63;

/** Takes lines, then gives families in the order in which they were first named. */
export class TextIntake {
  readonly #scheme: NameScheme;
  readonly #families = new Map<string, OpenFamily>();
  /** Summaries and histograms by family and labels. */
  readonly #composed = new Map<string, OpenMetric>();
  #lineNumber = 0;
  /** Roughly how many bytes of memory the families take. */
  bytes = 0;

  // The line being read.
  #line = "";
  #at = 0;
  #isTerminated = true;
  #char = END;
  #family: OpenFamily | undefined;
  #suffix: "" | "count" | "sum" = "";

  /** `scheme` says which names are allowed. */
  constructor(scheme: NameScheme) {
    this.#scheme = scheme;
  }

  /** Takes one line without its line break; `isTerminated` is false for what follows the last break. Throws an `IntakeError`. */
  line(text: string, isTerminated: boolean = true): void {
    this.#lineNumber++;
    this.#line = text;
    this.#at = 0;
    this.#isTerminated = isTerminated;
    if (!isTerminated && /^[ \t]*$/.test(text)) return;
    this.#readBlank();
    if (this.#char === "\n") return;
    if (this.#char === "#") this.#readComment();
    else this.#readSample();
  }

  /** The families that have metrics. */
  finish(): Family[] {
    const families: Family[] = [];
    for (const { name, help, type, metrics } of this.#families.values()) {
      if (metrics.length === 0) continue;
      if (type === "histogram" || type === "gauge_histogram")
        for (const { histogram } of metrics)
          if (histogram !== undefined) unifyCounts(histogram as Writable<HistogramValue>);
      families.push({ name, help, unit: undefined, type: type ?? "untyped", metrics });
    }
    return families;
  }

  #readComment(): void {
    this.#readBlank();
    if (this.#char === "\n") return;
    const keyword = this.#tokenToBlank();
    if (this.#char === "\n") return;
    if (keyword !== "HELP" && keyword !== "TYPE") {
      if (!this.#isTerminated) throw this.#ended();
      return;
    }
    this.#readBlank();
    const name = this.#metricName();
    if (this.#char === "\n") return;
    if (!isBlank(this.#char)) throw this.#error("invalid metric name in comment");
    const family = this.#open(name);
    this.#readBlank();
    if (this.#char === "\n") return;
    if (keyword === "HELP") {
      if (family.help !== undefined) throw this.#error(`second HELP line for metric name ${goQuote(family.name)}`);
      family.help = this.#restOfHelp();
      this.bytes += 2 * family.help.length;
    } else this.#readType(family);
  }

  #readType(family: OpenFamily): void {
    if (family.type !== undefined) {
      const name = goQuote(family.name);
      throw this.#error(`second TYPE line for metric name ${name}, or TYPE reported after samples`);
    }
    // Backslashes vanish here, as in the reference.
    const text = this.#restOfLine().replaceAll("\\", "");
    const word = text.toLowerCase();
    const type = word === "gaugehistogram" ? "gauge_histogram" : FAMILY_TYPES.find((each) => each === word);
    if (type === undefined) throw this.#error(`unknown metric type ${goQuote(text)}`);
    family.type = type;
  }

  #readSample(): void {
    const labels: string[] = [];
    const bounds = { le: Number.NaN, quantile: Number.NaN };
    if (this.#char === "{") {
      this.#family = undefined;
      this.#readLabels(labels, bounds, true);
    } else {
      const name = this.#metricName();
      if (name === "") throw this.#error("invalid metric name");
      this.#begin(name);
      if (isBlank(this.#char)) this.#readBlank();
      if (this.#char === "{") this.#readLabels(labels, bounds, false);
    }
    this.#readValue(this.#family as OpenFamily, labels, bounds);
  }

  /** Opens the family of a sample. */
  #begin(name: string): void {
    this.#family = this.#open(name);
    this.#family.type ??= "untyped";
  }

  /** Reads from behind the brace to the first character of the value. */
  #readLabels(labels: string[], bounds: { le: number; quantile: number }, isNameInside: boolean): void {
    let hasName = !isNameInside;
    let hasQuotedName = false;
    for (;;) {
      this.#readBlank();
      if (this.#char === "}") {
        if (this.#family === undefined) throw this.#error("invalid metric name");
        this.#readBlank();
        return;
      }
      const name = this.#labelName();
      if (name === "") throw this.#error(`invalid label name for metric ${goQuote(this.#family?.name ?? "")}`);
      if (isBlank(this.#char)) this.#readBlank();
      if (this.#char !== "=") {
        if (!isNameInside) throw this.#error(`expected '=' after label name, found ${goQuoteByte(this.#char)}`);
        if (hasQuotedName) throw this.#error(`multiple metric names for metric ${goQuote(this.#family?.name ?? "")}`);
        if (this.#char !== "," && this.#char !== "}")
          throw this.#error(`unexpected end of metric name ${goQuoteByte(this.#char)}`);
        this.#begin(name);
        hasName = true;
        hasQuotedName = true;
        if (this.#char === ",") continue;
        this.#readBlank();
        return;
      }
      // The reference crashes on a label before the name; here it is refused.
      if (!hasName) throw this.#error("invalid metric name");
      const after = this.#readLabelValue(name, labels, bounds);
      if (after === ",") continue;
      if (after !== "}") throw this.#error(`unexpected end of label value ${goQuote(this.#lastValue)}`);
      this.#readBlank();
      return;
    }
  }

  #lastValue = "";

  /** Reads `"VALUE"`; returns the character behind it. */
  #readLabelValue(name: string, labels: string[], bounds: { le: number; quantile: number }): string {
    const { name: familyName, type } = this.#family as OpenFamily;
    if (name === "__name__") throw this.#error('label name "__name__" is reserved');
    if (!isValidLabelName(name, this.#scheme)) throw this.#error(`invalid label name ${goQuote(name)}`);
    const bound =
      type === "summary" && name === "quantile"
        ? "quantile"
        : (type === "histogram" || type === "gauge_histogram") && name === "le"
          ? "le"
          : undefined;
    if (bound === undefined) {
      for (let i = 0; i < labels.length; i += 2)
        if (labels[i] === name) throw this.#error(`duplicate label names for metric ${goQuote(familyName)}`);
    }
    this.#readBlank();
    if (this.#char !== '"') throw this.#error(`expected '"' at start of label value, found ${goQuoteByte(this.#char)}`);
    const value = this.#quotedValue();
    if (!value.isWellFormed()) throw this.#error(`invalid label value ${goQuote(value)}`);
    this.#lastValue = value;
    if (bound === undefined) labels.push(name, value);
    else {
      const number = parseFloat64(value);
      if (number === undefined)
        throw this.#error(`expected float as value for '${bound}' label, got ${goQuote(value)}`);
      bounds[bound] = number;
    }
    this.#readBlank();
    return this.#char;
  }

  #readValue(family: OpenFamily, labels: string[], bounds: { le: number; quantile: number }): void {
    const token = this.#tokenToBlank();
    const value = parseFloat64(token);
    if (value === undefined) throw this.#error(`expected float as value, got ${goQuote(token)}`);
    const type = family.type as FamilyType;
    if (type === "summary" || type === "histogram" || type === "gauge_histogram") {
      const open = this.#compose(family, type, labels);
      if (open.summary !== undefined) this.#addToSummary(open.summary, value, bounds.quantile);
      else this.#addToHistogram(open.histogram as Writable<HistogramValue>, value, bounds.le);
      if (this.#char !== "\n") open.timestampMs = this.#timestamp();
      return;
    }
    const metric = numberMetric(type, labels, value);
    const timestampMs = this.#char === "\n" ? undefined : this.#timestamp();
    family.metrics.push(timestampMs === undefined ? metric : { ...metric, timestampMs });
    this.bytes += metricBytes(metric);
  }

  /** The summary or histogram with these labels, begun at need. */
  #compose(family: OpenFamily, type: "summary" | "histogram" | "gauge_histogram", labels: string[]): OpenMetric {
    const sorted: string[] = [];
    for (let i = 0; i < labels.length; i += 2) sorted.push(`${labels[i]}\ud800${labels[i + 1]}`);
    const key = `${family.name}\ud801${sorted.sort().join("\ud801")}`;
    let open = this.#composed.get(key);
    if (open !== undefined) return open;
    const summary = type === "summary" ? emptySummary() : undefined;
    const histogram = type === "summary" ? undefined : emptyHistogram();
    const metric = {
      ...numberMetric("untyped", labels, 0),
      kind: summary === undefined ? "histogram" : "summary",
      summary,
      histogram,
    } as const;
    open = metric as OpenMetric;
    this.#composed.set(key, open);
    family.metrics.push(metric);
    this.bytes += metricBytes(metric) + 2 * key.length;
    return open;
  }

  #addToSummary(summary: Writable<SummaryValue>, value: number, quantile: number): void {
    if (this.#suffix === "count") summary.count = wholeCount(value);
    else if (this.#suffix === "sum") summary.sum = value;
    else if (!Number.isNaN(quantile)) {
      summary.quantiles.push({ quantile, value });
      this.bytes += 60;
    }
  }

  #addToHistogram(histogram: Writable<HistogramValue>, value: number, bound: number): void {
    const name = (): string => goQuote((this.#family as OpenFamily).name);
    const isWhole = Number.isInteger(value) && value >= 0 && value < 2 ** 64;
    if (this.#suffix === "count") {
      if (isWhole) histogram.count = value;
      else if (value < 0) throw this.#error(`negative count for histogram ${name()}`);
      else histogram.floatCount = value;
    } else if (this.#suffix === "sum") histogram.sum = value;
    else if (!Number.isNaN(bound)) {
      if (value < 0) throw this.#error(`negative bucket population for histogram ${name()}`);
      const count = isWhole ? value : undefined;
      histogram.buckets.push({ bound, count, floatCount: isWhole ? undefined : value, exemplar: undefined });
      this.bytes += 100;
    }
  }

  #timestamp(): number {
    this.#readBlank();
    const token = this.#tokenToBlank();
    const isNumber = /^[+-]?[0-9]+$/.test(token) && Math.abs(Number(token)) < MAX_TIMESTAMP;
    if (!isNumber) throw this.#error(`expected integer as timestamp, got ${goQuote(token)}`);
    const rest = this.#restOfLine().replaceAll("\\", "");
    if (rest !== "") throw this.#error(`spurious string after timestamp: ${goQuote(rest)}`);
    return Number(token);
  }

  /** The family that samples of this name belong to: a summary's or histogram's for names with their suffixes. */
  #open(name: string): OpenFamily {
    if (!isValidMetricName(name, this.#scheme)) throw this.#error(`invalid metric name ${goQuote(name)}`);
    this.#suffix = "";
    const known = this.#families.get(name);
    if (known !== undefined) return known;
    const [, stem, suffix] = /^(.*)_(count|sum|bucket)$/s.exec(name) ?? [];
    if (stem !== undefined) {
      const owner = this.#families.get(stem);
      const type = owner?.type;
      const isHistogram = type === "histogram" || type === "gauge_histogram";
      if (owner !== undefined && (isHistogram || (type === "summary" && suffix !== "bucket"))) {
        if (suffix !== "bucket") this.#suffix = suffix as "count" | "sum";
        return owner;
      }
    }
    const family: OpenFamily = { name, help: undefined, type: undefined, metrics: [] };
    this.#families.set(name, family);
    this.bytes += 200 + 2 * name.length;
    return family;
  }

  /** Moves on; behind the last character comes the line break, or the end of a body that lacks it. */
  #next(): void {
    if (this.#at < this.#line.length) this.#char = this.#line[this.#at++] as string;
    else if (this.#isTerminated) this.#char = "\n";
    else throw this.#ended();
  }

  #readBlank(): void {
    do this.#next();
    while (isBlank(this.#char));
  }

  /** From the current character to the next blank or line break. */
  #tokenToBlank(): string {
    if (this.#char === "\n" || isBlank(this.#char)) return "";
    const start = this.#at - 1;
    do this.#next();
    while (this.#char !== "\n" && !isBlank(this.#char));
    return this.#line.slice(start, this.#char === "\n" ? this.#line.length : this.#at - 1);
  }

  /** From the current character on. */
  #restOfLine(): string {
    if (!this.#isTerminated) throw this.#ended();
    if (this.#char === "\n") return "";
    return this.#line.slice(this.#at - 1);
  }

  #restOfHelp(): string {
    const text = this.#restOfLine();
    if (!text.includes("\\")) return text.toWellFormed();
    let help = "";
    for (let i = 0; i < text.length; i++) {
      if (text[i] !== "\\") help += text[i];
      else help += this.#escaped(text[++i] ?? "\n");
    }
    return help.toWellFormed();
  }

  #metricName(): string {
    if (!/[a-zA-Z_":]/.test(this.#char)) return "";
    return this.#nameWith(/[a-zA-Z0-9_":]/, "metric", " ");
  }

  #labelName(): string {
    if (!/[a-zA-Z_"]/.test(this.#char)) return "";
    return this.#nameWith(/[a-zA-Z0-9_"]/, "label", "=");
  }

  /** A name, parts of which may be quoted; ends before the first character that cannot belong to it. */
  #nameWith(allowed: RegExp, kind: string, stop: string): string {
    let name = "";
    let isQuoted = false;
    let isEscaped = false;
    for (;;) {
      const char = this.#char;
      if (isEscaped) {
        name += this.#escaped(char);
        isEscaped = false;
      } else if (char === '"') {
        isQuoted = !isQuoted;
        if (!isQuoted) {
          this.#next();
          return name;
        }
      } else if (char === "\n") throw this.#error(`${kind} name ${goQuote(name)} contains unescaped new-line`);
      else if (char === "\\") isEscaped = true;
      else name += char;
      this.#next();
      if (!isQuoted && (this.#char === stop || !allowed.test(this.#char))) return name;
    }
  }

  /** From behind the opening quote to the closing one. */
  #quotedValue(): string {
    const end = this.#line.indexOf('"', this.#at);
    if (end >= 0 && !this.#line.slice(this.#at, end).includes("\\")) {
      const value = this.#line.slice(this.#at, end);
      this.#at = end + 1;
      this.#char = '"';
      return value;
    }
    let value = "";
    for (;;) {
      this.#next();
      if (this.#char === '"') return value;
      if (this.#char === "\n") throw this.#error(`label value ${goQuote(value)} contains unescaped new-line`);
      if (this.#char === "\\") {
        this.#next();
        value += this.#escaped(this.#char);
      } else value += this.#char;
    }
  }

  #escaped(char: string): string {
    if (char === "n") return "\n";
    if (char === "\\" || char === '"') return char;
    throw this.#error(`invalid escape sequence '\\${goByte(char)}'`);
  }

  #ended(): IntakeError {
    return this.#error("unexpected end of input stream");
  }

  #error(message: string): IntakeError {
    return new IntakeError(`text format parsing error in line ${this.#lineNumber}: ${message}`);
  }
}

function isBlank(char: string): boolean {
  return char === " " || char === "\t";
}

const DECIMAL = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const SPECIAL = /^(?:nan|[+-]?inf(?:inity)?)$/i;

/** The number of a text; undefined for what is none, or is larger than any. */
function parseFloat64(text: string): number | undefined {
  if (DECIMAL.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  if (!SPECIAL.test(text)) return undefined;
  if (/^nan$/i.test(text)) return Number.NaN;
  return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

function wholeCount(value: number): number {
  return value >= 0 && value < 2 ** 64 ? Math.trunc(value) : 0;
}

function emptySummary(): Writable<SummaryValue> {
  return { count: undefined, sum: undefined, quantiles: [], created: undefined };
}

function emptyHistogram(): Writable<HistogramValue> {
  return {
    count: undefined,
    floatCount: undefined,
    sum: undefined,
    buckets: [],
    created: undefined,
    native: undefined,
  };
}

/** A histogram counts in whole numbers or in floats, in all places alike. */
function unifyCounts(histogram: Writable<HistogramValue>): void {
  const hasFloats =
    (histogram.floatCount ?? 0) !== 0 || histogram.buckets.some((bucket) => (bucket.floatCount ?? 0) !== 0);
  if (!hasFloats) return;
  if ((histogram.floatCount ?? 0) === 0) {
    histogram.floatCount = histogram.count ?? 0;
    histogram.count = undefined;
  }
  for (const bucket of histogram.buckets as Writable<BucketValue>[]) {
    if ((bucket.floatCount ?? 0) !== 0) continue;
    bucket.floatCount = bucket.count ?? 0;
    bucket.count = undefined;
  }
}
