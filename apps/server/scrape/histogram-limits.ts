// What a job makes of histograms: which forms it keeps, and how fine native ones may be.
import {
  compactHistogram,
  type FloatHistogramFields,
  isCustomBucketsSchema,
  reduceResolution,
  validateHistogram,
} from "@narthex/model";
import { ScrapeError } from "./scrape-error.ts";

/** Schemas of exponential buckets: the coarsest, the finest that is stored, the finest that may be exposed. */
const COARSEST_SCHEMA = -4;
const FINEST_SCHEMA = 8;
const FINEST_EXPOSED_SCHEMA = 52;

/** Of a job, or of one target where its labels say otherwise. */
export interface HistogramOptions {
  /** Take native histograms. */
  readonly scrapeNative: boolean;
  /** Take classic series also where there is a native histogram. */
  readonly alwaysScrapeClassic: boolean;
  /** Make native histograms with custom buckets of classic ones. */
  readonly convertClassic: boolean;
  /** Buckets of a native histogram at most; 0 for no limit. */
  readonly bucketLimit: number;
  /** Native histograms are made coarser until they are no finer than this schema. */
  readonly maxSchema: number;
}

/** The finest schema whose buckets each are at least `factor` times as wide as the one before; 0 asks for nothing. */
export function schemaForFactor(factor: number): number {
  if (factor <= 1) return FINEST_SCHEMA;
  const schema = Math.floor(-Math.log2(Math.log2(factor))) + 0;
  return Math.min(Math.max(schema, COARSEST_SCHEMA), FINEST_SCHEMA);
}

/**
 * Makes a histogram, in place, one that the storage takes and the job allows. Throws a `ScrapeError` for one that is
 * malformed, or has too many buckets at the coarsest resolution.
 */
export function fitHistogram(histogram: FloatHistogramFields, integer: boolean, options: HistogramOptions): void {
  if (!isCustomBucketsSchema(histogram.schema) && hasLooseLayout(histogram)) {
    // Only what agrees with itself can be rearranged.
    const refusal = layoutRefusal(histogram);
    if (refusal !== undefined) throw new ScrapeError(refusal);
    compactHistogram(histogram, 0);
  }
  const { schema } = histogram;
  if (!isCustomBucketsSchema(schema)) {
    const finest = Math.min(options.maxSchema, FINEST_SCHEMA);
    if (schema > finest && schema <= FINEST_EXPOSED_SCHEMA) {
      const refusal = layoutRefusal(histogram);
      if (refusal !== undefined) throw new ScrapeError(refusal);
      reduceResolution(histogram, finest);
    }
  }
  const refusal = validateHistogram(histogram, integer);
  if (refusal !== undefined) throw new ScrapeError(refusal);
  const { bucketLimit } = options;
  while (bucketLimit > 0 && histogram.positiveBuckets.length + histogram.negativeBuckets.length > bucketLimit) {
    if (isCustomBucketsSchema(histogram.schema) || histogram.schema <= COARSEST_SCHEMA) {
      throw new ScrapeError("histogram bucket limit exceeded", "bucket_limit");
    }
    reduceResolution(histogram, histogram.schema - 1);
  }
}

/** Whether compacting would change anything: spans that are empty or touch, buckets that are empty. */
function hasLooseLayout(histogram: FloatHistogramFields): boolean {
  for (const spans of [histogram.positiveSpans, histogram.negativeSpans]) {
    for (let i = 0; i < spans.length; i++) {
      const { offset, length } = spans[i] as { offset: number; length: number };
      if (length === 0 || (i > 0 && offset === 0)) return true;
    }
  }
  return histogram.positiveBuckets.includes(0) || histogram.negativeBuckets.includes(0);
}

/** Why spans and buckets do not belong together, if they do not; whatever the schema. */
function layoutRefusal(histogram: FloatHistogramFields): string | undefined {
  const { positiveSpans, negativeSpans, positiveBuckets, negativeBuckets } = histogram;
  return validateHistogram({
    ...histogram,
    schema: 0,
    customValues: [],
    count: 0,
    zeroCount: 0,
    positiveSpans,
    negativeSpans,
    // Signs and sums are looked at later, as the reference does.
    positiveBuckets: new Float64Array(positiveBuckets.length),
    negativeBuckets: new Float64Array(negativeBuckets.length),
  });
}
