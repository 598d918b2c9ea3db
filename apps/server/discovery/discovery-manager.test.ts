import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Registry } from "@narthex/client";
import { createLogger } from "@narthex/toolkit";
import type { DiscoveryConfig } from "../config/types.ts";
import { systemClock } from "../scrape/clock.ts";
import { ManualClock, until } from "../scrape/testing.ts";
import { DiscoveryManager } from "./discovery-manager.ts";
import { DiscoveryMetrics } from "./discovery-metrics.ts";
import { globMatcher } from "./file-discoverer.ts";
import { GroupFormatError, parseGroups } from "./group-file.ts";
import type { TargetGroup } from "./target-group.ts";

const folder = mkdtempSync(join(tmpdir(), "narthex-discovery-"));
const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
  rmSync(folder, { recursive: true });
});

function make(clock = systemClock) {
  const updates: ReadonlyMap<string, readonly TargetGroup[]>[] = [];
  const lines: string[] = [];
  const registry = new Registry();
  const manager = new DiscoveryManager({
    name: "scrape",
    logger: createLogger({ write: (line) => lines.push(line), level: "error" }),
    metrics: new DiscoveryMetrics(registry),
    clock,
    onUpdate: (groups) => updates.push(groups),
  });
  closers.push(() => manager.stop());
  const addresses = (set: string) =>
    (updates.at(-1)?.get(set) ?? [])
      .flatMap(({ targets }) => targets.map((target) => target.get("__address__")))
      .sort();
  return { manager, updates, lines, registry, addresses };
}

function statically(...targets: string[]): DiscoveryConfig {
  return { kind: "static", groups: [{ targets, labels: new Map([["env", "x"]]), source: "0" }] };
}

test("static discovery: targets are in the first update, and sets without any are there too", () => {
  const { manager, updates, addresses } = make(new ManualClock(0));
  manager.applyConfig(
    new Map([
      ["a", [statically("h:1", "h:2")]],
      ["b", []],
    ]),
  );
  assert.equal(updates.length, 1);
  assert.deepEqual(addresses("a"), ["h:1", "h:2"]);
  assert.deepEqual(updates[0]?.get("b"), []);
  assert.equal(updates[0]?.get("a")?.[0]?.labels.get("env"), "x");
});

test("discovery manager: sets configured alike share one discoverer, a reload keeps it running", () => {
  const { manager, addresses, updates } = make(new ManualClock(0));
  manager.applyConfig(
    new Map([
      ["a", [statically("h:1")]],
      ["b", [statically("h:1"), statically("h:2")]],
    ]),
  );
  assert.deepEqual(addresses("b"), ["h:1", "h:2"]);
  manager.applyConfig(new Map([["b", [statically("h:1")]]]));
  assert.deepEqual(addresses("b"), ["h:1"]);
  assert.equal(updates.at(-1)?.has("a"), false);
});

test("discovery manager: what cannot be started is logged and counted, the others run", async () => {
  const { manager, addresses, lines, registry } = make(new ManualClock(0));
  const other = { kind: "nomad", body: {}, http: undefined } as const;
  manager.applyConfig(new Map([["a", [other, statically("h:1")]]]));
  assert.deepEqual(addresses("a"), ["h:1"]);
  assert.match(
    lines.join(""),
    /msg="Cannot create service discovery" type=nomad config=a err="nomad service discovery/,
  );
  assert.match(await registry.metrics(), /^prometheus_sd_failed_configs\{name="scrape"\} 1$/m);
});

test("file discovery: written, replaced, broken and deleted files", async () => {
  const { manager, addresses, updates, lines, registry } = make();
  const path = join(folder, "one.json");
  writeFileSync(path, '[{"targets":["h:1"],"labels":{"k":"v"}},{"targets":["h:2"]}]');
  manager.applyConfig(new Map([["a", [{ kind: "file", files: [join(folder, "*.json")], refreshIntervalMs: 60_000 }]]]));
  await until(() => addresses("a").length === 2, "the first targets");
  const first = updates.at(-1)?.get("a")?.[0];
  assert.equal(first?.source, `${path}:0`);
  assert.deepEqual(Object.fromEntries(first?.labels ?? []), { k: "v", __meta_filepath: path });

  writeFileSync(join(folder, "new.tmp"), '[{"targets":["h:3"]}]');
  renameSync(join(folder, "new.tmp"), path);
  await until(() => addresses("a").join() === "h:3", "the replaced file");

  writeFileSync(path, "[{");
  await until(() => lines.some((line) => line.includes("Error reading file")), "the error");
  assert.deepEqual(addresses("a"), ["h:3"]);
  assert.match(await registry.metrics(), /^prometheus_sd_file_read_errors_total [1-9]/m);

  rmSync(path);
  await until(() => addresses("a").length === 0, "the deleted file");
});

