// Native histograms as protobuf messages, as remote write and remote read have them.
import { EncodingError, type WireReader, WireType, type WireWriter } from "@narthex/encoding";
import {
  type CounterResetHint,
  type FloatHistogramFields,
  floatFromInteger,
  type Span,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "@narthex/model";
import { HistogramField, SpanField } from "./wire.ts";

/** A histogram as it came: `integer` tells whether its counts were integers. */
export interface WireHistogram {
  readonly t: number;
  /** Milliseconds; 0 where unknown. */
  readonly startTime: number;
  readonly integer: boolean;
  readonly histogram: FloatHistogramFields;
}

/** Reads the message that `reader` is inside of. Throws an `EncodingError` for bytes that are none. */
export function readHistogram(reader: WireReader): WireHistogram {
  let t = 0;
  let startTime = 0;
  let integer = true;
  let count = 0;
  let sum = 0;
  let schema = 0;
  let zeroThreshold = 0;
  let zeroCount = 0;
  let hint = 0;
  const positiveSpans: Span[] = [];
  const negativeSpans: Span[] = [];
  const positiveDeltas: number[] = [];
  const negativeDeltas: number[] = [];
  const positiveCounts: number[] = [];
  const negativeCounts: number[] = [];
  const customValues: number[] = [];
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    switch (field) {
      case HistogramField.countInt:
        count = reader.uintField();
        break;
      case HistogramField.countFloat:
        count = reader.doubleField();
        integer = false;
        break;
      case HistogramField.sum:
        sum = reader.doubleField();
        break;
      case HistogramField.schema:
        schema = reader.sintField();
        break;
      case HistogramField.zeroThreshold:
        zeroThreshold = reader.doubleField();
        break;
      case HistogramField.zeroCountInt:
        zeroCount = reader.uintField();
        break;
      case HistogramField.zeroCountFloat:
        zeroCount = reader.doubleField();
        break;
      case HistogramField.negativeSpans:
        negativeSpans.push(readSpan(reader));
        break;
      case HistogramField.negativeDeltas:
        readDeltas(reader, negativeDeltas);
        break;
      case HistogramField.negativeCounts:
        readDoubles(reader, negativeCounts);
        break;
      case HistogramField.positiveSpans:
        positiveSpans.push(readSpan(reader));
        break;
      case HistogramField.positiveDeltas:
        readDeltas(reader, positiveDeltas);
        break;
      case HistogramField.positiveCounts:
        readDoubles(reader, positiveCounts);
        break;
      case HistogramField.resetHint:
        hint = reader.uintField();
        break;
      case HistogramField.timestamp:
        t = readTime(reader);
        break;
      case HistogramField.customValues:
        readDoubles(reader, customValues);
        break;
      case HistogramField.startTimestamp:
        startTime = readTime(reader);
        break;
      default:
        reader.skipField();
    }
  }
  const common = {
    counterResetHint: (hint <= 3 ? hint : 0) as CounterResetHint,
    schema,
    zeroThreshold,
    zeroCount,
    count,
    sum,
    positiveSpans,
    negativeSpans,
    customValues,
  };
  const histogram: FloatHistogramFields = integer
    ? floatFromInteger({ ...common, positiveDeltas, negativeDeltas })
    : {
        ...common,
        positiveBuckets: Float64Array.from(positiveCounts),
        negativeBuckets: Float64Array.from(negativeCounts),
      };
  if (integer) histogram.integer = true;
  return { t, startTime, integer, histogram };
}

/** An `int64` of milliseconds. Times that a float does not hold exactly come near enough to be refused as such. */
export function readTime(reader: WireReader): number {
  reader.varint64Field();
  return (reader.high | 0) * 0x1_0000_0000 + reader.low;
}

function readSpan(reader: WireReader): Span {
  const outer = reader.enter();
  let offset = 0;
  let length = 0;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === SpanField.offset) offset = reader.sintField();
    else if (field === SpanField.length) length = reader.uintField();
    else reader.skipField();
  }
  reader.leave(outer);
  if (Math.abs(offset) > 0x7fffffff || length > 0xffffffff) {
    throw new EncodingError("overflow", "histogram span out of range", reader.position);
  }
  return { offset, length };
}

