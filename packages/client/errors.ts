// Errors that callers may want to tell apart.
import type { Collector } from "./format/family-writer.ts";

/** A name is taken. `existing` is who has it. */
export class AlreadyRegisteredError extends Error {
  readonly code = "already_registered";
  readonly existing: Collector;

  constructor(name: string, existing: Collector) {
    super(`A metric with the name ${name} has already been registered.`);
    this.name = "AlreadyRegisteredError";
    this.existing = existing;
  }
}

/** A metric, or its registry, has as many series as it may have. */
export class TooManySeriesError extends Error {
  readonly code = "too_many_series";
  readonly metric: string;
  /** How many there are. */
  readonly series: number;

  constructor(metric: string, series: number) {
    super(`metric ${metric} has ${series} series, and there is no room for more`);
    this.name = "TooManySeriesError";
    this.metric = metric;
    this.series = series;
  }
}
