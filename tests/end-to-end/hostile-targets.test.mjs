// Many targets, some of them hostile: the healthy ones keep their schedule, and memory stays bounded.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Program } from "../lib/program.mjs";

/**
 * The promise is about 2,000 targets; here a fifth of them is scraped as often each. NARTHEX_FULL_SIZE=1 takes all, in a
 * minute and a half.
 */
const IS_FULL = process.env.NARTHEX_FULL_SIZE === "1";
const TARGETS = IS_FULL ? 2000 : 400;
const INTERVAL_SECONDS = IS_FULL ? 10 : 5;
const INTERVALS = IS_FULL ? 6 : 4;
/** The server and this test share two cores with the targets. */
const MAX_LATE_SECONDS = 0.75;
const MAX_RESIDENT_BYTES = 1.5e9;

const KINDS = ["hangs", "resets", "hostile"];

function addresses(kind, count, port) {
  return Array.from({ length: count }, (_, i) => `127.${kind}.${1 + Math.floor(i / 250)}.${1 + (i % 250)}:${port}`);
}

test(`${TARGETS} targets of which a tenth hang, a tenth reset, a tenth send endless bodies or gzip bombs`, async (t) => {
  const hostile = fork(join(import.meta.dirname, "../lib/hostile-server.mjs"), { silent: true });
  t.after(() => hostile.kill("SIGKILL"));
  const port = Number(await new Promise((done) => hostile.stdout.once("data", (text) => done(String(text).trim()))));
  const tenth = TARGETS / 10;
  const jobs = {
    good: addresses(1, TARGETS - 3 * tenth, port),
    hangs: addresses(2, tenth, port),
    resets: addresses(3, tenth, port),
    hostile: [...addresses(4, tenth / 2, port), ...addresses(5, tenth / 2, port)],
  };
  const config = `global: {scrape_interval: ${INTERVAL_SECONDS}s, scrape_timeout: ${INTERVAL_SECONDS}s}
scrape_configs:
- job_name: self
  scrape_interval: 1s
  scrape_timeout: 1s
  static_configs: [{targets: ["SELF"]}]
${Object.entries(jobs)
  .map(([job, targets]) => `- {job_name: ${job}, static_configs: [{targets: ${JSON.stringify(targets)}}]}\n`)
  .join("")}`;
  const program = await Program.start(t, { config: "", ready: true });
  writeFileSync(program.configFile, config.replace("SELF", `127.0.0.1:${program.port}`));
  assert.equal((await fetch(`${program.url}/-/reload`, { method: "POST" })).status, 200);

  await sleep((INTERVALS + 1.5) * INTERVAL_SECONDS * 1000);

  const spans = await program.query(`up{job="good"}[${INTERVALS * INTERVAL_SECONDS}s]`);
  assert.equal(spans.length, jobs.good.length);
  let latest = 0;
  for (const { metric, values } of spans) {
    assert.ok(values.length >= INTERVALS - 1, `${metric.instance} was scraped ${values.length} times`);
    for (const [i, [time, up]] of values.entries()) {
      assert.equal(up, "1", `${metric.instance} was down at ${time}`);
      if (i > 0) latest = Math.max(latest, Math.abs(time - values[i - 1][0] - INTERVAL_SECONDS));
    }
  }
  assert.ok(latest < MAX_LATE_SECONDS, `a healthy target was scraped ${latest} s off its schedule`);

  const { activeTargets } = await program.api("/targets", { state: "active" });
  for (const kind of KINDS) {
    const wrong = activeTargets.filter(({ scrapePool, health }) => scrapePool === kind && health === "up");
    assert.deepEqual(
      wrong.map(({ scrapeUrl }) => scrapeUrl),
      [],
    );
  }
  const errors = new Set(
    activeTargets
      .filter(({ scrapePool }) => scrapePool === "hostile")
      .map(({ lastError }) => lastError.replace(/"http.*?"/, "URL")),
  );
  const [{ value: peak }] = await program.query("max_over_time(process_resident_memory_bytes[5m])");
  const [{ value: slowest }] = await program.query('max(max_over_time(scrape_duration_seconds{job="good"}[5m]))');
  const [{ value: cpu }] = await program.query(`rate(process_cpu_seconds_total[${INTERVALS * INTERVAL_SECONDS}s])`);
  console.log(
    `${TARGETS} targets: healthy ones at most ${latest.toFixed(3)} s off, slowest scrape ${Number(slowest[1]).toFixed(3)} s, ` +
      `resident memory up to ${Math.round(peak[1] / 1e6)} MB, ${Number(cpu[1]).toFixed(2)} cores; hostile ones: ${[...errors].join("; ")}`,
  );
  assert.ok(Number(peak[1]) < MAX_RESIDENT_BYTES, `${peak[1]} bytes of resident memory`);
});
