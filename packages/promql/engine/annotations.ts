// Warnings and infos of an evaluation, in the reference's words (util/annotations, release 3.14).
import type { Position } from "../parser/ast.ts";
import { formatGeneral } from "./number-format.ts";

interface Annotation {
  readonly info: boolean;
  readonly text: string;
  pos: Position;
  /** What is appended before the position, made when the annotations are printed. */
  details: Monotonicity | { readonly overlaps: number } | undefined;
}

interface Monotonicity {
  readonly minT: number;
  readonly maxT: number;
  readonly minBucket: number;
  readonly maxBucket: number;
  readonly maxDifference: number;
  readonly count: number;
}

const MAX_DISTINCT = 1000;

/** Collects annotations, each text once; the position of the newest is kept. Holds at most 1000 texts. */
export class Annotations {
  readonly #byText = new Map<string, Annotation>();

  warn(text: string, pos: Position): void {
    this.#add({ info: false, text: `PromQL warning: ${text}`, pos, details: undefined });
  }

  info(text: string, pos: Position): void {
    this.#add({ info: true, text: `PromQL info: ${text}`, pos, details: undefined });
  }

  /** A plain warning, such as storages give; without prefix and position. */
  foreign(text: string): void {
    this.#add({ info: false, text, pos: NOWHERE, details: undefined });
  }

  invalidQuantile(q: number, pos: Position): void {
    this.warn(`quantile value should be between 0 and 1, got ${formatGeneral(q)}`, pos);
  }

  invalidRatio(ratio: number, cap: number, pos: Position): void {
    this.warn(
      `ratio value should be between -1 and 1, got ${formatGeneral(ratio)}, capping to ${formatGeneral(cap)}`,
      pos,
    );
  }

  badBucketLabel(name: string, value: string, pos: Position): void {
    this.warn(withName(`bucket label "le" is missing or has a malformed value of ${quote(value)}`, name), pos);
  }

  mixedFloatsHistograms(name: string, pos: Position): void {
    this.warn(`encountered a mix of histograms and floats for metric name ${quote(name)}`, pos);
  }

  mixedInAggregation(pos: Position): void {
    this.warn("encountered a mix of histograms and floats for aggregation", pos);
  }

  mixedClassicNative(name: string, pos: Position): void {
    this.warn(withName("vector contains a mix of classic and native histograms", name), pos);
  }

  notCounter(name: string, pos: Position): void {
    this.warn(`this native histogram metric is not a counter: ${quote(name)}`, pos);
  }

  notGauge(name: string, pos: Position): void {
    this.warn(`this native histogram metric is not a gauge: ${quote(name)}`, pos);
  }

  mixedExponentialCustom(name: string, pos: Position): void {
    this.warn(
      `vector contains a mix of histograms with exponential and custom buckets schemas for metric name ${quote(name)}`,
      pos,
    );
  }

  incompatibleBuckets(op: string, pos: Position): void {
    this.warn(`incompatible bucket layout encountered for binary operator ${op}`, pos);
  }

  sortInRangeQuery(pos: Position): void {
    this.warn("sort is ineffective for range queries since results are always ordered by labels", pos);
  }

  possibleNonCounter(name: string, pos: Position): void {
    this.info(`metric might not be a counter, name does not end in _total/_sum/_count/_bucket: ${quote(name)}`, pos);
  }

  possibleNonCounterType(name: string, type: string, pos: Position): void {
    this.info(
      `metric might not be a counter, __type__ label is not set to "counter" or "histogram", got ${quote(type)}: ${quote(name)}`,
      pos,
    );
  }

  forcedMonotonicity(
    name: string,
    pos: Position,
    t: number,
    minBucket: number,
    maxBucket: number,
    maxDifference: number,
  ): void {
    const text = withName(
      "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)",
      name,
    );
    const details = { minT: t, maxT: t, minBucket, maxBucket, maxDifference, count: 0 };
    this.#add({ info: true, text: `PromQL info: ${text}`, pos, details });
  }

  incompatibleTypes(left: string, op: string, right: string, pos: Position): void {
    this.info(`incompatible sample types encountered for binary operator ${quote(op)}: ${left} ${op} ${right}`, pos);
  }

  histogramIgnored(aggregation: string, pos: Position): void {
    this.info(`ignored histogram in ${aggregation} aggregation`, pos);
  }

  histogramIgnoredInRange(name: string, pos: Position): void {
    this.info(
      `ignored histograms in a range containing both floats and histograms for metric name ${quote(name)}`,
      pos,
    );
  }

