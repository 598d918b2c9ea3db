// Data points of all kinds, read into one object that is used again for each.
import { EncodingError, type WireReader, WireType } from "@narthex/encoding";
import {
  BucketsField,
  ExponentialPointField,
  HistogramPointField,
  NumberPointField,
  QuantileField,
  SummaryPointField,
} from "./fields.ts";
import type { SeriesKey } from "./series-key.ts";

const float = new Float64Array(1);
const halves = new Uint32Array(float.buffer);

/** One side of an exponential histogram. */
export class SideBuckets {
  offset = 0;
  readonly counts: number[] = [];

  clear(): void {
    this.offset = 0;
    this.counts.length = 0;
  }
}

/** The point that was read last. Times are milliseconds; numbers are given as the halves of a float. */
export class Point {
  startTime = 0;
  time = 0;
  flags = 0;
  /** Of number points: the value, an integer converted; 0 where the point has none. */
  high = 0;
  low = 0;
  count = 0;
  hasSum = false;
  sumHigh = 0;
  sumLow = 0;
  sum = 0;
  readonly bucketCounts: number[] = [];
  readonly bounds: number[] = [];
  scale = 0;
  zeroCount = 0;
  readonly positive: SideBuckets = new SideBuckets();
  readonly negative: SideBuckets = new SideBuckets();
  readonly quantiles: number[] = [];
  /** Halves of the values at the quantiles: high, low, high, low. */
  readonly quantileValues: number[] = [];
  /** Where exemplar messages lie: start, end, start, end. */
  readonly exemplars: number[] = [];

  clear(): void {
    this.startTime = 0;
    this.time = 0;
    this.flags = 0;
    this.high = 0;
    this.low = 0;
    this.count = 0;
    this.hasSum = false;
    this.sumHigh = 0;
    this.sumLow = 0;
    this.sum = 0;
    this.bucketCounts.length = 0;
    this.bounds.length = 0;
    this.scale = 0;
    this.zeroCount = 0;
    this.positive.clear();
    this.negative.clear();
    this.quantiles.length = 0;
    this.quantileValues.length = 0;
    this.exemplars.length = 0;
  }

  /** Of number points. */
  get value(): number {
    halves[1] = this.high;
    halves[0] = this.low;
    return float[0] as number;
  }

  set value(value: number) {
    float[0] = value;
    this.high = halves[1] as number;
    this.low = halves[0] as number;
  }

  takeSum(sum: number): void {
    float[0] = sum;
    this.hasSum = true;
    this.sum = sum;
    this.sumHigh = halves[1] as number;
    this.sumLow = halves[0] as number;
  }

  clearSum(): void {
    this.hasSum = false;
    this.sum = 0;
    this.sumHigh = 0;
    this.sumLow = 0;
  }

  setSum(reader: WireReader): void {
    reader.doubleBitsField();
    this.hasSum = true;
    this.sumHigh = reader.high;
    this.sumLow = reader.low;
    halves[1] = reader.high;
    halves[0] = reader.low;
    this.sum = float[0] as number;
  }
}

/** Reads the number point that `reader` is inside of; its attributes go into `key`. */
export function readNumberPoint(reader: WireReader, point: Point, key: SeriesKey): void {
  point.clear();
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    switch (field) {
      case NumberPointField.attributes:
        addAttribute(reader, key);
        break;
      case NumberPointField.startTime:
        point.startTime = readTime(reader);
        break;
      case NumberPointField.time:
        point.time = readTime(reader);
        break;
      case NumberPointField.asDouble:
        reader.doubleBitsField();
        point.high = reader.high;
        point.low = reader.low;
        break;
      case NumberPointField.asInt:
        reader.doubleBitsField();
        point.value = (reader.high | 0) * 0x1_0000_0000 + reader.low;
        break;
      case NumberPointField.exemplars:
        addExemplar(reader, point);
        break;
      case NumberPointField.flags:
        point.flags = reader.uintField();
        break;
      default:
        reader.skipField();
    }
  }
}

export function readHistogramPoint(reader: WireReader, point: Point, key: SeriesKey): void {
  point.clear();
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    switch (field) {
      case HistogramPointField.attributes:
        addAttribute(reader, key);
        break;
      case HistogramPointField.startTime:
        point.startTime = readTime(reader);
        break;
      case HistogramPointField.time:
        point.time = readTime(reader);
        break;
      case HistogramPointField.count:
        point.count = readCount(reader);
        break;
      case HistogramPointField.sum:
        point.setSum(reader);
        break;
      case HistogramPointField.bucketCounts:
        readList(reader, WireType.fixed64, point.bucketCounts, readCount, packedCount);
        break;
      case HistogramPointField.explicitBounds:
        readList(
          reader,
          WireType.fixed64,
          point.bounds,
          (each) => each.doubleField(),
          (each) => each.packedDouble(),
        );
        break;
      case HistogramPointField.exemplars:
        addExemplar(reader, point);
        break;
      case HistogramPointField.flags:
        point.flags = reader.uintField();
        break;
      default:
        reader.skipField();
    }
  }
}

