// What a transaction holds beside floats: histograms, exemplars, metadata. Most have none of it.
import type { ByteWriter } from "@narthex/encoding";
import type { FloatHistogramFields } from "@narthex/model";
import type { HistogramSample } from "../chunk/histogram-encoder.ts";
import { type ExemplarEntry, encodeExemplars, encodeMetadata, type MetadataEntry } from "../wal/entry-records.ts";
import { encodeHistograms, encodeHistogramsV2, type HistogramEntry } from "../wal/histogram-record.ts";
import { encodeSamples, encodeSamplesV2 } from "../wal/sample-record.ts";
import type { WalWriter } from "../wal/wal-writer.ts";
import type { Batch } from "./batch.ts";

/** How a stale marker among histograms is logged: nothing of it counts. */
const STALE: FloatHistogramFields = {
  counterResetHint: 0,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 0,
  sum: Number.NaN,
  positiveSpans: [],
  negativeSpans: [],
  positiveBuckets: new Float64Array(0),
  negativeBuckets: new Float64Array(0),
  customValues: [],
};

/** A histogram that waits for its commit; `sample` is undefined for a stale marker. */
export interface PendingHistogram {
  readonly sample: HistogramSample;
  readonly integer: boolean;
}

export class PendingExtras {
  /** Histograms by their position in the batch; elsewhere stand floats. */
  readonly histograms: Map<number, PendingHistogram> = new Map();
  /**
   * Positions from which on samples are logged in records of their own: a log holds floats before histograms, so a series that
   * turns from histograms to something else within a transaction would come out of it in another order.
   */
  readonly groups: number[] = [];
  readonly exemplars: ExemplarEntry[] = [];
  readonly metadata: MetadataEntry[] = [];
  /** Buckets, spans and bounds of all histograms: how much memory they may need. */
  weight = 0;

  /** The first position of the newest group. */
  get groupStart(): number {
    return this.groups.at(-1) ?? 0;
  }

  add(position: number, sample: HistogramSample, integer: boolean): void {
    this.histograms.set(position, { sample, integer });
    if (sample === undefined) return;
    const { positiveBuckets, negativeBuckets, positiveSpans, negativeSpans, customValues } = sample;
    this.weight += positiveBuckets.length + negativeBuckets.length + positiveSpans.length + negativeSpans.length;
    this.weight += customValues.length;
  }
}

/**
 * Logs all samples of a batch that has extras, in the order of the reference: metadata, floats, histograms, exemplars; `withStarts` in
 * the records that have start timestamps.
 */
export function logExtras(
  wal: WalWriter,
  scratch: ByteWriter,
  batch: Batch,
  extras: PendingExtras,
  withStarts: boolean,
): void {
  const log = (record: ByteWriter): void => wal.log(record.bytes, record.length);
  if (extras.metadata.length > 0) {
    scratch.clear();
    encodeMetadata(scratch, extras.metadata);
    log(scratch);
  }
  const bounds = [0, ...extras.groups, batch.count];
  for (let i = 1; i < bounds.length; i++)
    logGroup(batch, extras, bounds[i - 1] as number, bounds[i] as number, scratch, withStarts, log);
  if (extras.exemplars.length > 0) {
    scratch.clear();
    encodeExemplars(scratch, extras.exemplars);
    log(scratch);
  }
}

function logGroup(
  batch: Batch,
  extras: PendingExtras,
  from: number,
  to: number,
  scratch: ByteWriter,
  withStarts: boolean,
  log: (record: ByteWriter) => void,
): void {
  const startTimes = new Float64Array(withStarts ? to - from : 0);
  const refs = new Uint32Array(to - from);
  const times = new Float64Array(to - from);
  const halves = new Uint32Array(2 * (to - from));
  const histograms: HistogramEntry[] = [];
  let floats = 0;
  for (let i = from; i < to; i++) {
    const ref = batch.refs[i] as number;
    const t = batch.times[i] as number;
    const startTime = batch.startTimes?.[i] ?? 0;
    const pending = extras.histograms.get(i);
    if (pending !== undefined) {
      const { sample, integer } = pending;
      histograms.push({ ref, t, integer, histogram: sample ?? STALE, stale: sample === undefined, startTime });
      continue;
    }
    refs[floats] = ref;
    times[floats] = t;
    halves[2 * floats] = batch.halves[2 * i] as number;
    halves[2 * floats + 1] = batch.halves[2 * i + 1] as number;
    if (withStarts) startTimes[floats] = startTime;
    floats++;
  }
  if (floats > 0) {
    scratch.clear();
    if (withStarts) encodeSamplesV2(scratch, refs, times, halves, startTimes, 0, floats);
    else encodeSamples(scratch, refs, times, halves, 0, floats);
    log(scratch);
  }
  if (withStarts) encodeHistogramsV2(scratch, histograms, log);
  else encodeHistograms(scratch, histograms, log);
}
