// Requests of remote write 2.0: texts stand once in a symbol table, labels refer to it.
import { WireWriter } from "@narthex/encoding";
import { type Exemplar, isStaleAt } from "@narthex/model";
import { writeHistogram } from "../histogram-wire.ts";
import { ExemplarField, MetadataV2Field, RequestV2Field, SampleField, TimeSeriesV2Field } from "../wire.ts";
import { floatsUntil, type OutgoingBatch } from "./outgoing-batch.ts";
import type { SeriesTable } from "./series-table.ts";
import { RequestSymbols } from "./symbol-pool.ts";

const BYTES_FIELD = 2;
const ENTRY_TAG = (RequestV2Field.timeseries << 3) | BYTES_FIELD;
const LABELS_TAG = (TimeSeriesV2Field.labelsRefs << 3) | BYTES_FIELD;
const SAMPLES_TAG = (TimeSeriesV2Field.samples << 3) | BYTES_FIELD;
const VALUE_TAG = (SampleField.value << 3) | 1;
const TIME_TAG = SampleField.timestamp << 3;
/** Most bytes that an entry takes besides its labels: tags, lengths, value, times, metadata. */
const MAX_SAMPLE_BYTES = 96;
/** A ref of five bytes stands for a number of one byte at least. */
const MAX_REF_BYTES = 5;

/** The varint of a time that many samples share. */
const timeBytes = new WireWriter(16);

/** Fills in the length of what was written from `start` on, in the byte before; moves it up where that takes more. */
function closed(bytes: Uint8Array, start: number, end: number): number {
  let left = end - start;
  if (left < 0x80) {
    bytes[start - 1] = left;
    return end;
  }
  const extra = left < 0x4000 ? 1 : left < 0x20_0000 ? 2 : 3;
  bytes.copyWithin(start + extra, start, end);
  let at = start - 1;
  while (left >= 0x80) {
    bytes[at++] = (left & 0x7f) | 0x80;
    left >>>= 7;
  }
  bytes[at] = left;
  return end + extra;
}

/** Writes requests of one queue, whose series are in the form "symbols". */
export class EncoderV2 {
  readonly #series: SeriesTable;
  readonly #symbols: RequestSymbols;
  /** Series come behind the symbols that they use, which are known only when all are written. */
  readonly #entries = new WireWriter(64 * 1024);

  constructor(series: SeriesTable) {
    this.#series = series;
    this.#symbols = new RequestSymbols(series.pool);
  }

  /** Appends the batch as an `io.prometheus.write.v2.Request`. A time series holds one float, histogram or exemplar. */
  encode(batch: OutgoingBatch, writer: WireWriter): void {
    const entries = this.#entries;
    entries.clear();
    this.#symbols.begin();
    for (let i = 0; i < batch.count; ) {
      const to = floatsUntil(batch, i);
      if (to > i) this.#writeFloats(batch, i, to);
      if (to < batch.count) this.#writeOther(batch, to);
      i = to + 1;
    }
    for (const text of this.#symbols.texts) writer.textField(RequestV2Field.symbols, text);
    writer.raw(entries.view());
  }

  /** The hot path: into memory that is reserved at once; lengths are filled in behind, where one byte nearly always does. */
  #writeFloats(batch: OutgoingBatch, from: number, to: number): void {
    const writer = this.#entries;
    const symbols = this.#symbols;
    const { slots, times, halves, startTimes } = batch;
    const { pages, starts, lengths, arena, types, helps, units } = this.#series;
    let bound = 0;
    for (let i = from; i < to; i++) bound += MAX_REF_BYTES * (lengths[slots[i] as number] as number) + MAX_SAMPLE_BYTES;
    writer.reserve(bound);
    const { bytes } = writer;
    const target = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { refs, stamps, stamp } = symbols;
    let at = writer.length;
    let t = Number.NaN;
    for (let i = from; i < to; i++) {
      const slot = slots[i] as number;
      if (times[i] !== t) {
        // Samples of one scrape have the same time.
        t = times[i] as number;
        timeBytes.clear();
        timeBytes.packedInt(t);
      }
      bytes[at] = ENTRY_TAG;
      const entry = at + 2;
      bytes[entry] = LABELS_TAG;
      const list = entry + 2;
      at = list;
      const source = arena.pages[pages[slot] as number] as Uint8Array;
      let read = (starts[slot] as number) | 0;
      const end = read + ((lengths[slot] as number) | 0);
      while (read < end) {
        let id = source[read++] as number;
        if (id >= 0x80) {
          id &= 0x7f;
          for (let shift = 7; ; shift += 7) {
            const byte = source[read++] as number;
            id |= (byte & 0x7f) << shift;
            if (byte < 0x80) break;
          }
        }
        let ref = stamps[id] === stamp ? (refs[id] as number) : symbols.ref(id);
        while (ref >= 0x80) {
          bytes[at++] = (ref & 0x7f) | 0x80;
          ref >>>= 7;
        }
        bytes[at++] = ref;
      }
      at = closed(bytes, list, at);
      bytes[at++] = SAMPLES_TAG;
      const sample = at + 1;
      at = sample;
      bytes[at++] = VALUE_TAG;
      target.setUint32(at, halves[2 * i] as number, true);
      target.setUint32(at + 4, halves[2 * i + 1] as number, true);
      at += 8;
      bytes[at++] = TIME_TAG;
      const varint = timeBytes.bytes;
      for (let k = 0; k < timeBytes.length; k++) bytes[at++] = varint[k] as number;
      const hasMetadata = types[slot] !== 0 || helps[slot] !== 0 || units[slot] !== 0;
      const startTime = startTimes === undefined ? 0 : (startTimes[i] as number);
      writer.length = at;
      if (startTime !== 0) writer.intField(SampleField.startTimestamp, startTime);
      bytes[sample - 1] = writer.length - sample;
      if (hasMetadata) this.#writeMetadata(slot);
      at = closed(bytes, entry, writer.length);
    }
    writer.length = at;
  }

