// Requests of remote write 1.0. Each entry is a time series of its own, as the reference sends them.
import { WireWriter } from "@narthex/encoding";
import { type Exemplar, isStaleAt, type Metadata } from "@narthex/model";
import { writeHistogram } from "../histogram-wire.ts";
import { writeLabels } from "../label-wire.ts";
import { ExemplarField, MetadataField, SampleField, TimeSeriesField, WriteRequestField } from "../wire.ts";
import { floatsUntil, type OutgoingBatch } from "./outgoing-batch.ts";
import { METRIC_TYPES, type SeriesTable } from "./series-table.ts";

/** The varint of a time that many samples share. */
const timeBytes = new WireWriter(16);

const BYTES_FIELD = 2;
const ENTRY_TAG = (WriteRequestField.timeseries << 3) | BYTES_FIELD;
const SAMPLES_TAG = (TimeSeriesField.samples << 3) | BYTES_FIELD;
const VALUE_TAG = (SampleField.value << 3) | 1;
const TIME_TAG = SampleField.timestamp << 3;
/** Most bytes that an entry takes besides its labels: tags, lengths, value and time. */
const MAX_SAMPLE_BYTES = 48;

/**
 * Appends the batch as a `prometheus.WriteRequest`. Histograms with custom buckets must have been left out before. `series` has
 * labels in the form "labels".
 */
export function encodeV1(batch: OutgoingBatch, series: SeriesTable, writer: WireWriter): void {
  for (let from = 0; from < batch.count; ) {
    const to = floatsUntil(batch, from);
    if (to > from) writeFloats(batch, series, from, to, writer);
    if (to < batch.count) writeOther(batch, series, to, writer);
    from = to + 1;
  }
}

/** Appends metadata as a `prometheus.WriteRequest` without samples. */
export function encodeMetadataV1(entries: readonly (readonly [string, Metadata])[], writer: WireWriter): void {
  for (const [family, { type, help, unit }] of entries) {
    const entry = writer.begin(WriteRequestField.metadata);
    if (METRIC_TYPES[type] !== 0) writer.uintField(MetadataField.type, METRIC_TYPES[type]);
    if (family !== "") writer.textField(MetadataField.family, family);
    if (help !== "") writer.textField(MetadataField.help, help);
    if (unit !== "") writer.textField(MetadataField.unit, unit);
    writer.end(entry);
  }
}

/** The hot path: everything's length is known beforehand, so that bytes are written once, and into memory reserved at once. */
function writeFloats(batch: OutgoingBatch, series: SeriesTable, from: number, to: number, writer: WireWriter): void {
  const { slots, times, halves } = batch;
  const { pages, starts, lengths, arena } = series;
  let bound = 0;
  for (let i = from; i < to; i++) bound += (lengths[slots[i] as number] as number) + MAX_SAMPLE_BYTES;
  writer.reserve(bound);
  const { bytes } = writer;
  const target = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = writer.length;
  let t = Number.NaN;
  for (let i = from; i < to; i++) {
    const slot = slots[i] as number;
    const labelBytes = (lengths[slot] as number) | 0;
    if (times[i] !== t) {
      // Samples of one scrape have the same time.
      t = times[i] as number;
      timeBytes.clear();
      timeBytes.packedInt(t);
    }
    const timeLength = timeBytes.length;
    const sampleBytes = 1 + 8 + 1 + timeLength;
    let left = labelBytes + 2 + sampleBytes;
    bytes[at++] = ENTRY_TAG;
    while (left >= 0x80) {
      bytes[at++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    bytes[at++] = left;
    // Four bytes at a time: views would be an object per sample.
    const page = pages[slot] as number;
    const source = arena.views[page] as DataView;
    let read = (starts[slot] as number) | 0;
    const end = read + labelBytes;
    for (; read + 4 <= end; read += 4, at += 4) target.setInt32(at, source.getInt32(read));
    for (; read < end; read++) bytes[at++] = source.getUint8(read);
    bytes[at++] = SAMPLES_TAG;
    bytes[at++] = sampleBytes;
    bytes[at++] = VALUE_TAG;
    target.setUint32(at, halves[2 * i] as number, true);
    target.setUint32(at + 4, halves[2 * i + 1] as number, true);
    at += 8;
    bytes[at++] = TIME_TAG;
    const source8 = timeBytes.bytes;
    for (let k = 0; k < timeLength; k++) bytes[at++] = source8[k] as number;
  }
  writer.length = at;
}

function writeOther(batch: OutgoingBatch, series: SeriesTable, i: number, writer: WireWriter): void {
  const slot = batch.slots[i] as number;
  const entry = writer.begin(WriteRequestField.timeseries);
  const start = series.starts[slot] as number;
  const page = series.arena.pages[series.pages[slot] as number] as Uint8Array;
  writer.raw(page.subarray(start, start + (series.lengths[slot] as number)));
  const exemplar = batch.exemplarOf?.[i];
  const histogram = batch.histogramOf?.[i];
  if (exemplar !== undefined) writeExemplar(writer, exemplar);
  else if (histogram !== undefined) {
    const stale = isStaleAt(batch.halves, i);
    writeHistogram(writer, TimeSeriesField.histograms, batch.times[i] as number, histogram, 0, true, stale);
  }
  writer.end(entry);
}

function writeExemplar(writer: WireWriter, { labels, value, t }: Exemplar): void {
  const exemplar = writer.begin(TimeSeriesField.exemplars);
  writeLabels(writer, ExemplarField.labels, labels.pairs);
  writer.doubleField(ExemplarField.value, value);
  writer.intField(ExemplarField.timestamp, t);
  writer.end(exemplar);
}
