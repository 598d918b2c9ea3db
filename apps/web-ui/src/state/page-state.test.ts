import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPageState, MAX_PANELS, NEW_PANEL, type PageState, parsePageState } from "./page-state.ts";

const END = Date.UTC(2026, 10, 21, 12, 0, 0);

test("page state: what is written to the address is read back", () => {
  const state: PageState = {
    panels: [
      {
        expr: 'sum by (job) (rate(x{a=~"b|c&d=e"}[5m])) + 1 # 100%',
        tab: "graph",
        rangeMs: 5_400_000,
        endTime: END,
        resolution: { kind: "custom", stepMs: 15_000 },
        display: "stacked",
        yMin: 0,
      },
      { ...NEW_PANEL, expr: "up\n+ 1", resolution: { kind: "auto", density: "high" } },
      { ...NEW_PANEL, expr: "" },
    ],
    overlay: true,
    refreshMs: 15_000,
  };
  assert.deepEqual(parsePageState(formatPageState(state)), state);
  assert.deepEqual(parsePageState(`?${formatPageState(state)}`), state);
});

test("page state: links of other servers open as they did there", () => {
  const link =
    "g0.expr=rate(http_requests_total%5B5m%5D)&g0.show_tree=0&g0.tab=graph&g0.end_input=2026-11-21%2012%3A00%3A00&g0.moment_input=2026-11-21%2012%3A00%3A00&g0.range_input=2h&g0.res_type=fixed&g0.res_step=60&g0.display_mode=stacked&g0.show_exemplars=0&g1.expr=up&g1.tab=table&g1.range_input=1h&later=1";
  const [first, second] = parsePageState(link).panels;
  assert.deepEqual(first, {
    expr: "rate(http_requests_total[5m])",
    tab: "graph",
    rangeMs: 7_200_000,
    endTime: END,
    resolution: { kind: "fixed", stepMs: 60_000 },
    display: "stacked",
    yMin: null,
  });
  assert.deepEqual(second, { ...NEW_PANEL, expr: "up" });
});

test("page state: links from before 2.0 number their tabs and name their step in seconds", () => {
  const [panel] = parsePageState("g0.expr=up&g0.tab=0&g0.stacked=1&g0.step_input=30&g0.range_input=6h").panels;
  assert.equal(panel?.tab, "graph");
  assert.equal(panel?.display, "stacked");
  assert.deepEqual(panel?.resolution, { kind: "custom", stepMs: 30_000 });
  assert.equal(parsePageState("g0.expr=up&g0.tab=1").panels[0]?.tab, "table");
});

test("page state: nonsense falls back to the defaults, a gap ends the list, and a link cannot open endless panels", () => {
  assert.deepEqual(parsePageState(""), { panels: [NEW_PANEL], overlay: false, refreshMs: 0 });
  assert.deepEqual(
    parsePageState(
      "g0.expr=up&g0.tab=zebra&g0.range_input=x&g0.end_input=later&g0.res_step=-5&g0.res_type=fixed&g0.y_axis_min=q&refresh=-1&overlay=1",
    ).panels,
    [{ ...NEW_PANEL, expr: "up" }],
  );
  assert.equal(parsePageState("g0.expr=a&g2.expr=c").panels.length, 1);
  assert.equal(parsePageState("g1.expr=b").panels[0]?.expr, "");
  const many = Array.from({ length: 200 }, (_, i) => `g${i}.expr=up`).join("&");
  assert.equal(parsePageState(many).panels.length, MAX_PANELS);
});

test("page state: an untouched page has a clean address", () => {
  assert.equal(formatPageState({ panels: [NEW_PANEL], overlay: false, refreshMs: 0 }), "");
});
