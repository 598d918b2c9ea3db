// A query's result as CSV (RFC 4180), one line per point: labels, then time and value. Written straight into bytes.
import type { FloatHistogramFields, Labels } from "@narthex/model";
import { METRIC_NAME } from "@narthex/model";
import type { MatrixSeries, MatrixValue, QueryResult } from "@narthex/promql";
import { ByteSink } from "../json/byte-sink.ts";
import { writeHistogram } from "../json/histogram-json.ts";
import { NUMBER_BYTES, timeText, writeNumber } from "../json/number-text.ts";

export const CSV_CONTENT_TYPE = "text/csv; charset=utf-8; header=present";

const LINE_END = "\r\n";

/**
 * Writes the header line and all points. Columns: every label name of the result, `__name__` first and the others
 * sorted, then `timestamp` (seconds) and `value`. A native histogram's value is its JSON. Labels that would bear the
 * name of one of the two last columns keep it: columns count by position.
 */
export function writeQueryCsv(sink: ByteSink, { value }: QueryResult): void {
  switch (value.kind) {
    case "scalar":
    case "string": {
      sink.ascii(`timestamp,value${LINE_END}`);
      sink.text(`${timeText(value.t)},`);
      if (value.kind === "string") sink.text(field(value.value));
      else writeDigits(sink, value.value);
      sink.ascii(LINE_END);
      break;
    }
    case "vector": {
      const names = labelNames(value.elements);
      writeHeader(sink, names);
      const at = timeText(value.t);
      for (const { labels, value: v, histogram } of value.elements) {
        sink.text(`${labelFields(labels, names)}${at},`);
        writeValue(sink, v, histogram);
      }
      break;
    }
    case "matrix":
      writeMatrix(sink, value);
  }
  sink.flush();
}

function writeMatrix(sink: ByteSink, { grid, series }: MatrixValue): void {
  const names = labelNames(series);
  writeHeader(sink, names);
  const stamps = grid === undefined ? undefined : gridStamps(grid.startMs, grid.stepMs, grid.count);
  for (const each of series) {
    const prefix = Buffer.from(labelFields(each.labels, names), "utf8");
    const count = each.times === undefined ? each.values.length : each.times.length;
    for (let i = 0; i < count; i++) {
      if (each.present !== undefined && each.present[i] === 0) continue;
      sink.bytes(prefix);
      sink.ascii(stamps === undefined ? `${timeText((each.times as Float64Array)[i]!)},` : stamps[i]!);
      writeValue(sink, each.values[i]!, histogramAt(each, i));
    }
  }
}

function gridStamps(startMs: number, stepMs: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${timeText(startMs + i * stepMs)},`);
}

function histogramAt({ histograms }: MatrixSeries, index: number): FloatHistogramFields | undefined {
  return histograms?.[index];
}

function labelNames(elements: readonly { readonly labels: Labels }[]): string[] {
  const names = new Set<string>();
  for (const { labels } of elements) for (let i = 0; i < labels.pairs.length; i += 2) names.add(labels.pairs[i]!);
  const hasName = names.delete(METRIC_NAME);
  return [...(hasName ? [METRIC_NAME] : []), ...[...names].sort()];
}

function writeHeader(sink: ByteSink, names: readonly string[]): void {
  sink.text([...names.map(field), "timestamp", "value"].join(",") + LINE_END);
}

function labelFields(labels: Labels, names: readonly string[]): string {
  let text = "";
  for (const name of names) text += `${field(labels.get(name))},`;
  return text;
}

function writeValue(sink: ByteSink, value: number, histogram: FloatHistogramFields | undefined): void {
  if (histogram === undefined) {
    writeDigits(sink, value);
  } else {
    const parts: Uint8Array[] = [];
    const inner = new ByteSink((bytes) => parts.push(bytes));
    writeHistogram(inner, histogram);
    inner.flush();
    sink.text(field(Buffer.concat(parts).toString("latin1")));
  }
  sink.ascii(LINE_END);
}

function writeDigits(sink: ByteSink, value: number): void {
  const bytes = sink.reserve(NUMBER_BYTES);
  sink.advance(writeNumber(bytes, sink.position, value));
}

/** A text as a field: quoted where it must be. */
function field(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
