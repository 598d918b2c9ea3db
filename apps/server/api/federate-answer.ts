// Answers to `/federate`: the newest sample of each selected series, as an exposition of untyped families.
import { formatValue } from "@narthex/client";
import { WireWriter } from "@narthex/encoding";
import {
  CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  compareStrings,
  type EscapingScheme,
  escapeName,
  type FloatHistogramFields,
  isStaleAt,
  isValidLabelName,
  isValidMetricName,
  Labels,
  METRIC_NAME,
  quote,
  type Span,
} from "@narthex/model";
import { parseMetricSelector, QueryError } from "@narthex/promql";
import { type Queryable, SampleBuffer } from "@narthex/storage";
import type { ByteSink } from "./json/byte-sink.ts";

/** A federation as plain data, so that it can cross over to a worker. Milliseconds. */
export interface FederateRequest {
  readonly kind: "federate";
  readonly selectors: readonly string[];
  readonly minTime: number;
  readonly maxTime: number;
  readonly form: "text" | "protobuf";
  readonly escaping: EscapingScheme;
  /** Sorted name, value pairs. */
  readonly externalLabels: readonly string[];
}

/** How often a long answer looks whether it is still wanted, in series. */
const CHECK_EVERY_SERIES = 1024;

/** The newest sample of a series; `name` is that of its metric. */
interface Found {
  readonly labels: Labels;
  readonly name: string;
  readonly t: number;
  readonly value: number;
  readonly histogram: FloatHistogramFields | undefined;
}

/** Answers into `sink`; returns how many series there are. Throws a `QueryError` when cancelled. */
export function answerFederation(
  request: FederateRequest,
  context: { readonly queryable: Queryable; cancelled(): boolean },
  sink: ByteSink,
): number {
  const found = newestSamples(request, context);
  const external = externalLabelsOf(request.externalLabels);
  if (request.form === "text") writeText(found, external, request.escaping, sink);
  else writeProtobuf(found, external, request.escaping, sink);
  sink.flush();
  return found.length;
}

/** Series without an instance get an empty one, so that the federating server does not put its target's there. */
function externalLabelsOf(pairs: readonly string[]): readonly (readonly [string, string])[] {
  const external: [string, string][] = [];
  for (let i = 0; i < pairs.length; i += 2) external.push([pairs[i] as string, pairs[i + 1] as string]);
  if (!external.some(([name]) => name === "instance")) external.push(["instance", ""]);
  return external.sort(([a], [b]) => compareStrings(a, b));
}

function newestSamples(
  { selectors, minTime, maxTime, form }: FederateRequest,
  { queryable, cancelled }: { readonly queryable: Queryable; cancelled(): boolean },
): Found[] {
  const querier = queryable.querier(minTime, maxTime);
  const buffer = new SampleBuffer();
  const found: Found[] = [];
  try {
    for (const selector of selectors) {
      const set = querier.select(parseMetricSelector(selector));
      for (let i = 0; i < set.count; i++) {
        if (i % CHECK_EVERY_SERIES === 0 && cancelled()) throw new QueryError("canceled", "context canceled");
        buffer.clear();
        set.read(i, minTime, maxTime, buffer);
        const last = buffer.count - 1;
        if (last < 0 || isStaleAt(buffer.halves, last)) continue;
        const histogram = buffer.histograms?.[last];
        if (histogram !== undefined && (form === "text" || Number.isNaN(histogram.sum))) continue;
        const labels = set.labels(i);
        const name = labels.get(METRIC_NAME);
        if (name === "") continue;
        const [t, value] = [buffer.times[last] as number, buffer.values[last] as number];
        found.push({ labels, name, t, value, histogram });
      }
    }
  } finally {
    querier.close();
  }
  return selectors.length > 1 ? distinct(sorted(found)) : sorted(found);
}

function sorted(found: Found[]): Found[] {
  return found.sort((a, b) => compareStrings(a.name, b.name) || Labels.compare(a.labels, b.labels));
}

function distinct(found: readonly Found[]): Found[] {
  return found.filter((one, i) => i === 0 || !one.labels.equals((found[i - 1] as Found).labels));
}

/** Labels but the name, then the external ones that the series lacks. */
function* labelsOf({ pairs }: Labels, external: readonly (readonly [string, string])[]): Generator<[string, string]> {
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] !== METRIC_NAME) yield [pairs[i] as string, pairs[i + 1] as string];
  }
  for (const [name, value] of external) if (!hasName(pairs, name)) yield [name, value];
}

function hasName(pairs: readonly string[], name: string): boolean {
  for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return true;
  return false;
}

