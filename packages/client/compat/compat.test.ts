// What differs from prom-client: its defects, each by its number in the inventory. That all else is the same, its own tests say.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import client, {
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  openMetricsContentType,
  Pushgateway,
  Registry,
  register,
  Summary,
} from "./index.ts";

function fresh(openMetrics = false): { registry: Registry; registers: Registry[] } {
  const registry = new Registry(openMetrics ? openMetricsContentType : undefined);
  return { registry, registers: [registry] };
}

test("compat 1: label values never share a series, whatever they hold", async () => {
  const counter = new Counter({ name: "c", help: "h", labelNames: ["a", "b"], registers: [] });
  counter.inc({ a: "x|y", b: "z" });
  counter.inc({ a: "x", b: "y|z" });
  counter.inc({ a: "x,b:q" });
  counter.inc({ a: "x", b: "q," });
  counter.inc({ b: "x" });
  counter.inc({ a: "x" });
  assert.deepEqual(
    (await counter.get()).values.map(({ value }) => value),
    [1, 1, 1, 1, 1, 1],
  );
});

test("compat 2: NaN is refused by counters", () => {
  const counter = new Counter({ name: "c", help: "h", registers: [] });
  assert.throws(() => counter.inc(NaN), new TypeError("Value is not a valid number: NaN"));
  assert.throws(() => counter.labels({}).inc(NaN), TypeError);
});

test("compat 3: NaN is written as every parser takes it", async () => {
  const { registry, registers } = fresh();
  new Gauge({ name: "g", help: "h", registers }).set(NaN);
  assert.equal(await registry.metrics(), "# HELP g h\n# TYPE g gauge\ng NaN\n");
});

test("compat 4: a histogram without labels is still there after a reset", async () => {
  const histogram = new Histogram({ name: "h", help: "h", buckets: [1], registers: [] });
  histogram.observe(0.5);
  histogram.reset();
  assert.deepEqual(
    (await histogram.get()).values.map(({ value }) => value),
    [0, 0, 0, 0],
  );
});

test("compat 5: buckets are sorted, each once, without +Inf", async () => {
  const { registry, registers } = fresh();
  const buckets = Object.freeze([5, 1, 5, Infinity]);
  new Histogram({ name: "h", help: "h", buckets, registers }).observe(3);
  assert.equal(
    await registry.metrics(),
    '# HELP h h\n# TYPE h histogram\nh_bucket{le="1"} 0\nh_bucket{le="5"} 1\nh_bucket{le="+Inf"} 1\nh_sum 3\nh_count 1\n',
  );
  assert.throws(() => new Histogram({ name: "h", help: "h", buckets: [NaN], registers: [] }), TypeError);
});

test("compat 6: a sliding window counts each value once, and slides", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 0 });
  const summary = new Summary({
    name: "s",
    help: "h",
    percentiles: [0.5],
    maxAgeSeconds: 4,
    ageBuckets: 2,
    registers: [],
  });
  const median = async () => (await summary.get()).values[0]?.value;
  for (const value of [1, 2, 3]) summary.observe(value);
  assert.equal(await median(), 2);
  t.mock.timers.tick(2_500);
  for (const value of [11, 12, 13]) summary.observe(value);
  assert.equal(await median(), 7);
  t.mock.timers.tick(2_000);
  assert.equal(await median(), 12);
});

test("compat 7: OpenMetrics changes no metric, and escapes quotes in help texts", async () => {
  const { registry, registers } = fresh(true);
  const counter = new Counter({ name: "foo_total", help: 'say "x"', registers });
  const expected = '# HELP foo say \\"x\\"\n# TYPE foo counter\nfoo_total 0';
  assert.equal(await registry.metrics(), `${expected}\n# EOF\n`);
  assert.equal(counter.name, "foo_total");
  assert.equal(await registry.getSingleMetricAsString("foo_total"), expected);
});

