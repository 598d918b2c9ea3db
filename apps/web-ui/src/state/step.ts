/** Which instants a graph asks for. */
import type { Resolution } from "./page-state.ts";

/** Points per series that the API answers at most. */
export const MAX_POINTS = 11_000;

const POINTS = { low: 100, medium: 250, high: 750 };

/** The distance between points in milliseconds: the range divided by the density, whole seconds, one second at least. */
export function chooseStep(resolution: Resolution, rangeMs: number): number {
  if (resolution.kind !== "auto") return resolution.stepMs;
  return Math.max(1, Math.floor(rangeMs / 1000 / POINTS[resolution.density])) * 1000;
}

/** One range query's bounds in milliseconds, both included. */
export interface Grid {
  readonly start: number;
  readonly end: number;
  readonly stepMs: number;
}

/**
 * The grid of a graph that ends at `end` and reaches back by `rangeMs`.
 * `aligned` moves it back to multiples of the step, so that a graph that refreshes asks for the same instants again
 * and its lines slide instead of flickering.
 */
export function chooseGrid(resolution: Resolution, rangeMs: number, end: number, aligned: boolean): Grid {
  const stepMs = chooseStep(resolution, rangeMs);
  const last = aligned ? Math.floor(end / stepMs) * stepMs : end;
  return { start: last - rangeMs, end: last, stepMs };
}

/** How many points a grid has, both ends included where the step meets them. */
export function pointCount(grid: Grid): number {
  return Math.floor((grid.end - grid.start) / grid.stepMs) + 1;
}
