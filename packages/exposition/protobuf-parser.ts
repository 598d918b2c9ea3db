// The protobuf exposition format: delimited `io.prometheus.client.MetricFamily` messages, read where they lie.
// Source: https://github.com/prometheus/client_model, metrics.proto.
import { isUtf8 } from "node:buffer";
import { EncodingError, WireReader, WireType } from "@narthex/encoding";
import { CounterResetHint, type FloatHistogramFields, type MetricType, type Span } from "@narthex/model";
import { ExpositionError } from "./errors.ts";
import { quoteText } from "./quote.ts";
import { TextInterner } from "./text-interner.ts";

/** What a family's `type` may be, and which field of a metric then holds its value. */
const TYPES: readonly { readonly type: MetricType; readonly field: number }[] = [
  { type: "counter", field: 3 },
  { type: "gauge", field: 2 },
  { type: "summary", field: 4 },
  { type: "unknown", field: 5 },
  { type: "histogram", field: 7 },
  { type: "gaugehistogram", field: 7 },
];

const TWO_32 = 0x1_0000_0000;
const EMPTY = new Uint8Array(0);

/** An exemplar as it was exposed. */
export interface ExposedExemplar {
  /** Names and values side by side, as they came. */
  readonly labels: readonly string[];
  readonly value: number;
  /** Milliseconds; undefined when it has none. */
  readonly timestamp: number | undefined;
}

const interner = new TextInterner();

/**
 * A cursor over the families of a body, and over the metrics of each: `reset`, then `nextFamily`, and for each family
 * `nextMetric`, until they return false. Fields hold what the cursor stands on. Throws an `ExpositionError` at the first
 * mistake. Families without metrics are passed over.
 */
export class ProtobufParser {
  /** Whether native buckets are wanted; without them, only `isNative` tells that they were there. */
  readsNative = true;
  readonly #reader = new WireReader(EMPTY);
  #bodyEnd = 0;
  #familyEnd = 0;
  /** Where the family after this one, and the next field of this one, begin. */
  #nextField = 0;
  #valueField = 0;

  /** Name and type of the family. */
  name = "";
  type: MetricType = "unknown";
  #help = { start: 0, end: 0 };
  #unit = { start: 0, end: 0 };

  /** The labels of the metric, as they were encoded: `labelBytes[labelsStart, labelsEnd)`. Equal for equal metrics. */
  labelBytes: Uint8Array = EMPTY;
  labelsStart = 0;
  labelsEnd = 0;
  /** Milliseconds; 0 for none. */
  timestamp = 0;
  /** When counting began, in milliseconds; 0 for unknown. */
  created = 0;
  /** Value of a counter, gauge or untyped metric. */
  value = 0;
  /** Count and sum of a summary or histogram. */
  count = 0;
  sum = 0;
  /** Quantiles and their values, or upper bounds and cumulative counts, of which a histogram's last is always +Inf. */
  bounds: Float64Array = new Float64Array(32);
  counts: Float64Array = new Float64Array(32);
  bucketCount = 0;
  /** Whether the histogram came with classic buckets of its own. */
  hasBuckets = false;
  /** Whether the histogram is a native one. */
  isNative = false;
  #countFloat = 0;
  #zeroCount = 0;
  #zeroCountFloat = 0;
  #zeroThreshold = 0;
  #schema = 0;
  #positive = new NativeSide();
  #negative = new NativeSide();
  /** Where exemplars lie: of the counter (-1), of bucket i, or of the native histogram (-2). */
  #exemplars: { readonly owner: number; readonly start: number; readonly end: number }[] = [];

  /** Begins `bytes[0, length)`. The bytes must stay as they are until the end. */
  reset(bytes: Uint8Array, length: number): void {
    this.#reader.reset(bytes, 0, length);
    this.#bodyEnd = length;
    this.#familyEnd = 0;
    this.#nextField = 0;
  }

