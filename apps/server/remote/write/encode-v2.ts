// Requests of remote write 2.0: texts stand once in a symbol table, labels refer to it.
import type { WireWriter } from "@narthex/encoding";
import type { Exemplar, Metadata, MetricType } from "@narthex/model";
import { writeHistogram } from "../histogram-wire.ts";
import { ExemplarField, MetadataV2Field, RequestV2Field, SampleField, TimeSeriesV2Field } from "../wire.ts";
import type { OutgoingBatch, OutgoingSeries } from "./outgoing-batch.ts";

const TYPES: Readonly<Record<MetricType, number>> = {
  unknown: 0,
  counter: 1,
  gauge: 2,
  histogram: 3,
  gaugehistogram: 4,
  summary: 5,
  info: 6,
  stateset: 7,
};

/** The symbols of one request; the first is always the empty text. */
class Symbols {
  readonly texts: string[] = [""];
  readonly #refs = new Map<string, number>([["", 0]]);

  ref(text: string): number {
    let ref = this.#refs.get(text);
    if (ref === undefined) {
      ref = this.texts.length;
      this.texts.push(text);
      this.#refs.set(text, ref);
    }
    return ref;
  }
}

/** Appends the batch as an `io.prometheus.write.v2.Request`. A time series holds either floats or histograms. */
export function encodeV2(batch: OutgoingBatch, writer: WireWriter): void {
  const symbols = new Symbols();
  for (const { pairs, metadata } of batch.series) {
    for (const text of pairs) symbols.ref(text);
    if (metadata === undefined) continue;
    symbols.ref(metadata.help);
    symbols.ref(metadata.unit);
  }
  for (const exemplar of batch.exemplarOf) for (const text of exemplar?.labels.pairs ?? []) symbols.ref(text);
  for (const text of symbols.texts) writer.textField(RequestV2Field.symbols, text);
  for (let i = 0; i < batch.count; i++) {
    const series = batch.series[i] as OutgoingSeries;
    const entry = writer.begin(RequestV2Field.timeseries);
    writeRefs(writer, TimeSeriesV2Field.labelsRefs, series.pairs, symbols);
    writeEntry(batch, i, writer, symbols);
    if (series.metadata !== undefined) writeMetadata(writer, series.metadata, symbols);
    writer.end(entry);
  }
}

function writeEntry(batch: OutgoingBatch, i: number, writer: WireWriter, symbols: Symbols): void {
  const t = batch.times[i] as number;
  const startTime = batch.startTimes[i] as number;
  const exemplar = batch.exemplarOf[i];
  const histogram = batch.histogramOf[i];
  if (exemplar !== undefined) writeExemplar(writer, exemplar, symbols);
  else if (histogram !== undefined) {
    writeHistogram(writer, TimeSeriesV2Field.histograms, t, histogram, startTime);
  } else {
    const sample = writer.begin(TimeSeriesV2Field.samples);
    writer.doubleBitsField(SampleField.value, batch.halves[2 * i + 1] as number, batch.halves[2 * i] as number);
    writer.intField(SampleField.timestamp, t);
    if (startTime !== 0) writer.intField(SampleField.startTimestamp, startTime);
    writer.end(sample);
  }
}

function writeRefs(writer: WireWriter, field: number, pairs: readonly string[], symbols: Symbols): void {
  const list = writer.begin(field);
  for (const text of pairs) writer.uvarint(symbols.ref(text));
  writer.end(list);
}

function writeExemplar(writer: WireWriter, { labels, value, t }: Exemplar, symbols: Symbols): void {
  const exemplar = writer.begin(TimeSeriesV2Field.exemplars);
  writeRefs(writer, ExemplarField.labels, labels.pairs, symbols);
  writer.doubleField(ExemplarField.value, value);
  writer.intField(ExemplarField.timestamp, t);
  writer.end(exemplar);
}

function writeMetadata(writer: WireWriter, { type, help, unit }: Metadata, symbols: Symbols): void {
  const metadata = writer.begin(TimeSeriesV2Field.metadata);
  writer.uintField(MetadataV2Field.type, TYPES[type]);
  writer.uintField(MetadataV2Field.helpRef, symbols.ref(help));
  writer.uintField(MetadataV2Field.unitRef, symbols.ref(unit));
  writer.end(metadata);
}
