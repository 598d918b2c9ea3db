// Functions of range vectors: each series is read once, then its window slides over all steps.
import type { FloatHistogramFields, Labels } from "@narthex/model";
import { METRIC_NAME } from "@narthex/model";
import type { SampleBuffer } from "@narthex/storage";
import { type FloatWindows, SampleIndices, type WindowKernel } from "../functions/windows/kernel.ts";
import { startTimesOverlap } from "../functions/windows/rate.ts";
import { slideWindows, WindowBounds } from "../functions/windows/window-bounds.ts";
import { absentLabels } from "./absent.ts";
import type { Evaluation } from "./evaluation.ts";
import { extendedKernel } from "./extended-range.ts";
import type { CallNode, PlanNode } from "./plan.ts";
import { kernelOf } from "./range-function.ts";
import { evaluateMixedWindows } from "./range-histograms.ts";
import { type RangeSource, selectorSource, subquerySource } from "./range-source.ts";
import { duplicateError, METADATA_LABELS, type Row, type RowSink, rowWeight } from "./row.ts";
import { giveSampleBuffer, takeSampleBuffer } from "./sample-buffers.ts";
import { isStale, splitSamples } from "./samples.ts";

/** Functions for which the start times of samples tell of resets. */
const WITH_START_TIMES: ReadonlySet<string> = new Set(["rate", "irate", "increase", "resets"]);

/** What a call computes for one series after another. */
export interface RangeCall {
  readonly ev: Evaluation;
  readonly node: CallNode;
  readonly source: RangeSource;
  readonly kernel: WindowKernel;
  /** Argument values per step, in the order of the non-range arguments. */
  readonly scalars: readonly Float64Array[];
}

/** Streams the rows of a function of a range vector. */
export function streamRangeCall(ev: Evaluation, node: CallNode, keep: boolean, sink: RowSink): void {
  if (node.name === "absent_over_time") {
    streamAbsentOverTime(ev, node, sink);
    return;
  }
  streamWindows(ev, node, keep, sink);
}

function streamWindows(ev: Evaluation, node: CallNode, keep: boolean, sink: RowSink): void {
  const { limits, delayedNameRemoval } = ev.session;
  const rangeIndex = node.args.findIndex(({ kind }) => kind === "range" || kind === "subquery");
  const range = node.args[rangeIndex] as PlanNode;
  const scalars = node.args.filter((_arg, index) => index !== rangeIndex).map((arg) => ev.scalar(arg));
  const selected = range.kind === "range" ? selectorSource(ev, range, node.name) : subquerySource(ev, range);
  // The reference's annotations point at the first argument, even where that is not the range.
  const source = rangeIndex === 0 ? selected : { ...selected, pos: (node.args[0] as PlanNode).pos };
  const extended = source.anchored || source.smoothed;
  const kernel = extended ? extendedKernel(ev, node, source) : kernelOf(ev, node, scalars, source.pos);
  const call: RangeCall = { ev, node, source, kernel, scalars };
  const keepsName = node.name === "last_over_time" || node.name === "first_over_time";
  const usesStarts = ev.session.useStartTimestamps && WITH_START_TIMES.has(node.name);
  const checksCounter = node.name === "rate" || node.name === "increase";
  const windows = new SeriesWindows(ev, source, usesStarts, checksCounter && !extended);
  const scratch = keep ? undefined : ev.newRow();
  const samples = takeSampleBuffer();
  const names = new Set<string>();
  const checkDuplicates = !delayedNameRemoval && (source.mayRepeat || keepsName);
  for (let i = 0; i < source.count; i++) {
    samples.clear();
    source.read(i, samples);
    limits.worked(samples.count + ev.steps);
    if (samples.count === 0) continue;
    const row = ev.newRow(scratch);
    const labels = source.labels(i);
    if (samples.histograms === undefined) windows.floatsOnly(samples, row, call.kernel, () => labels, node);
    else evaluateMixedWindows(call, windows, samples, labels, row);
    if (row.points === 0) continue;
    const dropName = !keepsName || source.dropName(i);
    row.dropName = dropName;
    row.labels = dropName && !delayedNameRemoval ? labels.without(METADATA_LABELS) : labels;
    if (checkDuplicates) {
      if (names.has(row.labels.key)) throw duplicateError();
      names.add(row.labels.key);
    }
    limits.add(rowWeight(row));
    if (checksCounter) noteNonCounter(ev, node, labels, row);
    sink(row);
  }
  giveSampleBuffer(samples);
  source.release();
}

