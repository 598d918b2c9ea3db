import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../config/error.ts";
import { loadRuleFiles, parseRuleFile } from "./rule-file.ts";

function problemsOf(text: string): string {
  try {
    parseRuleFile(text, "r.yml");
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  return "";
}

test("rule file: groups come with their rules, group labels below the rules' own", () => {
  const [group, ...others] = parseRuleFile(
    `groups:
- name: g
  interval: 30s
  query_offset: 0s
  limit: 3
  labels: {team: a, env: x}
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {env: y}
  - alert: Down
    expr: up == 0
    for: 5m
    keep_firing_for: 1m
    annotations: {summary: "{{ $labels.job }} is down"}
`,
    "r.yml",
  );
  assert.equal(others.length, 0);
  assert.deepEqual(
    { ...group, rules: undefined },
    { file: "r.yml", name: "g", intervalMs: 30_000, queryOffsetMs: 0, limit: 3, rules: undefined },
  );
  const [recording, alerting] = group?.rules ?? [];
  assert.deepEqual(recording?.labels.toObject(), { env: "y", team: "a" });
  assert.ok(alerting?.kind === "alert");
  assert.equal(alerting.forMs, 300_000);
  assert.equal(alerting.keepFiringForMs, 60_000);
  assert.deepEqual(alerting.annotations.toObject(), { summary: "{{ $labels.job }} is down" });
});

test("rule file: what is not set stays undefined, so that the global settings hold", () => {
  const [group] = parseRuleFile("groups: [{name: a, rules: []}]", "r.yml");
  assert.equal(group?.intervalMs, undefined);
  assert.equal(group?.queryOffsetMs, undefined);
  assert.deepEqual(parseRuleFile("", "r.yml"), []);
});

test("rule file: each problem names file, line and column, group and rule, and all are told at once", () => {
  const message = problemsOf(`groups:
- name: g
  rules:
  - alert: A
    expr: rate(up)
  - record: r
    expr: up
    for: 1m
  - expr: up
`);
  assert.match(message, /^r\.yml:5:5: group "g", rule 1, "A": could not parse expression: 1:6: parse error: /);
  assert.match(message, /\nr\.yml:8:5: group "g", rule 2, "r": invalid field 'for' in recording rule\n/);
  assert.match(message, /\nr\.yml:9:5: group "g", rule 3, "": one of 'record' or 'alert' must be set$/);
});

test("rule file: unknown and repeated keys are refused with their place", () => {
  const message = problemsOf("groups:\n- name: g\n  intervall: 1m\n  name: h\n");
  assert.match(
    message,
    /line 3, column 3: field intervall not found in type rulefmt\.RuleGroup, did you mean "interval"\?/,
  );
  assert.match(message, /line 4, column 3: field name already set in type rulefmt\.RuleGroup/);
});

test("rule file: a broken template is found when the file is loaded", () => {
  const message = problemsOf(`groups:
- name: g
  rules:
  - alert: A
    expr: up
    annotations: {summary: "{{ $label.x }}"}
`);
  assert.match(message, /group "g", rule 1, "A": annotation "summary": .*undefined variable/);
});

const folder = join(dirname(fileURLToPath(import.meta.url)), "../../../../../shared/conformance/data/rules");
const skip = existsSync(folder) ? false : "the reference's test rules are not beside this repository";

interface Case {
  readonly file: string;
  readonly valid?: boolean;
  readonly kind?: string;
  readonly contains?: string;
  readonly promtool?: { readonly command: string; readonly exit: number };
}

for (const part of ["rulefmt", "fixtures", "promtool"]) {
  test(`upstream rule files of ${part}: good ones load, bad ones are refused with the reference's text`, {
    skip,
  }, () => {
    const { cases } = JSON.parse(readFileSync(join(folder, part, "expected.json"), "utf8")) as { cases: Case[] };
    let checked = 0;
    for (const { file, valid, kind, contains, promtool } of cases) {
      if (valid === undefined && kind !== "rules") continue;
      const path = join(folder, part, file);
      const good = valid ?? promtool?.exit === 0;
      const options = { nameValidationScheme: file.startsWith("legacy") ? "legacy" : "utf8" } as const;
      checked++;
      if (good) assert.doesNotThrow(() => loadRuleFiles([path], options), path);
      else {
        assert.throws(
          () => loadRuleFiles([path], options),
          (error) => error instanceof ConfigError && error.message.includes(contains ?? ""),
          path,
        );
      }
    }
    assert.ok(checked > 5);
  });
}
