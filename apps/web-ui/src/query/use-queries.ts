/** Several queries run side by side, and what became of each. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { QueryData } from "../api/answers.ts";
import { type Answer, type ApiError, ask, type Parameters } from "../api/client.ts";
import { asApiError } from "../api/use-answer.ts";
import type { PanelState } from "../state/page-state.ts";
import { chooseGrid, type Grid } from "../state/step.ts";

/** One query's fate. An older answer stays while a newer one is on its way; `grid` belongs to `answer`. */
export interface QueryRun {
  readonly expr: string;
  readonly answer: Answer<QueryData> | null;
  readonly error: ApiError | null;
  readonly loading: boolean;
  readonly grid: Grid;
}

const NO_GRID: Grid = { start: 0, end: 0, stepMs: 1000 };

/**
 * Runs `exprs` with the times of `panel`: as instant queries for a table, as range queries on one grid for a graph.
 * They run anew when anything of that or `round` changes; runs that are no longer wanted are called off.
 * Empty expressions are not asked.
 */
export function useQueries(
  exprs: readonly string[],
  panel: PanelState,
  round: number,
  aligned: boolean,
): readonly QueryRun[] {
  const { tab, rangeMs, endTime, resolution } = panel;
  const key = JSON.stringify([exprs, tab, endTime, ...(tab === "graph" ? [rangeMs, resolution] : [])]);
  const [runs, setRuns] = useState<readonly QueryRun[]>([]);
  const lastTab = useRef(tab);

  useEffect(() => {
    // Whole seconds: half of a tooltip would otherwise be milliseconds that mean nothing.
    const now = endTime ?? Math.floor(Date.now() / 1000) * 1000;
    const grid = chooseGrid(resolution, rangeMs, now, aligned && endTime === null);
    const abort = new AbortController();
    const keep = lastTab.current === tab;
    lastTab.current = tab;
    setRuns((old) =>
      exprs.map((expr, i) => ({
        expr,
        // Another expression's answer is kept on screen too, greyed, until the new one is there: less flicker.
        answer: keep && expr !== "" ? (old[i]?.answer ?? null) : null,
        error: null,
        loading: expr !== "",
        grid: old[i]?.grid ?? grid,
      })),
    );
    exprs.forEach((expr, i) => {
      if (expr === "") return;
      const finish = (change: Partial<QueryRun>): void =>
        setRuns((old) => old.map((run, at) => (at === i ? { ...run, ...change, loading: false } : run)));
      ask<QueryData>(tab === "graph" ? "query_range" : "query", parameters(expr, tab, grid, endTime), {
        form: true,
        signal: abort.signal,
      }).then(
        (answer) => finish({ answer, error: null, grid: tab === "graph" ? grid : NO_GRID }),
        (error) => {
          if (!abort.signal.aborted) finish({ answer: null, error: asApiError(error) });
        },
      );
    });
    return () => abort.abort();
  }, [key, round]);

  // The first rendering comes before the effect; it must not look like "nothing asked".
  return useMemo(
    () => exprs.map((expr, i) => runs[i] ?? { expr, answer: null, error: null, loading: expr !== "", grid: NO_GRID }),
    [runs, exprs.join("\n")],
  );
}

function parameters(query: string, tab: PanelState["tab"], grid: Grid, endTime: number | null): Parameters {
  if (tab === "table") return { query, time: endTime === null ? undefined : endTime / 1000, stats: "true" };
  return { query, start: grid.start / 1000, end: grid.end / 1000, step: grid.stepMs / 1000, stats: "true" };
}
