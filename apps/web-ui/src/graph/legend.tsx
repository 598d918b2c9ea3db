/** The list of lines below a graph: which is which, how high they reach, and which are shown. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { commonLabels, formatPair, formatSeries, labelPairs } from "../format/labels.ts";
import { compactNumber } from "../format/number.ts";
import { useGradually } from "../shell/widgets.tsx";
import { queryLetter } from "./colors.ts";
import { type PlotSeries, toggled } from "./plot-data.ts";

/** Rows by series; a click leaves only that one, with Ctrl or ⌘ it hides or shows it. */
export function Legend(props: {
  series: readonly PlotSeries[];
  queries: readonly string[];
  hidden: ReadonlySet<number>;
  color: (series: PlotSeries) => string;
  onHidden: (hidden: ReadonlySet<number>) => void;
  onPointed: (index: number) => void;
}): JSX.Element {
  const { series, queries, hidden } = props;
  const rows = useMemo(() => series.map((one, index) => ({ one, index, ...extent(one) })), [series]);
  const common = useMemo(
    () => (series.length > 1 ? commonLabels(series.map(({ labels }) => labels)) : new Map()),
    [series],
  );
  const { shown, sentinel } = useGradually(rows, 100);
  return (
    <div class="legend">
      <table>
        <caption class="visually-hidden">Series of the graph. A row's button shows only that series.</caption>
        <thead>
          <tr>
            <th scope="col">
              {series.length} series
              {hidden.size > 0 && (
                <button type="button" class="link" onClick={() => props.onHidden(new Set())}>
                  show all
                </button>
              )}
            </th>
            <th scope="col" class="number wide-only">
              min
            </th>
            <th scope="col" class="number wide-only">
              max
            </th>
            <th scope="col" class="number">
              last
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ one, index, min, max, last }) => (
            <tr
              key={index}
              class={hidden.has(index) ? "off" : ""}
              onMouseEnter={() => props.onPointed(index)}
              onMouseLeave={() => props.onPointed(-1)}
            >
              <td>
                <button
                  type="button"
                  class="legend-row"
                  aria-pressed={!hidden.has(index)}
                  title={formatSeries(one.labels)}
                  onFocus={() => props.onPointed(index)}
                  onBlur={() => props.onPointed(-1)}
                  onClick={(event) =>
                    props.onHidden(toggled(hidden, index, series.length, event.ctrlKey || event.metaKey))
                  }
                >
                  <span class="swatch" style={{ background: props.color(one) }} />
                  {queries.length > 1 && <span class="letter">{queryLetter(one.query)}</span>}
                  <SeriesText series={one} common={common} fallback={queries[one.query] ?? ""} />
                </button>
              </td>
              <td class="number wide-only">{min}</td>
              <td class="number wide-only">{max}</td>
              <td class="number">{last}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {sentinel}
      <p class="hint">
        Click a series to see it alone, Ctrl or ⌘ click to hide or show it. Drag in the graph to zoom, Shift drag to
        pan.
      </p>
    </div>
  );
}

/** A series with what all of them share held back in grey, so that the eye finds what tells them apart. */
function SeriesText(props: { series: PlotSeries; common: ReadonlyMap<string, string>; fallback: string }): JSX.Element {
  const { labels } = props.series;
  const name = labels["__name__"];
  const pairs = labelPairs(labels);
  if (name === undefined && pairs.length === 0) return <code class="series-text">{props.fallback || "{}"}</code>;
  return (
    <code class="series-text">
      {name !== undefined && <span class={props.common.has("__name__") ? "same" : ""}>{name}</span>}
      <span class="same">{"{"}</span>
      {pairs.map(([label, value], i) => (
        <span key={label} class={props.common.has(label) ? "same" : ""}>
          {i > 0 && ", "}
          {formatPair(label, value)}
        </span>
      ))}
      <span class="same">{"}"}</span>
    </code>
  );
}

function extent({ values }: PlotSeries): { min: string; max: string; last: string } {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let last: number | null = null;
  for (const value of values) {
    if (value === null) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    last = value;
  }
  if (last === null) return { min: "–", max: "–", last: "–" };
  return { min: compactNumber(min), max: compactNumber(max), last: compactNumber(last) };
}