/** Packed or one by one, as the wire format leaves it open. */
function readDeltas(reader: WireReader, into: number[]): void {
  if (reader.wireType === WireType.varint) {
    into.push(reader.sintField());
    return;
  }
  const outer = reader.enter();
  while (reader.remaining > 0) into.push(reader.varint());
  reader.leave(outer);
}

function readDoubles(reader: WireReader, into: number[]): void {
  if (reader.wireType === WireType.fixed64) {
    into.push(reader.doubleField());
    return;
  }
  const outer = reader.enter();
  while (reader.remaining > 0) into.push(reader.packedDouble());
  reader.leave(outer);
}

/**
 * Appends a histogram as field `field`. Integer ones (`histogram.integer`) are written as such: counts and differences
 * between neighbouring buckets. Fields with their default value are left out, those of a `oneof` are not, as in the
 * reference. `startTime` 0 is left out; so are custom bounds unless `withBounds`. `stale`: the sum is the stale marker.
 */
export function writeHistogram(
  writer: WireWriter,
  field: number,
  t: number,
  histogram: FloatHistogramFields,
  startTime = 0,
  withBounds = true,
  stale = false,
): void {
  const integer = histogram.integer === true;
  const message = writer.begin(field);
  if (integer) writer.uintField(HistogramField.countInt, histogram.count);
  else writer.doubleField(HistogramField.countFloat, histogram.count);
  if (stale) writer.doubleBitsField(HistogramField.sum, STALE_NAN_HIGH, STALE_NAN_LOW);
  else if (histogram.sum !== 0) writer.doubleField(HistogramField.sum, histogram.sum);
  if (histogram.schema !== 0) writer.sintField(HistogramField.schema, histogram.schema);
  if (histogram.zeroThreshold !== 0) writer.doubleField(HistogramField.zeroThreshold, histogram.zeroThreshold);
  if (integer) writer.uintField(HistogramField.zeroCountInt, histogram.zeroCount);
  else writer.doubleField(HistogramField.zeroCountFloat, histogram.zeroCount);
  writeSpans(writer, HistogramField.negativeSpans, histogram.negativeSpans);
  if (integer) writeDeltas(writer, HistogramField.negativeDeltas, histogram.negativeBuckets);
  else writeDoubles(writer, HistogramField.negativeCounts, histogram.negativeBuckets);
  writeSpans(writer, HistogramField.positiveSpans, histogram.positiveSpans);
  if (integer) writeDeltas(writer, HistogramField.positiveDeltas, histogram.positiveBuckets);
  else writeDoubles(writer, HistogramField.positiveCounts, histogram.positiveBuckets);
  if (histogram.counterResetHint !== 0) writer.uintField(HistogramField.resetHint, histogram.counterResetHint);
  if (t !== 0) writer.intField(HistogramField.timestamp, t);
  if (withBounds) writeDoubles(writer, HistogramField.customValues, histogram.customValues);
  if (startTime !== 0) writer.intField(HistogramField.startTimestamp, startTime);
  writer.end(message);
}

function writeSpans(writer: WireWriter, field: number, spans: readonly Span[]): void {
  for (const { offset, length } of spans) {
    const span = writer.begin(field);
    if (offset !== 0) writer.sintField(SpanField.offset, offset);
    if (length !== 0) writer.uintField(SpanField.length, length);
    writer.end(span);
  }
}

function writeDeltas(writer: WireWriter, field: number, buckets: ArrayLike<number>): void {
  if (buckets.length === 0) return;
  const list = writer.begin(field);
  for (let i = 0, before = 0; i < buckets.length; i++) {
    const count = buckets[i] as number;
    writer.varint(count - before);
    before = count;
  }
  writer.end(list);
}

function writeDoubles(writer: WireWriter, field: number, values: ArrayLike<number>): void {
  if (values.length === 0) return;
  const list = writer.begin(field);
  for (let i = 0; i < values.length; i++) writer.packedDouble(values[i] as number);
  writer.end(list);
}
