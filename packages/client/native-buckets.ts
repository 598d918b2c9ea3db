// The native side of one series of a histogram: buckets that exist where there are observations, held to a limit.
// Source: client_golang's histograms, whose steps against too many buckets these are: reset, wider zero bucket, lower resolution.
import type { NativeBuckets, SampleExemplar } from "./format/family-writer.ts";
import { bucketIndex, schemaFor, upperBound } from "./native-bounds.ts";

/** How a native histogram behaves. */
export interface NativeHistogramConfig {
  /** By how much buckets may grow from one to the next, more than 1; 1.1 unless given. */
  readonly bucketFactor?: number;
  /** Values up to here, in either direction, go to the zero bucket; 2^-128 unless given, 0 is allowed. */
  readonly zeroThreshold?: number;
  /** How many buckets there may be; 160 unless given, 0 for no bound. */
  readonly maxBuckets?: number;
  /** When there are too many buckets: start over, if the last time was at least so long ago. Never unless given. */
  readonly minResetSeconds?: number;
  /** How far the zero bucket may be widened when there are too many buckets; not at all unless given. */
  readonly maxZeroThreshold?: number;
  /** How many exemplars are kept; 10 unless given. */
  readonly maxExemplars?: number;
  /** Exemplars older than this make room first; 300 unless given. */
  readonly exemplarTtlSeconds?: number;
}

/** 2^-128. */
export const DEFAULT_ZERO_THRESHOLD: number = 2 ** -128;

/** The configuration with its defaults, checked. */
export interface NativeSettings {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly maxBuckets: number;
  readonly minResetMs: number;
  readonly maxZeroThreshold: number;
  readonly maxExemplars: number;
  readonly exemplarTtlSeconds: number;
}

/** Throws a RangeError for what makes no sense. */
export function nativeSettings(config: NativeHistogramConfig): NativeSettings {
  const factor = config.bucketFactor ?? 1.1;
  if (!(factor > 1 && factor < Infinity)) throw new RangeError(`bucketFactor must be greater than 1: ${factor}`);
  const settings = {
    schema: schemaFor(factor),
    zeroThreshold: config.zeroThreshold ?? DEFAULT_ZERO_THRESHOLD,
    maxBuckets: config.maxBuckets || (config.maxBuckets === 0 ? Infinity : 160),
    minResetMs: (config.minResetSeconds ?? Infinity) * 1000,
    maxZeroThreshold: config.maxZeroThreshold ?? 0,
    maxExemplars: config.maxExemplars ?? 10,
    exemplarTtlSeconds: config.exemplarTtlSeconds ?? 300,
  };
  for (const [name, value] of Object.entries(settings)) {
    if (name !== "schema" && !(value >= 0)) throw new RangeError(`${name} must not be negative: ${value}`);
  }
  return settings;
}

/** Counts of one series. Its owner adds up sum and count, and must empty them when `observe` says so. */
export class NativeBucketStore {
  readonly #settings: NativeSettings;
  readonly #now: () => number;
  #schema: number;
  #zeroThreshold: number;
  #zeroCount = 0;
  #positive = new Map<number, number>();
  #negative = new Map<number, number>();
  #exemplars: SampleExemplar[] = [];
  #lastResetMs: number;
  /** When a reset is to happen that came too early when it was wanted; 0 for none. */
  #resetDueMs = 0;

  /** `now` in milliseconds since the epoch. */
  constructor(settings: NativeSettings, now: () => number) {
    this.#settings = settings;
    this.#now = now;
    this.#schema = settings.schema;
    this.#zeroThreshold = settings.zeroThreshold;
    this.#lastResetMs = settings.minResetMs < Infinity ? now() : 0;
  }

  /** Number of buckets besides the zero bucket. */
  get bucketCount(): number {
    return this.#positive.size + this.#negative.size;
  }

  get schema(): number {
    return this.#schema;
  }

  get zeroThreshold(): number {
    return this.#zeroThreshold;
  }

