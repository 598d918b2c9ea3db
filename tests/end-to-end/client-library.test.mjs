// A program instrumented with the client library, scraped by the reference in every format.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Counter, Gauge, Histogram, Info, Registry, StateSet, Summary } from "@narthex/client";
import { startHttpServer } from "@narthex/client/node";
import { Peer, withoutPeer } from "../lib/peer.mjs";

const PROMTOOL = join(process.env.PEERS_DIR ?? join(homedir(), ".cache/monitoring-peers"), "root/usr/bin/promtool");

function instrumented() {
  const registry = new Registry({ lint: "throw" });
  const registers = [registry];
  new Counter({ name: "app_requests_total", help: "Requests.", labelNames: ["path"], registers }).inc(
    { path: 'a"\\\n' },
    2,
  );
  new Gauge({ name: "app_queue_length", help: "Queue.", registers }).set(-1.5);
  const options = { help: "Durations.", labelNames: ["route"], buckets: [0.1, 1], registers };
  const both = new Histogram({ name: "app_duration_seconds", nativeHistogram: { bucketFactor: 1.1 }, ...options });
  for (let i = 1; i <= 100; i++) both.observe({ route: "/" }, i / 50, { trace_id: `t${i}` });
  const native = new Histogram({ name: "app_native_bytes", help: "Sizes.", nativeHistogram: true, registers });
  for (const value of [-5, 0, 7, 7, 300]) native.observe(value);
  const summary = new Summary({ name: "app_size_bytes", help: "Sizes.", objectives: { 0.5: 0.05 }, registers });
  for (let i = 0; i < 11; i++) summary.observe(i);
  new Info({ name: "app_build", help: "Build.", registers }).set({ version: "1" });
  new StateSet({ name: "app_mode", help: "Mode.", states: ["on", "off"], registers });
  new Counter({ name: "app.dotted_total", help: "Dots.", utf8Names: true, registers }).inc(3);
  return registry;
}

/** By job: the scrape protocol, and what names in UTF-8 are to it. */
const JOBS = {
  text: ["PrometheusText0.0.4", "app_dotted_total"],
  text1: ["PrometheusText1.0.0", "app.dotted_total"],
  openmetrics: ["OpenMetricsText1.0.0", "app.dotted_total"],
  protobuf: ["PrometheusProto", "app_dotted_total"],
};

test("client library: the reference scrapes it in every format, native histograms included", {
  skip: withoutPeer,
}, async (t) => {
  const server = await startHttpServer({ port: 0, host: "127.0.0.1", registry: instrumented() });
  t.after(() => server.close());
  const jobs = Object.entries(JOBS).map(
    ([job, [protocol]]) =>
      `  - {job_name: ${job}, scrape_protocols: [${protocol}], always_scrape_classic_histograms: true, static_configs: [{targets: ['127.0.0.1:${server.port}']}]}\n`,
  );
  const peer = await Peer.start(t, {
    config: `global: {scrape_interval: 1s}\nscrape_configs:\n${jobs.join("")}`,
    flags: ["--enable-feature=native-histograms,exemplar-storage"],
  });
  await peer.until("count(count_over_time(up[1m]) > 1)", ([first]) => first?.value[1] === "4");
  const value = async (query) => (await peer.query(query)).map((series) => series.value[1]);
  for (const [job, [, dotted]] of Object.entries(JOBS)) {
    const of = (selector) => value(selector.replace("}", `,job="${job}"}`));
    assert.deepEqual(await of('up{x=""}'), ["1"], job);
    assert.deepEqual(await of('app_requests_total{path="a\\"\\\\\\n"}'), ["2"], job);
    assert.deepEqual(await of('app_queue_length{x=""}'), ["-1.5"], job);
    assert.deepEqual(await of('app_duration_seconds_bucket{le=~"1|1.0"}'), ["50"], job);
    assert.deepEqual(await of('app_duration_seconds_count{x=""}'), ["100"], job);
    assert.deepEqual(await of('app_size_bytes{quantile="0.5"}'), ["5"], job);
    assert.deepEqual(await of('app_build_info{version="1"}'), ["1"], job);
    assert.deepEqual((await of('app_mode{x=""}')).sort(), ["0", "1"], job);
    assert.deepEqual(await of(`{"${dotted}",x=""}`), ["3"], job);
  }
  const [native] = await peer.query('app_native_bytes{job="protobuf"}');
  assert.deepEqual([native.histogram[1].count, native.histogram[1].sum], ["5", "309"]);
  assert.deepEqual(await value('histogram_count(app_duration_seconds{job="protobuf"})'), ["100"]);
});

test("client library: promtool has nothing to say about its page", {
  skip: existsSync(PROMTOOL) ? false : "no promtool as a peer",
}, async () => {
  const { status, stdout, stderr } = spawnSync(PROMTOOL, ["check", "metrics"], {
    input: await instrumented().metrics(),
  });
  assert.deepEqual([status, String(stdout), String(stderr)], [0, "", ""]);
});
