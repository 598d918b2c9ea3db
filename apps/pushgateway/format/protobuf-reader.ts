// Families from protobuf messages.
import { isUtf8 } from "node:buffer";
import { EncodingError, WireReader, WireType } from "@narthex/encoding";
import {
  type BucketValue,
  type Exemplar,
  FAMILY_TYPES,
  type Family,
  type HistogramValue,
  type Instant,
  type Metric,
  type MetricKind,
  type NativeBuckets,
  type SummaryValue,
} from "../family/family.ts";
import {
  BUCKET,
  COUNTER,
  EXEMPLAR,
  FAMILY,
  HISTOGRAM,
  INSTANT,
  LABEL,
  METRIC,
  QUANTILE,
  SPAN,
  SUMMARY,
} from "./protobuf-schema.ts";

/** Reads one family from `bytes`. Unknown fields are passed over. Throws an `EncodingError` for damaged ones. */
export function readFamily(bytes: Uint8Array): Family {
  const reader = new WireReader(bytes);
  let name = "";
  let help: string | undefined;
  let unit: string | undefined;
  let type = 0;
  const metrics: Metric[] = [];
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === FAMILY.name) name = textOf(reader);
    else if (field === FAMILY.help) help = textOf(reader);
    else if (field === FAMILY.unit) unit = textOf(reader);
    else if (field === FAMILY.type) type = reader.uintField();
    else if (field === FAMILY.metric) metrics.push(within(reader, readMetric));
    else reader.skipField();
  }
  // A number that the schema does not know is not set, and what is not set is the first.
  return { name, help, unit, type: FAMILY_TYPES[type] ?? FAMILY_TYPES[0], metrics };
}

/** Reads a nested message. */
function within<T>(reader: WireReader, read: (reader: WireReader) => T): T {
  const outer = reader.enter();
  const value = read(reader);
  reader.leave(outer);
  return value;
}

function readMetric(reader: WireReader): Metric {
  const labels: string[] = [];
  let kind: MetricKind = "nothing";
  let value = 0;
  let summary: SummaryValue | undefined;
  let histogram: HistogramValue | undefined;
  let exemplar: Exemplar | undefined;
  let created: Instant | undefined;
  let timestampMs: number | undefined;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    switch (field) {
      case METRIC.label:
        within(reader, (inner) => readLabel(inner, labels));
        break;
      case METRIC.gauge:
      case METRIC.untyped:
      case METRIC.counter:
        kind = field === METRIC.gauge ? "gauge" : field === METRIC.untyped ? "untyped" : "counter";
        ({ value, exemplar, created } = within(reader, readNumber));
        break;
      case METRIC.summary:
        kind = "summary";
        summary = within(reader, readSummary);
        break;
      case METRIC.histogram:
        kind = "histogram";
        histogram = within(reader, readHistogram);
        break;
      case METRIC.timestampMs:
        timestampMs = wholeOf(reader);
        break;
      default:
        reader.skipField();
    }
  }
  return { labels, kind, value, summary, histogram, exemplar, created, timestampMs };
}

function readLabel(reader: WireReader, labels: string[]): void {
  let name = "";
  let value = "";
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === LABEL.name) name = textOf(reader);
    else if (field === LABEL.value) value = textOf(reader);
    else reader.skipField();
  }
  labels.push(name, value);
}

interface NumberValue {
  readonly value: number;
  readonly exemplar: Exemplar | undefined;
  readonly created: Instant | undefined;
}

function readNumber(reader: WireReader): NumberValue {
  let value = 0;
  let exemplar: Exemplar | undefined;
  let created: Instant | undefined;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === COUNTER.value) value = reader.doubleField();
    else if (field === COUNTER.exemplar) exemplar = within(reader, readExemplar);
    else if (field === COUNTER.created) created = within(reader, readInstant);
    else reader.skipField();
  }
  return { value, exemplar, created };
}

