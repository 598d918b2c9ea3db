import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, Gauge, Histogram, negotiateFormat, Registry, Summary } from "../index.ts";
import { escapeName } from "./escaping.ts";
import { parseLabels, renderLabels } from "./names.ts";

const now = () => 1_700_000_000_500;

test("negotiation: format and escaping for the headers that scrapers send", () => {
  const cases: readonly [accept: string, contentType: string][] = [
    ["", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"],
    ["*/*", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"],
    [
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
      "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8",
    ],
    [
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,text/plain;version=0.0.4;q=0.5",
      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores",
    ],
    [
      "application/vnd.google.protobuf;proto=other;encoding=delimited,text/plain;q=0.1",
      "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
    ],
    ["text/plain;version=1.0.0;escaping=allow-utf-8", "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"],
    ["text/plain;version=0.0.4;escaping=dots", "text/plain; version=0.0.4; charset=utf-8; escaping=dots"],
    ["text/plain;escaping=nonsense", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"],
    [
      "application/openmetrics-text",
      "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=underscores",
    ],
    [
      "text/plain;q=0.2,application/openmetrics-text;version=1.0.0;q=0.1",
      "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
    ],
    [";;,,=;q=x", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"],
  ];
  for (const [accept, contentType] of cases) assert.equal(negotiateFormat(accept).contentType, contentType, accept);
});

test("escaping: names outside the classic rules, by each scheme", () => {
  assert.equal(escapeName("http.status_code", "underscores"), "http_status_code");
  assert.equal(escapeName("http.status_code", "dots"), "http_dot_status__code");
  assert.equal(escapeName("http.status:sum_é", "dots"), "http_dot_status:sum____");
  assert.equal(escapeName("http.status_code", "values"), "U__http_2e_status__code");
  assert.equal(escapeName("1é😀", "values"), "U___31__e9__1f600_");
  assert.equal(escapeName("classic_name", "dots"), "classic_name");
  assert.equal(escapeName("http.status", "allow-utf-8"), "http.status");
});

test("labels: what was rendered is parsed again, whatever it is", () => {
  const names = ["a", "b.c", 'd"e', "f"];
  const values = ["", 'x",y="z', "\\n\n\\", "é😀}"];
  const pairs = names.flatMap((name, i) => [name, values[i] as string]);
  assert.deepEqual(parseLabels(renderLabels(names, values)), pairs);
});

test("names in UTF-8: quoted, or escaped as the scraper wants it", async () => {
  const registry = new Registry();
  const options = { help: "h", utf8Names: true, registers: [registry] };
  new Counter({ name: "my.requests_total", labelNames: ["http.code", "plain"], ...options }).inc({
    "http.code": 200,
    plain: "x",
  });
  new Histogram({ name: "my.h", buckets: [1], ...options }).observe(2);
  new Gauge({ name: "classic", help: "h", registers: [registry] });
  assert.equal(
    await registry.metrics("text", { escaping: "allow-utf-8" }),
    `# HELP classic h
# TYPE classic gauge
classic 0
# HELP "my.h" h
# TYPE "my.h" histogram
{"my.h_bucket",le="1"} 0
{"my.h_bucket",le="+Inf"} 1
{"my.h_sum"} 2
{"my.h_count"} 1
# HELP "my.requests_total" h
# TYPE "my.requests_total" counter
{"my.requests_total","http.code"="200",plain="x"} 1
`,
  );
  const escaped = await registry.metrics("openmetrics");
  assert.match(escaped, /\n# TYPE my_requests counter\nmy_requests_total\{http_code="200",plain="x"\} 1\.0\n/);
  assert.throws(() => new Counter({ name: "", ...options }), /Missing mandatory name/);
  assert.throws(() => new Counter({ name: "\ud800", ...options }), /Invalid metric name/);
  assert.throws(() => new Counter({ name: "a", labelNames: ["__x"], ...options }), /label name is invalid/);
});

test("creation times: samples in OpenMetrics, gauges in text, if asked for and not forbidden", async () => {
  const registry = new Registry({ created: true });
  const options = { help: "h", now, registers: [registry] };
  new Counter({ name: "c_total", ...options }).inc();
  new Summary({ name: "s", ...options }).observe(1);
  assert.equal(
    await registry.metrics(),
    `# HELP c_total h
# TYPE c_total counter
c_total 1
# HELP c_created h
# TYPE c_created gauge
c_created 1.7000000005e+09
# HELP s h
# TYPE s summary
s_sum 1
s_count 1
# HELP s_created h
# TYPE s_created gauge
s_created 1.7000000005e+09
`,
  );
  process.env["PROMETHEUS_DISABLE_CREATED_SERIES"] = "True";
  try {
    assert.doesNotMatch(await registry.metrics("openmetrics"), /_created/);
  } finally {
    delete process.env["PROMETHEUS_DISABLE_CREATED_SERIES"];
  }
});

test("exposition: large families come in slices between which timers have their turn", async () => {
  const registry = new Registry();
  const gauge = new Gauge({ name: "g", help: "h", labelNames: ["a", "b"], registers: [registry] });
  for (let i = 0; i < 60_000; i++) gauge.set({ a: i & 7, b: `value ${i}` }, i * 1.5);
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const lines = (await registry.metrics()).split("\n");
  clearInterval(timer);
  assert.equal(lines.length, 60_003);
  assert.ok(turns >= 2, `${turns} turns`);
});

test("exposition: series that come and go while it is written do no harm", async () => {
  const registry = new Registry();
  const gauge = new Gauge({ name: "g", help: "h", labelNames: ["a", "b"], registers: [registry] });
  for (let i = 0; i < 20_000; i++) gauge.set({ a: i % 100, b: i }, i);
  const chunks = (await registry.stream()) as AsyncIterable<Uint8Array>;
  let text = "";
  let n = 0;
  for await (const chunk of chunks) {
    text += new TextDecoder().decode(chunk);
    if (n++ === 1) gauge.removeByLabels({ a: 50 });
    if (n === 3) gauge.set({ a: "late", b: 1 }, 1);
    if (n === 5) gauge.reset();
  }
  const wrong = text.split("\n").filter((line) => !/^(#.*|g\{a="\w+",b="(\d+)"\} \S+|)$/.test(line));
  assert.deepEqual(wrong, []);
  for (const [, b, value] of text.matchAll(/a="\d+",b="(\d+)"\} (\S+)/g)) assert.equal(Number(value), Number(b));
});

test("exposition: timers that stand still in an application's test do not hold it up", async (t) => {
  const registry = new Registry();
  const gauge = new Gauge({ name: "g", help: "h", labelNames: ["a"], registers: [registry] });
  for (let i = 0; i < 20_000; i++) gauge.set({ a: i }, i);
  t.mock.timers.enable({ apis: ["setImmediate", "setTimeout"] });
  assert.equal((await registry.metrics()).split("\n").length, 20_003);
});
