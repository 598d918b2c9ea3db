/**
 * One drawn graph: uPlot with our axes, a tooltip for the line under the pointer, zoom by dragging, pan by dragging
 * with Shift (or a finger), and the same by keyboard. It owns the elements it puts into its container until `destroy()`.
 */
import uPlot from "uplot";
import { formatSeries } from "../format/labels.ts";
import { axisLabels, formatValue } from "../format/number.ts";
import { formatTime, timeAxisLabels } from "../format/time.ts";
import type { Tone } from "./colors.ts";
import { lonelyPoints, nearestSeries, type PlotSeries, type Row, stack } from "./plot-data.ts";
import { PlotTip } from "./plot-tip.ts";

/** What to draw, and how. */
export interface PlotModel {
  /** Instants in seconds, ascending; every row of `series` has as many values. */
  readonly times: readonly number[];
  readonly series: readonly PlotSeries[];
  readonly color: (series: PlotSeries) => string;
  readonly dash: (series: PlotSeries) => readonly number[];
  /** Put before a series in the tooltip, such as the query's letter; empty for none. */
  readonly prefix: (series: PlotSeries) => string;
  readonly stacked: boolean;
  readonly yMin: number | null;
  readonly local: boolean;
  readonly tone: Tone;
  /** Positions in `series` that are hidden. */
  readonly hidden: ReadonlySet<number>;
}

/** What the user did with the graph; times in milliseconds. */
export interface PlotEvents {
  readonly onZoom: (start: number, end: number) => void;
  readonly onPan: (byMs: number) => void;
  readonly onZoomStep: (direction: "in" | "out") => void;
  /** A sentence for screen readers on what the keyboard points at. */
  readonly onSpoken: (text: string) => void;
}

const INK = {
  light: { text: "#5c655e", grid: "#e6e7df", axis: "#b9bdb3" },
  dark: { text: "#95a199", grid: "#232a26", axis: "#46514b" },
};

/** Above this many lines the others are not dimmed when one is pointed at: it would draw all of them again. */
const DIM_LIMIT = 60;

/** A graph in a container. */
export class Plot {
  private readonly model: PlotModel;
  private readonly events: PlotEvents;
  private readonly tip: PlotTip;
  private readonly drawn: readonly (readonly (number | null)[])[];
  private readonly chart: uPlot;
  private readonly observer: ResizeObserver;
  private pointed = -1;
  private readonly cleanup: (() => void)[] = [];

