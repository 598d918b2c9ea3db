/** Several queries on one graph: each with a letter, a dash and a family of colours, all over the same time. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { familyColor, queryLetter } from "../graph/colors.ts";
import { GraphView } from "../graph/graph-view.tsx";
import { gridTimes, layOut } from "../graph/plot-data.ts";
import { useCell } from "../shell/signal.ts";
import { tone as toneCell } from "../shell/theme.ts";
import { Loading } from "../shell/widgets.tsx";
import type { PanelState } from "../state/page-state.ts";
import { GraphControls, graphMoves } from "./graph-controls.tsx";
import { Annotations, EmptyResult, QueryError } from "./query-notices.tsx";
import type { PanelActions } from "./query-page.tsx";
import { RunStats } from "./query-panel.tsx";
import { QueryRow } from "./query-row.tsx";
import { type QueryRun, useQueries } from "./use-queries.ts";

/** All `panels` on the graph of the first one. */
export function OverlayPanels(props: {
  ids: readonly number[];
  panels: readonly PanelState[];
  round: number;
  aligned: boolean;
  actions: PanelActions;
}): JSX.Element {
  const { panels, actions } = props;
  const lead: PanelState = { ...panels[0]!, tab: "graph" };
  const tone = useCell(toneCell);
  const exprs = panels.map(({ expr }) => expr);
  const runs = useQueries(exprs, lead, props.round, props.aligned);
  const loading = runs.some((run) => run.loading);
  const graph = useDrawn(runs);
  return (
    <section class="panel" aria-label="All queries on one graph">
      {panels.map((panel, index) => {
        const run = runs[index]!;
        return (
          <div key={props.ids[index]} class="overlay-query">
            <QueryRow
              label={`Expression ${queryLetter(index)}`}
              badge={
                <span
                  class="letter big"
                  style={{ color: familyColor(index, 0, tone), borderColor: familyColor(index, 0, tone) }}
                >
                  {queryLetter(index)}
                </span>
              }
              expr={panel.expr}
              focus={false}
              loading={run.loading}
              invalid={run.error?.errorType === "bad_data"}
              onRun={(expr) => actions.change(index, { expr })}
              onDuplicate={() => actions.duplicate(index)}
              onRemove={() => actions.remove(index)}
            />
            <RunStats run={run} panel={lead} brief />
            {run.error && <QueryError error={run.error} expr={run.expr} onTable={null} />}
            {run.answer && <Annotations warnings={run.answer.warnings} infos={run.answer.infos} />}
            {!run.loading && Array.isArray(run.answer?.data?.result) && run.answer.data.result.length === 0 && (
              <EmptyResult expr={run.expr} panel={lead} onExpr={(expr) => actions.change(index, { expr })} />
            )}
          </div>
        );
      })}
      <div class="panel-body">
        <GraphControls panel={lead} onChange={actions.changeAll} />
        {graph && graph.series.length > 0 ? (
          <GraphView
            times={graph.times}
            series={graph.series}
            queries={exprs}
            stacked={lead.display === "stacked"}
            yMin={lead.yMin}
            loading={loading}
            {...graphMoves(lead, graph.grid, actions.changeAll)}
          />
        ) : loading ? (
          <Loading label="Running the queries" />
        ) : (
          <p class="note idle">Nothing to draw yet.</p>
        )}
      </div>
    </section>
  );
}

/** The series of every answer that is on the newest grid; answers still on an older one wait until theirs has come. */
function useDrawn(runs: readonly QueryRun[]): ReturnType<typeof drawn> {
  return useMemo(() => drawn(runs), [runs]);
}

function drawn(runs: readonly QueryRun[]) {
  const answered = runs
    .map((run, query) => ({ run, query }))
    .filter(({ run }) => run.answer?.data?.resultType === "matrix");
  const grid = answered.reduce<QueryRun["grid"] | null>(
    (newest, { run }) =>
      !newest || run.grid.end > newest.end || run.grid.stepMs !== newest.stepMs ? run.grid : newest,
    null,
  );
  if (!grid) return null;
  const series = answered.flatMap(({ run, query }) =>
    run.grid.end === grid.end && run.grid.start === grid.start && run.answer?.data.resultType === "matrix"
      ? layOut(run.answer.data.result, grid, query)
      : [],
  );
  return { grid, series, times: gridTimes(grid) };
}
