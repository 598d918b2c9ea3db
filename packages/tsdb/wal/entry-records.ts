// Records of what is rare enough to be objects: tombstones, markers of chunks, exemplars, metadata; see record.ts.
import type { ByteWriter } from "@narthex/encoding";
import type { Exemplar, Metadata, MetricType } from "@narthex/model";
import { decoding, RecordType, recordBody } from "./record.ts";
import type { RecordReader } from "./record-reader.ts";
import { decodeLabels, encodeLabels } from "./series-record.ts";

/** A deleted range of one series, both ends included (milliseconds). */
export interface TombstoneEntry {
  readonly ref: number;
  readonly minTime: number;
  readonly maxTime: number;
}

/** Both ends of all times, as 64-bit integers have them. */
const FIRST_TIME = -(2 ** 63);
const LAST_TIME = 2 ** 63;

/**
 * The entry that ends a series: it left the head here, since all its samples are in blocks, and a series with its labels that the
 * log names later is another one. Source: `truncateSeries` of the reference's head.
 */
export function endOfSeries(ref: number): TombstoneEntry {
  return { ref, minTime: FIRST_TIME, maxTime: LAST_TIME };
}

export function isEndOfSeries({ minTime, maxTime }: TombstoneEntry): boolean {
  return minTime === FIRST_TIME && maxTime === LAST_TIME;
}

/** A time of 64 bits; beyond what a float holds exactly, the nearest one. */
function readTime(reader: RecordReader): number {
  reader.varint64();
  return (reader.high | 0) * 0x1_0000_0000 + reader.low;
}

export function decodeTombstones(bytes: Uint8Array, start: number, end: number): TombstoneEntry[] {
  const reader = recordBody(bytes, start, end, RecordType.tombstones);
  return decoding("tombstones", () => {
    const stones: TombstoneEntry[] = [];
    while (reader.position < end)
      stones.push({ ref: reader.uint64Number(), minTime: readTime(reader), maxTime: readTime(reader) });
    return stones;
  });
}

export function encodeTombstones(into: ByteWriter, stones: readonly TombstoneEntry[]): void {
  into.uint8(RecordType.tombstones);
  for (const { ref, minTime, maxTime } of stones) {
    into.int64Number(ref);
    into.varint(minTime);
    if (maxTime < LAST_TIME) into.varint(maxTime);
    else into.varint64(0x7fff_ffff, 0xffff_ffff);
  }
}

/** Says that all out-of-order samples of a series so far lie in mapped chunks, the last one at `chunkRef`. */
export interface MmapMarker {
  readonly ref: number;
  /** File number times 2^32, plus offset. */
  readonly chunkRef: number;
}

export function decodeMmapMarkers(bytes: Uint8Array, start: number, end: number): MmapMarker[] {
  const reader = recordBody(bytes, start, end, RecordType.mmapMarkers);
  return decoding("mmap markers", () => {
    const markers: MmapMarker[] = [];
    while (reader.position < end) markers.push({ ref: reader.uint64Number(), chunkRef: reader.uint64Number() });
    return markers;
  });
}

export function encodeMmapMarkers(into: ByteWriter, markers: readonly MmapMarker[]): void {
  into.uint8(RecordType.mmapMarkers);
  for (const { ref, chunkRef } of markers) {
    into.int64Number(ref);
    into.int64Number(chunkRef);
  }
}

export interface ExemplarEntry {
  readonly ref: number;
  readonly exemplar: Exemplar;
}

export function decodeExemplars(bytes: Uint8Array, start: number, end: number): ExemplarEntry[] {
  const reader = recordBody(bytes, start, end, RecordType.exemplars);
  return decoding("exemplars", () => {
    const exemplars: ExemplarEntry[] = [];
    if (reader.position >= end) return exemplars;
    const baseRef = reader.uint64Number();
    const baseTime = reader.int64Number();
    while (reader.position < end) {
      const ref = baseRef + reader.varint();
      const t = baseTime + reader.varint();
      const value = reader.float64();
      exemplars.push({ ref, exemplar: { labels: decodeLabels(reader), value, t } });
    }
    return exemplars;
  });
}

export function encodeExemplars(into: ByteWriter, exemplars: readonly ExemplarEntry[]): void {
  into.uint8(RecordType.exemplars);
  const first = exemplars[0];
  if (first === undefined) return;
  into.int64Number(first.ref);
  into.int64Number(first.exemplar.t);
  for (const { ref, exemplar } of exemplars) {
    into.varint(ref - first.ref);
    into.varint(exemplar.t - first.exemplar.t);
    into.float64(exemplar.value);
    encodeLabels(into, exemplar.labels);
  }
}

/** The metadata type byte's meanings, by position. */
const METRIC_TYPES: readonly MetricType[] = [
  "unknown",
  "counter",
  "gauge",
  "histogram",
  "gaugehistogram",
  "summary",
  "info",
  "stateset",
];

export interface MetadataEntry {
  readonly ref: number;
  readonly metadata: Metadata;
}

export function decodeMetadata(bytes: Uint8Array, start: number, end: number): MetadataEntry[] {
  const reader = recordBody(bytes, start, end, RecordType.metadata);
  return decoding("metadata", () => {
    const entries: MetadataEntry[] = [];
    while (reader.position < end) {
      const ref = reader.uvarint();
      const type = METRIC_TYPES[reader.uint8()] ?? "unknown";
      let help = "";
      let unit = "";
      for (let fields = reader.uvarint(); fields > 0; fields--) {
        const name = reader.uvarintText();
        const value = reader.uvarintText();
        if (name === "UNIT") unit = value;
        else if (name === "HELP") help = value;
      }
      entries.push({ ref, metadata: { type, help, unit } });
    }
    return entries;
  });
}

export function encodeMetadata(into: ByteWriter, entries: readonly MetadataEntry[]): void {
  into.uint8(RecordType.metadata);
  for (const { ref, metadata } of entries) {
    into.uvarint(ref);
    into.uint8(Math.max(0, METRIC_TYPES.indexOf(metadata.type)));
    into.uvarint(2);
    into.uvarintText("UNIT");
    into.uvarintText(metadata.unit);
    into.uvarintText("HELP");
    into.uvarintText(metadata.help);
  }
}
