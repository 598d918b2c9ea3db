/** One query with its own table or graph. */
import type { JSX } from "preact";
import { useId, useMemo } from "preact/hooks";
import { formatDuration, humanSpan } from "../format/duration.ts";
import { groupDigits } from "../format/number.ts";
import { GraphView } from "../graph/graph-view.tsx";
import { gridTimes, layOut } from "../graph/plot-data.ts";
import { Loading } from "../shell/widgets.tsx";
import type { PanelState } from "../state/page-state.ts";
import { ResultTable } from "../table/result-table.tsx";
import { GraphControls, graphMoves } from "./graph-controls.tsx";
import { Annotations, EmptyResult, QueryError } from "./query-notices.tsx";
import type { PanelActions } from "./query-page.tsx";
import { QueryRow } from "./query-row.tsx";
import { TimeInput } from "./time-controls.tsx";
import { type QueryRun, useQueries } from "./use-queries.ts";

/** The panel at `index` of `count`. `round` changes when everything is to run again. */
export function QueryPanel(props: {
  index: number;
  count: number;
  panel: PanelState;
  round: number;
  aligned: boolean;
  actions: PanelActions;
}): JSX.Element {
  const { index, panel, actions } = props;
  const id = useId();
  const [run] = useQueries([panel.expr], panel, props.round, props.aligned);
  const change = (next: Partial<PanelState>): void => actions.change(index, next);
  return (
    <section class="panel" aria-label={`Query ${index + 1}`}>
      <QueryRow
        label={props.count > 1 ? `Expression ${index + 1}` : "Expression"}
        expr={panel.expr}
        focus={index === props.count - 1}
        loading={run!.loading}
        invalid={run!.error?.errorType === "bad_data"}
        onRun={(expr) => change({ expr })}
        onDuplicate={() => actions.duplicate(index)}
        onRemove={props.count > 1 || panel.expr !== "" ? () => actions.remove(index) : null}
      />
      <div class="panel-head">
        <Tabs id={id} tab={panel.tab} onChange={(tab) => change({ tab })} />
        <RunStats run={run!} panel={panel} />
      </div>
      <div class="panel-body" role="tabpanel" id={`${id}-body`} aria-labelledby={`${id}-${panel.tab}`}>
        {panel.tab === "graph" ? (
          <GraphControls panel={panel} onChange={change} />
        ) : (
          <div class="graph-controls">
            <TimeInput
              label="Evaluation time"
              time={panel.endTime}
              rangeMs={panel.rangeMs}
              onChange={(endTime) => change({ endTime })}
            />
          </div>
        )}
        <Outcome run={run!} panel={panel} change={change} />
      </div>
    </section>
  );
}

function Outcome({
  run,
  panel,
  change,
}: {
  run: QueryRun;
  panel: PanelState;
  change: (next: Partial<PanelState>) => void;
}): JSX.Element {
  const { answer, error, grid } = run;
  const data = answer?.data;
  const graph = useMemo(
    () =>
      data?.resultType === "matrix" && grid.end > 0
        ? { times: gridTimes(grid), series: layOut(data.result, grid, 0) }
        : null,
    [data, grid],
  );
  if (error)
    return (
      <QueryError
        error={error}
        expr={run.expr}
        onTable={panel.tab === "graph" ? () => change({ tab: "table" }) : null}
      />
    );
  if (run.expr === "") return <p class="note idle">No data queried yet. Enter an expression above.</p>;
  if (!answer || !data) return <Loading label="Running the query" />;
  const empty = Array.isArray(data.result) && data.result.length === 0;
  return (
    <div class={run.loading ? "outcome busy" : "outcome"}>
      <Annotations warnings={answer.warnings} infos={answer.infos} />
      {empty ? (
        <EmptyResult expr={run.expr} panel={panel} onExpr={(expr) => change({ expr })} />
      ) : panel.tab === "graph" && graph ? (
        <GraphView
          times={graph.times}
          series={graph.series}
          queries={[run.expr]}
          stacked={panel.display === "stacked"}
          yMin={panel.yMin}
          loading={run.loading}
          {...graphMoves(panel, grid, change)}
        />
      ) : (
        <ResultTable data={data} />
      )}
    </div>
  );
}

/** How long it took and how much came; `brief` leaves out what a shared graph says once for all. */
export function RunStats({
  run,
  panel,
  brief = false,
}: {
  run: QueryRun;
  panel: PanelState;
  brief?: boolean;
}): JSX.Element | null {
  const { answer, loading } = run;
  if (!answer?.data) return loading ? <p class="stats">running…</p> : null;
  const { data } = answer;
  const count = data.resultType === "vector" || data.resultType === "matrix" ? data.result.length : 1;
  const evaluated = data.stats?.timings?.execTotalTime;
  const samples = data.stats?.samples?.totalQueryableSamples;
  const parts = [
    `${groupDigits(count)} ${count === 1 ? "result" : "results"}`,
    `${humanSpan(answer.loadMs)}${evaluated === undefined ? "" : ` (${humanSpan(evaluated * 1000)} in the server)`}`,
    ...(samples === undefined ? [] : [`${groupDigits(samples)} samples read`]),
    ...(!brief && panel.tab === "graph" && run.grid.end > 0
      ? [`one point every ${formatDuration(run.grid.stepMs)}`]
      : []),
  ];
  return <p class="stats">{loading ? "running…" : parts.join(" · ")}</p>;
}

function Tabs(props: { id: string; tab: PanelState["tab"]; onChange: (tab: PanelState["tab"]) => void }): JSX.Element {
  const tabs = [
    ["table", "Table"],
    ["graph", "Graph"],
  ] as const;
  return (
    <div class="tabs" role="tablist" aria-label="Result as">
      {tabs.map(([tab, title]) => (
        <button
          key={tab}
          type="button"
          role="tab"
          id={`${props.id}-${tab}`}
          aria-selected={props.tab === tab}
          aria-controls={`${props.id}-body`}
          tabIndex={props.tab === tab ? 0 : -1}
          onClick={() => props.onChange(tab)}
          onKeyDown={(event) => {
            if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
            const other = tab === "table" ? "graph" : "table";
            props.onChange(other);
            document.getElementById(`${props.id}-${other}`)?.focus();
          }}
        >
          {title}
        </button>
      ))}
    </div>
  );
}
