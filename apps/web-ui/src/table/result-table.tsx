/** The table of an instant answer. */
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { ApiHistogram, QueryData } from "../api/answers.ts";
import { formatPair, formatSeries, type LabelMap, labelPairs } from "../format/labels.ts";
import { groupDigits, parseValue } from "../format/number.ts";
import { formatTime } from "../format/time.ts";
import { Icon } from "../shell/icons.tsx";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { copyText } from "../shell/toasts.tsx";
import { SearchField, useGradually } from "../shell/widgets.tsx";
import { arrangeRows, type Cell, type ResultRow, type RowOrder, resultRows } from "./result-rows.ts";

/** From this many rows on, filtering and sorting are offered. */
const TOOLS_FROM = 8;
/** Above this many rows labels are plain text: colouring each costs a dozen elements a row. */
const PLAIN_FROM = 1000;
/** Rows shown unless asked for more. */
const ROW_LIMIT = 10_000;
/** Samples of one range vector row that are listed. */
const SAMPLE_LIMIT = 100;

/** Rows come on the page as they are scrolled to, so ten thousand series cost what a screenful costs. */
export function ResultTable({ data }: { data: QueryData }): JSX.Element {
  const { useLocalTime } = useCell(settings);
  const [search, setSearch] = useState("");
  const [order, setOrder] = useState<RowOrder>("server");
  const [all, setAll] = useState(false);
  const rows = useMemo(() => resultRows(data), [data]);
  const arranged = useMemo(() => arrangeRows(rows, search, order), [rows, search, order]);
  const limited = all ? arranged : arranged.slice(0, ROW_LIMIT);
  const { shown, sentinel } = useGradually(all || arranged.length > ROW_LIMIT ? limited : arranged);
  const plain = rows.length > PLAIN_FROM;
  const sort = (next: RowOrder, back: RowOrder): void => setOrder(order === next ? back : next);
  return (
    <div class="result">
      {rows.length >= TOOLS_FROM && (
        <div class="result-tools">
          <SearchField label="Filter these series" value={search} onChange={setSearch} />
          {search !== "" && (
            <span class="note">
              {groupDigits(arranged.length)} of {groupDigits(rows.length)}
            </span>
          )}
        </div>
      )}
      {limited.length < arranged.length && (
        <p class="note cut">
          Showing limited results: the first {groupDigits(ROW_LIMIT)} of {groupDigits(arranged.length)} series.{" "}
          <button type="button" class="link" onClick={() => setAll(true)}>
            Show all results
          </button>
        </p>
      )}
      <table class={plain ? "series-table plain-rows" : "series-table"}>
        <thead>
          <tr>
            <th scope="col" aria-sort={order === "series" ? "ascending" : "none"}>
              <button type="button" class="sort" onClick={() => sort("series", "server")}>
                Series{order === "series" && " ↑"}
              </button>
            </th>
            <th
              scope="col"
              class="number"
              aria-sort={order === "descending" ? "descending" : order === "ascending" ? "ascending" : "none"}
            >
              <button
                type="button"
                class="sort"
                onClick={() => sort("descending", order === "descending" ? "ascending" : "server")}
              >
                Value{order === "descending" ? " ↓" : order === "ascending" ? " ↑" : ""}
              </button>
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((row, i) => (
            <Row key={i} row={row} plain={plain} local={useLocalTime} />
          ))}
        </tbody>
      </table>
      {sentinel}
      {arranged.length === 0 && <p class="note">No series matches the filter.</p>}
    </div>
  );
}

function Row({ row, plain, local }: { row: ResultRow; plain: boolean; local: boolean }): JSX.Element {
  return (
    <tr>
      <td>
        {row.labels === null ? (
          <span class="muted">{row.cell.kind === "text" ? "string" : "scalar"}</span>
        ) : plain ? (
          <code>{formatSeries(row.labels)}</code>
        ) : (
          <SeriesCell labels={row.labels} />
        )}
      </td>
      <td class="number">
        <ValueCell cell={row.cell} local={local} />
      </td>
    </tr>
  );
}

function SeriesCell({ labels }: { labels: LabelMap }): JSX.Element {
  const name = labels["__name__"];
  const pairs = labelPairs(labels);
  return (
    <code class="series">
      {name !== undefined && <b>{name}</b>}
      {(pairs.length > 0 || name === undefined) && <span class="brace">{"{"}</span>}
      {pairs.map(([label, value], i) => (
        <span key={label} class="pair">
          <span class="label-name">{formatPair(label, "").slice(0, -3)}</span>=
          <span class="label-value">{formatPair("x", value).slice(2)}</span>
          {i < pairs.length - 1 && ", "}
        </span>
      ))}
      {(pairs.length > 0 || name === undefined) && <span class="brace">{"}"}</span>}
      <button
        type="button"
        class="plain row-copy"
        aria-label={`Copy ${formatSeries(labels)}`}
        title="Copy the series"
        onClick={() => copyText(formatSeries(labels), "Series copied")}
      >
        <Icon name="copy" />
      </button>
    </code>
  );
}

function ValueCell({ cell, local }: { cell: Cell; local: boolean }): JSX.Element {
  switch (cell.kind) {
    case "value":
    case "text":
      return <span title={formatTime(cell.sample[0] * 1000, local)}>{cell.sample[1]}</span>;
    case "samples":
      return (
        <div class="samples">
          {cell.samples.slice(0, SAMPLE_LIMIT).map(([seconds, value]) => (
            <div key={seconds}>
              {value} <span class="muted">@ {formatTime(seconds * 1000, local)}</span>
            </div>
          ))}
          {cell.samples.length > SAMPLE_LIMIT && <div class="muted">and {cell.samples.length - SAMPLE_LIMIT} more</div>}
        </div>
      );
    case "histograms":
      return (
        <div class="samples">
          {cell.histograms.slice(-10).map(([seconds, histogram]) => (
            <HistogramCell key={seconds} histogram={histogram} />
          ))}
          {cell.histograms.length > 10 && <div class="muted">the last 10 of {cell.histograms.length}</div>}
        </div>
      );
  }
}

/** A native histogram: count and sum, and its buckets with bars as long as they are full. */
function HistogramCell({ histogram }: { histogram: ApiHistogram }): JSX.Element {
  const buckets = histogram.buckets ?? [];
  const largest = Math.max(...buckets.map((bucket) => parseValue(bucket[3])), 1e-300);
  return (
    <details class="histogram">
      <summary>
        count {histogram.count}, sum {histogram.sum}
      </summary>
      <table>
        <tbody>
          {buckets.map(([rule, low, high, count]) => (
            <tr key={`${low} ${high}`}>
              <td class="number">
                {rule === 1 || rule === 3 ? "[" : "("}
                {low}, {high}
                {rule === 0 || rule === 3 ? "]" : ")"}
              </td>
              <td>
                <meter min={0} max={largest} value={parseValue(count)} /> {count}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
