// What a job wants of its samples.
import type { HistogramOptions } from "./histogram-limits.ts";
import type { SampleLabelOptions } from "./sample-labels.ts";

/** Of one job; `histograms` may be one target's own. Limits of 0 mean none. */
export interface CacheOptions extends SampleLabelOptions {
  readonly honorTimestamps: boolean;
  readonly trackTimestampsStaleness: boolean;
  readonly sampleLimit: number;
  readonly histograms: HistogramOptions;
  /** Whether exemplars are handed to the storage at all. */
  readonly exemplars: boolean;
  /** Whether what is known of families is handed to the storage too. */
  readonly appendMetadata: boolean;
  /** Whether series get `__type__` and `__unit__`. */
  readonly typeAndUnitLabels: boolean;
  /** Whether counters get a zero at the time they say they began at. */
  readonly startTimeZeros: boolean;
  /** Whether the times that counters say they began at are handed to the storage. */
  readonly startTimes: boolean;
  /** Whether counters that say none get one: see `StartSynthesis`. */
  readonly synthesizesStarts: boolean;
}
