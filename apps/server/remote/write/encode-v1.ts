// Requests of remote write 1.0. Each entry is a time series of its own, as the reference sends them.
import type { WireWriter } from "@narthex/encoding";
import type { Exemplar } from "@narthex/model";
import { writeHistogram } from "../histogram-wire.ts";
import { writeLabels } from "../label-wire.ts";
import { ExemplarField, SampleField, TimeSeriesField, WriteRequestField } from "../wire.ts";
import type { OutgoingBatch } from "./outgoing-batch.ts";

/** Appends the batch as a `prometheus.WriteRequest`. Histograms with custom buckets must have been left out before. */
export function encodeV1(batch: OutgoingBatch, writer: WireWriter): void {
  const { times, halves } = batch;
  for (let i = 0; i < batch.count; i++) {
    const entry = writer.begin(WriteRequestField.timeseries);
    writeLabels(writer, TimeSeriesField.labels, (batch.series[i] as (typeof batch.series)[number]).pairs);
    const histogram = batch.histogramOf[i];
    const exemplar = batch.exemplarOf[i];
    if (exemplar !== undefined) writeExemplar(writer, exemplar);
    else if (histogram !== undefined) {
      writeHistogram(writer, TimeSeriesField.histograms, times[i] as number, histogram);
    } else {
      const sample = writer.begin(TimeSeriesField.samples);
      writer.doubleBitsField(SampleField.value, halves[2 * i + 1] as number, halves[2 * i] as number);
      writer.intField(SampleField.timestamp, times[i] as number);
      writer.end(sample);
    }
    writer.end(entry);
  }
}

function writeExemplar(writer: WireWriter, { labels, value, t }: Exemplar): void {
  const exemplar = writer.begin(TimeSeriesField.exemplars);
  writeLabels(writer, ExemplarField.labels, labels.pairs);
  writer.doubleField(ExemplarField.value, value);
  writer.intField(ExemplarField.timestamp, t);
  writer.end(exemplar);
}
