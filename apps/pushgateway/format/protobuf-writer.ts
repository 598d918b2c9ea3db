// Families as protobuf messages.
import { WireType, type WireWriter } from "@narthex/encoding";
import {
  type Exemplar,
  FAMILY_TYPES,
  type Family,
  type HistogramValue,
  type Instant,
  type Metric,
  type NativeSide,
  type SummaryValue,
} from "../family/family.ts";
import {
  BUCKET,
  COUNTER,
  EXEMPLAR,
  FAMILY,
  HISTOGRAM,
  INSTANT,
  LABEL,
  METRIC,
  QUANTILE,
  SPAN,
  SUMMARY,
} from "./protobuf-schema.ts";

/** Appends a family's message, without its length. */
export function writeFamily(writer: WireWriter, family: Family): void {
  writeHeader(writer, family);
  for (const metric of family.metrics) writeMetric(writer, metric);
}

/** Appends all of a family but its metrics. */
export function writeHeader(writer: WireWriter, { name, help, unit, type }: Omit<Family, "metrics">): void {
  writer.textField(FAMILY.name, name);
  if (help !== undefined) writer.textField(FAMILY.help, help);
  writer.uintField(FAMILY.type, FAMILY_TYPES.indexOf(type));
  if (unit !== undefined) writer.textField(FAMILY.unit, unit);
}

/** Appends one metric to a family's message. */
export function writeMetric(writer: WireWriter, metric: Metric): void {
  const mark = writer.begin(FAMILY.metric);
  writeLabels(writer, METRIC.label, metric.labels);
  switch (metric.kind) {
    case "gauge":
    case "untyped":
    case "counter": {
      const inner = writer.begin(METRIC[metric.kind]);
      writer.doubleField(COUNTER.value, metric.value);
      if (metric.exemplar !== undefined) writeExemplar(writer, COUNTER.exemplar, metric.exemplar);
      writeInstant(writer, COUNTER.created, metric.created);
      writer.end(inner);
      break;
    }
    case "summary":
      if (metric.summary !== undefined) writeSummary(writer, metric.summary);
      break;
    case "histogram":
      if (metric.histogram !== undefined) writeHistogram(writer, metric.histogram);
      break;
    case "nothing":
      break;
  }
  if (metric.timestampMs !== undefined) writer.intField(METRIC.timestampMs, metric.timestampMs);
  writer.end(mark);
}

function writeLabels(writer: WireWriter, field: number, labels: readonly string[]): void {
  for (let i = 0; i < labels.length; i += 2) {
    const mark = writer.begin(field);
    writer.textField(LABEL.name, labels[i] as string);
    writer.textField(LABEL.value, labels[i + 1] as string);
    writer.end(mark);
  }
}

function writeSummary(writer: WireWriter, { count, sum, quantiles, created }: SummaryValue): void {
  const mark = writer.begin(METRIC.summary);
  writeCount(writer, SUMMARY.count, count);
  writeDouble(writer, SUMMARY.sum, sum);
  for (const { quantile, value } of quantiles) {
    const inner = writer.begin(SUMMARY.quantile);
    writer.doubleField(QUANTILE.quantile, quantile);
    writer.doubleField(QUANTILE.value, value);
    writer.end(inner);
  }
  writeInstant(writer, SUMMARY.created, created);
  writer.end(mark);
}

function writeHistogram(writer: WireWriter, histogram: HistogramValue): void {
  const mark = writer.begin(METRIC.histogram);
  writeCount(writer, HISTOGRAM.count, histogram.count);
  writeDouble(writer, HISTOGRAM.sum, histogram.sum);
  for (const { bound, count, floatCount, exemplar } of histogram.buckets) {
    const inner = writer.begin(HISTOGRAM.bucket);
    writeCount(writer, BUCKET.count, count);
    writer.doubleField(BUCKET.bound, bound);
    if (exemplar !== undefined) writeExemplar(writer, BUCKET.exemplar, exemplar);
    writeDouble(writer, BUCKET.floatCount, floatCount);
    writer.end(inner);
  }
  writeDouble(writer, HISTOGRAM.floatCount, histogram.floatCount);
  const { native } = histogram;
  if (native !== undefined) {
    writer.sintField(HISTOGRAM.schema, native.schema);
    writer.doubleField(HISTOGRAM.zeroThreshold, native.zeroThreshold);
    writeCount(writer, HISTOGRAM.zeroCount, native.zeroCount);
    writeDouble(writer, HISTOGRAM.zeroFloatCount, native.zeroFloatCount);
    writeSide(writer, native.negative, HISTOGRAM.negativeSpan, HISTOGRAM.negativeDelta, HISTOGRAM.negativeCount);
    writeSide(writer, native.positive, HISTOGRAM.positiveSpan, HISTOGRAM.positiveDelta, HISTOGRAM.positiveCount);
  }
  writeInstant(writer, HISTOGRAM.created, histogram.created);
  for (const exemplar of native?.exemplars ?? []) writeExemplar(writer, HISTOGRAM.exemplar, exemplar);
  writer.end(mark);
}

function writeSide(
  writer: WireWriter,
  side: NativeSide,
  spanField: number,
  deltaField: number,
  countField: number,
): void {
  for (const { offset, length } of side.spans) {
    const mark = writer.begin(spanField);
    writer.sintField(SPAN.offset, offset);
    writer.uintField(SPAN.length, length);
    writer.end(mark);
  }
  if (side.deltas.length > 0) {
    const mark = writer.begin(deltaField);
    for (const delta of side.deltas) writer.varint(delta);
    writer.end(mark);
  }
  if (side.counts.length > 0) {
    const mark = writer.begin(countField);
    for (const count of side.counts) writer.packedDouble(count);
    writer.end(mark);
  }
}

function writeExemplar(writer: WireWriter, field: number, { labels, value, at }: Exemplar): void {
  const mark = writer.begin(field);
  writeLabels(writer, EXEMPLAR.label, labels);
  writer.doubleField(EXEMPLAR.value, value);
  writeInstant(writer, EXEMPLAR.at, at);
  writer.end(mark);
}

function writeInstant(writer: WireWriter, field: number, instant: Instant | undefined): void {
  if (instant === undefined) return;
  const mark = writer.begin(field);
  writeWhole(writer, INSTANT.seconds, instant.seconds);
  writeWhole(writer, INSTANT.nanos, instant.nanos);
  writer.end(mark);
}

function writeDouble(writer: WireWriter, field: number, value: number | undefined): void {
  if (value !== undefined) writer.doubleField(field, value);
}

/** `uint64`, where a float may have lost its last digits. */
function writeCount(writer: WireWriter, field: number, value: number | undefined): void {
  if (value !== undefined) writeWhole(writer, field, value);
}

function writeWhole(writer: WireWriter, field: number, value: number): void {
  writer.tag(field, WireType.varint);
  writer.uvarint64(Math.floor(value / 0x1_0000_0000) >>> 0, value >>> 0);
}
