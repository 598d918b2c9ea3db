// Points that count since the last one, made into ones that count since the beginning: the feature `otlp-deltatocumulative`.
// Source: the reference's documentation of the feature, and that of OpenTelemetry's processor for it.
import type { Point, SideBuckets } from "./point-reader.ts";

/** Streams that say nothing for so long are forgotten, and begin anew. */
const STALE_MS = 5 * 60_000;
const SWEEP_MS = 60_000;
/** Points of more streams than this are left out. */
const MAX_STREAMS = 500_000;
/** As many exponential buckets are kept for each side: beyond, they are made coarser. */
const MAX_BUCKETS = 160;

/** What a stream counted, up to its last point. Never changed: each point makes another. */
interface Total {
  readonly startTime: number;
  readonly time: number;
  /** By the wall clock. */
  readonly seen: number;
  readonly counted: NumberTotal | HistogramTotal | ExponentialTotal;
}

interface NumberTotal {
  readonly kind: "number";
  readonly value: number;
}

interface Observations {
  readonly count: number;
  /** Undefined when not all points had one. */
  readonly sum: number | undefined;
}

interface HistogramTotal extends Observations {
  readonly kind: "histogram";
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

interface ExponentialTotal extends Observations {
  readonly kind: "exponential";
  readonly scale: number;
  readonly zeroCount: number;
  readonly positive: Side;
  readonly negative: Side;
}

interface Side {
  readonly offset: number;
  readonly counts: readonly number[];
}

export type DeltaKind = NumberTotal["kind"] | HistogramTotal["kind"] | ExponentialTotal["kind"];

/** Totals of all streams. What a request adds counts only once it has been kept. */
export class DeltaStreams {
  readonly #now: () => number;
  readonly #maxStreams: number;
  readonly #totals = new Map<string, Total>();
  /** What the request at hand changed, as it was before. */
  readonly #before = new Map<string, Total | undefined>();
  #lastSweep = 0;

  constructor(now: () => number, maxStreams: number = MAX_STREAMS) {
    this.#now = now;
    this.#maxStreams = maxStreams;
  }

  get size(): number {
    return this.#totals.size;
  }