  quantileNanResult(name: string, pos: Position): void {
    this.info(withName("input to histogram_quantile has NaN observations, result is NaN", name), pos);
  }

  quantileNanSkew(name: string, pos: Position): void {
    this.info(withName("input to histogram_quantile has NaN observations, result is skewed higher", name), pos);
  }

  fractionNans(name: string, pos: Position): void {
    this.info(
      withName("input to histogram_fraction has NaN observations, which are excluded from all fractions", name),
      pos,
    );
  }

  counterResetCollision(operation: HistogramOperation, pos: Position): void {
    this.warn(`conflicting counter resets during histogram ${operation}`, pos);
  }

  mismatchedCustomBuckets(operation: HistogramOperation, pos: Position): void {
    this.info(`mismatched custom buckets were reconciled during ${operation}`, pos);
  }

  startTimeOverlap(name: string, pos: Position): void {
    const text = `PromQL warning: sample has start time that overlaps with previous sample timestamp for metric ${quote(name)}`;
    this.#add({ info: false, text, pos, details: { overlaps: 1 } });
  }

  /**
   * The texts, in the order in which they first came up, with the position in `query` appended unless that is
   * undefined. At most `limit` of each kind (0: all), then how many were left out.
   */
  print(query: string | undefined, limit: number): { warnings: string[]; infos: string[] } {
    const warnings: string[] = [];
    const infos: string[] = [];
    let moreWarnings = 0;
    let moreInfos = 0;
    for (const annotation of this.#byText.values()) {
      const list = annotation.info ? infos : warnings;
      if (limit > 0 && list.length >= limit) {
        if (annotation.info) moreInfos++;
        else moreWarnings++;
        continue;
      }
      list.push(printOne(annotation, query));
    }
    if (moreWarnings > 0) warnings.push(`${moreWarnings} more warning annotations omitted`);
    if (moreInfos > 0) infos.push(`${moreInfos} more info annotations omitted`);
    return { warnings, infos };
  }

  #add(annotation: Annotation): void {
    const known = this.#byText.get(annotation.text);
    if (known === undefined) {
      if (this.#byText.size < MAX_DISTINCT) this.#byText.set(annotation.text, annotation);
      return;
    }
    known.pos = annotation.pos;
    known.details = mergeDetails(known.details, annotation.details);
  }
}

/** What was done when histograms met. */
export type HistogramOperation = "addition" | "subtraction" | "aggregation";

const NOWHERE: Position = { start: -1, end: -1 };

function mergeDetails(a: Annotation["details"], b: Annotation["details"]): Annotation["details"] {
  if (a === undefined || b === undefined) return b;
  if ("overlaps" in a || "overlaps" in b) {
    return { overlaps: ("overlaps" in a ? a.overlaps : 0) + ("overlaps" in b ? b.overlaps : 0) };
  }
  return {
    minT: Math.min(a.minT, b.minT),
    maxT: Math.max(a.maxT, b.maxT),
    minBucket: Math.min(a.minBucket, b.minBucket),
    maxBucket: Math.max(a.maxBucket, b.maxBucket),
    maxDifference: Math.max(a.maxDifference, b.maxDifference),
    count: a.count + b.count + 1,
  };
}

function printOne({ text, pos, details }: Annotation, query: string | undefined): string {
  if (query === undefined || pos.start < 0) return text;
  const place = placeOf(query, pos.start);
  if (details === undefined) return `${text} (${place})`;
  if ("overlaps" in details) {
    return details.overlaps > 1 ? `${text} (${details.overlaps} occurrences) (${place})` : `${text} (${place})`;
  }
  const { minBucket, maxBucket, maxDifference, count, minT, maxT } = details;
  return (
    `${text}, from buckets ${formatGeneral(minBucket)} to ${formatGeneral(maxBucket)}, with a max diff of ` +
    `${formatGeneral(maxDifference, 2)}, over ${count + 1} samples from ${rfc3339(minT)} to ${rfc3339(maxT)} (${place})`
  );
}

function rfc3339(t: number): string {
  return `${new Date(Math.trunc(t / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** `line:column` of an offset into the query, both from 1, the column in UTF-8 bytes as the reference counts it. */
function placeOf(query: string, offset: number): string {
  if (offset > query.length) return "invalid position";
  const before = query.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  const line = before.split("\n").length;
  return `${line}:${utf8Length(before.slice(lineStart)) + 1}`;
}

function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

function withName(text: string, name: string): string {
  return name === "" ? text : `${text} for metric name ${quote(name)}`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