function readSummary(reader: WireReader): SummaryValue {
  let count: number | undefined;
  let sum: number | undefined;
  let created: Instant | undefined;
  const quantiles: { quantile: number; value: number }[] = [];
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === SUMMARY.count) count = countOf(reader);
    else if (field === SUMMARY.sum) sum = reader.doubleField();
    else if (field === SUMMARY.quantile) quantiles.push(within(reader, readQuantile));
    else if (field === SUMMARY.created) created = within(reader, readInstant);
    else reader.skipField();
  }
  return { count, sum, quantiles, created };
}

function readQuantile(reader: WireReader): { quantile: number; value: number } {
  let quantile = 0;
  let value = 0;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === QUANTILE.quantile) quantile = reader.doubleField();
    else if (field === QUANTILE.value) value = reader.doubleField();
    else reader.skipField();
  }
  return { quantile, value };
}

type Side = { spans: { offset: number; length: number }[]; deltas: number[]; counts: number[] };

function readHistogram(reader: WireReader): HistogramValue {
  let count: number | undefined;
  let floatCount: number | undefined;
  let sum: number | undefined;
  let created: Instant | undefined;
  let schema: number | undefined;
  let zeroThreshold = 0;
  let zeroCount: number | undefined;
  let zeroFloatCount: number | undefined;
  const buckets: BucketValue[] = [];
  const negative: Side = { spans: [], deltas: [], counts: [] };
  const positive: Side = { spans: [], deltas: [], counts: [] };
  const exemplars: Exemplar[] = [];
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    switch (field) {
      case HISTOGRAM.count:
        count = countOf(reader);
        break;
      case HISTOGRAM.floatCount:
        floatCount = reader.doubleField();
        break;
      case HISTOGRAM.sum:
        sum = reader.doubleField();
        break;
      case HISTOGRAM.bucket:
        buckets.push(within(reader, readBucket));
        break;
      case HISTOGRAM.schema:
        schema = reader.sintField();
        break;
      case HISTOGRAM.zeroThreshold:
        zeroThreshold = reader.doubleField();
        break;
      case HISTOGRAM.zeroCount:
        zeroCount = countOf(reader);
        break;
      case HISTOGRAM.zeroFloatCount:
        zeroFloatCount = reader.doubleField();
        break;
      case HISTOGRAM.negativeSpan:
        negative.spans.push(within(reader, readSpan));
        break;
      case HISTOGRAM.negativeDelta:
        readDeltas(reader, negative.deltas);
        break;
      case HISTOGRAM.negativeCount:
        readDoubles(reader, negative.counts);
        break;
      case HISTOGRAM.positiveSpan:
        positive.spans.push(within(reader, readSpan));
        break;
      case HISTOGRAM.positiveDelta:
        readDeltas(reader, positive.deltas);
        break;
      case HISTOGRAM.positiveCount:
        readDoubles(reader, positive.counts);
        break;
      case HISTOGRAM.created:
        created = within(reader, readInstant);
        break;
      case HISTOGRAM.exemplar:
        exemplars.push(within(reader, readExemplar));
        break;
      default:
        reader.skipField();
    }
  }
  const isNative = schema !== undefined || negative.spans.length > 0 || positive.spans.length > 0;
  const native: NativeBuckets | undefined = isNative
    ? { schema: schema ?? 0, zeroThreshold, zeroCount, zeroFloatCount, negative, positive, exemplars }
    : undefined;
  return { count, floatCount, sum, buckets, created, native };
}

function readBucket(reader: WireReader): BucketValue {
  let count: number | undefined;
  let floatCount: number | undefined;
  let bound = 0;
  let exemplar: Exemplar | undefined;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === BUCKET.count) count = countOf(reader);
    else if (field === BUCKET.floatCount) floatCount = reader.doubleField();
    else if (field === BUCKET.bound) bound = reader.doubleField();
    else if (field === BUCKET.exemplar) exemplar = within(reader, readExemplar);
    else reader.skipField();
  }
  return { bound, count, floatCount, exemplar };
}