/** Counters are known by the end of their name, or by their type label. */
function noteNonCounter(ev: Evaluation, node: CallNode, labels: Labels, row: Row): void {
  const name = labels.get(METRIC_NAME);
  if (name === "") return;
  const { annotations, typeAndUnitLabels } = ev.session;
  const pos = (node.args[0] as PlanNode).kind === "range" ? (node.args[0] as PlanNode).pos : { start: 0, end: 0 };
  if (typeAndUnitLabels) {
    const type = labels.get("__type__");
    if (type === "counter" || type === "histogram" || !hasFloats(row)) return;
    annotations.possibleNonCounterType(name, type, pos);
    return;
  }
  if (name.endsWith("_total") || name.endsWith("_sum") || name.endsWith("_count") || name.endsWith("_bucket")) return;
  if (hasFloats(row)) annotations.possibleNonCounter(name, pos);
}

function hasFloats({ histograms, present }: Row): boolean {
  if (histograms === undefined) return true;
  for (let k = 0; k < present.length; k++) if (present[k] !== 0 && histograms[k] === undefined) return true;
  return false;
}

/** The samples of one series without stale markers, split into floats and histograms, each with their windows. */
export class SeriesWindows {
  readonly floats: FloatWindows;
  /** Histograms in order of time; empty when there are none. */
  histograms: FloatHistogramFields[] = [];
  histogramTimes: Float64Array = new Float64Array(0);
  histogramStarts: Float64Array | undefined;
  readonly floatBounds: WindowBounds;
  readonly histogramBounds: WindowBounds;
  readonly #ev: Evaluation;
  readonly #source: RangeSource;
  readonly #usesStarts: boolean;
  readonly #wantsDrops: boolean;
  readonly #drops = new SampleIndices();

  constructor(ev: Evaluation, source: RangeSource, usesStarts: boolean, wantsDrops: boolean) {
    this.#wantsDrops = wantsDrops;
    this.#ev = ev;
    this.#source = source;
    this.#usesStarts = usesStarts;
    this.floatBounds = new WindowBounds(ev.steps);
    this.histogramBounds = new WindowBounds(ev.steps);
    this.floats = {
      times: new Float64Array(0),
      values: new Float64Array(0),
      startTimes: undefined,
      lo: this.floatBounds.lo,
      hi: this.floatBounds.hi,
      drops: undefined,
      firstEnd: source.reference.first,
      stepMs: source.reference.stepMs,
      rangeMs: source.rangeMs,
      evalStart: ev.grid.startMs,
      evalStepMs: ev.grid.stepMs,
    };
  }

