// Holds an answer against what a script expects of it. Checks return what is wrong, or undefined.
import { type FloatHistogramFields, isStaleAt, Labels } from "@narthex/model";
import type { MatrixSeries, MatrixValue, QueryResult, QueryValue, VectorValue } from "../engine/result.ts";
import type { SequenceValue } from "../parser/series-parser.ts";
import { almostEqual, histogramsMatch } from "./comparison.ts";
import type { AnnotationTest, EvalCommand, ExpectedSeries } from "./script.ts";

/** A fault found, in words. */
export type Fault = string | undefined;

/** Checks annotations and value of an answer. */
export function checkResult(command: EvalCommand, result: QueryResult): Fault {
  const { warnings, infos } = command.expected;
  return (
    checkAnnotations("warning", warnings, result.warnings) ??
    checkAnnotations("info", infos, result.infos) ??
    checkValue(command, result.value)
  );
}

/** Checks a failure against what it should have been. */
export function checkFailure(command: EvalCommand, error: Error): Fault {
  const { fail } = command.expected;
  if (fail === undefined) return `failed: ${error.message}`;
  return fail.matches(error.message) ? undefined : `failed with ${JSON.stringify(error.message)}, not ${fail.describe}`;
}

function checkAnnotations(kind: string, { none, tests }: AnnotationTest, annotations: readonly string[]): Fault {
  // The place in the query, which the API shows, is no part of what scripts expect.
  const texts = annotations.map((text) => text.replace(/ \(\d+:\d+\)$/, ""));
  if (none && texts.length > 0) return `unexpected ${kind}: ${texts[0]}`;
  if (tests.length === 0) return undefined;
  for (const test of tests) {
    if (!texts.some((text) => test.matches(text)))
      return `no ${kind} is ${test.describe}, got ${JSON.stringify(texts)}`;
  }
  const extra = texts.find((text) => !tests.some((test) => test.matches(text)));
  return extra === undefined ? undefined : `unexpected ${kind}: ${extra}`;
}

/** Checks a value alone, as for the same query asked in another way. */
export function checkValue(command: EvalCommand, value: QueryValue): Fault {
  const { scalar, string } = command.expected;
  switch (value.kind) {
    case "string":
      return value.value === (string ?? "")
        ? undefined
        : `expected string ${JSON.stringify(string)}, got ${JSON.stringify(value.value)}`;
    case "scalar":
      if (scalar === undefined) return `got scalar ${value.value}, expected none`;
      return almostEqual(scalar, value.value) ? undefined : `expected scalar ${scalar}, got ${value.value}`;
  }
  if (scalar !== undefined) return `expected scalar ${scalar}, got a ${value.kind}`;
  return value.kind === "vector" ? checkVector(command, value) : checkMatrix(command, value);
}

function checkVector(command: EvalCommand, { elements }: VectorValue): Fault {
  const { series, ordered } = command.expected;
  const byKey = new Map(series.map((entry, position) => [entry.labels.key, { entry, position }]));
  const seen = new Set<string>();
  for (const [position, { labels, value, histogram }] of elements.entries()) {
    const expected = byKey.get(labels.key);
    const name = describeLabels(labels);
    if (expected === undefined) return `unexpected series ${name} with ${describePoint({ value, histogram })}`;
    if (seen.has(labels.key)) return `series ${name} came twice`;
    seen.add(labels.key);
    if (ordered && expected.position !== position) {
      return `series ${name} is at position ${position + 1}, not ${expected.position + 1}`;
    }
    const fault = checkPoint(expected.entry.values[0], { value, histogram, stale: false });
    if (fault !== undefined) return `series ${name}: ${fault}`;
  }
  return checkAllSeen(series, seen);
}

interface Point {
  readonly t: number;
  readonly value: number;
  readonly histogram: FloatHistogramFields | undefined;
  readonly stale: boolean;
}

/** The points of a series, in order of time. */
export function pointsOf(series: MatrixSeries, { grid }: MatrixValue): readonly Point[] {
  const { times, values, present, histograms } = series;
  const halves = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  const points: Point[] = [];
  for (let i = 0; i < (times?.length ?? grid?.count ?? 0); i++) {
    if (present !== undefined && present[i] === 0) continue;
    const t = times === undefined ? (grid?.startMs ?? 0) + i * (grid?.stepMs ?? 0) : (times[i] as number);
    points.push({ t, value: values[i] as number, histogram: histograms?.[i], stale: isStaleAt(halves, i) });
  }
  return points;
}