function readSpan(reader: WireReader): { offset: number; length: number } {
  let offset = 0;
  let length = 0;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === SPAN.offset) offset = reader.sintField();
    else if (field === SPAN.length) length = reader.uintField();
    else reader.skipField();
  }
  return { offset, length };
}

/** `sint64`, packed or one by one. */
function readDeltas(reader: WireReader, into: number[]): void {
  if (reader.wireType !== WireType.bytes) {
    into.push(reader.sintField());
    return;
  }
  const outer = reader.enter();
  while (reader.position < reader.end) into.push(reader.varint());
  reader.leave(outer);
}

/** `double`, packed or one by one. */
function readDoubles(reader: WireReader, into: number[]): void {
  if (reader.wireType !== WireType.bytes) {
    into.push(reader.doubleField());
    return;
  }
  const outer = reader.enter();
  while (reader.position < reader.end) into.push(reader.packedDouble());
  reader.leave(outer);
}

function readExemplar(reader: WireReader): Exemplar {
  const labels: string[] = [];
  let value = 0;
  let at: Instant | undefined;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === EXEMPLAR.label) within(reader, (inner) => readLabel(inner, labels));
    else if (field === EXEMPLAR.value) value = reader.doubleField();
    else if (field === EXEMPLAR.at) at = within(reader, readInstant);
    else reader.skipField();
  }
  return { labels, value, at };
}

function readInstant(reader: WireReader): Instant {
  let seconds = 0;
  let nanos = 0;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === INSTANT.seconds) seconds = wholeOf(reader);
    else if (field === INSTANT.nanos) nanos = wholeOf(reader);
    else reader.skipField();
  }
  return { seconds, nanos };
}

/** Text that can be stored and shown: the schema itself lets any bytes pass. */
function textOf(reader: WireReader): string {
  const bytes = reader.bytesField();
  if (!isUtf8(bytes)) throw new EncodingError("corrupt", "a name or value is not UTF-8", reader.position);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}

/** `uint64`; beyond 2^53 rounded to the next float. */
function countOf(reader: WireReader): number {
  reader.varint64Field();
  return reader.high * 0x1_0000_0000 + reader.low;
}

/** `int64`; beyond 2^53 rounded to the next float. */
function wholeOf(reader: WireReader): number {
  reader.varint64Field();
  return (reader.high | 0) * 0x1_0000_0000 + reader.low;
}

/**
 * Cuts a body of messages, each behind its length, into messages. `take` gets each whole one; throws an `EncodingError` for lengths
 * that are none.
 */
export class DelimitedSplitter {
  readonly #take: (message: Uint8Array) => void;
  #pieces: Buffer[] = [];
  #held = 0;
  /** Bytes that must be there before it is worth looking again. */
  #wanted = 1;

  constructor(take: (message: Uint8Array) => void) {
    this.#take = take;
  }

  /** Bytes of the message that is not whole yet. */
  get heldBytes(): number {
    return this.#held;
  }

  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#held += piece.length;
    if (this.#held < this.#wanted) return;
    let bytes = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
    this.#pieces = [];
    for (;;) {
      const head = readLength(bytes);
      if (head === undefined || bytes.length < head.at + head.length) {
        this.#wanted = head === undefined ? bytes.length + 1 : head.at + head.length;
        break;
      }
      this.#take(bytes.subarray(head.at, head.at + head.length));
      bytes = bytes.subarray(head.at + head.length);
    }
    this.#held = bytes.length;
    if (bytes.length > 0) this.#pieces.push(bytes);
  }

  /** Throws when the last message is not whole. */
  end(): void {
    if (this.#held > 0) throw new EncodingError("truncated", "unexpected EOF", 0);
  }
}

function readLength(bytes: Uint8Array): { length: number; at: number } | undefined {
  let length = 0;
  let scale = 1;
  for (let i = 0; i < bytes.length; i++) {
    if (i === 10) throw new EncodingError("corrupt", "a message's length takes more than ten bytes", i);
    const byte = bytes[i] as number;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) return { length, at: i + 1 };
    scale *= 128;
  }
  return undefined;
}