function writeText(
  found: readonly Found[],
  external: readonly (readonly [string, string])[],
  escaping: EscapingScheme,
  sink: ByteSink,
): void {
  let family = "";
  let shown = "";
  for (const { labels, name, t, value } of found) {
    let text = "";
    if (name !== family) {
      family = name;
      const written = escaped(name, escaping);
      shown = isValidMetricName(written, "legacy") ? written : quote(written);
      text = `# TYPE ${shown} untyped\n`;
    }
    const parts = shown.startsWith('"') ? [shown] : [];
    for (const [label, labelValue] of labelsOf(labels, external)) {
      const written = escaped(label, escaping);
      parts.push(`${isValidLabelName(written, "legacy") ? written : quote(written)}="${escapeValue(labelValue)}"`);
    }
    const braces = parts.length === 0 ? "" : `{${parts.join(",")}}`;
    sink.text(`${text}${shown.startsWith('"') ? "" : shown}${braces} ${value === 0 ? "0" : formatValue(value)} ${t}\n`);
  }
}

/** Names of the old alphabet stay as they are, under every scheme. */
function escaped(name: string, scheme: EscapingScheme): string {
  return isValidMetricName(name, "legacy") ? name : escapeName(name, scheme);
}

function escapeValue(text: string): string {
  return /[\\"\n]/.test(text) ? text.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`)) : text;
}

/** Types of families in `io.prometheus.client`. */
const FamilyType = { untyped: 3, histogram: 4, gaugeHistogram: 5 } as const;

/** Length-delimited `MetricFamily` messages. Source: prometheus/client_model, metrics.proto. */
function writeProtobuf(
  found: readonly Found[],
  external: readonly (readonly [string, string])[],
  escaping: EscapingScheme,
  sink: ByteSink,
): void {
  const writer = new WireWriter(4096);
  const head = new WireWriter(16);
  const ship = (): void => {
    if (writer.length === 0) return;
    head.clear();
    head.uvarint(writer.length);
    sink.bytes(head.view());
    sink.bytes(writer.view());
    writer.clear();
  };
  let family = "";
  let familyType: number = FamilyType.untyped;
  for (const { labels, name, t, value, histogram } of found) {
    const type = typeOf(histogram);
    if (name !== family || type !== familyType) {
      ship();
      family = name;
      familyType = type;
      writer.textField(1, escaped(name, escaping));
      writer.uintField(3, type);
    }
    const metric = writer.begin(4);
    for (const [label, labelValue] of labelsOf(labels, external)) {
      const pair = writer.begin(1);
      writer.textField(1, escaped(label, escaping));
      writer.textField(2, labelValue);
      writer.end(pair);
    }
    if (histogram === undefined) {
      const untyped = writer.begin(5);
      writer.doubleField(1, value);
      writer.end(untyped);
    }
    writer.intField(6, t);
    if (histogram?.schema === CUSTOM_BUCKETS_SCHEMA) writeClassicHistogram(writer, histogram);
    else if (histogram !== undefined) writeNativeHistogram(writer, histogram);
    writer.end(metric);
  }
  ship();
}

function typeOf(histogram: FloatHistogramFields | undefined): number {
  if (histogram === undefined) return FamilyType.untyped;
  return histogram.counterResetHint === CounterResetHint.gauge ? FamilyType.gaugeHistogram : FamilyType.histogram;
}

function writeNativeHistogram(writer: WireWriter, histogram: FloatHistogramFields): void {
  const message = writer.begin(7);
  writer.doubleField(2, histogram.sum);
  writer.doubleField(4, histogram.count);
  writer.sintField(5, histogram.schema);
  writer.doubleField(6, histogram.zeroThreshold);
  writer.doubleField(8, histogram.zeroCount);
  writeSpans(writer, 9, histogram.negativeSpans);
  for (const count of histogram.negativeBuckets) writer.doubleField(11, count);
  writeSpans(writer, 12, histogram.positiveSpans);
  for (const count of histogram.positiveBuckets) writer.doubleField(14, count);
  writer.end(message);
}

function writeSpans(writer: WireWriter, field: number, spans: readonly Span[]): void {
  for (const { offset, length } of spans) {
    const span = writer.begin(field);
    writer.sintField(1, offset);
    writer.uintField(2, length);
    writer.end(span);
  }
}

/** Custom buckets have no native form in this format: they are written as the classic ones that they stand for. */
function writeClassicHistogram(writer: WireWriter, histogram: FloatHistogramFields): void {
  const { customValues, positiveSpans, positiveBuckets } = histogram;
  const counts = new Float64Array(customValues.length + 1);
  let index = 0;
  let at = 0;
  for (const { offset, length } of positiveSpans) {
    index += offset;
    for (let i = 0; i < length; i++, index++, at++) {
      if (index >= 0 && index < counts.length) counts[index] = positiveBuckets[at] ?? 0;
    }
  }
  const message = writer.begin(7);
  writer.doubleField(2, histogram.sum);
  let cumulative = 0;
  for (let i = 0; i < counts.length; i++) {
    cumulative += counts[i] as number;
    const bucket = writer.begin(3);
    writer.doubleField(2, customValues[i] ?? Number.POSITIVE_INFINITY);
    writer.doubleField(4, cumulative);
    writer.end(bucket);
  }
  writer.doubleField(4, histogram.count);
  writer.end(message);
}
