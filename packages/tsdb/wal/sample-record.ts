// Records of samples (types 2 and 11); see record.ts.
import type { ByteWriter } from "@narthex/encoding";
import { decoding, RecordError, RecordType } from "./record.ts";
import { RecordReader } from "./record-reader.ts";

/** Decoded samples side by side; reused from record to record, grown at need. */
export class SampleRecord {
  count = 0;
  refs: Float64Array = new Float64Array(1024);
  times: Float64Array = new Float64Array(1024);
  /** Value bits, low half first: `2 * i` is the low half of sample `i`. */
  halves: Uint32Array = new Uint32Array(2048);
  /** Start timestamps, 0 where unknown; undefined when the record has none. */
  startTimes: Float64Array | undefined = undefined;

  /** Makes room for `capacity` samples; what was in the arrays is gone. */
  reset(capacity: number): void {
    this.count = 0;
    this.startTimes = undefined;
    if (capacity <= this.refs.length) return;
    this.refs = new Float64Array(capacity);
    this.times = new Float64Array(capacity);
    this.halves = new Uint32Array(capacity * 2);
  }

  /** Makes room for `capacity` samples beside those that are there. */
  reserve(capacity: number): void {
    if (capacity <= this.refs.length) return;
    const { refs, times, halves, count } = this;
    this.reset(Math.max(capacity, 2 * refs.length));
    this.refs.set(refs.subarray(0, count));
    this.times.set(times.subarray(0, count));
    this.halves.set(halves.subarray(0, 2 * count));
    this.count = count;
  }
}

/** Fewest bytes that a sample takes: two varints of one byte and the value. */
const MIN_SAMPLE_BYTES = 1 + 1 + 8;

/** Bytes of a samples record (type 2) before its samples: type (1), first ref (8) and first time (8) as bases. */
export const SAMPLES_HEADER_BYTES: number = 1 + 8 + 8;

/** The ref and the time from which those of a samples record (type 2) count. */
export function samplesBase(bytes: Uint8Array, start: number, end: number): { ref: number; time: number } {
  const ref = start + 1;
  const time = ref + 8;
  const refHigh = wordAt(bytes, ref);
  const timeHigh = wordAt(bytes, time) | 0;
  // Numbers as far as they are exact; the reader says what is wrong with others.
  if (end - start >= SAMPLES_HEADER_BYTES && refHigh < 0x20_0000 && timeHigh < 0x20_0000 && timeHigh >= -0x20_0000) {
    const base = { ref: refHigh * TWO_32 + wordAt(bytes, ref + 4), time: timeHigh * TWO_32 + wordAt(bytes, time + 4) };
    if (base.time >= Number.MIN_SAFE_INTEGER) return base;
  }
  const reader = new RecordReader(bytes, ref, end);
  return decoding("samples", () => ({ ref: reader.uint64Number(), time: reader.int64Number() }));
}

const TWO_32 = 0x1_0000_0000;

/** 32 bits, big-endian; any bits where there are none. */
function wordAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/**
 * Decodes a samples record (type 2 or 11) into `into`, replacing what was there. `from` is where the first wanted sample of a
 * record of type 2 begins.
 */