  /** Evaluates a series that has only floats: the path that has to be fast. */
  floatsOnly(samples: SampleBuffer, row: Row, kernel: WindowKernel, labels: () => Labels, node: CallNode): void {
    const { floats } = this;
    floats.drops = undefined;
    if (this.#wantsDrops && !(this.#usesStarts && samples.startTimes !== undefined)) {
      if (findIrregular(samples, this.#drops)) floats.drops = this.#drops;
    }
    // Where drops were found without meeting a NaN, there is no stale marker either.
    const count = floats.drops === undefined ? dropStaleMarkers(samples) : samples.count;
    floats.times = samples.times;
    floats.values = samples.values;
    floats.startTimes = this.#usesStarts ? samples.startTimes : undefined;
    this.#slide(count, this.floatBounds, samples.times);
    const { limits } = this.#ev.session;
    const bounds = this.floatBounds;
    limits.require(bounds.largest);
    row.points = kernel(floats, 0, this.#ev.steps, row.values, row.present);
    // The last window is still held when the row is added to the result.
    const last = this.#ev.steps - 1;
    limits.require(bounds.hi[last] - bounds.lo[last] + row.points);
    this.#countWindows(bounds);
    if (floats.startTimes !== undefined) this.noteOverlaps(floats, count, labels(), node);
  }

  /** Counts what a series of floats has in its windows. */
  #countWindows({ lo, hi, total }: WindowBounds): void {
    const { statistics, steps } = this.#ev;
    const { isStored, reference, rangeMs, before, after } = this.#source;
    const { perStep, readPerStep } = statistics;
    if (perStep === undefined && readPerStep === undefined) {
      statistics.total += total;
      // Windows that overlap or touch leave nothing out between the first and the last.
      const isGapless = reference.stepMs <= rangeMs + before + after;
      if (isStored) statistics.read += isGapless ? hi[steps - 1] - lo[0] : total;
      return;
    }
    for (let k = 0, known = 0; k < steps; known = hi[k++]) {
      statistics.addAtStep(k, hi[k] - lo[k], isStored ? hi[k] - Math.max(lo[k], known) : 0);
    }
  }

  /** Splits a series that has histograms too, and finds both kinds of windows. */
  split(samples: SampleBuffer): void {
    const parts = splitSamples(samples);
    const { floats } = this;
    floats.drops = undefined;
    const starts = this.#usesStarts && samples.startTimes !== undefined;
    floats.times = parts.floatTimes;
    floats.values = parts.floatValues;
    floats.startTimes = starts ? parts.floatStarts : undefined;
    this.histograms = parts.histograms;
    this.histogramTimes = parts.histogramTimes;
    this.histogramStarts = starts ? parts.histogramStarts : undefined;
    this.#slide(parts.floatTimes.length, this.floatBounds, parts.floatTimes);
    this.#slide(parts.histogramTimes.length, this.histogramBounds, parts.histogramTimes);
  }

  /** Warns of each window in which a sample claims to have begun before the one ahead of it was taken. */
  noteOverlaps(floats: FloatWindows, count: number, labels: Labels, node: CallNode): void {
    const starts = floats.startTimes;
    if (starts === undefined || (node.name !== "rate" && node.name !== "increase")) return;
    const overlaps: number[] = [];
    for (let i = 1; i < count; i++) {
      if (startTimesOverlap(starts[i - 1], floats.times[i - 1], starts[i])) overlaps.push(i);
    }
    if (overlaps.length === 0) return;
    for (let k = 0; k < this.#ev.steps; k++) {
      if (overlaps.some((i) => i > floats.lo[k] && i < floats.hi[k])) {
        this.#ev.session.annotations.startTimeOverlap(labels.get(METRIC_NAME), this.#source.pos);
      }
    }
  }

  #slide(count: number, bounds: WindowBounds, times: Float64Array): void {
    const { reference, rangeMs, before, after } = this.#source;
    slideWindows(times, count, reference.first + after, reference.stepMs, rangeMs + before + after, bounds);
  }
}

/**
 * Finds the samples that are lower than the one before. Returns false when it met a NaN, which may be a stale marker:
 * then what it found is of no use.
 */
function findIrregular({ values, count }: SampleBuffer, into: SampleIndices): boolean {
  into.count = 0;
  let previous = values[0];
  // biome-ignore lint/suspicious/noSelfCompare: the quickest test for NaN
  if (previous !== previous) return false;
  for (let i = 1; i < count; i++) {
    const value = values[i];
    if (!(value >= previous)) {
      if (Number.isNaN(value)) return false;
      into.push(i);
    }
    previous = value;
  }
  return true;
}

/** Takes stale markers out, in place. Returns how many samples are left. */
function dropStaleMarkers(samples: SampleBuffer): number {
  const { times, values, count, histograms, startTimes } = samples;
  let i = 0;
  for (; i < count; i++) if (isStale(samples, i)) break;
  if (i === count) return count;
  let kept = i;
  for (; i < count; i++) {
    if (isStale(samples, i)) continue;
    times[kept] = times[i];
    values[kept] = values[i];
    if (histograms !== undefined) histograms[kept] = histograms[i];
    if (startTimes !== undefined) startTimes[kept] = startTimes[i];
    kept++;
  }
  samples.count = kept;
  return kept;
}

/**
 * `absent_over_time`: 1 where no series has a sample in its window. As in the reference, what stays counted are the
 * points of the series it looked for, not those of the result.
 */
function streamAbsentOverTime(ev: Evaluation, node: CallNode, sink: RowSink): void {
  const result = ev.newRow();
  result.values.fill(1);
  result.present.fill(1);
  // Two series with the same labels but the name are refused here as everywhere.
  streamWindows(ev, { ...node, name: "present_over_time" }, false, ({ present }) => {
    for (let k = 0; k < present.length; k++) if (present[k] !== 0) result.present[k] = 0;
  });
  result.labels = absentLabels(node.args[0] as PlanNode);
  result.dropName = ev.session.delayedNameRemoval;
  for (let k = 0; k < ev.steps; k++) result.points += result.present[k];
  if (result.points > 0) sink(result);
}
