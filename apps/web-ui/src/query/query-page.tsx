/** The query page: panels one below another, or all queries on one graph. Its whole state stands in the address. */
import type { JSX } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { formatDuration } from "../format/duration.ts";
import { Icon } from "../shell/icons.tsx";
import { navigate, place } from "../shell/router.ts";
import { useCell } from "../shell/signal.ts";
import { Choice } from "../shell/widgets.tsx";
import { formatPageState, NEW_PANEL, type PageState, type PanelState, parsePageState } from "../state/page-state.ts";
import { ClockSkew } from "./clock-skew.tsx";
import { OverlayPanels } from "./overlay.tsx";
import { QueryPanel } from "./query-panel.tsx";
import { Welcome } from "./welcome.tsx";

const REFRESH_MS = [0, 5000, 15_000, 30_000, 60_000, 300_000];

/** What panels can do to the page. */
export interface PanelActions {
  /** Changes panel `index`; the same state again only runs it again. */
  readonly change: (index: number, change: Partial<PanelState>) => void;
  readonly changeAll: (change: Partial<PanelState>) => void;
  readonly duplicate: (index: number) => void;
  readonly remove: (index: number) => void;
}

/** The page. */
export function QueryPage(): JSX.Element {
  const { search } = useCell(place);
  const state = useMemo(() => parsePageState(search), [search]);
  const [round, setRound] = useState(0);
  // A panel keeps its identity when one above it goes away; back and forward may add and take any number.
  const ids = useRef<number[]>([]);
  const nextId = useRef(0);
  while (ids.current.length < state.panels.length) ids.current.push(nextId.current++);
  ids.current.length = state.panels.length;

  const go = useCallback((next: PageState) => {
    const query = formatPageState(next);
    if (`?${query}` === location.search || (query === "" && location.search === "")) setRound((n) => n + 1);
    else navigate("query", query);
  }, []);
  const actions: PanelActions = {
    change: (index, change) => {
      // Run means run, also when the address comes to say the same in other words.
      if (change.expr !== undefined) setRound((n) => n + 1);
      go({ ...state, panels: state.panels.map((panel, i) => (i === index ? { ...panel, ...change } : panel)) });
    },
    changeAll: (change) => go({ ...state, panels: state.panels.map((panel) => ({ ...panel, ...change })) }),
    duplicate: (index) => {
      ids.current.splice(index + 1, 0, nextId.current++);
      go({ ...state, panels: state.panels.toSpliced(index + 1, 0, state.panels[index]!) });
    },
    remove: (index) => {
      ids.current.splice(index, 1);
      const panels = state.panels.toSpliced(index, 1);
      go({ ...state, panels: panels.length > 0 ? panels : [NEW_PANEL], overlay: state.overlay && panels.length > 1 });
    },
  };
  const add = (): void => {
    const last = state.panels.at(-1) ?? NEW_PANEL;
    go({ ...state, panels: [...state.panels, { ...last, expr: "" }] });
  };
  useEffect(() => {
    if (state.refreshMs <= 0) return;
    const timer = setInterval(
      () => {
        if (document.visibilityState !== "hidden") setRound((n) => n + 1);
      },
      Math.max(1000, state.refreshMs),
    );
    return () => clearInterval(timer);
  }, [state.refreshMs]);

  const asked = state.panels.some((panel) => panel.expr !== "");
  const shared = { round, aligned: state.refreshMs > 0, actions };
  return (
    <>
      <div class="query-bar">
        <h1>Query</h1>
        {state.panels.length > 1 && (
          <Choice<"separate" | "overlay">
            label="Several queries"
            value={state.overlay ? "overlay" : "separate"}
            options={[
              ["separate", "One graph each"],
              ["overlay", "All on one graph"],
            ]}
            onChange={(value) => go(value === "overlay" ? joined(state) : { ...state, overlay: false })}
          />
        )}
        <label class="refresh">
          <Icon name="refresh" />
          <span class="visually-hidden">Automatic refresh</span>
          <select
            title="Automatic refresh"
            value={String(state.refreshMs)}
            onChange={(event) => go({ ...state, refreshMs: Number(event.currentTarget.value) })}
          >
            {[...new Set([...REFRESH_MS, state.refreshMs])].map((ms) => (
              <option key={ms} value={String(ms)}>
                {ms === 0 ? "No refresh" : `Every ${formatDuration(ms)}`}
              </option>
            ))}
          </select>
        </label>
        <button type="button" onClick={add}>
          <Icon name="plus" />
          Add query
        </button>
      </div>
      <ClockSkew />
      {state.overlay ? (
        <OverlayPanels ids={ids.current} panels={state.panels} {...shared} />
      ) : (
        state.panels.map((panel, index) => (
          <QueryPanel key={ids.current[index]} index={index} count={state.panels.length} panel={panel} {...shared} />
        ))
      )}
      {!asked && <Welcome onQuery={(expr, tab) => actions.change(0, { expr, tab })} />}
    </>
  );
}

/** One graph has one time: that of the first panel. */
function joined(state: PageState): PageState {
  const { rangeMs, endTime, resolution, display, yMin } = state.panels[0]!;
  return {
    ...state,
    overlay: true,
    panels: state.panels.map((panel) => ({ ...panel, tab: "graph", rangeMs, endTime, resolution, display, yMin })),
  };
}