  /** A reset that was due has been made; then the owner starts over, too. To be asked before each observation and exposition. */
  resetWhenDue(): boolean {
    if (this.#resetDueMs === 0 || this.#now() < this.#resetDueMs) return false;
    this.reset();
    return true;
  }

  /** Counts a finite value. True: everything was reset to make room, so that this observation is the only one. */
  observe(value: number): boolean {
    this.#count(value);
    if (this.bucketCount <= this.#settings.maxBuckets) return false;
    if (this.#resetForRoom()) {
      this.#count(value);
      return true;
    }
    if (!this.#widenZeroBucket()) this.#doubleWidth();
    return false;
  }

  /** Starts over. */
  reset(): void {
    this.#schema = this.#settings.schema;
    this.#zeroThreshold = this.#settings.zeroThreshold;
    this.#zeroCount = 0;
    this.#positive.clear();
    this.#negative.clear();
    this.#lastResetMs = this.#now();
    this.#resetDueMs = 0;
  }

  /** Keeps an exemplar: sorted by value, old ones give way first, then one of the two that are closest to each other. */
  addExemplar(exemplar: SampleExemplar): void {
    const { maxExemplars, exemplarTtlSeconds } = this.#settings;
    const kept = this.#exemplars;
    if (maxExemplars === 0) return;
    if (kept.length >= maxExemplars) {
      let oldest = 0;
      for (let i = 1; i < kept.length; i++) {
        if ((kept[i] as SampleExemplar).timestamp < (kept[oldest] as SampleExemplar).timestamp) oldest = i;
      }
      const isOld = exemplar.timestamp - (kept[oldest] as SampleExemplar).timestamp > exemplarTtlSeconds;
      kept.splice(isOld ? oldest : crowded(kept, exemplar.value), 1);
    }
    const at = kept.findIndex(({ value }) => exemplar.value < value);
    kept.splice(at < 0 ? kept.length : at, 0, exemplar);
  }

  /** As it is exposed. */
  snapshot(): NativeBuckets {
    const [positiveSpans, positiveDeltas] = spansOf(this.#positive);
    const [negativeSpans, negativeDeltas] = spansOf(this.#negative);
    return {
      schema: this.#schema,
      zeroThreshold: this.#zeroThreshold,
      zeroCount: this.#zeroCount,
      positiveSpans,
      positiveDeltas,
      negativeSpans,
      negativeDeltas,
      exemplars: [...this.#exemplars],
    };
  }

  #count(value: number): void {
    if (value <= this.#zeroThreshold && value >= -this.#zeroThreshold) {
      this.#zeroCount++;
      return;
    }
    const buckets = value > 0 ? this.#positive : this.#negative;
    const index = bucketIndex(value, this.#schema);
    buckets.set(index, (buckets.get(index) ?? 0) + 1);
  }

  #resetForRoom(): boolean {
    const { minResetMs } = this.#settings;
    if (minResetMs === Infinity || this.#resetDueMs > 0) return false;
    if (this.#now() - this.#lastResetMs < minResetMs) {
      // Too early: then the other means must help out until it is time.
      this.#resetDueMs = this.#lastResetMs + minResetMs;
      return false;
    }
    this.reset();
    return true;
  }

  /** Takes the buckets nearest to zero into the zero bucket, if that stays within its bound. */
  #widenZeroBucket(): boolean {
    const { maxZeroThreshold } = this.#settings;
    if (this.#zeroThreshold >= maxZeroThreshold) return false;
    let smallest = Infinity;
    for (const index of this.#positive.keys()) smallest = Math.min(smallest, index);
    for (const index of this.#negative.keys()) smallest = Math.min(smallest, index);
    if (smallest === Infinity) return false;
    const threshold = upperBound(smallest, this.#schema);
    if (threshold > maxZeroThreshold) return false;
    this.#zeroThreshold = threshold;
    for (const buckets of [this.#positive, this.#negative]) {
      this.#zeroCount += buckets.get(smallest) ?? 0;
      buckets.delete(smallest);
    }
    return true;
  }

  /** Joins buckets by two. */
  #doubleWidth(): void {
    if (this.#schema === -4) return;
    this.#schema--;
    this.#positive = joinedByTwo(this.#positive);
    this.#negative = joinedByTwo(this.#negative);
  }
}

function joinedByTwo(buckets: ReadonlyMap<number, number>): Map<number, number> {
  const joined = new Map<number, number>();
  for (const [index, count] of buckets) {
    const next = (index + 1) >> 1;
    joined.set(next, (joined.get(next) ?? 0) + count);
  }
  return joined;
}

/** Spans (offset, length) and deltas. Gaps of one or two buckets cost less as empty buckets than as a new span. */
export function spansOf(buckets: ReadonlyMap<number, number>): [spans: number[], deltas: number[]] {
  const spans: number[] = [];
  const deltas: number[] = [];
  let next = 0;
  let previous = 0;
  const push = (count: number): void => {
    (spans[spans.length - 1] as number)++;
    deltas.push(count - previous);
    previous = count;
  };
  for (const index of [...buckets.keys()].sort((a, b) => a - b)) {
    const gap = index - next;
    if (spans.length === 0 || gap > 2) spans.push(gap, 0);
    else for (let i = 0; i < gap; i++) push(0);
    push(buckets.get(index) as number);
    next = index + 1;
  }
  return [spans, deltas];
}

/** Which exemplar to give up for one of `value`: the older of the closest pair on a logarithmic scale, or its neighbour. */
function crowded(kept: readonly SampleExemplar[], value: number): number {
  const distance = (a: number, b: number): number => {
    const apart = Math.abs(Math.log(a) - Math.log(b));
    return Number.isNaN(apart) ? Infinity : apart;
  };
  let closest = Infinity;
  let chosen = 0;
  for (let i = 1; i < kept.length; i++) {
    const before = kept[i - 1] as SampleExemplar;
    const after = kept[i] as SampleExemplar;
    const apart = distance(before.value, after.value);
    if (apart >= closest) continue;
    closest = apart;
    chosen = after.timestamp < before.timestamp ? i : i - 1;
  }
  const right = kept.findIndex((exemplar) => value <= exemplar.value);
  for (const neighbour of right < 0 ? [kept.length - 1] : [right - 1, right]) {
    const exemplar = kept[neighbour];
    if (exemplar === undefined) continue;
    const apart = distance(exemplar.value, value);
    if (apart >= closest) continue;
    closest = apart;
    chosen = neighbour;
  }
  return chosen;
}
