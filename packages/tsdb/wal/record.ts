// Records of the WAL and the out-of-order log: what stands inside the frames.
//
// Decoders fill typed arrays, with no object per sample; series come as byte ranges, so that the head can intern
// labels without making strings. All of them throw `RecordError` for bytes that are no such record, and never read
// outside of `[start, end)`. Source: tsdb/record/record.go of the reference (its varints are zig-zag).
import { type ByteWriter, decodeText, EncodingError } from "@narthex/encoding";
import { type Exemplar, Labels, type Metadata, type MetricType } from "@narthex/model";
import { RecordReader } from "./record-reader.ts";

/** A record's first byte. */
export const RecordType = {
  series: 1,
  samples: 2,
  tombstones: 3,
  exemplars: 4,
  mmapMarkers: 5,
  metadata: 6,
  histograms: 7,
  floatHistograms: 8,
  customBucketHistograms: 9,
  customBucketFloatHistograms: 10,
  samplesV2: 11,
  histogramsV2: 12,
  floatHistogramsV2: 13,
} as const;

/** Bytes that are no such record. */
export class RecordError extends Error {
  override readonly name = "RecordError";
  readonly code = "wal_record_invalid";
}

/** Runs a decoder; damage found by the cursor comes out as `RecordError`. */
export function decoding<T>(kind: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof EncodingError) throw new RecordError(`decode ${kind} record: ${error.message}`);
    throw error;
  }
}

/** A cursor after the type byte, or a `RecordError` for another type. */
export function recordBody(bytes: Uint8Array, start: number, end: number, type: number): RecordReader {
  if (start >= end || bytes[start] !== type) throw new RecordError(`invalid record type, expected ${type}`);
  return new RecordReader(bytes, start + 1, end);
}

// Samples ------------------------------------------------------------------------------------------------------------

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

// Series -------------------------------------------------------------------------------------------------------------

/**
 * Walks over a series record: `while (cursor.next()) { cursor.ref; while (cursor.nextLabel()) ... }`.
 * Names and values are byte ranges of the record (UTF-8). Labels that the caller leaves unread are skipped.
 */
export class SeriesRecordCursor {
  ref = 0;
  /** How many labels the current series has. */
  labelCount = 0;
  /** Where the current series' labels begin: their encoded form, as `labels` in the record. */
  labelsStart = 0;
  /** The current label. */
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  readonly bytes: Uint8Array;
  readonly #reader: RecordReader;
  #unread = 0;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.#reader = recordBody(bytes, start, end, RecordType.series);
  }

  /** Goes on at `at`, where a series begins. */
  goTo(at: number): void {
    this.#unread = 0;
    this.#reader.position = at;
  }

  next(): boolean {
    while (this.#unread > 0) this.nextLabel();
    const reader = this.#reader;
    if (reader.position >= reader.end) return false;
    return decoding("series", () => {
      this.ref = reader.uint64Number();
      this.labelsStart = reader.position;
      this.labelCount = reader.uvarint();
      // Each label takes two bytes at least, so that a count beyond that is a lie; the bytes run out before it does.
      this.#unread = this.labelCount;
      return true;
    });
  }

  nextLabel(): boolean {
    if (this.#unread === 0) return false;
    this.#unread--;
    const reader = this.#reader;
    try {
      const nameBytes = reader.uvarint();
      this.nameStart = reader.position;
      reader.skip(nameBytes);
      this.nameEnd = reader.position;
      const valueBytes = reader.uvarint();
      this.valueStart = reader.position;
      reader.skip(valueBytes);
      this.valueEnd = reader.position;
    } catch (error) {
      this.#unread = 0;
      throw new RecordError(`decode series record: ${(error as Error).message}`);
    }
    return true;
  }

  /** All labels of the current series at once; call it instead of `nextLabel`. */
  labels(): Labels {
    const pairs: string[] = [];
    const { bytes } = this;
    while (this.nextLabel()) {
      pairs.push(decodeText(bytes, this.nameStart, this.nameEnd), decodeText(bytes, this.valueStart, this.valueEnd));
    }
    return new Labels(pairs);
  }

  /** Position behind what was read: after all labels, the end of the current series. */
  get at(): number {
    return this.#reader.position;
  }
}

/** Begins a series record; follow it with `encodeSeries` for each series. */
export function beginSeries(into: ByteWriter): void {
  into.uint8(RecordType.series);
}

/** Adds one series to a series record. */
export function encodeSeries(into: ByteWriter, ref: number, labels: Labels): void {
  into.int64Number(ref);
  encodeLabels(into, labels);
}

function encodeLabels(into: ByteWriter, labels: Labels): void {
  into.uvarint(labels.size);
  for (const part of labels.pairs) into.uvarintText(part);
}

function decodeLabels(reader: RecordReader): Labels {
  const pairs: string[] = [];
  for (let count = reader.uvarint(); count > 0; count--) pairs.push(reader.uvarintText(), reader.uvarintText());
  return new Labels(pairs);
}

// Tombstones, markers, exemplars, metadata: rare, so they may be objects ------------------------------------------------

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
