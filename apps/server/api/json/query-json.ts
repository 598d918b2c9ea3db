// A query's result as the API's JSON, written straight into bytes: no object and no string per point.
import { type FloatHistogramFields, formatDecimal, type Labels } from "@narthex/model";
import type { MatrixSeries, MatrixValue, QueryResult, QueryStatistics, QueryValue, StepGrid } from "@narthex/promql";
import type { ByteSink } from "./byte-sink.ts";
import { writeHistogram } from "./histogram-json.ts";
import { NUMBER_BYTES, TIME_BYTES, timeText, writeNumber, writeTime, writeTimeDigits } from "./number-text.ts";

/** Members of `stats` that the evaluation itself cannot know. Seconds. */
export interface QueueTimes {
  readonly queueSeconds: number;
  readonly totalSeconds: number;
}

/** Writes the whole envelope of a successful query. `stats` is left out where `times` is undefined. */
export function writeQueryAnswer(sink: ByteSink, result: QueryResult, times: QueueTimes | undefined): void {
  sink.ascii(`{"status":"success","data":{"resultType":"${result.value.kind}","result":`);
  writeValue(sink, result.value);
  if (times !== undefined) writeStatistics(sink, result, times);
  if (result.explanation !== undefined) sink.text(`,"explain":${JSON.stringify(result.explanation)}`);
  sink.ascii("}");
  writeNotes(sink, "warnings", result.warnings);
  writeNotes(sink, "infos", result.infos);
  sink.ascii("}");
  sink.flush();
}

/** Writes `,"name":[...]`, or nothing for an empty list. */
export function writeNotes(sink: ByteSink, name: string, notes: readonly string[]): void {
  if (notes.length > 0) sink.text(`,"${name}":${JSON.stringify(notes)}`);
}

function writeValue(sink: ByteSink, value: QueryValue): void {
  switch (value.kind) {
    case "scalar":
      // Scalars are the one place where the reference never writes an exponent.
      sink.ascii(`[${timeText(value.t)},"${formatDecimal(value.value)}"]`);
      return;
    case "string":
      sink.text(`[${timeText(value.t)},${JSON.stringify(value.value.toWellFormed())}]`);
      return;
    case "vector": {
      sink.ascii("[");
      const at = timeText(value.t);
      for (let i = 0; i < value.elements.length; i++) {
        const { labels, value: v, histogram } = value.elements[i]!;
        sink.ascii(i === 0 ? '{"metric":' : ',{"metric":');
        writeLabels(sink, labels);
        if (histogram === undefined) {
          sink.ascii(`,"value":[${at},"`);
          writeDigits(sink, v);
          sink.ascii('"]}');
        } else {
          sink.ascii(`,"histogram":[${at},`);
          writeHistogram(sink, histogram);
          sink.ascii("]}");
        }
      }
      sink.ascii("]");
      return;
    }
    case "matrix":
      writeMatrix(sink, value);
  }
}

function writeMatrix(sink: ByteSink, matrix: MatrixValue): void {
  const { grid } = matrix;
  // For one series alone the stamps are written where they belong.
  const stamps = grid === undefined || matrix.series.length === 1 ? undefined : new GridStamps(grid);
  sink.ascii("[");
  for (let i = 0; i < matrix.series.length; i++) {
    const series = matrix.series[i]!;
    sink.ascii(i === 0 ? '{"metric":' : ',{"metric":');
    writeLabels(sink, series.labels);
    writeFloats(sink, series, grid, stamps);
    if (series.histograms !== undefined) writeHistograms(sink, series, series.histograms, grid);
    sink.ascii("}");
  }
  sink.ascii("]");
}

/** The longest opening of a point. */
const STAMP_BYTES = TIME_BYTES + 4;

/** The opening `,[seconds,"` of each step, rendered once for all series. */
class GridStamps {
  readonly bytes: Uint8Array;
  /** Where each step's text begins in `bytes`, and behind the last one its end. */
  readonly starts: Uint32Array;

  constructor({ count, startMs, stepMs }: StepGrid) {
    const starts = new Uint32Array(count + 1);
    const bytes = Buffer.allocUnsafe(count * STAMP_BYTES);
    let at = 0;
    for (let i = 0; i < count; i++) {
      bytes[at++] = 44; // ,
      bytes[at++] = 91; // [
      at = writeTimeDigits(bytes, at, startMs + i * stepMs);
      bytes[at++] = 44; // ,
      bytes[at++] = 34; // "
      starts[i + 1] = at;
    }
    this.bytes = bytes;
    this.starts = starts;
  }
}

/** Bytes of a point besides its number: its opening, and the two that close it. */
const POINT_FRAME_BYTES = STAMP_BYTES + 2;