function checkMatrix(command: EvalCommand, matrix: MatrixValue): Fault {
  const { series, ordered, rangeVector } = command.expected;
  if (ordered) return "expected an ordered result, got a matrix";
  const { startMs, endMs, stepMs } = rangeVector ?? command;
  const sorted = checkSorted(matrix);
  if (sorted !== undefined) return sorted;
  const byKey = new Map(series.map((entry) => [entry.labels.key, entry]));
  const seen = new Set<string>();
  for (const actual of matrix.series) {
    const name = describeLabels(actual.labels);
    const points = pointsOf(actual, matrix);
    const expected = byKey.get(actual.labels.key);
    if (expected === undefined) return `unexpected series ${name} with ${points.map(describePoint).join(" ")}`;
    seen.add(actual.labels.key);
    if (startMs + (expected.values.length - 1) * stepMs > endMs) {
      return `series ${name} is expected to have ${expected.values.length} points, which the time range has not`;
    }
    const byTime = new Map(points.map((point) => [point.t, point]));
    for (const [i, value] of expected.values.entries()) {
      const t = startMs + i * stepMs;
      const point = byTime.get(t);
      byTime.delete(t);
      const fault = checkPoint(value, point);
      if (fault !== undefined) return `series ${name}, place ${i} (t=${t}): ${fault}`;
    }
    for (const point of byTime.values()) return `series ${name} has a point at t=${point.t}: ${describePoint(point)}`;
  }
  return checkAllSeen(series, seen);
}

/** Whether series stand in the order of their labels, each once. */
export function checkSorted({ series }: MatrixValue): Fault {
  for (let i = 1; i < series.length; i++) {
    const labels = (series[i] as MatrixSeries).labels;
    const order = Labels.compare((series[i - 1] as MatrixSeries).labels, labels);
    if (order >= 0) return `series ${describeLabels(labels)} is not in the order of labels`;
  }
  return undefined;
}

function checkPoint(expected: SequenceValue | undefined, actual: Omit<Point, "t"> | undefined): Fault {
  if (expected === undefined || expected.kind === "omitted") {
    return actual === undefined ? undefined : `expected no point, got ${describePoint(actual)}`;
  }
  if (actual === undefined) return `expected ${describeValue(expected)}, got no point`;
  const matches =
    expected.kind === "histogram"
      ? actual.histogram !== undefined && histogramsMatch(expected.histogram, actual.histogram, expected.hintSet)
      : actual.histogram === undefined &&
        actual.stale === (expected.kind === "stale") &&
        (expected.kind === "stale" || almostEqual(expected.value, actual.value));
  return matches ? undefined : `expected ${describeValue(expected)}, got ${describePoint(actual)}`;
}

function checkAllSeen(series: readonly ExpectedSeries[], seen: ReadonlySet<string>): Fault {
  const missing = series.find(({ labels }) => !seen.has(labels.key));
  return missing === undefined ? undefined : `expected series ${describeLabels(missing.labels)} did not come`;
}

/** Labels as people read them. */
export function describeLabels(labels: Labels): string {
  return `{${[...labels].map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(", ")}}`;
}

function describeValue(value: SequenceValue): string {
  if (value.kind === "float") return String(value.value);
  return value.kind === "histogram" ? describeHistogram(value.histogram) : value.kind;
}

function describePoint({ value, histogram }: Pick<Point, "value" | "histogram">): string {
  return histogram === undefined ? String(value) : describeHistogram(histogram);
}

/** A histogram in the notation of scripts, spans spelled out. */
function describeHistogram(histogram: FloatHistogramFields): string {
  const { schema, count, sum, zeroCount, zeroThreshold, counterResetHint, customValues } = histogram;
  const side = (name: string, spans: FloatHistogramFields["positiveSpans"], buckets: Float64Array): string =>
    buckets.length === 0
      ? ""
      : ` ${name}${spans.map(({ offset, length }) => `${offset}:${length}`).join(",")}=[${buckets.join(" ")}]`;
  return (
    `{{schema:${schema} count:${count} sum:${sum} z_bucket:${zeroCount} z_bucket_w:${zeroThreshold}` +
    ` hint:${counterResetHint}${customValues.length > 0 ? ` custom_values:[${customValues.join(" ")}]` : ""}` +
    `${side("buckets@", histogram.positiveSpans, histogram.positiveBuckets)}` +
    `${side("n_buckets@", histogram.negativeSpans, histogram.negativeBuckets)}}}`
  );
}