  #writeOther(batch: OutgoingBatch, i: number): void {
    const writer = this.#entries;
    const slot = batch.slots[i] as number;
    const entry = writer.begin(RequestV2Field.timeseries);
    this.#writeLabels(slot);
    const exemplar = batch.exemplarOf?.[i];
    const histogram = batch.histogramOf?.[i];
    if (exemplar !== undefined) this.#writeExemplar(exemplar);
    else if (histogram !== undefined) {
      const stale = isStaleAt(batch.halves, i);
      const startTime = batch.startTimes?.[i] ?? 0;
      const t = batch.times[i] as number;
      writeHistogram(writer, TimeSeriesV2Field.histograms, t, histogram, startTime, true, stale);
    }
    this.#writeMetadata(slot);
    writer.end(entry);
  }

  #writeLabels(slot: number): void {
    const writer = this.#entries;
    const { pages, starts, lengths, arena } = this.#series;
    const bytes = arena.pages[pages[slot] as number] as Uint8Array;
    const list = writer.begin(TimeSeriesV2Field.labelsRefs);
    let at = starts[slot] as number;
    const end = at + (lengths[slot] as number);
    while (at < end) {
      let id = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++] as number;
        id |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      writer.uvarint(this.#symbols.ref(id));
    }
    writer.end(list);
  }

  #writeExemplar({ labels, value, t }: Exemplar): void {
    const writer = this.#entries;
    const exemplar = writer.begin(TimeSeriesV2Field.exemplars);
    const list = writer.begin(ExemplarField.labels);
    for (const text of labels.pairs) writer.uvarint(this.#symbols.refOf(text));
    writer.end(list);
    writer.doubleField(ExemplarField.value, value);
    writer.intField(ExemplarField.timestamp, t);
    writer.end(exemplar);
  }

  #writeMetadata(slot: number): void {
    const writer = this.#entries;
    const { types, helps, units } = this.#series;
    const type = types[slot] as number;
    const help = helps[slot] as number;
    const unit = units[slot] as number;
    if (type === 0 && help === 0 && unit === 0) return;
    const metadata = writer.begin(TimeSeriesV2Field.metadata);
    if (type !== 0) writer.uintField(MetadataV2Field.type, type);
    if (help !== 0) writer.uintField(MetadataV2Field.helpRef, this.#symbols.ref(help));
    if (unit !== 0) writer.uintField(MetadataV2Field.unitRef, this.#symbols.ref(unit));
    writer.end(metadata);
  }
}
