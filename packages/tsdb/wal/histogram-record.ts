// Records of native histograms: types 7 to 10, and 12 and 13, which also carry start timestamps.
import type { ByteWriter } from "@narthex/encoding";
import {
  type CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogramFields,
  type Span,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "@narthex/model";
import { decoding, RecordError, RecordType } from "./record.ts";
import { RecordReader } from "./record-reader.ts";
import { readStartTime, writeStartTime } from "./sample-record.ts";

/** One histogram of a record. `integer`: its counts came as integers, and go back as such. */
export interface HistogramEntry {
  readonly ref: number;
  readonly t: number;
  readonly integer: boolean;
  readonly histogram: FloatHistogramFields;
  /** It is a stale marker: then nothing else of the histogram counts. */
  readonly stale: boolean;
  /** Start timestamp, 0 where unknown. */
  readonly startTime: number;
}

/** Whether a record of this type holds histograms. */
export function isHistogramRecord(type: number): boolean {
  return (
    (type >= RecordType.histograms && type <= RecordType.customBucketFloatHistograms) ||
    type === RecordType.histogramsV2 ||
    type === RecordType.floatHistogramsV2
  );
}

function isIntegerRecord(type: number): boolean {
  return (
    type === RecordType.histograms || type === RecordType.customBucketHistograms || type === RecordType.histogramsV2
  );
}

/** Decodes a histogram record of any type. */
export function decodeHistograms(bytes: Uint8Array, start: number, end: number): HistogramEntry[] {
  const type = bytes[start] as number;
  if (start >= end || !isHistogramRecord(type)) throw new RecordError(`invalid record type ${type} for histograms`);
  const integer = isIntegerRecord(type);
  const reader = new RecordReader(bytes, start + 1, end);
  return decoding("histogram", () => {
    const entries: HistogramEntry[] = [];
    if (reader.position >= end) return entries;
    const withStartTimes = type === RecordType.histogramsV2 || type === RecordType.floatHistogramsV2;
    let ref = withStartTimes ? reader.varint() : reader.uint64Number();
    const baseTime = withStartTimes ? reader.varint() : reader.int64Number();
    const firstStart = withStartTimes ? reader.varint() : 0;
    const baseRef = ref;
    let startTime = firstStart;
    while (reader.position < end) {
      let t = baseTime;
      if (!withStartTimes) {
        ref = baseRef + reader.varint();
        t += reader.varint();
      } else if (entries.length > 0) {
        ref += reader.varint();
        t += reader.varint();
        startTime = readStartTime(reader, startTime, firstStart);
      }
      const histogram = readHistogram(reader, integer);
      entries.push({ ref, t, integer, histogram, stale: lastSumWasStale, startTime });
    }
    return entries;
  });
}

/** Whether the sum that was read last is the stale marker: told by bits, which a number may lose. */
let lastSumWasStale = false;

/** Reads one histogram as logs and snapshots store it. */
export function readHistogram(reader: RecordReader, integer: boolean): FloatHistogramFields {
  const counterResetHint = (reader.uint8() & 3) as CounterResetHint;
  const schema = reader.varint();
  const zeroThreshold = reader.float64();
  const zeroCount = integer ? reader.uvarint() : reader.float64();
  const count = integer ? reader.uvarint() : reader.float64();
  const sumAt = reader.position;
  const sumHigh = reader.uint32();
  lastSumWasStale = sumHigh === STALE_NAN_HIGH && reader.uint32() === STALE_NAN_LOW;
  reader.position = sumAt;
  const sum = reader.float64();
  const positiveSpans = readSpans(reader);
  const negativeSpans = readSpans(reader);
  const positiveBuckets = readBuckets(reader, integer);
  const negativeBuckets = readBuckets(reader, integer);
  const customValues = schema === CUSTOM_BUCKETS_SCHEMA ? [...readFloats(reader, reader.count(8))] : [];
  return {
    counterResetHint,
    schema,
    zeroThreshold,
    zeroCount,
    count,
    sum,
    positiveSpans,
    negativeSpans,
    positiveBuckets,
    negativeBuckets,
    customValues,
  };
}

function readSpans(reader: RecordReader): Span[] {
  const spans: Span[] = [];
  for (let count = reader.count(2); count > 0; count--)
    spans.push({ offset: reader.varint(), length: reader.uvarint() });
  return spans;
}

function readBuckets(reader: RecordReader, integer: boolean): Float64Array {
  if (!integer) return readFloats(reader, reader.count(8));
  const buckets = new Float64Array(reader.count(1));
  let current = 0;
  for (let i = 0; i < buckets.length; i++) {
    current += reader.varint();
    buckets[i] = current;
  }
  return buckets;
}

function readFloats(reader: RecordReader, count: number): Float64Array {
  const floats = new Float64Array(count);
  for (let i = 0; i < count; i++) floats[i] = reader.float64();
  return floats;
}

/**
 * Encodes histograms as records (types 7 to 10), each kind in one of its own since the format wants it so.
 * `log` is called with each record in `scratch`, which is cleared before.
 */
export function encodeHistograms(
  scratch: ByteWriter,
  entries: readonly HistogramEntry[],
  log: (record: ByteWriter) => void,
): void {
  for (const type of [
    RecordType.histograms,
    RecordType.customBucketHistograms,
    RecordType.floatHistograms,
    RecordType.customBucketFloatHistograms,
  ]) {
    let first: HistogramEntry | undefined;
    for (const entry of entries) {
      if (recordTypeOf(entry) !== type) continue;
      if (first === undefined) {
        first = entry;
        scratch.clear();
        scratch.uint8(type);
        scratch.int64Number(entry.ref);
        scratch.int64Number(entry.t);
      }
      scratch.varint(entry.ref - first.ref);
      scratch.varint(entry.t - first.t);
      writeHistogram(scratch, entry.histogram, entry.integer, entry.stale);
    }
    if (first !== undefined) log(scratch);
  }
}

/**
 * Encodes histograms with their start timestamps as records (types 12 and 13): integers in one, floats in another, whatever their
 * buckets. `log` is called with each record in `scratch`, which is cleared before.
 */
export function encodeHistogramsV2(
  scratch: ByteWriter,
  entries: readonly HistogramEntry[],
  log: (record: ByteWriter) => void,
): void {
  for (const integer of [true, false]) {
    let first: HistogramEntry | undefined;
    let before: HistogramEntry | undefined;
    for (const entry of entries) {
      if (entry.integer !== integer) continue;
      if (first === undefined || before === undefined) {
        first = entry;
        scratch.clear();
        scratch.uint8(integer ? RecordType.histogramsV2 : RecordType.floatHistogramsV2);
        scratch.varint(entry.ref);
        scratch.varint(entry.t);
        scratch.varint(entry.startTime);
      } else {
        scratch.varint(entry.ref - before.ref);
        scratch.varint(entry.t - first.t);
        writeStartTime(scratch, entry.startTime, before.startTime, first.startTime);
      }
      before = entry;
      writeHistogram(scratch, entry.histogram, integer, entry.stale);
    }
    if (first !== undefined) log(scratch);
  }
}

function recordTypeOf({ histogram, integer }: HistogramEntry): number {
  if (histogram.schema === CUSTOM_BUCKETS_SCHEMA) {
    return integer ? RecordType.customBucketHistograms : RecordType.customBucketFloatHistograms;
  }
  return integer ? RecordType.histograms : RecordType.floatHistograms;
}

/** Writes one histogram as logs and snapshots store it. */
export function writeHistogram(
  into: ByteWriter,
  histogram: FloatHistogramFields,
  integer: boolean,
  stale: boolean,
): void {
  into.uint8(histogram.counterResetHint);
  into.varint(histogram.schema);
  into.float64(histogram.zeroThreshold);
  if (integer) {
    into.uvarint(histogram.zeroCount);
    into.uvarint(histogram.count);
  } else {
    into.float64(histogram.zeroCount);
    into.float64(histogram.count);
  }
  if (stale) {
    into.uint32(STALE_NAN_HIGH);
    into.uint32(STALE_NAN_LOW);
  } else {
    into.float64(histogram.sum);
  }
  writeSpans(into, histogram.positiveSpans);
  writeSpans(into, histogram.negativeSpans);
  writeBuckets(into, histogram.positiveBuckets, integer);
  writeBuckets(into, histogram.negativeBuckets, integer);
  if (histogram.schema === CUSTOM_BUCKETS_SCHEMA) {
    into.uvarint(histogram.customValues.length);
    for (const bound of histogram.customValues) into.float64(bound);
  }
}

function writeSpans(into: ByteWriter, spans: readonly Span[]): void {
  into.uvarint(spans.length);
  for (const { offset, length } of spans) {
    into.varint(offset);
    into.uvarint(length);
  }
}

function writeBuckets(into: ByteWriter, buckets: Float64Array, integer: boolean): void {
  into.uvarint(buckets.length);
  let previous = 0;
  for (let i = 0; i < buckets.length; i++) {
    const bucket = buckets[i] as number;
    if (integer) into.varint(bucket - previous);
    else into.float64(bucket);
    previous = bucket;
  }
}
