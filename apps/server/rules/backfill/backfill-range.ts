// What a recording rule would have stored in one range of time, written as a block: in a query worker, in one go.
//
// Where the series already has samples nothing is added, nor between two of them that are no further apart than the rule's
// interval. So what the rule itself wrote stays as it is, and a second run finds nothing left to do.
import { Labels, Matcher, METRIC_NAME } from "@narthex/model";
import { type Engine, type MatrixSeries, QueryError, type StepGrid } from "@narthex/promql";
import { type Queryable, SampleBuffer } from "@narthex/storage";
import { type BlockSeries, writeSeriesBlock } from "@narthex/tsdb";
import { recordedLabels } from "../recording-rule.ts";

/** Milliseconds; plain data, as it crosses to a worker. */
export interface BackfillRange {
  /** The data directory. */
  readonly directory: string;
  readonly name: string;
  readonly query: string;
  /** Flat pairs that the rule sets; "" takes a label away. */
  readonly labels: readonly string[];
  /** The first and the last evaluation, and from one to the next. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  /** The block's own range: it holds `blockStart <= t < blockEnd`. */
  readonly blockStart: number;
  readonly blockEnd: number;
}

export interface BackfilledRange {
  readonly samples: number;
  /** Samples that were not added, as there are some. */
  readonly skipped: number;
  readonly series: number;
  /** The block's name; undefined when nothing was left to write. */
  readonly ulid: string | undefined;
}

/** Throws a `QueryError`, or what the disk says. */
export function backfillRange(
  range: BackfillRange,
  { engine, queryable, cancelled }: { engine: Engine; queryable: Queryable; cancelled(): boolean },
): BackfilledRange & { readonly queried: number } {
  const { value, statistics } = engine.rangeQuery(queryable, range.query, range.startMs, range.endMs, range.stepMs, {
    cancelled,
  });
  if (value.kind !== "matrix" || value.grid === undefined)
    throw new QueryError("execution", "rule result is not a vector or scalar");
  const rule = { name: range.name, labels: new Labels(range.labels) };
  const existing = existingTimes(range, queryable);
  const seen = new Set<string>();
  const made: BlockSeries[] = [];
  let samples = 0;
  let skipped = 0;
  for (const series of value.series) {
    const labels = recordedLabels(rule, series.labels);
    if (seen.has(labels.key))
      throw new QueryError("execution", "vector contains metrics with the same labelset after applying rule labels");
    seen.add(labels.key);
    const { buffer, left } = missingSamples(series, value.grid, existing.get(labels.key) ?? [], range.stepMs);
    samples += buffer.count;
    skipped += left;
    if (buffer.count > 0) made.push({ labels, samples: buffer });
  }
  if (cancelled()) throw new QueryError("canceled", "query was canceled in expression evaluation");
  const meta = writeSeriesBlock(range.directory, range.blockStart, range.blockEnd, made);
  return { samples, skipped, series: made.length, ulid: meta?.ulid, queried: statistics.totalQueryableSamples };
}

/** By the key of their labels: when series of the rule's name have samples, ascending. */
function existingTimes(range: BackfillRange, queryable: Queryable): Map<string, readonly number[]> {
  const [minTime, maxTime] = [range.startMs - range.stepMs, range.endMs + range.stepMs];
  const querier = queryable.querier(minTime, maxTime);
  try {
    const set = querier.select([new Matcher("=", METRIC_NAME, range.name)]);
    const times = new Map<string, readonly number[]>();
    const buffer = new SampleBuffer(256);
    for (let i = 0; i < set.count; i++) {
      buffer.clear();
      set.read(i, minTime, maxTime, buffer);
      if (buffer.count > 0) times.set(set.labels(i).key, [...buffer.times.subarray(0, buffer.count)]);
    }
    return times;
  } finally {
    querier.close();
  }
}

/** The samples of a series that no existing one is closer to than the step; and how many were left out. */
function missingSamples(
  { values, present, histograms }: MatrixSeries,
  grid: StepGrid,
  existing: readonly number[],
  stepMs: number,
): { buffer: SampleBuffer; left: number } {
  const buffer = new SampleBuffer(grid.count);
  let left = 0;
  let next = 0;
  for (let i = 0; i < grid.count; i++) {
    if (present !== undefined && present[i] === 0) continue;
    const t = grid.startMs + i * grid.stepMs;
    while (next < existing.length && (existing[next] as number) <= t - stepMs) next++;
    const closest = existing[next];
    if (closest !== undefined && closest < t + stepMs) {
      left++;
      continue;
    }
    const histogram = histograms?.[i];
    if (histogram === undefined) buffer.pushFloat(t, values[i] as number);
    else buffer.pushHistogram(t, histogram);
  }
  return { buffer, left };
}
