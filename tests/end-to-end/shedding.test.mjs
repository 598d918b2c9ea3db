// Series budgets and a memory that is short: what is known goes on, and what is refused is told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Program } from "../lib/program.mjs";
import { configFor, startTarget } from "../lib/target.mjs";

test("series budgets: a target that explodes keeps its known series, its neighbour all, and the targets page tells", async (t) => {
  let labels = 2;
  let scrapes = 0;
  const page = () => Array.from({ length: labels }, (_, i) => `exploding{id="${i}"} ${++scrapes}\n`).join("");
  const exploding = await startTarget(t, page);
  const calm = await startTarget(t, () => "calm 1\n");
  const program = await Program.start(t, {
    config: configFor({ exploding, calm }),
    flags: ["--narthex.budget.series-per-job=100", "--narthex.budget.series-per-metric=exploding=50"],
  });
  await program.until("count(exploding) == 2 and on() calm", (found) => found.length === 1);
  labels = 5000;
  await program.until("count(exploding) == 50", (found) => found.length === 1);
  const refused = await program.until(
    "scrape_samples_scraped - on(instance) count by (instance) (exploding)",
    (found) => Number(found[0]?.value[1]) === 4950,
  );
  assert.equal(refused.length, 1);
  const { activeTargets } = await program.api("/targets");
  assert.deepEqual(
    activeTargets.map(({ scrapePool, health, refusedSeries }) => [scrapePool, health, refusedSeries]),
    [
      ["calm", "up", undefined],
      ["exploding", "up", 4950],
    ],
  );
  assert.match(program.log, /level=WARN .*msg="New series were refused: .*num_refused=4950/);
  const metrics = await (await fetch(`${program.url}/metrics`)).text();
  assert.match(metrics, /\nnarthex_series_refused_total\{budget="metric"\} [1-9]/);
  // The known ones go on.
  await program.until('count_over_time(exploding{id="0"}[10s]) > 3', (found) => found.length === 1);
});

test("memory that is short: big queries, new series and late samples are refused, known series and small queries go on", async (t) => {
  let served = 0;
  const address = await startTarget(t, () => `kept_total ${++served}\n`);
  const late = await startTarget(t, () => `late 1 ${Date.now() - 60_000}\n`);
  const program = await Program.start(t, {
    config: `storage: {tsdb: {out_of_order_time_window: 1h}}\n${configFor({ kept: address, late })}`,
    // Less than any process takes: all steps are entered at the first look.
    flags: ["--narthex.memory.limit=1MB", "--web.enable-remote-write-receiver"],
  });
  await program.until('up{job="kept"} == 1', (found) => found.length === 1);
  assert.deepEqual(await program.query("kept_total"), []);
  for (const load of ["big queries", "caches", "running big queries", "new series", "late samples"])
    assert.match(program.log, new RegExp(`msg="Memory is short: shedding load".* load="?${load}"?`));
  const big = await fetch(
    `${program.url}/api/v1/query_range?query=${encodeURIComponent("max_over_time(vector(1)[1h:1s])")}&start=0&end=1000&step=1`,
  );
  assert.equal(big.status, 503);
  assert.deepEqual(await big.json(), {
    status: "error",
    errorType: "overloaded",
    error: "the server's memory is short, so that only small queries are answered: try again later",
  });
  assert.equal((await program.query("vector(1)")).length, 1);
  const notifications = await program.api("/notifications");
  assert.match(notifications[0].text, /^Memory is short/);
  const metrics = await (await fetch(`${program.url}/metrics`)).text();
  assert.match(metrics, /\nnarthex_memory_shedding\{load="new series"\} 1\n/);
  assert.match(metrics, /\nnarthex_series_refused_total\{budget="memory"\} [1-9]/);
  const before = served;
  await program.until('count_over_time(up{job="kept"}[10s]) > 2', (found) => found.length === 1);
  assert.ok(served > before);
});