  /** The next family that has metrics; false at the end of the body. */
  nextFamily(): boolean {
    return guarded(() => {
      for (;;) {
        const reader = this.#reader;
        reader.position = this.#familyEnd;
        reader.end = this.#bodyEnd;
        if (reader.position >= reader.end) return false;
        const length = reader.uvarint();
        if (length > reader.remaining) throw new ExpositionError("unexpected EOF");
        const start = reader.position;
        this.#familyEnd = start + length;
        if (this.#readFamily(start)) return true;
      }
    });
  }

  /** The next metric of the family; false at its end. */
  nextMetric(): boolean {
    return guarded(() => {
      const reader = this.#reader;
      reader.position = this.#nextField;
      reader.end = this.#familyEnd;
      for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
        if (field !== 4) {
          reader.skipField();
          continue;
        }
        const outer = reader.enter();
        this.#nextField = reader.end;
        this.#readMetric();
        reader.leave(outer);
        return true;
      }
      this.#nextField = this.#familyEnd;
      return false;
    });
  }

  /** Help text of the family. */
  get help(): string {
    return this.#text(this.#help);
  }

  /** Whether the family's help text is this one, without making a string of it where it is plain ASCII. */
  helpIs(text: string): boolean {
    const { start, end } = this.#help;
    const { bytes } = this.#reader;
    if (end - start !== text.length) return !isAscii(text) && this.help === text;
    for (let i = 0; i < text.length; i++) {
      if (bytes[start + i] !== text.charCodeAt(i)) return !isAscii(text) && this.help === text;
    }
    return true;
  }

  /** Unit of the family; "" for none. */
  get unit(): string {
    return this.#text(this.#unit);
  }

  /** Adds name and value of the metric's labels to `into`, as they came. Throws for what is no UTF-8. */
  labels(into: string[]): void {
    readProtobufLabels(this.labelBytes, this.labelsStart, this.labelsEnd, into);
  }

  /** How many exemplars the metric has. */
  get exemplarCount(): number {
    return this.#exemplars.length;
  }

  /** What exemplar number `i` belongs to: bucket of that number, -1 for a counter, -2 for a native histogram. */
  exemplarOwner(i: number): number {
    return this.#exemplars[i]?.owner ?? -1;
  }

  exemplar(i: number): ExposedExemplar {
    return guarded(() => {
      const { start, end } = this.#exemplars[i] as { start: number; end: number };
      const reader = new WireReader(this.#reader.bytes, start, end);
      const labels: string[] = [];
      let value = 0;
      let timestamp: number | undefined;
      for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
        if (field === 1) readLabel(reader, labels);
        else if (field === 2) value = reader.doubleField();
        else if (field === 3) timestamp = readTimestamp(reader);
        else reader.skipField();
      }
      return { labels, value, timestamp };
    });
  }