test("file discovery: a file that appears only later is found by the periodic look", async () => {
  const { manager, addresses } = make();
  const file = join(folder, "later", "x.yml");
  manager.applyConfig(new Map([["a", [{ kind: "file", files: [file], refreshIntervalMs: 50 }]]]));
  const { mkdirSync } = await import("node:fs");
  mkdirSync(join(folder, "later"));
  writeFileSync(file, "- targets: [h:9]\n  labels: {port: 80}\n");
  await until(() => addresses("a").join() === "h:9", "the late file");
});

test("group files: what is no list of groups is refused with the group's number", () => {
  const refuse = (text: string, format: "json" | "yaml", message: RegExp) =>
    assert.throws(
      () => parseGroups(text, format, "f", []),
      (error) => error instanceof GroupFormatError && message.test(error.message),
    );
  refuse("[null]", "json", /^nil target group item found \(index 0\)$/);
  refuse('[{"targets":[1]}]', "json", /^group 0: targets must be a list of strings$/);
  refuse('[{"target":[]}]', "json", /^group 0: unknown field "target"$/);
  refuse('{"targets":[]}', "json", /^expected a list of target groups$/);
  refuse("- targets: [a\n", "yaml", /^yaml: line 2: did not find expected/);
  refuse(
    "targets: [a]\n",
    "yaml",
    /^yaml: unmarshal errors:\n {2}line 1: cannot unmarshal !!map into \[\]\*targetgroup\.Group$/,
  );
  refuse("- targets: a\n", "yaml", /^yaml: unmarshal errors:\n {2}line 1: cannot unmarshal !!str `a` into \[\]string$/);
  refuse("- labels: {a: [b]}\n", "yaml", /\n {2}line 1: cannot unmarshal !!seq into model\.LabelValue$/);
  refuse("- targets: []\n  targets: []\n", "yaml", /\n {2}line 2: field targets already set in type struct \{ Targets/);
  refuse("- labels: {a: b, a: c}\n", "yaml", /\n {2}line 1: key "a" already set in map$/);
  refuse("- x: 1\n", "yaml", /\n {2}line 1: field x not found in type struct \{ Targets/);
  refuse("- targets: []\n- ~\n", "yaml", /^nil target group item found \(index 1\)$/);
  refuse('- labels: {"": a}\n', "yaml", /^"" is not a valid label name$/);
  refuse('[{"labels":{"a":1}}]', "json", /^group 0: label "a" must be a string$/);
  assert.deepEqual(parseGroups('[{"targets":[null],"labels":{"a":null}}]', "json", "f", []), [
    { source: "f:0", labels: new Map([["a", ""]]), targets: [new Map([["__address__", ""]])] },
  ]);
  assert.deepEqual(parseGroups("", "yaml", "f", []), []);
  assert.deepEqual(parseGroups("~\n", "yaml", "f", []), []);
});

test("group files: YAML's scalars are texts as they were written, and the first document counts", () => {
  const text = "- targets: [80, h:1]\n  labels: {port: 080, version: 1.0, on: yes, none: }\n---\n- targets: [other]\n";
  const [group, ...others] = parseGroups(text, "yaml", "f.yml", [["__meta_filepath", "f.yml"]]);
  assert.deepEqual(others, []);
  assert.equal(group?.source, "f.yml:0");
  assert.deepEqual(
    group.targets.map((target) => target.get("__address__")),
    ["80", "h:1"],
  );
  assert.deepEqual(Object.fromEntries(group.labels), {
    port: "080",
    version: "1.0",
    on: "yes",
    none: "",
    __meta_filepath: "f.yml",
  });
});

test("globs: the star stands for any run of characters, everything else for itself", () => {
  const cases: [string, string, boolean][] = [
    ["*.json", "a.json", true],
    ["*.json", ".json", true],
    ["a*.yml", "b.yml", false],
    ["a*a", "a", false],
    ["a*b*c", "aXbYc", true],
    ["a*b*c", "aXcYb", false],
    ["x.yml", "x.yml", true],
    ["x.yml", "xxyml", false],
  ];
  for (const [pattern, name, expected] of cases)
    assert.equal(globMatcher(pattern)(name), expected, `${pattern} ${name}`);
});