function writeFloats(
  sink: ByteSink,
  series: MatrixSeries,
  grid: StepGrid | undefined,
  stamps: GridStamps | undefined,
): void {
  const { values, present, histograms, times } = series;
  const count = times === undefined ? values.length : times.length;
  let first = true;
  for (let i = 0; i < count; i++) {
    if ((present !== undefined && present[i] === 0) || histograms?.[i] !== undefined) continue;
    if (first) sink.ascii(',"values":[');
    const bytes = sink.reserve(POINT_FRAME_BYTES + NUMBER_BYTES);
    let at = sink.position;
    if (stamps !== undefined) {
      const { bytes: stamp, starts } = stamps;
      const end = starts[i + 1]!;
      // The first point of a series has no comma in front.
      for (let from = first ? starts[i]! + 1 : starts[i]!; from < end; from++) bytes[at++] = stamp[from]!;
    } else {
      if (!first) bytes[at++] = 44; // ,
      bytes[at++] = 91; // [
      at = writeTimeDigits(bytes, at, grid === undefined ? times![i]! : grid.startMs + i * grid.stepMs);
      bytes[at++] = 44; // ,
      bytes[at++] = 34; // "
    }
    first = false;
    at = writeNumber(bytes, at, values[i]!);
    bytes[at++] = 34; // "
    bytes[at++] = 93; // ]
    sink.advance(at);
  }
  if (!first) sink.ascii("]");
}

function writeHistograms(
  sink: ByteSink,
  series: MatrixSeries,
  histograms: readonly (FloatHistogramFields | undefined)[],
  grid: StepGrid | undefined,
): void {
  let first = true;
  for (let i = 0; i < histograms.length; i++) {
    const histogram = histograms[i];
    if (histogram === undefined || (series.present !== undefined && series.present[i] === 0)) continue;
    sink.ascii(first ? ',"histograms":[[' : ",[");
    first = false;
    writeTime(sink, grid === undefined ? (series.times as Float64Array)[i]! : grid.startMs + i * grid.stepMs);
    sink.ascii(",");
    writeHistogram(sink, histogram);
    sink.ascii("]");
  }
  if (!first) sink.ascii("]");
}

/** Writes a label set as a JSON object. */
export function writeLabels(sink: ByteSink, labels: Labels): void {
  const { rendered } = labels;
  if (typeof rendered === "string") {
    sink.ascii(rendered);
    return;
  }
  const { pairs } = labels;
  let text = "{";
  let ascii = true;
  for (let i = 0; i < pairs.length; i++) {
    const part = pairs[i] as string;
    if (i > 0) text += (i & 1) === 0 ? "," : ":";
    if (isPlain(part)) {
      text += `"${part}"`;
    } else {
      // Text that is no valid UTF-16 (bytes that were no UTF-8) shows U+FFFD, as it would after leaving as UTF-8.
      text += JSON.stringify(part.toWellFormed());
      ascii = false;
    }
  }
  text += "}";
  if (!ascii) {
    sink.text(text);
    return;
  }
  sink.ascii(text);
  // Sets that come a second time are those that the storage keeps; most others are garbage soon.
  labels.rendered = rendered === undefined ? 1 : text;
}

/** Whether a text is ASCII that stands in JSON as it is. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x22 || code === 0x5c || code >= 0x7f) return false;
  }
  return true;
}

function writeDigits(sink: ByteSink, value: number): void {
  const bytes = sink.reserve(NUMBER_BYTES);
  sink.advance(writeNumber(bytes, sink.position, value));
}

function writeStatistics(sink: ByteSink, result: QueryResult, times: QueueTimes): void {
  const { statistics } = result;
  const evalTotal = statistics.queryPreparationSeconds + statistics.innerEvalSeconds + statistics.resultSortSeconds;
  const perStep = statistics.totalQueryableSamplesPerStep;
  const readPerStep = statistics.samplesReadPerStep;
  const samples = {
    ...(perStep === undefined ? {} : { totalQueryableSamplesPerStep: stepCounts(statistics, perStep) }),
    totalQueryableSamples: statistics.totalQueryableSamples,
    ...(readPerStep === undefined ? {} : { samplesReadPerStep: stepCounts(statistics, readPerStep) }),
    samplesRead: statistics.samplesRead,
    peakSamples: statistics.peakSamples,
  } satisfies Partial<Record<keyof QueryStatistics, unknown>>;
  sink.ascii(
    `,"stats":${JSON.stringify({
      timings: {
        evalTotalTime: evalTotal,
        resultSortTime: statistics.resultSortSeconds,
        queryPreparationTime: statistics.queryPreparationSeconds,
        innerEvalTime: statistics.innerEvalSeconds,
        execQueueTime: times.queueSeconds,
        execTotalTime: times.totalSeconds,
      },
      samples,
    })}`,
  );
}

function stepCounts({ startMs, stepMs }: QueryStatistics, counts: readonly number[]): [number, number][] {
  return counts.map((count, i) => [(startMs + i * stepMs) / 1000, count]);
}
