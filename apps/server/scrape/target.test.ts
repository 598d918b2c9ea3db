import assert from "node:assert/strict";
import { test } from "node:test";
import type { RelabelConfig } from "../config/types.ts";
import { Relabeler } from "../relabel/index.ts";
import { fnv64a } from "./fnv64.ts";
import { nextScrapeTime, type PopulatedTargets, populateTargets, TargetMemo } from "./target.ts";
import { scrapeConfig } from "./testing.ts";

function rule(overrides: Partial<RelabelConfig>): RelabelConfig {
  return {
    sourceLabels: [],
    separator: ";",
    regex: "(.*)",
    regexIsDefault: true,
    modulus: 0n,
    targetLabel: "",
    replacement: "$1",
    action: "replace",
    nameValidationScheme: "utf8",
    ...overrides,
  };
}

function populate(
  targets: readonly Record<string, string>[],
  config: Parameters<typeof scrapeConfig>[0] = {},
  labels: Record<string, string> = {},
): PopulatedTargets {
  const complete = scrapeConfig(config);
  const group = {
    source: "0",
    labels: new Map(Object.entries(labels)),
    targets: targets.map((target) => new Map(Object.entries(target))),
  };
  return populateTargets([group], complete, new Relabeler(complete.relabelConfigs));
}

function only(populated: PopulatedTargets) {
  assert.deepEqual(populated.errors, []);
  const [target] = populated.targets.values();
  assert.ok(target !== undefined);
  return target;
}

test("targets: defaults fill what discovery left open, internal labels stay off the series", () => {
  const target = only(populate([{ __address__: "h:1", __meta_x: "y" }], {}, { env: "prod" }));
  assert.deepEqual(target.discoveredLabels.toObject(), {
    __address__: "h:1",
    __always_scrape_classic_histograms__: "false",
    __convert_classic_histograms_to_nhcb__: "false",
    __meta_x: "y",
    __metrics_path__: "/metrics",
    __scheme__: "http",
    __scrape_interval__: "1s",
    __scrape_native_histograms__: "false",
    __scrape_timeout__: "1s",
    env: "prod",
    job: "j",
  });
  assert.deepEqual(target.labels.toObject(), { env: "prod", instance: "h:1", job: "j" });
  assert.equal(target.url.href, "http://h:1/metrics");
});

test("targets: labels decide which histograms are wanted, relabeled ones too, and what is no truth value is refused", () => {
  const own = { __address__: "h:1", __convert_classic_histograms_to_nhcb__: "T" };
  const change = rule({ targetLabel: "__scrape_native_histograms__", replacement: "1" });
  const target = only(populate([own], { relabelConfigs: [change], alwaysScrapeClassicHistograms: true }));
  assert.deepEqual(target.histograms, { scrapeNative: true, convertClassic: true, alwaysScrapeClassic: true });
  const { errors } = populate([{ __address__: "h:1", __scrape_native_histograms__: "maybe" }]);
  assert.match(errors.join(), /error parsing __scrape_native_histograms__: "maybe" is neither true nor false/);
});

test("targets: a target's own label wins over its group's, also for job and interval", () => {
  const own = { __address__: "h:1", env: "own", job: "k", __scrape_interval__: "2m", __scrape_timeout__: "500ms" };
  const target = only(populate([own], {}, { env: "group" }));
  assert.deepEqual(target.labels.toObject(), { env: "own", instance: "h:1", job: "k" });
  assert.deepEqual([target.intervalMs, target.timeoutMs], [120_000, 500]);
});

test("targets: parameters come sorted, and __param_x replaces the first value of x", () => {
  const params = new Map([
    ["z", ["1", "2"]],
    ["a", ["b c"]],
  ]);
  const replace = rule({ targetLabel: "__param_z", replacement: "new" });
  const target = only(populate([{ __address__: "h:1" }], { params, relabelConfigs: [replace] }));
  assert.equal(target.url.href, "http://h:1/metrics?a=b+c&z=new&z=2");
});

test("targets: equal ones become one, dropped ones are kept by their discovered labels", () => {
  const drop = rule({ sourceLabels: ["__address__"], regex: "x:1", regexIsDefault: false, action: "drop" });
  const populated = populate([{ __address__: "h:1" }, { __address__: "h:1" }, { __address__: "x:1" }], {
    relabelConfigs: [drop],
  });
  assert.equal(populated.targets.size, 1);
  assert.deepEqual(
    populated.dropped.map((labels) => labels.get("__address__")),
    ["x:1"],
  );
});