  constructor(container: HTMLElement, heightPixels: number, model: PlotModel, events: PlotEvents) {
    this.model = model;
    this.events = events;
    const rows = model.series.map(({ values }) => values);
    const stacked = model.stacked ? stackShown(rows, model.hidden) : null;
    this.drawn = stacked?.heights ?? rows;
    const options: uPlot.Options = {
      width: Math.max(160, container.clientWidth),
      height: heightPixels,
      padding: [10, 12, 0, 0],
      legend: { show: false },
      tzDate: (seconds) => (model.local ? new Date(seconds * 1000) : uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC")),
      focus: { alpha: 0.25 },
      cursor: {
        y: false,
        points: { show: false },
        focus: { prox: -1 },
        drag: { x: true, y: false, setScale: false, dist: 4 },
        bind: {
          mousedown: (_, __, handler) => (event: MouseEvent) => {
            if (event.shiftKey) this.startPan(event);
            else handler(event);
            return null;
          },
          dblclick: () => () => {
            events.onZoomStep("out");
            return null;
          },
        },
      },
      scales: { x: { time: true, range: this.xRange() }, y: { range: (_, min, max) => yRange(min, max, model) } },
      axes: [
        {
          stroke: INK[model.tone].text,
          grid: { stroke: INK[model.tone].grid, width: 1 },
          ticks: { stroke: INK[model.tone].axis, width: 1, size: 4 },
          font: "11px system-ui, sans-serif",
          size: 40,
          gap: 4,
          space: 74,
          values: (_, marks, __, ___, step) => timeAxisLabels(marks, step, model.local),
        },
        {
          stroke: INK[model.tone].text,
          grid: { stroke: INK[model.tone].grid, width: 1 },
          ticks: { show: false },
          font: "11px system-ui, sans-serif",
          gap: 6,
          size: (_, texts) => 18 + 6.6 * Math.max(3, ...(texts ?? []).map((text) => text.length)),
          values: (_, marks) => axisLabels(marks),
        },
      ],
      series: [{}, ...model.series.map((series, i) => this.line(series, i))],
      bands: (stacked?.below ?? []).flatMap((below, i) =>
        below < 0 ? [] : [{ series: [i + 1, below + 1] as [number, number], dir: stacked?.down[i] ? 1 : -1 }],
      ),
      hooks: {
        setCursor: [() => this.point()],
        setSelect: [() => this.select()],
      },
    };
    this.chart = new uPlot(options, [model.times as number[], ...(this.drawn as Row[])], container);
    this.tip = new PlotTip(this.chart.over);
    this.bindTouch();
    this.observer = new ResizeObserver(() => {
      const width = Math.max(160, container.clientWidth);
      if (width !== this.chart.width) this.chart.setSize({ width, height: heightPixels });
    });
    this.observer.observe(container);
  }

  /** Shows the series at `hidden`'s complement; a stacked graph must be built anew instead, since heights change. */
  setHidden(hidden: ReadonlySet<number>): void {
    this.chart.batch(() => {
      this.model.series.forEach((_, i) => {
        if (this.chart.series[i + 1]!.show === hidden.has(i)) this.chart.setSeries(i + 1, { show: !hidden.has(i) });
      });
    });
  }

  /** Lets one series stand out, as if pointed at; -1 for none. */
  highlight(index: number): void {
    if (this.model.series.length <= DIM_LIMIT) this.chart.setSeries(index < 0 ? null : index + 1, { focus: true });
  }

  /** Handles a key pressed while the graph has the focus; true when it meant something. */
  key(event: KeyboardEvent): boolean {
    const { times } = this.model;
    const span = (times.at(-1)! - times[0]!) * 1000;
    const direction = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (direction !== 0 && event.shiftKey) this.events.onPan((direction * span) / 4);
    else if (direction !== 0) this.stepTime(direction * Math.max(1, Math.round(times.length / 100)));
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") this.stepSeries(event.key === "ArrowUp" ? 1 : -1);
    else if (event.key === "+" || event.key === "=") this.events.onZoomStep("in");
    else if (event.key === "-") this.events.onZoomStep("out");
    else if (event.key === "Escape") this.chart.setCursor({ left: -10, top: -10 });
    else return false;
    return true;
  }

  /** Takes everything away again. */
  destroy(): void {
    this.observer.disconnect();
    for (const undo of this.cleanup) undo();
    this.tip.destroy();
    this.chart.destroy();
  }

  private line(series: PlotSeries, i: number): uPlot.Series {
    const color = this.model.color(series);
    const lonely = this.model.stacked ? [] : lonelyPoints(series.values);
    return {
      show: !this.model.hidden.has(i),
      stroke: color,
      width: this.model.stacked ? 1 : 1.5,
      dash: [...this.model.dash(series)],
      ...(this.model.stacked ? { fill: `${color}88`, fillTo: () => 0 } : {}),
      points: { show: false, size: 4, fill: color, filter: () => (lonely.length > 0 ? lonely : null) },
    };
  }

  private xRange(): [number, number] {
    const { times } = this.model;
    const first = times[0] ?? 0;
    const last = times.at(-1) ?? 1;
    return last > first ? [first, last] : [first - 30, first + 30];
  }

  private point(): void {
    const { left, top, idx } = this.chart.cursor;
    if (left === undefined || left === null || left < 0 || idx === null || idx === undefined) {
      if (this.pointed >= 0) this.highlight(-1);
      this.pointed = -1;
      this.tip.hide();
      return;
    }
    const value = this.chart.posToVal(top ?? 0, "y");
    const index = nearestSeries(this.drawn, (i) => this.chart.series[i + 1]!.show === true, idx, value);
    this.show(index, idx);
  }

  private show(index: number, slot: number): void {
    const t = this.model.times[slot]! * 1000;
    const x = this.chart.valToPos(this.model.times[slot]!, "x");
    if (index !== this.pointed) this.highlight(index);
    this.pointed = index;
    const series = this.model.series[index];
    if (!series) {
      this.tip.show({
        x,
        y: null,
        time: formatTime(t, this.model.local),
        width: this.chart.over.clientWidth,
        height: this.chart.over.clientHeight,
      });
      return;
    }
    const y = this.chart.valToPos(this.drawn[index]![slot] ?? 0, "y");
    this.tip.show({
      x,
      y,
      width: this.chart.over.clientWidth,
      height: this.chart.over.clientHeight,
      time: formatTime(t, this.model.local),
      color: this.model.color(series),
      value: formatValue(series.values[slot] ?? Number.NaN),
      prefix: this.model.prefix(series),
      labels: series.labels,
    });
  }

  private select(): void {
    const { left, width } = this.chart.select;
    if (width < 4) return;
    const start = this.chart.posToVal(left, "x") * 1000;
    const end = this.chart.posToVal(left + width, "x") * 1000;
    this.chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.events.onZoom(start, end);
  }

  private stepTime(by: number): void {
    const last = this.model.times.length - 1;
    const from = this.chart.cursor.idx ?? (by > 0 ? -by : last - by);
    this.pointAt(Math.min(last, Math.max(0, from + by)), Math.max(0, this.pointed));
  }

  private stepSeries(by: number): void {
    const slot = this.chart.cursor.idx ?? this.model.times.length - 1;
    const count = this.model.series.length;
    let next = Math.max(0, this.pointed);
    for (let tries = 0; tries < count; tries++) {
      next = (next + by + count) % count;
      if (this.chart.series[next + 1]!.show && (this.drawn[next]![slot] ?? null) !== null) break;
    }
    this.pointAt(slot, next);
  }

  private pointAt(slot: number, index: number): void {
    const series = this.model.series[index];
    if (!series) return;
    const drawn = this.drawn[index]![slot] ?? null;
    const left = this.chart.valToPos(this.model.times[slot]!, "x");
    const top = drawn === null ? 0 : this.chart.valToPos(drawn, "y");
    this.chart.setCursor({ left, top });
    // Lines that cross at this very point would leave the choice to chance.
    this.show(index, slot);
    const value = series.values[slot] ?? null;
    this.events.onSpoken(
      `${formatTime(this.model.times[slot]! * 1000, this.model.local)}: ${value === null ? "no value" : formatValue(value)}, ` +
        `${this.model.prefix(series)} ${formatSeries(series.labels)}`,
    );
  }

  private startPan(event: MouseEvent): void {
    event.preventDefault();
    this.pan(event.clientX, (move, finish) => {
      const onMove = (next: MouseEvent): void => move(next.clientX);
      const onUp = (next: MouseEvent): void => {
        removeEventListener("mousemove", onMove);
        removeEventListener("mouseup", onUp);
        finish(next.clientX);
      };
      addEventListener("mousemove", onMove);
      addEventListener("mouseup", onUp);
    });
  }

  private bindTouch(): void {
    const { over } = this.chart;
    const onStart = (start: TouchEvent): void => {
      const first = start.touches[0];
      if (!first || start.touches.length > 1) return;
      this.pan(first.clientX, (move, finish) => {
        const onMove = (event: TouchEvent): void => move(event.touches[0]!.clientX);
        const onEnd = (event: TouchEvent): void => {
          over.removeEventListener("touchmove", onMove);
          over.removeEventListener("touchend", onEnd);
          over.removeEventListener("touchcancel", onEnd);
          finish(event.changedTouches[0]?.clientX ?? first.clientX);
        };
        over.addEventListener("touchmove", onMove, { passive: true });
        over.addEventListener("touchend", onEnd);
        over.addEventListener("touchcancel", onEnd);
      });
    };
    over.addEventListener("touchstart", onStart, { passive: true });
    this.cleanup.push(() => over.removeEventListener("touchstart", onStart));
  }

  /** Slides the time axis under the pointer; the data follows once the pointer lets go. */
  private pan(startX: number, track: (move: (x: number) => void, finish: (x: number) => void) => void): void {
    const [min, max] = this.xRange();
    const secondsPerPixel = (max - min) / Math.max(1, this.chart.over.clientWidth);
    const shift = (x: number): number => (startX - x) * secondsPerPixel;
    track(
      (x) => {
        this.tip.hide();
        const scale = this.chart.scales["x"]!;
        scale.range = () => [min + shift(x), max + shift(x)];
        this.chart.setScale("x", { min: min + shift(x), max: max + shift(x) });
      },
      (x) => {
        if (Math.abs(startX - x) > 8) this.events.onPan(shift(x) * 1000);
      },
    );
  }
}

function stackShown(
  rows: readonly Row[],
  hidden: ReadonlySet<number>,
): { heights: number[][]; below: number[]; down: boolean[] } {
  const shown = rows.map((_, i) => i).filter((i) => !hidden.has(i));
  const stacked = stack(shown.map((i) => rows[i]!));
  const heights: number[][] = rows.map((row) => row.map(() => 0));
  const below: number[] = rows.map(() => -1);
  shown.forEach((place, i) => {
    heights[place] = stacked.heights[i]!;
    below[place] = stacked.below[i]! < 0 ? -1 : shown[stacked.below[i]!]!;
  });
  return { heights, below, down: heights.map((row) => row.some((value) => value < 0)) };
}

function yRange(min: number | null, max: number | null, model: PlotModel): uPlot.Range.MinMax {
  if (min === null || max === null) return [model.yMin ?? 0, (model.yMin ?? 0) + 1];
  const low = model.stacked ? Math.min(0, min) : min;
  const high = model.stacked ? Math.max(0, max) : max;
  const [bottom, top] = uPlot.rangeNum(low, high, 0.08, true);
  const floor = model.yMin === null ? bottom : model.yMin;
  return [floor, top !== null && floor !== null && top > floor ? top : (floor ?? 0) + 1];
}