test("compat 8: aggregation keeps exemplars and drops sums of quantiles; the type of a registry is kept", async () => {
  const { registry, registers } = fresh(true);
  new Counter({ name: "c", help: "h", registers, enableExemplars: true }).inc({ exemplarLabels: { trace: "t" } });
  new Summary({ name: "s", help: "h", percentiles: [0.5], registers }).observe(3);
  const json = await registry.getMetricsAsJSON();
  const text = await AggregatorRegistry.aggregate([json, json], openMetricsContentType).metrics();
  assert.match(text, /^c_total 2 # \{trace="t"\} 1 \d+(\.\d+)?$/m);
  assert.match(text, /\ns_sum 6\ns_count 2\n# EOF\n$/);
  assert.doesNotMatch(text, /quantile/);
  assert.throws(
    () => AggregatorRegistry.aggregate([[{ ...(json[0] as (typeof json)[0]), aggregator: "nope" as never }]]),
    /'nope' is not a defined aggregator/,
  );
});

test("compat 8: a worker that dies does not hold up the others", async () => {
  const child = fork(join(import.meta.dirname, "cluster-fixture.js"), { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  try {
    const [result] = (await once(child, "message")) as [{ text: string; listeners: number; tookMs: number }];
    assert.equal(result.text, "# HELP c h\n# TYPE c counter\nc_total 1\n# EOF\n");
    assert.equal(result.listeners, 0);
    assert.ok(result.tookMs < 3000, `${result.tookMs} ms`);
  } finally {
    child.kill("SIGKILL");
  }
});

test("compat 9: groupings with slashes and empty values, a content type, an address in brackets", async () => {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(
      `${request.method} ${request.url} ${request.headers["content-type"]} ${request.headers.authorization}`,
    );
    request.resume().on("end", () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "::1", resolve));
  const url = `http://u:p%40@[::1]:${(server.address() as AddressInfo).port}/base/`;
  const gateway = new Pushgateway(url, {}, new Registry());
  await gateway.push({ jobName: "a/b", groupings: { x: "", y: "1" } });
  await gateway.delete({ jobName: "j" });
  server.closeAllConnections();
  server.close();
  assert.deepEqual(requests, [
    "PUT /base/metrics/job@base64/YS9i/x@base64/=/y/1 text/plain; version=0.0.4; charset=utf-8 Basic dTpwQA==",
    "DELETE /base/metrics/job/j undefined Basic dTpwQA==",
  ]);
});

test("compat 10: exemplars are measured in characters; labels are copied", async () => {
  const { registers } = fresh(true);
  const counter = new Counter({ name: "c", help: "h", labelNames: ["a"], enableExemplars: true, registers });
  const labels = { a: "x" };
  counter.inc({ labels, exemplarLabels: { trace: "😀".repeat(120) } });
  labels.a = "changed";
  assert.deepEqual((await counter.get()).values[0]?.labels, { a: "x" });
  assert.throws(() => counter.inc({ exemplarLabels: { trace: "x".repeat(124) } }), RangeError);
});

test("compat 11: label values of any type are escaped", async () => {
  const { registry, registers } = fresh();
  const value = { toString: () => 'a"\n' } as unknown as string;
  new Gauge({ name: "g", help: "h", labelNames: ["a"], registers }).set({ a: value }, 1);
  assert.match(await registry.metrics(), /g\{a="a\\"\\n"\} 1/);
});

test("compat 12: quantiles of nothing are 0 here, as callers know it", async () => {
  const summary = new Summary({ name: "s", help: "h", registers: [] });
  assert.deepEqual(
    (await summary.get()).values.map(({ value }) => value),
    [0, 0, 0, 0, 0, 0, 0, 0, 0],
  );
});

test("compat: one registry for import and require; the content type can be set", () => {
  const required = createRequire(import.meta.url)("@narthex/client/compat") as typeof client;
  assert.equal(required.register, register);
  required.contentType = openMetricsContentType;
  assert.equal(client.contentType, openMetricsContentType);
  client.contentType = client.prometheusContentType;
  assert.throws(() => new Registry("x" as never), new TypeError("Content type x is unsupported"));
});

test("compat: default metrics under their names, and the list of them", async () => {
  const { registry } = fresh();
  collectDefaultMetrics({ register: registry, prefix: "p_", labels: { app: "x" } });
  const names = new Set((await registry.getMetricsAsJSON()).map(({ name }) => name));
  for (const name of ["process_cpu_user_seconds_total", "nodejs_eventloop_lag_p99_seconds", "nodejs_active_handles"]) {
    assert.ok(names.has(`p_${name}`), name);
  }
  assert.match(await registry.metrics(), /\np_nodejs_version_info\{version="v[\d.]+",major="\d+",.*app="x"\} 1\n/);
  assert.equal(collectDefaultMetrics.metricsList.length, 13);
});

test("compat: types know the labels", () => {
  const counter = new Counter({ name: "c", help: "h", labelNames: ["a", "b"], registers: [] });
  counter.inc({ a: "x" });
  assert.throws(() => {
    // @ts-expect-error unknown label
    counter.inc({ z: "x" });
  }, /Added label "z" is not included in initial labelset: \[ 'a', 'b' \]/);
});