  /** Keeps what was added since the last call. */
  commit(): void {
    this.#before.clear();
    const now = this.#now();
    if (Math.abs(now - this.#lastSweep) < SWEEP_MS) return;
    this.#lastSweep = now;
    for (const [key, { seen }] of this.#totals) if (now - seen > STALE_MS) this.#totals.delete(key);
  }

  /** Takes back what was added since then: the sender may send it again. */
  rollback(): void {
    for (const [key, total] of this.#before) {
      if (total === undefined) this.#totals.delete(key);
      else this.#totals.set(key, total);
    }
    this.#before.clear();
  }

  /** Adds the point to its stream and makes it the stream's total; false for a point that is to be left out. */
  add(key: string, kind: DeltaKind, point: Point): boolean {
    const now = this.#now();
    const known = this.#totals.get(key);
    const total = known !== undefined && now - known.seen <= STALE_MS ? known : undefined;
    if (total === undefined && known === undefined && this.#totals.size >= this.#maxStreams) return false;
    // What begins before its stream did, or comes twice or late, would count again what has been counted.
    if (total !== undefined && (point.startTime < total.startTime || point.time <= total.time)) return false;
    const counted = countedOf(kind, point);
    const sum = total === undefined ? counted : added(total.counted, counted);
    // Other bounds: nothing of the old counts can be kept.
    const begins = total === undefined || sum === counted;
    const next = { startTime: begins ? point.startTime : total.startTime, time: point.time, seen: now, counted: sum };
    if (!this.#before.has(key)) this.#before.set(key, known);
    this.#totals.set(key, next);
    point.startTime = next.startTime;
    show(sum, point);
    return true;
  }
}

function countedOf(kind: DeltaKind, point: Point): Total["counted"] {
  if (kind === "number") return { kind, value: point.value };
  const observations = { count: point.count, sum: point.hasSum ? point.sum : undefined };
  if (kind === "histogram")
    return { kind, ...observations, bounds: point.bounds.slice(), counts: point.bucketCounts.slice() };
  const { scale, zeroCount } = point;
  return fitted({
    kind,
    ...observations,
    scale,
    zeroCount,
    positive: copied(point.positive),
    negative: copied(point.negative),
  });
}

/** The sum, or `b` itself where the two cannot be added. */
function added(a: Total["counted"], b: Total["counted"]): Total["counted"] {
  if (a.kind === "number" && b.kind === "number") return { kind: "number", value: a.value + b.value };
  if (a.kind === "histogram" && b.kind === "histogram") {
    if (!isSame(a.bounds, b.bounds) || a.counts.length !== b.counts.length) return b;
    const counts = a.counts.map((count, i) => count + (b.counts[i] as number));
    return { kind: "histogram", ...observed(a, b), bounds: a.bounds, counts };
  }
  if (a.kind === "exponential" && b.kind === "exponential") {
    const scale = commonScale(a, b);
    const joined = (one: Side, other: Side): Side =>
      joinedSides(coarser(one, a.scale - scale), coarser(other, b.scale - scale));
    return {
      ...{ kind: "exponential", ...observed(a, b), scale, zeroCount: a.zeroCount + b.zeroCount },
      ...{ positive: joined(a.positive, b.positive), negative: joined(a.negative, b.negative) },
    };
  }
  return b;
}

function observed(a: Observations, b: Observations): Observations {
  return {
    count: a.count + b.count,
    sum: a.sum === undefined || b.sum === undefined ? undefined : a.sum + b.sum,
  };
}

function show(counted: Total["counted"], point: Point): void {
  if (counted.kind === "number") {
    point.value = counted.value;
    return;
  }
  point.count = counted.count;
  if (counted.sum === undefined) point.clearSum();
  else point.takeSum(counted.sum);
  if (counted.kind === "histogram") {
    replace(point.bounds, counted.bounds);
    replace(point.bucketCounts, counted.counts);
    return;
  }
  point.scale = counted.scale;
  point.zeroCount = counted.zeroCount;
  for (const [side, into] of [
    [counted.positive, point.positive],
    [counted.negative, point.negative],
  ] as const) {
    into.offset = side.offset;
    replace(into.counts, side.counts);
  }
}

function replace(into: number[], by: readonly number[]): void {
  into.length = 0;
  for (const each of by) into.push(each);
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i]);
}

/** Without the empty buckets at both ends. */
function copied({ offset, counts }: SideBuckets): Side {
  const first = counts.findIndex((count) => count !== 0);
  if (first < 0) return { offset: 0, counts: [] };
  let end = counts.length;
  while (counts[end - 1] === 0) end--;
  return { offset: offset + first, counts: counts.slice(first, end) };
}

/** As coarse as it takes for both sides to have no more buckets than allowed. */
function fitted(total: ExponentialTotal): ExponentialTotal {
  let { scale, positive, negative } = total;
  while (positive.counts.length > MAX_BUCKETS || negative.counts.length > MAX_BUCKETS) {
    positive = coarser(positive, 1);
    negative = coarser(negative, 1);
    scale--;
  }
  return { ...total, scale, positive, negative };
}

/** Each 2^`by` buckets become one. */
function coarser(side: Side, by: number): Side {
  const { counts } = side;
  if (by === 0 || counts.length === 0) return side;
  const first = coarseIndex(side, 0, by);
  const merged = new Array<number>(coarseIndex(side, counts.length - 1, by) - first + 1).fill(0);
  counts.forEach((count, i) => {
    const at = coarseIndex(side, i, by) - first;
    merged[at] = (merged[at] as number) + count;
  });
  return { offset: first, counts: merged };
}

/** The finest scale at which both together have no more buckets than allowed. */
function commonScale(a: ExponentialTotal, b: ExponentialTotal): number {
  let scale = Math.min(a.scale, b.scale);
  const fits = (one: Side, other: Side): boolean => {
    if (one.counts.length === 0 || other.counts.length === 0) return true;
    const [low, high] = [
      coarseIndex(one, 0, a.scale - scale),
      coarseIndex(one, one.counts.length - 1, a.scale - scale),
    ];
    const [min, max] = [
      coarseIndex(other, 0, b.scale - scale),
      coarseIndex(other, other.counts.length - 1, b.scale - scale),
    ];
    return Math.max(high, max) - Math.min(low, min) < MAX_BUCKETS;
  };
  while (!fits(a.positive, b.positive) || !fits(a.negative, b.negative)) scale--;
  return scale;
}

function coarseIndex({ offset }: Side, i: number, by: number): number {
  return Math.floor((offset + i) / 2 ** by);
}

function joinedSides(a: Side, b: Side): Side {
  if (a.counts.length === 0) return b;
  if (b.counts.length === 0) return a;
  const offset = Math.min(a.offset, b.offset);
  const end = Math.max(a.offset + a.counts.length, b.offset + b.counts.length);
  const counts = new Array<number>(end - offset).fill(0);
  for (const side of [a, b]) {
    side.counts.forEach((count, i) => {
      const at = side.offset + i - offset;
      counts[at] = (counts[at] as number) + count;
    });
  }
  return { offset, counts };
}