  /** Whether the native histogram counts in integers. */
  get isInteger(): boolean {
    return !(this.#countFloat > 0 || this.#zeroCountFloat > 0);
  }

  /** The native histogram; fresh memory. Not checked: spans and buckets may disagree. */
  histogram(): FloatHistogramFields {
    const integer = this.isInteger;
    return {
      counterResetHint: this.type === "gaugehistogram" ? CounterResetHint.gauge : CounterResetHint.unknown,
      schema: this.#schema,
      zeroThreshold: this.#zeroThreshold,
      zeroCount: integer ? this.#zeroCount : this.#zeroCountFloat,
      count: integer ? this.count : this.#countFloat,
      sum: this.sum,
      positiveSpans: this.#positive.spans,
      negativeSpans: this.#negative.spans,
      positiveBuckets: this.#positive.buckets(integer),
      negativeBuckets: this.#negative.buckets(integer),
      customValues: [],
    };
  }

  #readFamily(start: number): boolean {
    const reader = this.#reader;
    reader.end = this.#familyEnd;
    const name = { start: 0, end: 0 };
    this.#help = { start: 0, end: 0 };
    this.#unit = { start: 0, end: 0 };
    this.#nextField = start;
    let type = 0;
    let hasMetrics = false;
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      switch (field) {
        case 1:
          takeRange(reader, name);
          break;
        case 2:
          takeRange(reader, this.#help);
          break;
        case 3:
          type = reader.uintField();
          break;
        case 5:
          takeRange(reader, this.#unit);
          break;
        default:
          if (field === 4) hasMetrics = true;
          reader.skipField();
      }
    }
    if (!hasMetrics) return false;
    this.#checkFamily(name, type);
    return true;
  }

  #checkFamily(name: { start: number; end: number }, type: number): void {
    const { bytes } = this.#reader;
    this.name = this.#text(name);
    if (this.name === "" || !isText(bytes, name)) {
      throw new ExpositionError(`invalid metric name: ${this.name}`);
    }
    if (!isText(bytes, this.#help)) {
      throw new ExpositionError(`invalid help for metric ${quoteText(this.name)}: ${this.help}`);
    }
    const known = TYPES[type];
    if (known === undefined) {
      throw new ExpositionError(`unknown metric type for metric ${quoteText(this.name)}: ${type}`);
    }
    this.type = known.type;
    this.#valueField = known.field;
    const { unit } = this;
    if (unit === "") return;
    const isTotal = this.type === "counter" && this.name.endsWith("_total");
    const stem = isTotal ? this.name.slice(0, -"_total".length) : this.name;
    if (!stem.endsWith(`_${unit}`)) {
      const what = isTotal ? "counter" : "metric";
      throw new ExpositionError(`unit ${quoteText(unit)} not a suffix of ${what} ${quoteText(this.name)}`);
    }
  }

  #readMetric(): void {
    const reader = this.#reader;
    this.labelBytes = reader.bytes;
    this.labelsStart = 0;
    this.labelsEnd = 0;
    this.timestamp = 0;
    this.created = 0;
    this.value = 0;
    this.count = 0;
    this.sum = 0;
    this.bucketCount = 0;
    this.hasBuckets = false;
    this.isNative = false;
    if (this.#exemplars.length > 0) this.#exemplars = [];
    let found = false;
    let at = reader.position;
    for (let field = reader.nextField(); field !== 0; at = reader.position, field = reader.nextField()) {
      if (field === 1) {
        reader.skipField();
        this.#takeLabelField(at, reader.position);
      } else if (field === 6) {
        reader.varint64Field();
        this.timestamp = signed64(reader);
      } else if (field === this.#valueField) {
        found = true;
        const outer = reader.enter();
        this.#readValue();
        reader.leave(outer);
      } else reader.skipField();
    }
    // A metric without a value of its type counts as all zeros.
    if (!found && this.#valueField === 7) this.#beginHistogram();
    if (this.#valueField === 7) this.#endBuckets();
  }

  /** Labels mostly lie side by side; where they do not, they are copied together. */
  #takeLabelField(start: number, end: number): void {
    if (this.labelsEnd === 0) this.labelsStart = start;
    else if (this.labelsEnd !== start || this.labelBytes !== this.#reader.bytes) {
      const before = this.labelBytes.subarray(this.labelsStart, this.labelsEnd);
      const joined = new Uint8Array(before.length + end - start);
      joined.set(before);
      joined.set(this.#reader.bytes.subarray(start, end), before.length);
      this.labelBytes = joined;
      this.labelsStart = 0;
      this.labelsEnd = joined.length;
      return;
    }
    this.labelsEnd = end;
  }

  #readValue(): void {
    switch (this.#valueField) {
      case 3:
        this.#readCounter();
        break;
      case 4:
        this.#readSummary();
        break;
      case 7:
        this.#readHistogram();
        break;
      default: {
        const reader = this.#reader;
        for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
          if (field === 1) this.value = reader.doubleField();
          else reader.skipField();
        }
      }
    }
  }

  #readCounter(): void {
    const reader = this.#reader;
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === 1) this.value = reader.doubleField();
      else if (field === 2) this.#noteExemplar(-1);
      else if (field === 3) this.created = readTimestamp(reader);
      else reader.skipField();
    }
  }

  #readSummary(): void {
    const reader = this.#reader;
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === 1) this.count = unsigned64(reader);
      else if (field === 2) this.sum = reader.doubleField();
      else if (field === 3) {
        const outer = reader.enter();
        let quantile = 0;
        let value = 0;
        for (let inner = reader.nextField(); inner !== 0; inner = reader.nextField()) {
          if (inner === 1) quantile = reader.doubleField();
          else if (inner === 2) value = reader.doubleField();
          else reader.skipField();
        }
        reader.leave(outer);
        this.#pushBucket(quantile, value);
      } else if (field === 4) this.created = readTimestamp(reader);
      else reader.skipField();
    }
  }

  #beginHistogram(): void {
    this.#countFloat = 0;
    this.#zeroCount = 0;
    this.#zeroCountFloat = 0;
    this.#zeroThreshold = 0;
    this.#schema = 0;
    this.#positive.clear();
    this.#negative.clear();
  }

  #readHistogram(): void {
    const reader = this.#reader;
    this.#beginHistogram();
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      switch (field) {
        case 1:
          this.count = unsigned64(reader);
          break;
        case 2:
          this.sum = reader.doubleField();
          break;
        case 3:
          this.#readBucket();
          break;
        case 4:
          this.#countFloat = reader.doubleField();
          break;
        case 5:
          this.#schema = reader.sintField();
          break;
        case 6:
          this.#zeroThreshold = reader.doubleField();
          break;
        case 7:
          this.#zeroCount = unsigned64(reader);
          break;
        case 8:
          this.#zeroCountFloat = reader.doubleField();
          break;
        case 15:
          this.created = readTimestamp(reader);
          break;
        case 16:
          this.#noteExemplar(-2);
          break;
        case 9:
        case 12:
          this.isNative = true;
          if (this.readsNative) (field === 12 ? this.#positive : this.#negative).readSpan(reader);
          else reader.skipField();
          break;
        case 10:
        case 13:
          if (this.readsNative) (field === 13 ? this.#positive : this.#negative).readDeltas(reader);
          else reader.skipField();
          break;
        case 11:
        case 14:
          if (this.readsNative) (field === 14 ? this.#positive : this.#negative).readCounts(reader);
          else reader.skipField();
          break;
        default:
          reader.skipField();
      }
    }
    this.isNative ||= this.#zeroThreshold > 0 || this.#zeroCount > 0 || this.#zeroCountFloat > 0;
  }

  #readBucket(): void {
    const reader = this.#reader;
    const outer = reader.enter();
    let bound = 0;
    let count = 0;
    let countFloat = 0;
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === 1) count = unsigned64(reader);
      else if (field === 2) bound = reader.doubleField();
      else if (field === 3) this.#noteExemplar(this.bucketCount);
      else if (field === 4) countFloat = reader.doubleField();
      else reader.skipField();
    }
    reader.leave(outer);
    this.#pushBucket(bound, countFloat === 0 ? count : countFloat);
  }

  /** Nothing counts behind a bucket of +Inf; one that is missing holds everything. */
  #endBuckets(): void {
    this.hasBuckets = this.bucketCount > 0;
    for (let i = 0; i < this.bucketCount; i++) {
      if (this.bounds[i] !== Number.POSITIVE_INFINITY) continue;
      this.bucketCount = i + 1;
      return;
    }
    this.#pushBucket(Number.POSITIVE_INFINITY, this.classicCount);
  }

  /** Count of a histogram as its classic series show it. */
  get classicCount(): number {
    return this.#countFloat === 0 ? this.count : this.#countFloat;
  }

  #pushBucket(bound: number, count: number): void {
    const n = this.bucketCount++;
    if (n === this.bounds.length) {
      this.bounds = grown(this.bounds);
      this.counts = grown(this.counts);
    }
    this.bounds[n] = bound;
    this.counts[n] = count;
  }

  #noteExemplar(owner: number): void {
    const reader = this.#reader;
    const outer = reader.enter();
    this.#exemplars.push({ owner, start: reader.position, end: reader.end });
    reader.leave(outer);
  }

  #text({ start, end }: { readonly start: number; readonly end: number }): string {
    return interner.text(this.#reader.bytes, start, end);
  }
}

