// Agent mode: it scrapes and sends, keeps a log over a kill, and says what it cannot do.
import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, Program, runToEnd, scratch } from "../lib/program.mjs";
import { configFor, startTarget } from "../lib/target.mjs";

const NOTHING = "global: {scrape_interval: 15s}\n";

test("agent: what it scrapes arrives over a kill of the receiver and one of its own; queries are refused", async (t) => {
  const receiver = await Program.start(t, { config: NOTHING, flags: ["--web.enable-remote-write-receiver"] });
  let scrapes = 0;
  const target = await startTarget(t, () => `scrapes_total ${++scrapes}\n`);
  const config = `${configFor({ a: target }, "250ms")}remote_write:
  - url: ${receiver.url}/api/v1/write
    metadata_config: {send: false}
    queue_config: {batch_send_deadline: 100ms, max_backoff: 200ms}\n`;
  const agent = await Agent.start(t, { config });
  await receiver.until("scrapes_total", (result) => result.length === 1);
  await receiver.kill("SIGKILL");
  await sleep(1000);
  receiver.launch();
  await receiver.ready();
  // Every value that was served between the first and the last that arrived is there once.
  await receiver.until("count_over_time(scrapes_total[1m])", ([first]) => Number(first?.value[1]) > 20);
  const values = async () => (await receiver.query("scrapes_total[5m]"))[0].values.map(([, value]) => Number(value));
  const whole = await values();
  assert.deepEqual(
    whole,
    whole.map((_, i) => whole[0] + i),
  );
  await agent.kill("SIGKILL");
  const before = scrapes;
  agent.launch();
  await agent.ready();
  await receiver.until("scrapes_total", ([first]) => Number(first?.value[1]) > before + 3);
  const all = await values();
  const doubled = all.filter((value, i) => all.indexOf(value) !== i);
  assert.deepEqual(doubled, []);

  for (const path of ["/query?query=up", "/series?match[]=up", "/labels", "/rules", "/alerts", "/status/tsdb"]) {
    const answer = await fetch(`${agent.url}/api/v1${path}`);
    assert.equal(answer.status, 422, path);
    assert.deepEqual(await answer.json(), {
      status: "error",
      errorType: "execution",
      error: "unavailable with Prometheus Agent",
    });
  }
  assert.equal((await agent.api("/targets")).activeTargets.length, 1);
  assert.equal(await (await fetch(`${agent.url}/-/healthy`)).text(), "Prometheus Agent is Healthy.\n");
  assert.deepEqual(readdirSync(agent.dataFolder).sort(), ["lock", "wal"]);
  const metrics = await (await fetch(`${agent.url}/metrics`)).text();
  assert.match(metrics, /^prometheus_agent_active_series [1-9]/m);
  assert.match(metrics, /^prometheus_agent_clean_start 0$/m);
  assert.doesNotMatch(metrics, /prometheus_tsdb_head|prometheus_engine/);
  assert.deepEqual(await agent.kill("SIGTERM"), { code: 0, signal: null });
  assert.ok(!existsSync(join(agent.dataFolder, "lock")));
  assert.match(agent.log, /msg="Starting Prometheus Agent" mode=agent/);
});

test("agent: what it cannot do is refused in one sentence", async (t) => {
  const folder = scratch(t);
  const cases = [
    ["alerting: {alertmanagers: [{static_configs: [{targets: [x]}]}]}", "field alerting is not allowed in agent mode"],
    ["rule_files: [x.yml]", "field rule_files is not allowed in agent mode"],
    ["remote_read: [{url: http://x/}]", "field remote_read is not allowed in agent mode"],
  ];
  for (const [config, message] of cases) {
    const file = join(folder, "prometheus.yml");
    writeFileSync(file, `${config}\n`);
    const { code, stderr } = await runToEnd(["server", "--agent", `--config.file=${file}`]);
    assert.equal(code, 2);
    assert.ok(stderr.includes(message), stderr);
  }
  const { code, stderr } = await runToEnd(["server", "--agent", "--storage.tsdb.path=x"]);
  assert.equal(code, 3);
  assert.equal(stderr, 'The following flag(s) can not be used in agent mode: ["--storage.tsdb.path"]');
});
