import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, Gauge, Histogram, Registry, Summary } from "./index.ts";

const now = () => 1_700_000_000_500;

test("registry: all kinds of metrics in the text format, families by name", async () => {
  const registry = new Registry();
  const options = { registers: [registry], now };
  const requests = new Counter({
    name: "requests_total",
    help: "Requests\nserved \\o/",
    labelNames: ["code", "path"],
    ...options,
  });
  const queue = new Gauge({ name: "queue_length", help: "Queue", ...options });
  const duration = new Histogram({ name: "duration_seconds", help: "Time", buckets: [0.1, 1, 1e6], ...options });
  const size = new Summary({ name: "size_bytes", help: "Size", objectives: { 0.5: 0.001, 0.99: 0.001 }, ...options });
  requests.labels("200", '/a"b\\\n').inc(1e6);
  requests.inc({ path: "/", code: 404 });
  queue.set(-0.5);
  for (const value of [0.05, 0.1, 5, 2e6]) duration.observe(value);
  for (let i = 1; i <= 100; i++) size.observe(i);
  const { body, contentType } = await registry.expose(undefined);
  assert.equal(contentType, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
  assert.equal(
    body,
    `# HELP duration_seconds Time
# TYPE duration_seconds histogram
duration_seconds_bucket{le="0.1"} 2
duration_seconds_bucket{le="1"} 2
duration_seconds_bucket{le="1e+06"} 3
duration_seconds_bucket{le="+Inf"} 4
duration_seconds_sum 2.00000515e+06
duration_seconds_count 4
# HELP queue_length Queue
# TYPE queue_length gauge
queue_length -0.5
# HELP requests_total Requests\\nserved \\\\o/
# TYPE requests_total counter
requests_total{code="200",path="/a\\"b\\\\\\n"} 1e+06
requests_total{code="404",path="/"} 1
# HELP size_bytes Size
# TYPE size_bytes summary
size_bytes{quantile="0.5"} 50
size_bytes{quantile="0.99"} 99
size_bytes_sum 5050
size_bytes_count 100
`,
  );
});

test("registry: the same in OpenMetrics, with units and creation times", async () => {
  const registry = new Registry({ created: true });
  const options = { registers: [registry], now };
  new Counter({ name: "work_seconds_total", help: 'Say "hi"', unit: "seconds", ...options }).inc(3);
  new Histogram({ name: "h", help: "H", buckets: [1, 2.5], ...options }).observe(2);
  const { body, contentType } = await registry.expose("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
  assert.equal(contentType, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores");
  assert.equal(
    body,
    `# HELP h H
# TYPE h histogram
h_bucket{le="1.0"} 0
h_bucket{le="2.5"} 1
h_bucket{le="+Inf"} 1
h_sum 2.0
h_count 1
h_created 1700000000.5
# HELP work_seconds Say \\"hi\\"
# TYPE work_seconds counter
# UNIT work_seconds seconds
work_seconds_total 3.0
work_seconds_created 1700000000.5
# EOF
`,
  );
});

test("registry: the Accept header's best usable format wins", async () => {
  const registry = new Registry();
  const formatFor = async (accept: string) => ((await registry.expose(accept)).body === "" ? "text" : "openmetrics");
  const accept = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,*/*;q=0.1";
  assert.match(
    (await registry.expose(accept)).contentType,
    /^application\/openmetrics-text; .*; escaping=allow-utf-8$/,
  );
  assert.equal(await formatFor("*/*"), "text");
  assert.equal(await formatFor("garbage;;;=,,"), "text");
  assert.equal(
    await formatFor("text/plain;version=0.0.4;q=0.4,application/openmetrics-text;version=0.0.1;q=0.5"),
    "openmetrics",
  );
  assert.equal(
    await formatFor("text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5"),
    "text",
  );
  assert.equal(await formatFor("application/openmetrics-text;version=9.0.0,text/plain"), "text");
  assert.equal(await formatFor("application/openmetrics-text;q=0"), "text");
});

test("registry: a name that is taken, also by a sample of another family, is refused", () => {
  const registry = new Registry();
  const registers = [registry];
  new Histogram({ name: "a", help: "h", registers });
  assert.throws(
    () => new Gauge({ name: "a", help: "h", registers }),
    /A metric with the name a has already been registered/,
  );
  assert.throws(() => new Gauge({ name: "a_sum", help: "h", registers }), /name a_sum has already/);
  new Gauge({ name: "b", help: "h", registers });
});

test("registry: a failing collector is left out and reported, the others are served", async () => {
  const errors: unknown[] = [];
  const registry = new Registry({ onCollectError: (error) => errors.push((error as Error).message) });
  const registers = [registry];
  new Gauge({ name: "ok", help: "h", registers, collect: (metric) => metric.set(7) });
  new Gauge({ name: "late", help: "h", registers, collect: async () => Promise.reject(new Error("late")) });
  new Gauge({
    name: "soon",
    help: "h",
    registers,
    collect: () => {
      throw new Error("soon");
    },
  });
  registry.registerMetric({
    describe: () => [],
    collect: (writer) => {
      writer.family({ name: "half", help: "", type: "gauge", unit: "" });
      throw new Error("half");
    },
  });
  assert.equal(await registry.metrics(), "# HELP ok h\n# TYPE ok gauge\nok 7\n");
  assert.deepEqual(errors.sort(), ["half", "late", "soon"]);
  const strict = new Registry();
  new Gauge({ name: "late", help: "h", registers: [strict], collect: async () => Promise.reject(new Error("late")) });
  await assert.rejects(strict.metrics(), /late/);
});

test("registry: of two collectors that fail, one at once and one later, neither is left unheard", async () => {
  const registry = new Registry();
  const registers = [registry];
  let late = 0;
  const collect = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    late++;
    throw new Error("late");
  };
  new Gauge({ name: "late", help: "h", registers, collect });
  new Gauge({
    name: "soon",
    help: "h",
    registers,
    collect: () => {
      throw new Error("soon");
    },
  });
  await assert.rejects(registry.metrics(), /soon/);
  // The test runner takes a rejection that nobody heard as this test's failure.
  while (late === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setImmediate(resolve));
});

test("registry: collect callbacks and async ones run before the text is written", async () => {
  const registry = new Registry();
  new Gauge({
    name: "g",
    help: "h",
    labelNames: ["a"],
    registers: [registry],
    async collect() {
      await Promise.resolve();
      this.labels("x").set(1);
    },
  });
  assert.match(await registry.metrics(), /g\{a="x"\} 1\n/);
});

test("metric: bad names, labels and configurations are refused with a sentence", () => {
  const registers: never[] = [];
  const make = (config: object) => () => new Counter({ help: "h", name: "n", registers, ...config });
  assert.throws(make({ name: "" }), /Missing mandatory name parameter/);
  assert.throws(make({ help: "" }), /Missing mandatory help parameter/);
  assert.throws(make({ name: "1a" }), /Invalid metric name: 1a/);
  assert.throws(make({ labelNames: ["a-b", "c", "__d"] }), /At least one label name is invalid: a-b,__d/);
  assert.throws(make({ labelNames: ["a", "a"] }), /repeated/);
  assert.throws(make({ unit: "bytes" }), /unit/);
  assert.throws(
    () => new Histogram({ name: "h", help: "h", labelNames: ["le"], registers }),
    /le is a reserved label keyword/,
  );
  assert.throws(() => new Histogram({ name: "h", help: "h", buckets: [1, 1], registers }), /ascend/);
  assert.throws(() => new Summary({ name: "h", help: "h", labelNames: ["quantile"], registers }), /reserved/);
});

test("metric: label values find the same child by position and by name, and never a neighbour's", () => {
  const counter = new Counter({ name: "c", help: "h", labelNames: ["a", "b"], registers: [] });
  assert.equal(counter.labels("x", 1), counter.labels({ b: "1", a: "x" }));
  assert.notEqual(counter.labels("x|y", "z"), counter.labels("x", "y|z"));
  assert.throws(() => counter.labels(...(["x"] as unknown as [string, string])), /Invalid number of arguments \(1\)/);
  assert.throws(() => counter.labels({ a: "x", zz: "y" } as never), /Added label "zz" is not included/);
  assert.throws(() => (counter as unknown as { inc(): void }).inc(), /Invalid number of arguments \(0\)/);
  counter.inc({ a: "x", b: "1" }, 2);
  assert.equal(counter.remove("x", "1"), true);
  assert.equal(counter.remove("x", "1"), false);
  assert.equal(counter.labels("x", "1").value, 0);
});

test("metric: what is no amount is refused and leaves the series alone", () => {
  const counter = new Counter({ name: "c", help: "h", registers: [] });
  assert.throws(() => counter.inc(-1), /It is not possible to decrease a counter/);
  assert.throws(() => counter.inc(NaN), /Value is not a valid number: NaN/);
  assert.throws(() => counter.inc("1" as never), TypeError);
  assert.equal(counter.value, 0);
  const histogram = new Histogram({ name: "h", help: "h", registers: [] });
  assert.throws(() => histogram.observe(NaN), TypeError);
  const gauge = new Gauge({ name: "g", help: "h", registers: [] });
  assert.throws(() => gauge.set("x" as never), TypeError);
  gauge.set(Infinity);
  gauge.reset();
  assert.equal(gauge.value, 0);
});

test("summary: quantiles slide out of the window, NaN when it is empty", () => {
  let clock = 0;
  const summary = new Summary({
    name: "s",
    help: "h",
    objectives: { 0: 0, 0.5: 0.05, 0.9: 0.01, 1: 0 },
    maxAgeSeconds: 10,
    registers: [],
    now: () => clock,
  });
  const child = summary.labels();
  assert.deepEqual(child.estimates(), [NaN, NaN, NaN, NaN]);
  for (let i = 0; i < 10_007; i++) child.observe((i * 7919) % 10_007);
  const [least, median, ninth, most] = child.estimates() as [number, number, number, number];
  assert.ok(least === 0 && most === 10_006);
  assert.ok(Math.abs(median - 5000) <= 510, `median ${median}`);
  assert.ok(Math.abs(ninth - 9000) <= 110, `0.9 quantile ${ninth}`);
  clock = 30_000;
  assert.deepEqual(child.estimates(), [NaN, NaN, NaN, NaN]);
  assert.equal(child.count, 10_007);
});
