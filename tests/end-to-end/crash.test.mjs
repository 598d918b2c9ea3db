// What was acknowledged survives `kill -9`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Program } from "../lib/program.mjs";
import { configFor, startTarget } from "../lib/target.mjs";

const SERIES = 500;

test("server: samples that were queryable before kill -9 are there after the restart, twice in a row", async (t) => {
  let scrapes = 0;
  const address = await startTarget(t, () => {
    scrapes++;
    return Array.from({ length: SERIES }, (_, i) => `crash_total{series="${i}"} ${scrapes * 1000 + i}\n`).join("");
  });
  const program = await Program.start(t, { config: configFor({ crash: address }, "200ms") });
  for (let round = 0; round < 2; round++) {
    await program.until(
      `count(count_over_time(crash_total[1m]) > ${5 * (round + 1)})`,
      ([first]) => first?.value[1] === String(SERIES),
    );
    const end = Date.now() / 1000;
    const before = await program.query("crash_total[5m]", { time: String(end) });
    await sleep(450);
    await program.kill("SIGKILL");
    program.launch();
    await program.ready();
    const after = new Map(
      (await program.query("crash_total[5m]", { time: String(end) })).map(({ metric, values }) => [
        metric.series,
        values,
      ]),
    );
    assert.equal(before.length, SERIES);
    for (const { metric, values } of before)
      assert.deepEqual(after.get(metric.series), values, `series ${metric.series}`);
  }
  await program.kill("SIGTERM");
});

test("server: SIGTERM ends it cleanly, with exit code 0", async (t) => {
  const program = await Program.start(t, { config: "scrape_configs: []\n" });
  assert.deepEqual(await program.kill("SIGTERM"), { code: 0, signal: null });
  assert.match(program.log, /See you next time!/);
});