test("targets: what makes no target is said with its place, and the rest goes on", () => {
  const bad = [
    { env: "no address" },
    { __address__: "http://h" },
    { __address__: "h", __scrape_interval__: "x" },
    { __address__: "h", __scrape_interval__: "0s" },
    { __address__: "h", __scrape_timeout__: "5s" },
    { __address__: "h", __scheme__: "ftp" },
    { __address__: "h", a: "\ud800" },
    { __address__: "good" },
  ];
  const { errors, targets } = populate(bad);
  assert.equal(targets.size, 1);
  assert.deepEqual(errors.slice(0, 6), [
    "instance 0 in group 0: no address",
    'instance 1 in group 0: "http://h" is not a valid hostname',
    'instance 2 in group 0: error parsing scrape interval: not a valid duration string: "x"',
    "instance 3 in group 0: scrape interval cannot be 0",
    'instance 4 in group 0: scrape timeout cannot be greater than scrape interval ("5s" > "1s")',
    'instance 5 in group 0: unsupported scheme "ftp"',
  ]);
  assert.match(errors[6] as string, /^instance 6 in group 0: invalid label value for "a": /);
});

test("FNV-1a over 64 bits: the published test vectors", () => {
  assert.equal(fnv64a(""), 0xcbf29ce484222325n);
  assert.equal(fnv64a("a"), 0xaf63dc4c8601ec8cn);
  assert.equal(fnv64a("foobar"), 0x85944171f73967e8n);
});

test("target phases: fixed for a seed, another for another, spread over the interval", () => {
  const phases = new Set<number>();
  for (let i = 0; i < 100; i++) {
    const target = only(populate([{ __address__: `h${i}:1` }], { scrapeIntervalMs: 15_000 }));
    const due = nextScrapeTime(target, 7n, 1_700_000_000_123);
    assert.ok(due >= 1_700_000_000_123 && due < 1_700_000_015_123);
    assert.ok(Math.abs(nextScrapeTime(target, 7n, due + 1) - due - 15_000) < 0.01);
    phases.add(Math.floor((due % 15_000) / 1500));
  }
  assert.equal(phases.size, 10);
});

test("targets: groups that did not change are not made anew; numbers in errors are those of the present groups", () => {
  const config = scrapeConfig();
  const relabeler = new Relabeler([
    rule({ action: "drop", sourceLabels: ["env"], regex: "no", regexIsDefault: false }),
  ]);
  const group = (source: string, ...targets: [string, string][][]) => ({
    source,
    labels: new Map<string, string>(),
    targets: targets.map((labels) => new Map(labels)),
  });
  const good = group("a", [["__address__", "h:1"]], [["env", "no"]]);
  const bad = group("b", [["__address__", ""]]);
  const memo = new TargetMemo();
  const first = populateTargets([good, bad], config, relabeler, memo);
  const second = populateTargets([bad, good], config, relabeler, memo);
  assert.equal([...first.targets.values()][0], [...second.targets.values()][0]);
  assert.deepEqual([first.droppedCount, second.droppedCount], [1, 1]);
  assert.deepEqual(
    [first.errors, second.errors],
    [["instance 0 in group 1: no address"], ["instance 0 in group 0: no address"]],
  );
});

test("targets: of a group that changed, those that did not are not made anew; a job that keeps few dropped ones has these", () => {
  const config = scrapeConfig({ keepDroppedTargets: 1 });
  const relabeler = new Relabeler([
    rule({ action: "drop", sourceLabels: ["env"], regex: "no", regexIsDefault: false }),
  ]);
  const labels = new Map<string, string>();
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => new Map([["__address__", `${name}:1`]]));
  for (const no of [c, d]) no?.set("env", "no");
  const memo = new TargetMemo();
  const populated = (...targets: (Map<string, string> | undefined)[]) =>
    populateTargets(
      [{ source: "s", labels, targets: targets.filter((each) => each !== undefined) }],
      config,
      relabeler,
      memo,
    );
  const first = populated(a, c, d);
  const second = populated(b, a, d);
  assert.equal([...first.targets.values()][0], [...second.targets.values()][1]);
  assert.deepEqual([first.droppedCount, second.droppedCount], [2, 1]);
  assert.deepEqual(
    [first, second].map(({ dropped }) => dropped.map((each) => each.get("__address__"))),
    [["c:1"], ["d:1"]],
  );
});

test("FNV-1a: values of the reference vectors", () => {
  assert.equal(fnv64a(""), 0xcbf29ce484222325n);
  assert.equal(fnv64a("a"), 0xaf63dc4c8601ec8cn);
  assert.equal(fnv64a("foobar"), 0x85944171f73967e8n);
});