export function decodeSamples(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: SampleRecord,
  from: number = start + SAMPLES_HEADER_BYTES,
): void {
  const type = bytes[start];
  if (start < end && type === RecordType.samplesV2) {
    decodeSamplesV2(bytes, start, end, into);
    return;
  }
  if (start >= end || type !== RecordType.samples) {
    throw new RecordError(`invalid record type ${type}, expected samples`);
  }
  into.reset(Math.ceil((end - start) / MIN_SAMPLE_BYTES));
  if (end - start === 1) return;
  const { ref: baseRef, time: baseTime } = samplesBase(bytes, start, end);
  const reader = new RecordReader(bytes, from, end);
  const { refs, times, halves } = into;
  let at = from;
  let count = 0;
  while (at < end) {
    // Both deltas nearly always take one to three bytes; longer ones go through the general cursor.
    let delta = bytes[at++] as number;
    if (delta >= 0x80) {
      const second = bytes[at++] as number;
      delta = (delta & 0x7f) | ((second & 0x7f) << 7);
      if (second >= 0x80) {
        const third = bytes[at++] as number;
        delta |= (third & 0x7f) << 14;
        if (third >= 0x80) {
          reader.position = at - 3;
          delta = decoding("samples", () => reader.varint());
          at = reader.position;
        } else delta = (delta >>> 1) ^ -(delta & 1);
      } else delta = (delta >>> 1) ^ -(delta & 1);
    } else delta = (delta >>> 1) ^ -(delta & 1);
    const ref = baseRef + delta;
    delta = bytes[at++] as number;
    if (delta >= 0x80) {
      const second = bytes[at++] as number;
      delta = (delta & 0x7f) | ((second & 0x7f) << 7);
      if (second >= 0x80) {
        reader.position = at - 2;
        delta = decoding("samples", () => reader.varint());
        at = reader.position;
      } else delta = (delta >>> 1) ^ -(delta & 1);
    } else delta = (delta >>> 1) ^ -(delta & 1);
    if (at + 8 > end) throw new RecordError(`decode samples record: cut off after ${count} samples`);
    refs[count] = ref;
    times[count] = baseTime + delta;
    halves[2 * count + 1] =
      ((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number);
    halves[2 * count] =
      ((bytes[at + 4] as number) << 24) |
      ((bytes[at + 5] as number) << 16) |
      ((bytes[at + 6] as number) << 8) |
      (bytes[at + 7] as number);
    at += 8;
    count++;
  }
  into.count = count;
}

function decodeSamplesV2(bytes: Uint8Array, start: number, end: number, into: SampleRecord): void {
  into.reset(Math.ceil((end - start) / MIN_SAMPLE_BYTES));
  const reader = new RecordReader(bytes, start + 1, end);
  decoding("samples", () => {
    const { refs, times, halves } = into;
    const startTimes = new Float64Array(refs.length);
    let count = 0;
    let ref = 0;
    let st = 0;
    let firstTime = 0;
    let firstStart = 0;
    for (; reader.position < end; count++) {
      if (count === 0) {
        ref = reader.varint();
        firstTime = reader.varint();
        times[0] = firstTime;
        firstStart = reader.varint();
        st = firstStart;
      } else {
        ref += reader.varint();
        times[count] = firstTime + reader.varint();
        st = readStartTime(reader, st, firstStart);
      }
      refs[count] = ref;
      startTimes[count] = st;
      halves[2 * count + 1] = reader.uint32();
      halves[2 * count] = reader.uint32();
    }
    into.count = count;
    into.startTimes = startTimes;
  });
}

/** A start timestamp behind its marker byte: 0 none, 1 that of the sample before, else a distance to the first one. */
export function readStartTime(reader: RecordReader, previous: number, first: number): number {
  const marker = reader.uint8();
  return marker === 0 ? 0 : marker === 1 ? previous : first + reader.varint();
}

/** Encodes samples `[from, to)` as one record (type 2) at the end of `into`. Refs below 2^53. */
export function encodeSamples(
  into: ByteWriter,
  refs: Uint32Array | Float64Array,
  times: Float64Array,
  halves: Uint32Array,
  from: number,
  to: number,
): void {
  into.uint8(RecordType.samples);
  if (from >= to) return;
  const baseRef = refs[from] as number;
  const baseTime = times[from] as number;
  into.int64Number(baseRef);
  into.int64Number(baseTime);
  // At most ten bytes for each of the deltas.
  into.reserve((to - from) * 28);
  const { bytes } = into;
  let at = into.length;
  for (let i = from; i < to; i++) {
    let delta = (refs[i] as number) - baseRef;
    if (delta >= -0x2000 && delta < 0x2000) {
      const zigzag = (delta << 1) ^ (delta >> 31);
      if (zigzag < 0x80) bytes[at++] = zigzag;
      else {
        bytes[at++] = zigzag | 0x80;
        bytes[at++] = zigzag >>> 7;
      }
    } else {
      into.length = at;
      into.varint(delta);
      at = into.length;
    }
    delta = (times[i] as number) - baseTime;
    if (delta >= -0x2000 && delta < 0x2000) {
      const zigzag = (delta << 1) ^ (delta >> 31);
      if (zigzag < 0x80) bytes[at++] = zigzag;
      else {
        bytes[at++] = zigzag | 0x80;
        bytes[at++] = zigzag >>> 7;
      }
    } else {
      into.length = at;
      into.varint(delta);
      at = into.length;
    }
    const high = halves[2 * i + 1] as number;
    const low = halves[2 * i] as number;
    bytes[at] = high >>> 24;
    bytes[at + 1] = high >>> 16;
    bytes[at + 2] = high >>> 8;
    bytes[at + 3] = high;
    bytes[at + 4] = low >>> 24;
    bytes[at + 5] = low >>> 16;
    bytes[at + 6] = low >>> 8;
    bytes[at + 7] = low;
    at += 8;
  }
  into.length = at;
}

/** As `encodeSamples`, with start timestamps (0 where unknown; undefined: of none) as one record of type 11. */
export function encodeSamplesV2(
  into: ByteWriter,
  refs: Uint32Array | Float64Array,
  times: Float64Array,
  halves: Uint32Array,
  startTimes: Float64Array | undefined,
  from: number,
  to: number,
): void {
  into.uint8(RecordType.samplesV2);
  let ref = 0;
  let previousStart = 0;
  const firstTime = from < to ? (times[from] as number) : 0;
  const firstStart = from < to ? (startTimes?.[from] ?? 0) : 0;
  for (let i = from; i < to; i++) {
    const t = times[i] as number;
    const startTime = startTimes?.[i] ?? 0;
    into.varint((refs[i] as number) - ref);
    ref = refs[i] as number;
    if (i === from) {
      into.varint(t);
      into.varint(startTime);
    } else {
      into.varint(t - firstTime);
      writeStartTime(into, startTime, previousStart, firstStart);
    }
    previousStart = startTime;
    into.uint32(halves[2 * i + 1] as number);
    into.uint32(halves[2 * i] as number);
  }
}

/** Writes what `readStartTime` reads. */
export function writeStartTime(into: ByteWriter, startTime: number, previous: number, first: number): void {
  if (startTime === 0) into.uint8(0);
  else if (startTime === previous) into.uint8(1);
  else {
    into.uint8(2);
    into.varint(startTime - first);
  }
}