export function readExponentialPoint(reader: WireReader, point: Point, key: SeriesKey): void {
  point.clear();
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    switch (field) {
      case ExponentialPointField.attributes:
        addAttribute(reader, key);
        break;
      case ExponentialPointField.startTime:
        point.startTime = readTime(reader);
        break;
      case ExponentialPointField.time:
        point.time = readTime(reader);
        break;
      case ExponentialPointField.count:
        point.count = readCount(reader);
        break;
      case ExponentialPointField.sum:
        point.setSum(reader);
        break;
      case ExponentialPointField.scale:
        point.scale = readInt32(reader);
        break;
      case ExponentialPointField.zeroCount:
        point.zeroCount = readCount(reader);
        break;
      case ExponentialPointField.positive:
        readSide(reader, point.positive);
        break;
      case ExponentialPointField.negative:
        readSide(reader, point.negative);
        break;
      case ExponentialPointField.exemplars:
        addExemplar(reader, point);
        break;
      case ExponentialPointField.flags:
        point.flags = reader.uintField();
        break;
      default:
        reader.skipField();
    }
  }
}

export function readSummaryPoint(reader: WireReader, point: Point, key: SeriesKey): void {
  point.clear();
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    switch (field) {
      case SummaryPointField.attributes:
        addAttribute(reader, key);
        break;
      case SummaryPointField.startTime:
        point.startTime = readTime(reader);
        break;
      case SummaryPointField.time:
        point.time = readTime(reader);
        break;
      case SummaryPointField.count:
        point.count = readCount(reader);
        break;
      case SummaryPointField.sum:
        point.setSum(reader);
        break;
      case SummaryPointField.quantiles:
        readQuantile(reader, point);
        break;
      case SummaryPointField.flags:
        point.flags = reader.uintField();
        break;
      default:
        reader.skipField();
    }
  }
}

/** Nanoseconds since the epoch, `fixed64`, as whole milliseconds; what lies beyond 2262 comes out before the epoch. */
export function readTime(reader: WireReader): number {
  reader.doubleBitsField();
  let { high, low } = reader;
  const isNegative = (high | 0) < 0;
  if (isNegative) {
    low = -low >>> 0;
    high = (low === 0 ? -high : ~high) >>> 0;
  }
  // 2^32 ns are 4294 ms and 967296 ns, so that no product here goes beyond what a float holds.
  const t = high * 4294 + Math.floor((high * 967_296 + low) / 1_000_000);
  return isNegative ? -t : t;
}

function readCount(reader: WireReader): number {
  reader.doubleBitsField();
  return countOf(reader);
}

function packedCount(reader: WireReader): number {
  reader.packedDoubleBits();
  return countOf(reader);
}

function countOf({ high, low, position }: WireReader): number {
  const count = high * 0x1_0000_0000 + low;
  if (!Number.isSafeInteger(count)) throw new EncodingError("overflow", "count too large", position);
  return count;
}

function readInt32(reader: WireReader): number {
  const value = reader.sintField();
  if ((value | 0) !== value) throw new EncodingError("overflow", "number too large", reader.position);
  return value;
}

function readSide(reader: WireReader, side: SideBuckets): void {
  const outer = reader.enter();
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === BucketsField.offset) side.offset = readInt32(reader);
    else if (field === BucketsField.bucketCounts) {
      readList(
        reader,
        WireType.varint,
        side.counts,
        (each) => each.uintField(),
        (each) => each.uvarint(),
      );
    } else reader.skipField();
  }
  reader.leave(outer);
}

function readQuantile(reader: WireReader, point: Point): void {
  const outer = reader.enter();
  let quantile = 0;
  let high = 0;
  let low = 0;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === QuantileField.quantile) quantile = reader.doubleField();
    else if (field === QuantileField.value) {
      reader.doubleBitsField();
      ({ high, low } = reader);
    } else reader.skipField();
  }
  reader.leave(outer);
  point.quantiles.push(quantile);
  point.quantileValues.push(high, low);
}

/** A list packed or one by one, as the wire format leaves it open. */
function readList(
  reader: WireReader,
  single: WireType,
  into: number[],
  readSingle: (reader: WireReader) => number,
  readPacked: (reader: WireReader) => number,
): void {
  if (reader.wireType === single) {
    into.push(readSingle(reader));
    return;
  }
  const outer = reader.enter();
  while (reader.remaining > 0) into.push(readPacked(reader));
  reader.leave(outer);
}

function addAttribute(reader: WireReader, key: SeriesKey): void {
  const outer = reader.enter();
  key.addAttribute(reader.bytes, reader.position, reader.end);
  reader.leave(outer);
}

function addExemplar(reader: WireReader, point: Point): void {
  const outer = reader.enter();
  point.exemplars.push(reader.position, reader.end);
  reader.leave(outer);
}