/** Whatever is wrong with the encoding is wrong with the exposition. */
function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof EncodingError) throw new ExpositionError(`proto: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Spans and buckets of one sign. */
class NativeSide {
  spans: Span[] = [];
  #deltas: number[] = [];
  #counts: number[] = [];

  clear(): void {
    if (this.spans.length > 0) this.spans = [];
    if (this.#deltas.length > 0) this.#deltas = [];
    if (this.#counts.length > 0) this.#counts = [];
  }

  readSpan(reader: WireReader): void {
    const outer = reader.enter();
    let offset = 0;
    let length = 0;
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === 1) offset = reader.sintField();
      else if (field === 2) length = reader.uintField();
      else reader.skipField();
    }
    reader.leave(outer);
    this.spans.push({ offset, length });
  }

  readDeltas(reader: WireReader): void {
    if (reader.wireType !== WireType.bytes) {
      this.#deltas.push(reader.sintField());
      return;
    }
    const outer = reader.enter();
    while (reader.remaining > 0) this.#deltas.push(reader.varint());
    reader.leave(outer);
  }

  readCounts(reader: WireReader): void {
    if (reader.wireType !== WireType.bytes) {
      this.#counts.push(reader.doubleField());
      return;
    }
    const outer = reader.enter();
    while (reader.remaining > 0) this.#counts.push(reader.packedDouble());
    reader.leave(outer);
  }

  /** Absolute counts. */
  buckets(integer: boolean): Float64Array {
    if (!integer) return Float64Array.from(this.#counts);
    const buckets = new Float64Array(this.#deltas.length);
    let count = 0;
    for (let i = 0; i < buckets.length; i++) buckets[i] = count += this.#deltas[i] as number;
    return buckets;
  }
}

/**
 * Adds name and value of all labels in `bytes[start, end)` to `into`: what `ProtobufParser.labelBytes` holds. Throws an
 * `ExpositionError` for what is no UTF-8.
 */
export function readProtobufLabels(bytes: Uint8Array, start: number, end: number, into: string[]): void {
  guarded(() => {
    const reader = new WireReader(bytes, start, end);
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === 1) readLabel(reader, into);
      else reader.skipField();
    }
  });
}

function readLabel(reader: WireReader, into: string[]): void {
  const outer = reader.enter();
  const name = { start: 0, end: 0 };
  const value = { start: 0, end: 0 };
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === 1) takeRange(reader, name);
    else if (field === 2) takeRange(reader, value);
    else reader.skipField();
  }
  reader.leave(outer);
  const { bytes } = reader;
  const nameText = interner.text(bytes, name.start, name.end);
  const valueText = interner.text(bytes, value.start, value.end);
  if (!isText(bytes, name)) throw new ExpositionError(`invalid label name: ${nameText}`);
  if (!isText(bytes, value)) throw new ExpositionError(`invalid label value: ${valueText}`);
  into.push(nameText, valueText);
}

function takeRange(reader: WireReader, range: { start: number; end: number }): void {
  const outer = reader.enter();
  range.start = reader.position;
  range.end = reader.end;
  reader.leave(outer);
}

/** A `google.protobuf.Timestamp` in milliseconds. */
function readTimestamp(reader: WireReader): number {
  const outer = reader.enter();
  let seconds = 0;
  let nanos = 0;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === 1) seconds = reader.intField();
    else if (field === 2) nanos = reader.intField();
    else reader.skipField();
  }
  reader.leave(outer);
  return seconds * 1000 + Math.trunc(nanos / 1e6);
}

function unsigned64(reader: WireReader): number {
  reader.varint64Field();
  return reader.high * TWO_32 + reader.low;
}

function signed64(reader: WireReader): number {
  return (reader.high | 0) * TWO_32 + reader.low;
}

/** Whether bytes are UTF-8; mostly they are ASCII, and that is seen without leaving JavaScript. */
function isText(bytes: Uint8Array, { start, end }: { readonly start: number; readonly end: number }): boolean {
  for (let i = start; i < end; i++) if ((bytes[i] as number) >= 0x80) return isUtf8(bytes.subarray(i, end));
  return true;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return false;
  return true;
}

function grown(array: Float64Array): Float64Array {
  const larger = new Float64Array(array.length * 2);
  larger.set(array);
  return larger;
}
