/** A graph with its legend. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import "uplot/dist/uPlot.min.css";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { tone as toneCell } from "../shell/theme.ts";
import { familyColor, familyDash, poolColor, queryLetter, type Tone } from "./colors.ts";
import { Legend } from "./legend.tsx";
import { Plot } from "./plot.ts";
import type { PlotSeries } from "./plot-data.ts";

/** Lines drawn before the user asks for more: beyond it a graph is neither quick nor readable. */
const SERIES_LIMIT = 1000;

/** What a graph shows and what it tells back; times in milliseconds. */
export interface GraphViewProps {
  readonly times: readonly number[];
  readonly series: readonly PlotSeries[];
  /** The texts of the queries, by `PlotSeries.query`; more than one colours by query. */
  readonly queries: readonly string[];
  readonly stacked: boolean;
  readonly yMin: number | null;
  readonly loading: boolean;
  readonly onZoom: (start: number, end: number) => void;
  readonly onPan: (byMs: number) => void;
  readonly onZoomStep: (direction: "in" | "out") => void;
}

/** The colour of a series on a graph of `queryCount` queries. */
export function seriesColor(series: PlotSeries, queryCount: number, tone: Tone): string {
  return queryCount > 1 ? familyColor(series.query, series.index, tone) : poolColor(series.index, tone);
}

/** The graph. It is drawn anew when its data changes; hiding lines only touches the lines. */
export function GraphView(props: GraphViewProps): JSX.Element {
  const tone = useCell(toneCell);
  const { useLocalTime } = useCell(settings);
  const [all, setAll] = useState(false);
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const [spoken, setSpoken] = useState("");
  const container = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot>(null);
  const events = useRef(props);
  events.current = props;

  const shared = props.queries.length > 1;
  const series = useMemo(
    () => (all || props.series.length <= SERIES_LIMIT ? props.series : props.series.slice(0, SERIES_LIMIT)),
    [props.series, all],
  );
  // Which lines are hidden outlives a refresh as long as the same queries bring the same series.
  const identity = useMemo(
    () => props.series.map((one) => `${one.query}${JSON.stringify(one.labels)}`).join(),
    [props.series],
  );
  const lastIdentity = useRef(identity);
  if (lastIdentity.current !== identity) {
    lastIdentity.current = identity;
    if (hidden.size > 0) setHidden(new Set());
  }
  const stackKey = props.stacked ? hidden : null;

  useEffect(() => {
    if (!container.current) return;
    const height = matchMedia("(max-width: 640px)").matches ? 260 : 380;
    const made = new Plot(
      container.current,
      height,
      {
        times: props.times,
        series,
        color: (one) => seriesColor(one, props.queries.length, tone),
        dash: (one) => (shared && !props.stacked ? familyDash(one.query) : []),
        prefix: (one) => (shared ? queryLetter(one.query) : ""),
        stacked: props.stacked,
        yMin: props.yMin,
        local: useLocalTime,
        tone,
        hidden,
      },
      {
        onZoom: (start, end) => events.current.onZoom(start, end),
        onPan: (by) => events.current.onPan(by),
        onZoomStep: (direction) => events.current.onZoomStep(direction),
        onSpoken: setSpoken,
      },
    );
    plot.current = made;
    return () => {
      plot.current = null;
      made.destroy();
    };
  }, [props.times, series, props.stacked, props.yMin, shared, useLocalTime, tone, stackKey]);

  useEffect(() => {
    if (!props.stacked) plot.current?.setHidden(hidden);
  }, [hidden, props.stacked]);

  return (
    <div class={props.loading ? "graph busy" : "graph"}>
      {series.length < props.series.length && (
        <p class="note cut">
          Drawing the first {SERIES_LIMIT.toLocaleString("en")} of {props.series.length.toLocaleString("en")} series.{" "}
          <button type="button" class="link" onClick={() => setAll(true)}>
            Draw all of them
          </button>
          , or narrow the query: <code>topk(20, …)</code>, <code>sum by (…)</code>.
        </p>
      )}
      <div
        ref={container}
        role="application"
        class="canvas"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move through the graph, so it must take the focus
        tabIndex={0}
        aria-label={`Graph of ${series.length} series. Arrow keys move through time and series, Shift with arrows pans, plus and minus zoom.`}
        onKeyDown={(event) => {
          if (plot.current?.key(event)) event.preventDefault();
        }}
      />
      <div class="visually-hidden" aria-live="polite">
        {spoken}
      </div>
      <Legend
        series={series}
        queries={props.queries}
        hidden={hidden}
        color={(one) => seriesColor(one, props.queries.length, tone)}
        onHidden={setHidden}
        onPointed={(index) => plot.current?.highlight(index)}
      />
    </div>
  );
}
