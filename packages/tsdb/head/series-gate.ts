// Who decides whether a new series may be made.
import type { Labels } from "@narthex/model";

/** Asked before a series is looked up, so it must be cheap; series that exist are never refused. */
export interface SeriesGate {
  /** Whether no new series with these labels is wanted now. */
  isClosedTo(labels: Labels): boolean;
  /** Told of each one that was not made, right after `isClosedTo`. */
  onRefusal(labels: Labels): void;
}
