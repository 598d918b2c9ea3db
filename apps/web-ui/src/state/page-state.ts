/**
 * The state of the query page and its form in the URL.
 *
 * Panel `i` keeps its state under keys `g{i}.…`, the same ones that links to a Prometheus server carry, old forms
 * included; unknown keys are ignored, and the first index without `g{i}.expr` ends the list. Two keys of the whole
 * page are ours: `overlay=1` (all queries on one graph) and `refresh=15s`.
 */
import { formatDuration, parseDuration } from "../format/duration.ts";
import { formatTime, parseTime } from "../format/time.ts";

/** How closely a graph's points stand: a density, or a step in milliseconds (from the list or typed). */
export type Resolution =
  | { readonly kind: "auto"; readonly density: "low" | "medium" | "high" }
  | { readonly kind: "fixed" | "custom"; readonly stepMs: number };

/** Everything one panel shows, but for its results. Times and durations in milliseconds; `endTime` null means now. */
export interface PanelState {
  readonly expr: string;
  readonly tab: "table" | "graph";
  readonly rangeMs: number;
  readonly endTime: number | null;
  readonly resolution: Resolution;
  readonly display: "lines" | "stacked";
  /** Lowest value of the value axis; null fits the data. */
  readonly yMin: number | null;
}

/** The whole page. `refreshMs` 0 means never. */
export interface PageState {
  readonly panels: readonly PanelState[];
  readonly overlay: boolean;
  readonly refreshMs: number;
}

/** A fresh panel: a table, one hour up to now, medium resolution. */
export const NEW_PANEL: PanelState = {
  expr: "",
  tab: "table",
  rangeMs: 3600_000,
  endTime: null,
  resolution: { kind: "auto", density: "medium" },
  display: "lines",
  yMin: null,
};

/** More panels than this in a link are dropped, so that a hostile link cannot start thousands of queries. */
export const MAX_PANELS = 50;

/** Reads the state from a query string (with or without `?`). No panel in it gives one fresh panel. */
export function parsePageState(search: string): PageState {
  const params = new URLSearchParams(search);
  const panels: PanelState[] = [];
  while (panels.length < MAX_PANELS && params.has(`g${panels.length}.expr`)) {
    const index = panels.length;
    panels.push(parsePanel((key) => params.get(`g${index}.${key}`)));
  }
  return {
    panels: panels.length > 0 ? panels : [NEW_PANEL],
    overlay: params.get("overlay") === "1" && panels.length > 1,
    refreshMs: parseDuration(params.get("refresh") ?? "") ?? 0,
  };
}

/** Writes the state as a query string without `?`; one empty fresh panel gives the empty text. */
export function formatPageState(state: PageState): string {
  const only = state.panels[0];
  const fresh = state.panels.length === 1 && only !== undefined && only.expr === "" && only.tab === NEW_PANEL.tab;
  const pairs: string[] = [];
  const add = (key: string, value: string): void => {
    pairs.push(`${key}=${encodeURIComponent(value).replace(/%20/g, "+").replace(/%3A/g, ":").replace(/%2C/g, ",")}`);
  };
  if (!fresh) {
    state.panels.forEach((panel, index) => {
      formatPanel(panel, (key, value) => add(`g${index}.${key}`, value));
    });
  }
  if (state.overlay) add("overlay", "1");
  if (state.refreshMs > 0) add("refresh", formatDuration(state.refreshMs));
  return pairs.join("&");
}

function parsePanel(get: (key: string) => string | null): PanelState {
  const tab = get("tab");
  const yMin = get("y_axis_min");
  const end = get("end_input") || get("moment_input") || "";
  return {
    expr: get("expr") ?? "",
    // Links from before 2.0 number the tabs: 0 is the graph, 1 the table.
    tab: tab === "graph" || tab === "0" ? "graph" : "table",
    rangeMs: parseDuration(get("range_input") ?? "") ?? NEW_PANEL.rangeMs,
    endTime: parseTime(end),
    resolution: parseResolution(get),
    display: get("display_mode") === "stacked" || get("stacked") === "1" ? "stacked" : "lines",
    yMin: yMin !== null && yMin !== "" && Number.isFinite(Number(yMin)) ? Number(yMin) : null,
  };
}

function parseResolution(get: (key: string) => string | null): Resolution {
  const type = get("res_type");
  const stepSeconds = Number(get("res_step") || get("step_input") || "0");
  const stepMs = Number.isFinite(stepSeconds) ? Math.round(stepSeconds * 1000) : 0;
  if (stepMs > 0 && (type === "fixed" || type === "custom")) return { kind: type, stepMs };
  if (stepMs > 0 && type === null) return { kind: "custom", stepMs };
  const density = get("res_density");
  return density === "low" || density === "high" ? { kind: "auto", density } : NEW_PANEL.resolution;
}

function formatPanel(panel: PanelState, add: (key: string, value: string) => void): void {
  add("expr", panel.expr);
  add("show_tree", "0");
  add("tab", panel.tab);
  if (panel.endTime !== null) {
    add("end_input", formatTime(panel.endTime));
    add("moment_input", formatTime(panel.endTime));
  }
  add("range_input", formatDuration(panel.rangeMs));
  add("res_type", panel.resolution.kind);
  if (panel.resolution.kind === "auto") add("res_density", panel.resolution.density);
  else add("res_step", String(panel.resolution.stepMs / 1000));
  add("display_mode", panel.display);
  if (panel.yMin !== null) add("y_axis_min", String(panel.yMin));
  add("show_exemplars", "0");
}
