// From the bytes of an OpenTelemetry request to samples in an appender, point by point.
import { createHash } from "node:crypto";
import { WireReader } from "@narthex/encoding";
import {
  CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type Exemplar,
  type FloatHistogramFields,
  formatDecimal,
  type Metadata,
  type MetricType,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "@narthex/model";
import type { SeriesRef } from "@narthex/storage";
import type { OtlpConfig } from "../config/types.ts";
import type { SeriesCache } from "../remote/receive/series-cache.ts";
import { type Attribute, readAttribute, readAttributes } from "./attributes.ts";
import { layOutBuckets } from "./bucket-layout.ts";
import { Contexts, type MetricContext, type ResourceContext, type ScopeContext } from "./contexts.ts";
import type { DeltaStreams } from "./delta-streams.ts";
import { readExemplar } from "./exemplars.ts";
import {
  DataField,
  MetricField,
  NO_RECORDED_VALUE,
  RequestField,
  ResourceField,
  ResourceMetricsField,
  ScopeField,
  ScopeMetricsField,
  Temporality,
} from "./fields.ts";
import { addsSuffixes, allowsUtf8, LabelFault, LabelMaker } from "./label-maker.ts";
import { metricName } from "./metric-name.ts";
import type { Fault, OtlpIntake } from "./otlp-intake.ts";
import { Point, readExponentialPoint, readHistogramPoint, readNumberPoint, readSummaryPoint } from "./point-reader.ts";
import { Part, SeriesKey } from "./series-key.ts";
import { unitName } from "./unit-name.ts";

/** Faults told in one answer. */
const MAX_FAULTS = 100;
/** Characters of what is remembered of resources, scopes and metrics. */
const MAX_CONTEXT_CHARS = 8 * 1024 * 1024;
/** Scales the storage takes; finer ones are made coarser. */
const COARSEST_SCALE = -4;
const FINEST_SCALE = 8;
/** OpenTelemetry's zero bucket has no width of its own. Source: the reference. */
const ZERO_THRESHOLD = 1e-128;
/** Samples of `target_info` that one request may ask for: one each two minutes and a half for half a year. */
const MAX_TARGET_INFO_SAMPLES = 100_000;
/** Warnings told about one request. */
const MAX_WARNINGS = 100;

const float = new Float64Array(1);
const halves = new Uint32Array(float.buffer);

/** The kinds of warnings, as the metric about them names them. */
export type WarningCategory = "empty_data_points" | "label_name_collision" | "histogram_zero_count_non_zero_sum";

/** What became of a request. With faults, nothing of it is to be kept. */
export interface Translation {
  readonly faults: readonly Fault[];
  readonly warnings: ReadonlyMap<string, WarningCategory>;
  /** Samples of which nothing is known but their value. */
  readonly withoutMetadata: number;
}

export interface TranslatorOptions {
  readonly config: OtlpConfig;
  readonly cache: SeriesCache;
  readonly typeAndUnitLabels: boolean;
  /** Whether samples that count since the last one are taken as they are. */
  readonly takesDeltas: boolean;
  /** Where such samples are summed up; undefined where they are not. */
  readonly deltas: DeltaStreams | undefined;
  /** How long a sample is found; `target_info` is written twice as often. */
  readonly lookbackDeltaMs: number;
}

/** What kind of data a metric has, by the field that holds it. */
interface MetricHeader {
  name: string;
  description: string;
  unit: string;
  /** A number of `MetricField`; 0 for none. */
  kind: number;
  dataStart: number;
  dataEnd: number;
  temporality: number;
  isMonotonic: boolean;
  pointCount: number;
}

/** What is made of points: some count since the last one, and stay that way or are summed up. */
type Way = "as it is" | "delta" | "summed up";

/** Translates by one configuration; another needs another. One request at a time, which runs straight through. */
export class Translator {
  readonly #options: TranslatorOptions;
  readonly #labels: LabelMaker;
  readonly #contexts: Contexts;
  readonly #reader = new WireReader(new Uint8Array(0));
  /** For what lies elsewhere: attributes within the key, exemplars. */
  readonly #side = new WireReader(new Uint8Array(0));
  readonly #key = new SeriesKey();
  readonly #point = new Point();
  #bytes: Uint8Array = new Uint8Array(0);
  #intake: OtlpIntake | undefined;
  // Of the point at hand: its metric, and which of its series was chosen last.
  #context: MetricContext | undefined;
  #part: Part = Part.value;
  #bound = 0;
  #ref: SeriesRef = 0;
  #faults: Fault[] = [];
  #warnings = new Map<string, WarningCategory>();
  #withoutMetadata = 0;
  #minTime = Infinity;
  #maxTime = -Infinity;
  readonly #targetInfoSeen = new Set<string>();

  constructor(options: TranslatorOptions) {
    this.#options = options;
    this.#labels = new LabelMaker({
      config: options.config,
      typeAndUnitLabels: options.typeAndUnitLabels,
      onCollision: (message) => this.#warn(message, "label_name_collision"),
    });
    this.#contexts = new Contexts(MAX_CONTEXT_CHARS, () => options.cache.clear());
    // Numbers of contexts begin anew.
    options.cache.clear();
  }

  /** Reads `bytes[0, length)`; the intake takes all samples. Throws an `EncodingError` for bytes that are no request. */
  translate(bytes: Uint8Array, length: number, intake: OtlpIntake): Translation {
    this.#contexts.trim();
    this.#bytes = bytes;
    this.#intake = intake;
    this.#faults = [];
    this.#warnings = new Map();
    this.#withoutMetadata = 0;
    this.#targetInfoSeen.clear();
    const reader = this.#reader.reset(bytes, 0, length) as WireReader;
    for (let field = reader.nextField(); field !== 0 && !this.#isFull; field = reader.nextField()) {
      if (field !== RequestField.resourceMetrics) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      this.#takeResource(reader);
      reader.leave(outer);
    }
    this.#bytes = new Uint8Array(0);
    this.#intake = undefined;
    this.#context = undefined;
    return { faults: this.#faults, warnings: this.#warnings, withoutMetadata: this.#withoutMetadata };
  }

  get #isFull(): boolean {
    return this.#faults.length >= MAX_FAULTS;
  }

  #takeResource(reader: WireReader): void {
    const { position: start } = reader;
    let resourceStart = 0;
    let resourceEnd = 0;
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field !== ResourceMetricsField.resource) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      resourceStart = reader.position;
      resourceEnd = reader.end;
      reader.leave(outer);
    }
    const resource = this.#resourceContext(resourceStart, resourceEnd);
    if (resource.labels instanceof LabelFault) {
      this.#fail(resource.labels.message);
      return;
    }
    this.#minTime = Infinity;
    this.#maxTime = -Infinity;
    reader.position = start;
    for (let field = reader.nextField(); field !== 0 && !this.#isFull; field = reader.nextField()) {
      if (field !== ResourceMetricsField.scopeMetrics) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      this.#takeScope(reader, resource);
      reader.leave(outer);
    }
    if (this.#minTime <= this.#maxTime) this.#takeTargetInfo(resource);
  }

  #resourceContext(start: number, end: number): ResourceContext {
    const key = latin1(this.#bytes, start, end);
    return this.#contexts.resource(key, (id) => {
      const attributes = this.#attributesOf(start, end, ResourceField.attributes);
      const identity = this.#options.deltas === undefined ? "" : digest([key]);
      return { id, attributes, labels: this.#labels.resource(attributes), identity };
    });
  }

  #takeScope(reader: WireReader, resource: ResourceContext): void {
    const { position: start } = reader;
    let scopeStart = 0;
    let scopeEnd = 0;
    let schemaUrl = "";
    if (this.#options.config.promoteScopeMetadata) {
      for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
        if (field === ScopeMetricsField.scope) {
          const outer = reader.enter();
          scopeStart = reader.position;
          scopeEnd = reader.end;
          reader.leave(outer);
        } else if (field === ScopeMetricsField.schemaUrl) schemaUrl = reader.textField();
        else reader.skipField();
      }
      reader.position = start;
    }
    const scope = this.#scopeContext(resource, scopeStart, scopeEnd, schemaUrl);
    if (scope.labels instanceof LabelFault) {
      this.#fail(scope.labels.message);
      return;
    }
    for (let field = reader.nextField(); field !== 0 && !this.#isFull; field = reader.nextField()) {
      if (field !== ScopeMetricsField.metrics) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      const fault = this.#takeMetric(reader, scope);
      if (fault !== undefined) this.#faults.push(fault);
      reader.leave(outer);
    }
  }

  #scopeContext(resource: ResourceContext, start: number, end: number, schemaUrl: string): ScopeContext {
    const content = `${schemaUrl.length} ${schemaUrl}${latin1(this.#bytes, start, end)}`;
    const key = `${resource.id} ${content}`;
    return this.#contexts.scope(key, (id) => {
      const attributes = this.#attributesOf(start, end, ScopeField.attributes);
      const side = this.#side.reset(this.#bytes, start, end) as WireReader;
      let name = "";
      let version = "";
      for (let field = side.nextField(); field !== 0; field = side.nextField()) {
        if (field === ScopeField.name) name = side.textField();
        else if (field === ScopeField.version) version = side.textField();
        else side.skipField();
      }
      const labels = this.#labels.scope(name, version, schemaUrl, attributes);
      const identity = this.#options.deltas === undefined ? "" : digest([resource.identity, content]);
      return { id, resource, labels, identity };
    });
  }

  /** A fault ends the metric, not the request. */
  #takeMetric(reader: WireReader, scope: ScopeContext): Fault | undefined {
    const header = readHeader(reader);
    const { name, kind, temporality } = header;
    if (kind === 0) {
      return fault(`could not get aggregation temporality for ${name} as it has unsupported metric type Empty`);
    }
    const hasTemporality = kind !== MetricField.gauge && kind !== MetricField.summary;
    const isSummedUp = temporality === Temporality.delta && this.#options.deltas !== undefined && isSummable(header);
    if (isSummedUp) header.temporality = Temporality.cumulative;
    const isDelta = temporality === Temporality.delta && !isSummedUp;
    if (
      hasTemporality &&
      !isSummedUp &&
      temporality !== Temporality.cumulative &&
      !(isDelta && this.#options.takesDeltas)
    ) {
      return fault(`invalid temporality and type combination for metric ${JSON.stringify(name)}`);
    }
    const context = this.#metricContext(scope, header);
    if (context.name instanceof LabelFault) return fault(context.name.message);
    if (header.pointCount === 0) {
      this.#warn(`empty data points. ${name} is dropped`, "empty_data_points");
      return undefined;
    }
    reader.position = header.dataStart;
    reader.end = header.dataEnd;
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field !== DataField.points) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      const found = this.#takePoint(reader, context, kind, isDelta ? "delta" : isSummedUp ? "summed up" : "as it is");
      reader.leave(outer);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #metricContext(scope: ScopeContext, header: MetricHeader): MetricContext {
    const { name, unit, description, kind, temporality, isMonotonic } = header;
    const key = `${scope.id} ${kind} ${temporality} ${isMonotonic} ${name.length} ${unit.length} ${name}${unit}${description}`;
    return this.#contexts.metric(key, (id) => {
      const { config } = this.#options;
      const named =
        kind === MetricField.gauge ? "gauge" : kind === MetricField.sum && isMonotonic ? "counter" : "other";
      const result = metricName(name, unit, named, {
        allowsUtf8: allowsUtf8(config),
        addsSuffixes: addsSuffixes(config),
      });
      const metadata: Metadata = { type: typeOf(header), unit: unitName(unit, false), help: description };
      const identity = this.#options.deltas === undefined ? "" : identityOf(scope, header);
      return { id, scope, name: "name" in result ? result.name : new LabelFault(result.fault), metadata, identity };
    });
  }

  #takePoint(reader: WireReader, context: MetricContext, kind: number, way: Way): Fault | undefined {
    const point = this.#point;
    this.#context = context;
    this.#key.begin(context.id);
    switch (kind) {
      case MetricField.gauge:
      case MetricField.sum:
        readNumberPoint(reader, point, this.#key);
        break;
      case MetricField.histogram:
        readHistogramPoint(reader, point, this.#key);
        break;
      case MetricField.exponentialHistogram:
        readExponentialPoint(reader, point, this.#key);
        break;
      default:
        readSummaryPoint(reader, point, this.#key);
    }
    if (way === "summed up" && !this.#isStale && !this.#sumUp(context, kind)) return undefined;
    this.#minTime = Math.min(this.#minTime, point.time);
    this.#maxTime = Math.max(this.#maxTime, point.time);
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
    const { bytes, attributesStart, length } = this.#key;
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
    if (typeof exemplars === "string") return fault(exemplars);
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
        if (!this.#isStale) this.#intake?.exemplar(this.#ref, exemplar);
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
      return fault(`cannot convert exponential to native histogram. Scale must be >= ${COARSEST_SCALE}, was ${scale}`);
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
    const missed = this.#findSeries(Part.value, 0);
    if (missed !== undefined) return missed;
    this.#countMetadata();
    if (this.#isStale) return intake.stale(this.#ref, time, this.#again);
    if (count === 0 && sum !== 0) {
      this.#warn(
        `${what} data point has zero count, but non-zero sum: ${sum.toFixed(6)}`,
        "histogram_zero_count_non_zero_sum",
      );
    }
    const histogram: FloatHistogramFields = { ...layout, count, sum, integer: true };
    return intake.histogram(this.#ref, time, histogram, startTime, this.#again) ?? this.#takeExemplars();
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
    const missed = this.#findSeries(part, bound);
    if (missed !== undefined) return missed;
    this.#countMetadata();
    const isStale = this.#isStale;
    return (this.#intake as OtlpIntake).float(
      this.#ref,
      time,
      isStale ? STALE_NAN_HIGH : high,
      isStale ? STALE_NAN_LOW : low,
      startTime,
      this.#again,
    );
  }

  /** To the series found last. */
  #takeExemplars(): Fault | undefined {
    const exemplars = this.#readExemplars();
    if (typeof exemplars === "string") return fault(exemplars);
    if (!this.#isStale) for (const exemplar of exemplars) this.#intake?.exemplar(this.#ref, exemplar);
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

  /** Puts the ref of one of the point's series into `#ref`. `bound` is that of a bucket, or a quantile. */
  #findSeries(part: Part, bound: number): Fault | undefined {
    const { cache } = this.#options;
    const key = this.#key;
    float[0] = bound;
    key.choose(part, halves[1] as number, halves[0] as number);
    this.#part = part;
    this.#bound = bound;
    const guessed = cache.guess(key.view, 0, key.length);
    if (guessed === key.length || cache.find(key.view, 0, key.length) !== 0) {
      this.#ref = cache.ref;
      return undefined;
    }
    const made = this.#makeSeries();
    if (typeof made !== "number") return made;
    if (made !== 0) cache.add(key.view, 0, key.length, made);
    this.#ref = made;
    return undefined;
  }

  /** The series chosen last, by its labels. */
  #makeSeries(): SeriesRef | Fault {
    const { name, scope, metadata } = this.#context as MetricContext;
    const key = this.#key;
    const attributes = readAttributes(this.#side, key.bytes, key.attributesStart, key.length);
    const part = this.#part;
    const suffix = part === Part.sum ? "_sum" : part === Part.count ? "_count" : part === Part.bucket ? "_bucket" : "";
    const extra: Attribute | undefined =
      part === Part.bucket
        ? ["le", formatDecimal(this.#bound)]
        : part === Part.quantile
          ? ["quantile", formatDecimal(this.#bound)]
          : undefined;
    const { resource } = scope;
    if (resource.labels instanceof LabelFault || scope.labels instanceof LabelFault || name instanceof LabelFault) {
      return fault("the metric cannot be named");
    }
    const labels = this.#labels.point(attributes, resource.labels, scope.labels, metadata, name + suffix, extra);
    if (labels instanceof LabelFault) return fault(labels.message);
    return (this.#intake as OtlpIntake).series(labels, metadata);
  }

  /** For the intake: the storage has forgotten the series. */
  readonly #again = (): SeriesRef | Fault => {
    const made = this.#makeSeries();
    if (typeof made !== "number") return made;
    if (made !== 0) this.#options.cache.update(made);
    this.#ref = made;
    return made;
  };

  #countMetadata(): void {
    const { type, unit, help } = (this.#context as MetricContext).metadata;
    if (type === "unknown" && unit === "" && help === "") this.#withoutMetadata++;
  }

  /** One sample at each half lookback between the first and the last point, so that it is found at all of them. */
  #takeTargetInfo({ attributes, labels }: ResourceContext): void {
    if (labels instanceof LabelFault) return;
    const made = this.#labels.targetInfo(attributes, labels);
    if (made === undefined) return;
    if (made instanceof LabelFault) {
      this.#fail(made.message);
      return;
    }
    const intervalMs = this.#options.lookbackDeltaMs / 2;
    if ((this.#maxTime - this.#minTime) / intervalMs + this.#targetInfoSeen.size > MAX_TARGET_INFO_SAMPLES) {
      this.#fail("the data points' times lie too far apart for target_info");
      return;
    }
    const intake = this.#intake as OtlpIntake;
    const ref = intake.series(made, TARGET_INFO);
    if (typeof ref !== "number") {
      this.#faults.push(ref);
      return;
    }
    float[0] = 1;
    const [high, low] = [halves[1] as number, halves[0] as number];
    for (let t = this.#minTime; ; t = Math.min(t + intervalMs, this.#maxTime)) {
      const key = `${ref} ${t}`;
      if (!this.#targetInfoSeen.has(key)) {
        this.#targetInfoSeen.add(key);
        const found = intake.float(ref, t, high, low, 0, () => ref);
        if (found !== undefined) {
          this.#faults.push(found);
          return;
        }
      }
      if (t >= this.#maxTime) return;
    }
  }

  /** Attributes that the message at `[start, end)` has as its field `wanted`. */
  #attributesOf(start: number, end: number, wanted: number): Attribute[] {
    const side = this.#side.reset(this.#bytes, start, end) as WireReader;
    const attributes: Attribute[] = [];
    for (let field = side.nextField(); field !== 0; field = side.nextField()) {
      if (field === wanted) attributes.push(readAttribute(side));
      else side.skipField();
    }
    return attributes;
  }

  #warn(message: string, category: WarningCategory): void {
    if (this.#warnings.size < MAX_WARNINGS) this.#warnings.set(message, category);
  }

  #fail(message: string): void {
    this.#faults.push(fault(message));
  }
}

const TARGET_INFO: Metadata = { type: "gauge", help: "Target metadata", unit: "" };

/** Reads the metric that `reader` is inside of, all but its points. */
function readHeader(reader: WireReader): MetricHeader {
  const header: MetricHeader = {
    name: "",
    description: "",
    unit: "",
    kind: 0,
    dataStart: 0,
    dataEnd: 0,
    temporality: 0,
    isMonotonic: false,
    pointCount: 0,
  };
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    switch (field) {
      case MetricField.name:
        header.name = reader.textField();
        break;
      case MetricField.description:
        header.description = reader.textField();
        break;
      case MetricField.unit:
        header.unit = reader.textField();
        break;
      case MetricField.gauge:
      case MetricField.sum:
      case MetricField.histogram:
      case MetricField.exponentialHistogram:
      case MetricField.summary:
        readData(reader, header, field);
        break;
      default:
        reader.skipField();
    }
  }
  return header;
}

/** Of several kinds of data the last one counts, as of all alternatives in the wire format. */
function readData(reader: WireReader, header: MetricHeader, kind: number): void {
  const outer = reader.enter();
  header.kind = kind;
  header.dataStart = reader.position;
  header.dataEnd = reader.end;
  header.temporality = Temporality.unspecified;
  header.isMonotonic = false;
  header.pointCount = 0;
  const hasTemporality = kind !== MetricField.gauge && kind !== MetricField.summary;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === DataField.points) {
      header.pointCount++;
      reader.skipField();
    } else if (field === DataField.temporality && hasTemporality) header.temporality = reader.uintField();
    else if (field === DataField.isMonotonic && kind === MetricField.sum) header.isMonotonic = reader.boolField();
    else reader.skipField();
  }
  reader.leave(outer);
}

/** Sums that may fall are not: what they were before is not known. */
function isSummable({ kind, isMonotonic }: MetricHeader): boolean {
  return (
    kind === MetricField.histogram ||
    kind === MetricField.exponentialHistogram ||
    (kind === MetricField.sum && isMonotonic)
  );
}

function identityOf({ identity }: ScopeContext, { name, unit, kind }: MetricHeader): string {
  return digest([identity, name, unit, String(kind)]);
}

/** A short text that stands for several. */
function digest(parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length} ${part}`);
  return hash.digest("base64");
}

/** What a metric is to its readers. Nothing is known of what counts since the last sample. */
function typeOf({ kind, temporality, isMonotonic }: MetricHeader): MetricType {
  if (kind === MetricField.gauge) return "gauge";
  if (kind === MetricField.summary) return "summary";
  if (temporality === Temporality.delta) return "unknown";
  if (kind === MetricField.sum) return isMonotonic ? "counter" : "gauge";
  return "histogram";
}

function fault(message: string): Fault {
  return { isSenders: false, message };
}

/** Bytes as a string of as many characters, for a map's key. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("latin1");
}
