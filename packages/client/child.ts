// What all bound series have in common.
import type { ExemplarLabels, ExemplarProvider } from "./exemplar.ts";
import type { RowHolder } from "./series-table.ts";

/** What a metric wants to know of each measurement; most metrics want nothing, and then children have none of this. */
export interface Watcher {
  readonly exemplarProvider: ExemplarProvider | undefined;
}

/**
 * One series of a metric, bound to its label values. It stays usable after its series was removed from the metric; what it counts
 * then is shown nowhere.
 */
export abstract class Child implements RowHolder {
  /** Rendered once: `a="b",c="d"`. */
  readonly labelsText: string;
  /** Internal: the series' numbers begin at `offset` of `cells`. */
  protected cells: Float64Array;
  protected offset: number;
  /** Internal: who wants more than the numbers; undefined for most. */
  protected readonly watcher: Watcher | undefined;
  /** Internal: measured since it was last asked. */
  touched = true;
  /** Internal: milliseconds since the epoch. */
  seenAt = 0;
  /** Internal: its callback failed, so there is no value to show. */
  absent = false;

  constructor(labelsText: string, cells: Float64Array, offset: number, watcher: Watcher | undefined) {
    this.labelsText = labelsText;
    this.cells = cells;
    this.offset = offset;
    this.watcher = watcher;
  }

  /** Internal. */
  move(cells: Float64Array, offset: number): void {
    this.cells = cells;
    this.offset = offset;
  }

  /** What was given, or else what the provider says; notes that the series is alive. */
  protected exemplarFor(given: ExemplarLabels | undefined): ExemplarLabels | undefined {
    if (this.watcher === undefined) return given;
    this.touched = true;
    return given ?? this.watcher.exemplarProvider?.();
  }
}
