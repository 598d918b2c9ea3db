// What one queue counts; `WriteMetrics` shows it.

/** Entries by kind. */
export interface KindCounts {
  samples: number;
  exemplars: number;
  histograms: number;
}

export type Kind = keyof KindCounts;
export const KINDS: readonly Kind[] = ["samples", "exemplars", "histograms"];

/** Why entries were left out on purpose, or for want of their series. */
export type DropReason = "too_old" | "dropped_series" | "unintentionally_dropped_series" | "nhcb_in_rw1_not_supported";

/** Bounds of the durations of requests, in seconds. Source: the reference's queue manager. */
export const DURATION_BOUNDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300,
];

function none(): KindCounts {
  return { samples: 0, exemplars: 0, histograms: 0 };
}

export class QueueCounters {
  /** Entries of all attempts. */
  readonly sent: KindCounts & { metadata: number } = { ...none(), metadata: 0 };
  readonly failed: KindCounts & { metadata: number } = { ...none(), metadata: 0 };
  readonly retried: KindCounts & { metadata: number } = { ...none(), metadata: 0 };
  readonly pending: KindCounts = none();
  readonly dropped: Map<DropReason, KindCounts> = new Map();
  enqueueRetries = 0;
  bytes = 0;
  metadataBytes = 0;
  /** Whole seconds since the epoch; 0 before there was any. */
  highestSeconds = 0;
  highestSentSeconds = 0;
  shards = 0;
  desiredShards = 0;
  readonly durations: Durations;

  constructor(createdSeconds: number) {
    this.durations = new Durations(createdSeconds);
  }

  drop(reason: DropReason, kind: Kind, count = 1): void {
    if (count === 0) return;
    let counts = this.dropped.get(reason);
    if (counts === undefined) this.dropped.set(reason, (counts = none()));
    counts[kind] += count;
  }
}

/** How long requests took, by `DURATION_BOUNDS`. */
export class Durations {
  /** Since when it counts, in seconds since the epoch. */
  readonly created: number;
  readonly #counts = new Float64Array(DURATION_BOUNDS.length + 1);
  sum = 0;

  constructor(created: number) {
    this.created = created;
  }

  observe(seconds: number): void {
    const bucket = DURATION_BOUNDS.findIndex((bound) => seconds <= bound);
    (this.#counts[bucket < 0 ? DURATION_BOUNDS.length : bucket] as number)++;
    this.sum += seconds;
  }

  /** Cumulative counts by bound, the last one beyond all. */
  cumulative(): Float64Array {
    let total = 0;
    return this.#counts.map((count) => (total += count));
  }
}
