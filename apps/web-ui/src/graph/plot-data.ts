/** Range answers laid out on one grid of instants, ready to be drawn. */
import type { MatrixSeries } from "../api/answers.ts";
import type { LabelMap } from "../format/labels.ts";
import { parseValue } from "../format/number.ts";
import { type Grid, pointCount } from "../state/step.ts";

/** A line's values on the grid; null where there is none, or none that can be drawn (NaN, infinite). */
export type Row = (number | null)[];

/** One line of a graph. */
export interface PlotSeries {
  readonly labels: LabelMap;
  readonly values: Row;
  /** Which query it answers, from 0. */
  readonly query: number;
  /** Its place among its query's series, from 0. */
  readonly index: number;
}

/** The grid's instants in seconds, ascending. */
export function gridTimes(grid: Grid): number[] {
  return Array.from({ length: pointCount(grid) }, (_, i) => (grid.start + i * grid.stepMs) / 1000);
}

/** Lays `series` on `grid`. Instants off the grid go to the nearest of its points; native histograms draw their count. */
export function layOut(series: readonly MatrixSeries[], grid: Grid, query: number): PlotSeries[] {
  const count = pointCount(grid);
  return series.map(({ metric, values, histograms }, index) => {
    const row: Row = new Array(count).fill(null);
    const put = (seconds: number, text: string): void => {
      const slot = Math.round((seconds * 1000 - grid.start) / grid.stepMs);
      const value = parseValue(text);
      if (slot >= 0 && slot < count && Number.isFinite(value)) row[slot] = value;
    };
    for (const [t, value] of values ?? []) put(t, value);
    for (const [t, histogram] of histograms ?? []) put(t, histogram.count);
    return { labels: metric, values: row, query, index };
  });
}

/**
 * Heights of stacked areas: positive series pile up from zero, negative ones down from zero, a missing value counts 0.
 * A series belongs to the side of its sum. `below[i]` is the index of the series that `i` stands on, -1 for the axis.
 */
export function stack(rows: readonly Row[]): { heights: number[][]; below: number[] } {
  const count = rows[0]?.length ?? 0;
  const totals = { up: new Float64Array(count), down: new Float64Array(count) };
  const last = { up: -1, down: -1 };
  const heights: number[][] = [];
  const below: number[] = [];
  rows.forEach((row, index) => {
    const side = row.reduce<number>((sum, value) => sum + (value ?? 0), 0) < 0 ? "down" : "up";
    const total = totals[side];
    heights.push(row.map((value, i) => (total[i]! += sameSide(value, side))));
    below.push(last[side]);
    last[side] = index;
  });
  return { heights, below };
}

/** Indices of values with no neighbour on either side: a line cannot show them, so they are drawn as dots. */
export function lonelyPoints(row: Row): number[] {
  const found: number[] = [];
  for (let i = 0; i < row.length; i++) {
    if (row[i] !== null && (row[i - 1] ?? null) === null && (row[i + 1] ?? null) === null) found.push(i);
  }
  return found;
}

/** The series whose value at `slot` is nearest to `value` among those shown; -1 when none has a value there. */
export function nearestSeries(
  rows: readonly (readonly (number | null)[])[],
  shown: (index: number) => boolean,
  slot: number,
  value: number,
): number {
  let best = -1;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rows.length; i++) {
    const candidate = rows[i]![slot];
    if (candidate === null || candidate === undefined || !shown(i)) continue;
    const distance = Math.abs(candidate - value);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = i;
    }
  }
  return best;
}

function sameSide(value: number | null, side: "up" | "down"): number {
  if (value === null || (side === "up" ? value < 0 : value > 0)) return 0;
  return value;
}

/**
 * What is hidden after a click on series `index` of `count`: alone, it shows only that one, or all again when it already
 * stands alone; with `single` it hides or shows just that one.
 */
export function toggled(hidden: ReadonlySet<number>, index: number, count: number, single: boolean): Set<number> {
  const next = new Set(hidden);
  if (single) {
    if (!next.delete(index)) next.add(index);
    return next;
  }
  if (!hidden.has(index) && hidden.size === count - 1) return new Set();
  return new Set(Array.from({ length: count }, (_, i) => i).filter((i) => i !== index));
}
