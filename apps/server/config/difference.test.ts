import assert from "node:assert/strict";
import { test } from "node:test";
import { configDifference, differenceAttributes } from "./difference.ts";
import { loadConfig } from "./load.ts";

const differ = (before: string, after: string): ReturnType<typeof differenceAttributes> => {
  const load = (text: string) => loadConfig(text, "p.yml", { environment: {} });
  return differenceAttributes(configDifference(load(before), load(after)));
};

test("configuration difference: a default that is written out is none", () => {
  assert.equal(differ("scrape_configs: [{job_name: a}]", "scrape_configs: [{job_name: a, scheme: http}]"), undefined);
});

test("configuration difference: jobs that came, went and changed, and sections", () => {
  assert.deepEqual(
    differ(
      "global: {external_labels: {a: b}}\nscrape_configs: [{job_name: a}, {job_name: b}, {job_name: c}]",
      "global: {external_labels: {a: c}}\nscrape_configs: [{job_name: c, metrics_path: /m}, {job_name: d}, {job_name: b}]\nrule_files: [x.yml]",
    ),
    { jobs_added: "d", jobs_removed: "a", jobs_changed: "c", sections_changed: "global, rule_files" },
  );
});

test("configuration difference: a new secret is a change, and is not told", () => {
  const job = (password: string): string =>
    `scrape_configs: [{job_name: a, basic_auth: {username: u, password: ${password}}}]`;
  assert.deepEqual(differ(job("one"), job("two")), { jobs_changed: "a" });
});

test("configuration difference: that labels were shown meanwhile is no change", () => {
  const load = () => loadConfig("global: {external_labels: {a: b}}", "p.yml", { environment: {} });
  const before = load();
  before.global.externalLabels.rendered = "a=b";
  assert.equal(differenceAttributes(configDifference(before, load())), undefined);
});

test("configuration difference: long lists are cut", () => {
  const jobs = (count: number): string =>
    `scrape_configs: [${Array.from({ length: count }, (_, i) => `{job_name: j${i}}`).join()}]`;
  assert.match(differ(jobs(0), jobs(25))?.["jobs_added"] ?? "", /^j0, .*, j19, and 5 more$/);
});
