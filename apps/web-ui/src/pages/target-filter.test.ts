import assert from "node:assert/strict";
import { test } from "node:test";
import type { ActiveTarget } from "../api/answers.ts";
import { groupTargets } from "./target-filter.ts";

function target(scrapePool: string, instance: string, health: ActiveTarget["health"], lastError = ""): ActiveTarget {
  const labels = { job: scrapePool, instance };
  const scrapeUrl = `http://${instance}/metrics`;
  return {
    discoveredLabels: {},
    labels,
    scrapePool,
    scrapeUrl,
    globalUrl: scrapeUrl,
    lastError,
    lastScrape: "",
    lastScrapeDuration: 0,
    health,
  };
}

const ALL = { pool: "", health: "", search: "" };
const TARGETS = [
  target("node", "a:1", "up"),
  target("node", "b:1", "down", "connection refused"),
  target("api", "c:1", "unknown"),
];

test("targets: grouped by pool, pools sorted, what is down first", () => {
  const pools = groupTargets(TARGETS, ALL);
  assert.deepEqual(
    pools.map(({ name, up, down, unknown, total }) => [name, up, down, unknown, total]),
    [
      ["api", 0, 0, 1, 1],
      ["node", 1, 1, 0, 2],
    ],
  );
  assert.deepEqual(
    pools[1]?.shown.map(({ health }) => health),
    ["down", "up"],
  );
});

test("targets: a filter narrows what is shown, not what is counted", () => {
  const [api, node] = groupTargets(TARGETS, { ...ALL, health: "down" });
  assert.equal(api?.shown.length, 0);
  assert.equal(node?.shown.length, 1);
  assert.equal(node?.total, 2);
  assert.equal(groupTargets(TARGETS, { ...ALL, search: "refused" })[1]?.shown.length, 1);
  assert.deepEqual(
    groupTargets(TARGETS, { ...ALL, pool: "api" }).map(({ name }) => name),
    ["api"],
  );
});
