// From an OpenTelemetry point to samples.
import { WireReader } from "@narthex/encoding";
import {
  CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type Exemplar,
  type FloatHistogramFields,
  type Metadata,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "@narthex/model";
import type { OtlpConfig } from "../config/types.ts";
import { layOutBuckets } from "./bucket-layout.ts";
import { latin1, type MetricContext } from "./contexts.ts";
import type { DeltaStreams } from "./delta-streams.ts";
import { readExemplar } from "./exemplars.ts";
import { MetricField, NO_RECORDED_VALUE } from "./fields.ts";
import type { Fault, OtlpIntake } from "./otlp-intake.ts";
import { Point, readExponentialPoint, readHistogramPoint, readNumberPoint, readSummaryPoint } from "./point-reader.ts";
import type { PointSeries } from "./point-series.ts";
import { Part } from "./series-key.ts";
import { faultOf, type Translation } from "./translation.ts";

/** Scales the storage takes; finer ones are made coarser. */
const COARSEST_SCALE = -4;
const FINEST_SCALE = 8;
/** OpenTelemetry's zero bucket has no width of its own. Source: the reference. */
const ZERO_THRESHOLD = 1e-128;

const NO_METADATA: Metadata = { type: "unknown", unit: "", help: "" };

const float = new Float64Array(1);
const halves = new Uint32Array(float.buffer);

/** What is made of points: some count since the last one, and stay that way or are summed up. */
export type Way = "as it is" | "delta" | "summed up";

export interface PointTranslatorOptions {
  readonly config: OtlpConfig;
  /** Where samples that count since the last one are summed up; undefined where they are not. */
  readonly deltas: DeltaStreams | undefined;
}

/** Takes one point after the other. */
export class PointTranslator {
  /** Of the points since these were set. */
  minTime: number = Infinity;
  maxTime: number = -Infinity;
  readonly #options: PointTranslatorOptions;
  readonly #series: PointSeries;
  readonly #point = new Point();
  readonly #side = new WireReader(new Uint8Array(0));
  #bytes: Uint8Array = new Uint8Array(0);
  #intake: OtlpIntake | undefined;
  #told: Translation | undefined;
  #metadata: Metadata = NO_METADATA;

  constructor(options: PointTranslatorOptions, series: PointSeries) {
    this.#options = options;
    this.#series = series;
  }

  /** A request of these bytes begins. */
  begin(bytes: Uint8Array, intake: OtlpIntake, told: Translation): void {
    this.#bytes = bytes;
    this.#intake = intake;
    this.#told = told;
    this.#series.intake = intake;
  }

  /** The request is over. */
  end(): void {
    this.#bytes = new Uint8Array(0);
    this.#intake = undefined;
    this.#told = undefined;
    this.#series.intake = undefined;
  }

  /** Takes the point of a metric that `reader` is inside of; `kind` is a number of `MetricField`. */
  take(reader: WireReader, context: MetricContext, kind: number, way: Way): Fault | undefined {
    const point = this.#point;
    const { key } = this.#series;
    this.#series.begin(context);
    this.#metadata = context.metadata;
    switch (kind) {
      case MetricField.gauge:
      case MetricField.sum:
        readNumberPoint(reader, point, key);
        break;
      case MetricField.histogram:
        readHistogramPoint(reader, point, key);
        break;
      case MetricField.exponentialHistogram:
        readExponentialPoint(reader, point, key);
        break;
      default:
        readSummaryPoint(reader, point, key);
    }
    if (way === "summed up" && !this.#isStale && !this.#sumUp(context, kind)) return undefined;
    this.minTime = Math.min(this.minTime, point.time);
    this.maxTime = Math.max(this.maxTime, point.time);
    switch (kind) {
      case MetricField.gauge:
        return this.#takeValue(Part.value, point.high, point.low);
      case MetricField.sum:
        return this.#takeValue(Part.value, point.high, point.low) ?? this.#takeExemplars();
      case MetricField.histogram:
        return this.#options.config.convertHistogramsToNhcb ? this.#customBuckets(way) : this.#classicHistogram();
      case MetricField.exponentialHistogram:
        return this.#exponentialHistogram(way);
      default:
        return this.#summary();
    }
  }

  /** Makes the point its stream's total; false when it is to be left out. */
  #sumUp({ identity }: MetricContext, kind: number): boolean {
    const { bytes, attributesStart, length } = this.#series.key;
    const key = identity + latin1(bytes, attributesStart, length);
    const deltaKind =
      kind === MetricField.sum ? "number" : kind === MetricField.histogram ? "histogram" : "exponential";
    return (this.#options.deltas as DeltaStreams).add(key, deltaKind, this.#point);
  }

  #classicHistogram(): Fault | undefined {
    const { bounds, bucketCounts, count, hasSum, sumHigh, sumLow } = this.#point;
    const found =
      (hasSum ? this.#takeValue(Part.sum, sumHigh, sumLow) : undefined) ?? this.#takeNumber(Part.count, count);
    if (found !== undefined) return found;
    const exemplars = this.#readExemplars();
    if (typeof exemplars === "string") return faultOf(exemplars);
    let nextExemplar = 0;
    let cumulative = 0;
    const bucketCount = Math.min(bounds.length, bucketCounts.length);
    for (let i = 0; i <= bucketCount; i++) {
      // The last bucket has all, whatever the others say.
      const isLast = i === bucketCount;
      const bound = isLast ? Infinity : (bounds[i] as number);
      if (!isLast) cumulative += bucketCounts[i] as number;
      const problem = this.#takeNumber(Part.bucket, isLast ? count : cumulative, bound);
      if (problem !== undefined) return problem;
      for (; nextExemplar < exemplars.length; nextExemplar++) {
        const exemplar = exemplars[nextExemplar] as Exemplar;
        if (!isLast && exemplar.value > bound) break;
        if (!this.#isStale) this.#intake?.exemplar(this.#series.ref, exemplar);
      }
    }
    return undefined;
  }

  #summary(): Fault | undefined {
    const { quantiles, quantileValues, count, sumHigh, sumLow } = this.#point;
    let found = this.#takeValue(Part.sum, sumHigh, sumLow) ?? this.#takeNumber(Part.count, count);
    for (let i = 0; i < quantiles.length && found === undefined; i++) {
      const [high, low] = [quantileValues[2 * i] as number, quantileValues[2 * i + 1] as number];
      found = this.#takeValue(Part.quantile, high, low, quantiles[i] as number);
    }
    return found;
  }

  #exponentialHistogram(way: Way): Fault | undefined {
    const { scale, positive, negative, zeroCount } = this.#point;
    if (scale < COARSEST_SCALE) {
      return faultOf(
        `cannot convert exponential to native histogram. Scale must be >= ${COARSEST_SCALE}, was ${scale}`,
      );
    }
    const scaleDown = Math.max(0, scale - FINEST_SCALE);
    const above = layOutBuckets(positive.counts, positive.offset, scaleDown, 1);
    const below = layOutBuckets(negative.counts, negative.offset, scaleDown, 1);
    return this.#takeHistogram("exponential histogram", {
      counterResetHint: way === "delta" ? CounterResetHint.gauge : CounterResetHint.unknown,
      schema: Math.min(scale, FINEST_SCALE),
      zeroThreshold: ZERO_THRESHOLD,
      zeroCount,
      positiveSpans: above.spans,
      positiveBuckets: above.buckets,
      negativeSpans: below.spans,
      negativeBuckets: below.buckets,
      customValues: [],
    });
  }

  #customBuckets(way: Way): Fault | undefined {
    const { bucketCounts, bounds } = this.#point;
    const firstFilled = bucketCounts.findIndex((each) => each !== 0);
    const offset = firstFilled < 0 ? bucketCounts.length : firstFilled;
    const { spans, buckets } = layOutBuckets(bucketCounts.slice(offset), offset, 0, 0);
    return this.#takeHistogram("histogram", {
      counterResetHint: way === "delta" ? CounterResetHint.gauge : CounterResetHint.unknown,
      schema: CUSTOM_BUCKETS_SCHEMA,
      zeroThreshold: 0,
      zeroCount: 0,
      positiveSpans: spans,
      positiveBuckets: buckets,
      negativeSpans: [],
      negativeBuckets: new Float64Array(0),
      customValues: bounds.slice(),
    });
  }

  #takeHistogram(what: string, layout: Omit<FloatHistogramFields, "count" | "sum">): Fault | undefined {
    const { time, startTime, count, sum } = this.#point;
    const intake = this.#intake as OtlpIntake;
    const missed = this.#series.find(Part.value, 0);
    if (missed !== undefined) return missed;
    this.#countMetadata();
    if (this.#isStale) return intake.stale(this.#series.ref, time, this.#series.again);
    if (count === 0 && sum !== 0) {
      (this.#told as Translation).warn(
        `${what} data point has zero count, but non-zero sum: ${sum.toFixed(6)}`,
        "histogram_zero_count_non_zero_sum",
      );
    }
    const histogram: FloatHistogramFields = { ...layout, count, sum, integer: true };
    return intake.histogram(this.#series.ref, time, histogram, startTime, this.#series.again) ?? this.#takeExemplars();
  }

  get #isStale(): boolean {
    return (this.#point.flags & NO_RECORDED_VALUE) !== 0;
  }

  #takeNumber(part: Part, value: number, bound = 0): Fault | undefined {
    float[0] = value;
    return this.#takeValue(part, halves[1] as number, halves[0] as number, bound);
  }

  /** Appends a value, or that there is none any more, to one of the point's series. */
  #takeValue(part: Part, high: number, low: number, bound = 0): Fault | undefined {
    const { time, startTime } = this.#point;
    const missed = this.#series.find(part, bound);
    if (missed !== undefined) return missed;
    this.#countMetadata();
    const isStale = this.#isStale;
    return (this.#intake as OtlpIntake).float(
      this.#series.ref,
      time,
      isStale ? STALE_NAN_HIGH : high,
      isStale ? STALE_NAN_LOW : low,
      startTime,
      this.#series.again,
    );
  }

  /** To the series found last. */
  #takeExemplars(): Fault | undefined {
    const exemplars = this.#readExemplars();
    if (typeof exemplars === "string") return faultOf(exemplars);
    if (!this.#isStale) for (const exemplar of exemplars) this.#intake?.exemplar(this.#series.ref, exemplar);
    return undefined;
  }

  #readExemplars(): readonly Exemplar[] | string {
    const places = this.#point.exemplars;
    const exemplars: Exemplar[] = [];
    for (let i = 0; i < places.length; i += 2) {
      this.#side.reset(this.#bytes);
      const exemplar = readExemplar(this.#side, places[i] as number, places[i + 1] as number);
      if (typeof exemplar === "string") return exemplar;
      exemplars.push(exemplar);
    }
    return exemplars;
  }

  #countMetadata(): void {
    const { type, unit, help } = this.#metadata;
    if (type === "unknown" && unit === "" && help === "") (this.#told as Translation).withoutMetadata++;
  }
}
