import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AlreadyRegisteredError,
  Counter,
  collector,
  Family,
  Gauge,
  Histogram,
  Info,
  lintFamily,
  Registry,
  StateSet,
  Summary,
  TooManySeriesError,
  wrapped,
} from "./index.ts";

const now = () => 1_700_000_000_500;

/** Sample lines of the text format. */
async function samples(registry: Registry): Promise<string[]> {
  return (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

test("series: labels stand in the order of their names, whatever order they were declared or given in", async () => {
  const registry = new Registry();
  const counter = new Counter({
    name: "c_total",
    help: "h",
    labelNames: ["zone", "app"],
    constLabels: { m: "const" },
    registers: [registry],
  });
  counter.inc({ zone: "z", app: "a" });
  counter.labels("z", "a").inc();
  counter.labels({ app: "a", zone: "z" }).inc();
  counter.inc({ zone: "a", app: "z" }, 5);
  assert.deepEqual(await samples(registry), [
    'c_total{app="a",m="const",zone="z"} 3',
    'c_total{app="z",m="const",zone="a"} 5',
  ]);
});

test("series: a child follows its row when the rows move, and counts into the void once it is removed", () => {
  const gauge = new Gauge({ name: "g", help: "h", labelNames: ["n"], registers: [] });
  const children = Array.from({ length: 1000 }, (_, i) => gauge.labels(i));
  children.forEach((child, i) => {
    child.set(i);
  });
  assert.ok(children.every((child, i) => child === gauge.labels(i) && gauge.labels(String(i)).value === i));
  assert.equal(gauge.remove("7"), true);
  children[7]?.inc();
  assert.equal(children[7]?.value, 8);
  const reused = gauge.labels("new");
  children[7]?.inc();
  assert.equal(reused.value, 0, "the row of a removed series starts at 0 for the next one");
  gauge.reset();
  assert.equal(gauge.size, 0);
  assert.equal(children[500]?.value, 500);
  assert.equal(gauge.labels(500).value, 0);
});

test("series: label values of strange kinds are refused or become text", () => {
  const counter = new Counter({ name: "c_total", help: "h", labelNames: ["constructor"], registers: [] });
  counter.inc({ constructor: true } as never);
  assert.equal(counter.labels({ constructor: "true" } as never).value, 1);
  counter.inc({} as never);
  assert.equal(counter.labels({ constructor: "" } as never).value, 1, "a label that is left out is empty");
  assert.throws(() => counter.inc({ constructor: {} } as never), /Label "constructor" must be a string, a number/);
  assert.throws(() => counter.inc({ __proto__: "x", toString: "y" } as never), /Added label "toString"/);
  counter.inc({ constructor: "\ud800" } as never);
  counter.inc({ constructor: "\udfff" } as never);
  assert.equal(
    counter.labels({ constructor: "\ufffd" } as never).value,
    2,
    "half characters become one that UTF-8 has",
  );
});

test("removeByLabels drops exactly the series with these values", async () => {
  const registry = new Registry();
  const counter = new Counter({ name: "c_total", help: "h", labelNames: ["a", "b"], registers: [registry] });
  for (const a of ["1", "2"]) for (const b of ["x", "y"]) counter.inc({ a, b });
  assert.equal(counter.removeByLabels({ b: "x" }), 2);
  assert.equal(counter.removeByLabels({ b: "x" }), 0);
  assert.deepEqual(await samples(registry), ['c_total{a="1",b="y"} 1', 'c_total{a="2",b="y"} 1']);
  assert.throws(() => counter.removeByLabels({ c: 1 } as never), /Added label "c"/);
  // Every object has something by this name, which was taken for a value once.
  const strange = new Counter({ name: "s_total", help: "h", labelNames: ["a", "constructor"], registers: [] });
  strange.inc({ a: "1", constructor: "x" });
  assert.equal(strange.removeByLabels({ a: "1" } as never), 1);
});

test("limit of series: what lies beyond counts in one series, is dropped, or throws, and is counted", async () => {
  const registry = new Registry();
  const make = (name: string, onMaxSeries: "overflow" | "drop" | "throw") =>
    new Counter({ name, help: "h", labelNames: ["a"], maxSeries: 2, onMaxSeries, registers: [registry] });
  const overflow = make("o_total", "overflow");
  for (let i = 0; i < 5; i++) overflow.inc({ a: i });
  overflow.labels("9").inc(10);
  const drop = make("d_total", "drop");
  for (let i = 0; i < 5; i++) drop.inc({ a: i });
  drop.labels("9").inc(10);
  const strict = make("t_total", "throw");
  strict.inc({ a: 1 });
  strict.inc({ a: 2 });
  assert.throws(() => strict.inc({ a: 3 }), TooManySeriesError);
  strict.inc({ a: 2 });
  assert.deepEqual(await samples(registry), [
    'd_total{a="0"} 1',
    'd_total{a="1"} 1',
    'o_total{a="0"} 1',
    'o_total{a="1"} 1',
    'o_total{a="__overflow__"} 13',
    'prometheus_client_dropped_series_total{metric="o_total"} 4',
    'prometheus_client_dropped_series_total{metric="d_total"} 4',
    'prometheus_client_dropped_series_total{metric="t_total"} 1',
    't_total{a="1"} 1',
    't_total{a="2"} 2',
  ]);
});

test("limit of series: a registry's holds for all its metrics together; it warns once", () => {
  const warnings: string[] = [];
  const registry = new Registry({ maxSeries: 4, warnAtSeries: 3, onWarning: (message) => warnings.push(message) });
  const a = new Gauge({ name: "a", help: "h", labelNames: ["x"], registers: [registry], onMaxSeries: "drop" });
  const b = new Gauge({ name: "b", help: "h", labelNames: ["x"], registers: [registry], onMaxSeries: "drop" });
  for (let i = 0; i < 3; i++) a.set({ x: i }, 1);
  for (let i = 0; i < 3; i++) b.set({ x: i }, 1);
  assert.deepEqual([a.size, b.size, registry.seriesCount], [3, 1, 4]);
  a.remove("0");
  b.set({ x: 2 }, 1);
  assert.deepEqual([a.size, b.size], [2, 2]);
  registry.unregister(a);
  assert.equal(registry.seriesCount, 2);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] as string, /3 series/);
});

test("time to live: series that nobody touched are removed at an exposition", async () => {
  let clock = 0;
  const registry = new Registry();
  const gauge = new Gauge({
    name: "g",
    help: "h",
    labelNames: ["a"],
    ttlSeconds: 10,
    registers: [registry],
    now: () => clock,
  });
  gauge.set({ a: "old" }, 1);
  const child = gauge.labels("kept");
  clock = 6_000;
  await registry.metrics();
  child.set(0);
  clock = 12_000;
  gauge.set({ a: "new" }, 2);
  await registry.metrics();
  clock = 17_000;
  assert.deepEqual(await samples(registry), ['g{a="kept"} 0', 'g{a="new"} 2']);
});

test("curry: known labels are not asked for again", () => {
  const counter = new Counter({ name: "c_total", help: "h", labelNames: ["a", "b"], registers: [] });
  counter.curry({ a: "1" }).labels({ b: "2" }).inc();
  assert.equal(counter.labels("1", "2").value, 1);
  assert.throws(() => counter.curry({ c: "1" } as never), /Added label "c"/);
});

test("exemplars: counters keep the last one, histograms one a bucket; a provider is asked when none is given", async () => {
  const registry = new Registry();
  let trace: string | undefined = "p";
  const options = { registers: [registry], now };
  const exemplarProvider = () => (trace === undefined ? undefined : { trace_id: trace });
  const counter = new Counter({ name: "c_total", help: "h", ...options });
  const labels = { trace_id: "t1" };
  counter.inc(2, labels);
  labels.trace_id = "changed later";
  counter.inc(1);
  const histogram = new Histogram({ name: "h", help: "h", buckets: [1, 2], exemplarProvider, ...options });
  histogram.observe(0.5);
  histogram.observe(0.7);
  trace = undefined;
  histogram.observe(1.5);
  histogram.observe(9, { trace_id: "own" });
  assert.equal(
    await registry.metrics("openmetrics"),
    `# HELP c h
# TYPE c counter
c_total 3.0 # {trace_id="t1"} 2.0 1700000000.5
# HELP h h
# TYPE h histogram
h_bucket{le="1.0"} 2 # {trace_id="p"} 0.7 1700000000.5
h_bucket{le="2.0"} 3
h_bucket{le="+Inf"} 4 # {trace_id="own"} 9.0 1700000000.5
h_sum 11.7
h_count 4
# EOF
`,
  );
  const long = { trace_id: "x".repeat(121) };
  assert.throws(() => counter.inc(1, long), RangeError);
  counter.inc(1, { trace_id: "😀".repeat(120) });
  assert.throws(() => counter.inc(1, { "a-b": "x" }), /label name is invalid/);
});

test("setFunction: values are read at each exposition; a throw leaves the sample out and is counted", async () => {
  const registry = new Registry();
  const registers = [registry];
  let fail = false;
  const read = async () => {
    if (fail) throw new Error("no");
    return 7;
  };
  new Gauge({ name: "g", help: "h", registers }).setFunction(read);
  new Counter({ name: "c_total", help: "h", registers }).setFunction(() => 3);
  const labelled = new Gauge({ name: "l", help: "h", labelNames: ["a"], registers });
  labelled.setFunction(() => 1, { a: "x" });
  assert.deepEqual(await samples(registry), ["c_total 3", "g 7", 'l{a="x"} 1']);
  fail = true;
  assert.deepEqual(await samples(registry), [
    "c_total 3",
    'l{a="x"} 1',
    'prometheus_client_callback_errors_total{metric="g"} 1',
  ]);
});

test("countExceptions: wraps functions, counts blocks, and lets everything pass", async () => {
  const counter = new Counter({ name: "c_total", help: "h", registers: [] });
  const fails = counter.countExceptions()(function named(_a: number): number {
    throw new TypeError("x");
  });
  assert.deepEqual([fails.name, fails.length], ["named", 1]);
  assert.throws(() => fails(1), TypeError);
  const rejects = counter.countExceptions(RangeError)(async (error: Error) => Promise.reject(error));
  await assert.rejects(rejects(new RangeError("x")), RangeError);
  await assert.rejects(rejects(new TypeError("x")), TypeError);
  assert.equal(counter.value, 2);
  {
    using block = counter.countExceptions();
    block.succeeded();
  }
  assert.throws(() => {
    using _ = counter.countExceptions();
    throw new Error("x");
  });
  assert.equal(counter.value, 3);
});

test("decorators: those of the standard and the older ones", async () => {
  const counter = new Counter({ name: "c_total", help: "h", registers: [] });
  const gauge = new Gauge({ name: "g", help: "h", registers: [] });
  const histogram = new Histogram({ name: "h", help: "h", labelNames: ["ok"], registers: [] });
  // As the compiler applies them.
  class Worker {
    base = 1;
    async work(add: number): Promise<number> {
      assert.equal(gauge.value, 1);
      return this.base + add;
    }
  }
  const standard = gauge.trackInProgress();
  Worker.prototype.work = standard(Worker.prototype.work, {} as ClassMethodDecoratorContext);
  const older = counter.countExceptions();
  const descriptor = Object.getOwnPropertyDescriptor(Worker.prototype, "work") as PropertyDescriptor;
  Object.defineProperty(Worker.prototype, "work", older(Worker.prototype, "work", descriptor));
  assert.equal(await new Worker().work(2), 3);
  assert.equal(gauge.value, 0);
  const timed = histogram.time(
    async (fail: boolean) => {
      if (fail) throw new Error("x");
    },
    ({ failed }) => ({ ok: !failed }),
  );
  await timed(false);
  await assert.rejects(timed(true));
  assert.deepEqual([histogram.labels("true").count, histogram.labels("false").count], [1, 1]);
  {
    using timer = histogram.time();
    timer.labels({ ok: "true" });
  }
  assert.equal(histogram.labels("true").count, 2);
  const end = histogram.startTimer({ ok: "true" });
  assert.ok(end() >= 0);
  assert.throws(() => older({}, "x", {}), /only functions and methods/);
});

test("info and state set: constant facts, and one series a state", async () => {
  const registry = new Registry();
  const registers = [registry];
  new Info({ name: "build", help: "h", registers }).set({ version: "1.0", arch: 'x"y' });
  const states = new StateSet({ name: "mode", help: "h", labelNames: ["app"], states: ["off", "on"], registers });
  states.state({ app: "a" }, "on");
  assert.equal(
    await registry.metrics("openmetrics"),
    `# HELP build h
# TYPE build info
build_info{version="1.0",arch="x\\"y"} 1.0
# HELP mode h
# TYPE mode stateset
mode{app="a",mode="off"} 0.0
mode{app="a",mode="on"} 1.0
# EOF
`,
  );
  assert.match(await registry.metrics(), /# TYPE build_info gauge\nbuild_info\{version="1.0",arch="x\\"y"\} 1\n/);
  assert.throws(() => states.state({ app: "a" }, "up" as never), /unknown state "up", not one of off, on/);
});

test("names: namespace, subsystem and unit are joined, each suffix once", () => {
  const name = (config: object) => new Counter({ help: "h", registers: [], name: "x", ...config }).name;
  assert.equal(name({ namespace: "a", subsystem: "b", name: "c", unit: "seconds" }), "a_b_c_seconds_total");
  assert.equal(name({ namespace: "a", name: "c_seconds_total", unit: "seconds" }), "a_c_seconds_total");
  assert.equal(new Gauge({ namespace: "a", name: "c", help: "h", unit: "bytes", registers: [] }).name, "a_c_bytes");
});

test("registry: getOrRegister gives back what is there, an error tells who has the name", () => {
  const registry = new Registry();
  const make = (labelNames: readonly string[]) =>
    new Counter({ name: "c_total", help: "h", labelNames, registers: [] });
  const first = registry.getOrRegister(make(["a"]));
  assert.equal(registry.getOrRegister(make(["a"])), first);
  assert.throws(
    () => registry.getOrRegister(make(["b"])),
    (error) => error instanceof AlreadyRegisteredError && error.existing === first,
  );
});

test("registry: restricted to some names, target info, sample values", async () => {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({ name: "a", help: "h", labelNames: ["x", "y"], registers }).set({ x: 'q"', y: 1 }, 5);
  new Histogram({ name: "b", help: "h", buckets: [1], registers }).observe(3);
  registry.setTargetInfo({ env: "test" });
  assert.match(await registry.metrics(), /# TYPE target_info gauge\ntarget_info\{env="test"\} 1\n/);
  assert.match(await registry.metrics("openmetrics"), /# TYPE target info\ntarget_info\{env="test"\} 1.0\n/);
  let text = "";
  for await (const chunk of await registry.restricted(["b_sum"]).stream()) text += new TextDecoder().decode(chunk);
  assert.match(text, /^# HELP b h\n[\s\S]*b_count 1\n$/);
  assert.equal(await registry.getSampleValue("a", { y: "1", x: 'q"' }), 5);
  assert.equal(await registry.getSampleValue("b_bucket", { le: "+Inf" }), 1);
  assert.equal(await registry.getSampleValue("a"), undefined);
});

test("collectors: families are built by hand, renamed and labelled by a wrapper", async () => {
  const registry = new Registry();
  const inner = collector(async () => [
    new Family("counter", "c_total", "h").add({ b: "1", a: "2" }, 3, { timestamp: 1.5 }),
    new Family("histogram", "h", "h").addHistogram({}, { bounds: [1], cumulative: [1], count: 2, sum: 4 }),
    new Family("summary", "s", "h").addSummary({}, { quantiles: [0.5], values: [1], count: 2, sum: 4 }),
  ]);
  registry.register(wrapped(inner, { prefix: "x_", labels: { z: "9" } }));
  assert.deepEqual(await samples(registry), [
    'x_c_total{a="2",b="1",z="9"} 3 1500',
    'x_h_bucket{z="9",le="1"} 1',
    'x_h_bucket{z="9",le="+Inf"} 2',
    'x_h_sum{z="9"} 4',
    'x_h_count{z="9"} 2',
    'x_s{z="9",quantile="0.5"} 1',
    'x_s_sum{z="9"} 4',
    'x_s_count{z="9"} 2',
  ]);
  assert.throws(() => new Family("gauge", "1a", "h"), /Invalid metric name/);
  assert.throws(() => new Family("gauge", "a", "h").add({ "b-c": "x" }, 1), /label name is invalid/);
});

test("lint: complaints in promlint's words, as warnings or errors if asked for", () => {
  const complaints = (type: "counter" | "gauge", name: string, labels: string[] = []) =>
    lintFamily({ name, help: "h", type, unit: "" }, labels);
  assert.deepEqual(complaints("counter", "http_requests"), ['counter metrics should have "_total" suffix']);
  assert.deepEqual(complaints("gauge", "x_total"), ['non-counter metrics should not have "_total" suffix']);
  assert.deepEqual(complaints("gauge", "wait_milliseconds"), ['use base unit "seconds" instead of "milliseconds"']);
  assert.deepEqual(complaints("gauge", "wait_ms"), ["metric names should not contain abbreviated units"]);
  assert.deepEqual(complaints("gauge", "queueLength", ["aB"]), [
    "metric names should be written in 'snake_case' not 'camelCase'",
    "label names should be written in 'snake_case' not 'camelCase'",
  ]);
  assert.deepEqual(complaints("gauge", "a_gauge"), ["metric name should not include type 'gauge'"]);
  assert.deepEqual(complaints("counter", "requests_total", ["code"]), []);
  const strict = new Registry({ lint: "throw" });
  assert.throws(() => new Counter({ name: "c", help: "h", registers: [strict] }), /c counter metrics should have/);
  const warnings: string[] = [];
  const warning = new Registry({ lint: "warn", onWarning: (message) => warnings.push(message) });
  new Counter({ name: "c", help: "h", registers: [warning] });
  assert.deepEqual(warnings, ['c counter metrics should have "_total" suffix']);
});

test("summary: a reset empties the window, too", () => {
  const summary = new Summary({ name: "s", help: "h", objectives: { 0.5: 0.1 }, registers: [] });
  const child = summary.labels();
  child.observe(4);
  assert.deepEqual(child.estimates(), [4]);
  summary.reset();
  assert.deepEqual([child.estimates(), child.count, child.sum], [[NaN], 0, 0]);
});

test("info: facts must not bear the names of the series' own labels, however they are set", () => {
  const info = new Info({
    name: "build",
    help: "h",
    labelNames: ["part"] as const,
    constLabels: { app: "x" },
    registers: [],
  });
  for (const facts of [{ part: "b" }, { app: "y" }]) {
    assert.throws(() => info.labels("a").set(facts), /A label name is repeated: (part|app)/);
    assert.throws(() => info.set({ part: "a" }, facts), /A label name is repeated: (part|app)/);
  }
});

test("registry: facts about the target bear names as the scraper takes them", async () => {
  const registry = new Registry();
  registry.setTargetInfo({ "service.name": "shop" });
  assert.match(await registry.metrics(), /^target_info\{service_name="shop"\} 1$/m);
  const { body } = await registry.expose("text/plain; version=1.0.0; escaping=allow-utf-8");
  assert.match(String(body), /^target_info\{"service\.name"="shop"\} 1$/m);
  assert.throws(() => registry.setTargetInfo({ "": "x" }), /label name is invalid/);
  registry.setTargetInfo({});
  assert.equal(await registry.metrics(), "");
});

test("series budget: counts all series that there are, also those beyond the bound, and forgets none", () => {
  const registry = new Registry({ maxSeries: 3 });
  const gauge = (name: string, registers: Registry[]): Gauge<readonly ["l"]> =>
    new Gauge({ name, help: "h", labelNames: ["l"] as const, registers });
  const [first, second] = [gauge("first", [registry]), gauge("second", [])];
  for (const l of ["a", "b", "c"]) second.set({ l }, 1);
  for (const l of ["a", "b"]) first.set({ l }, 1);
  registry.registerMetric(second);
  assert.equal(registry.seriesCount, 5);
  registry.unregister(second);
  assert.equal(registry.seriesCount, 2);
  for (const l of ["c", "d", "e"]) first.set({ l }, 1);
  // "c" and the one for all others.
  assert.deepEqual([first.size, registry.seriesCount], [4, 4]);
  const third = gauge("third", [registry]);
  third.set({ l: "a" }, 1);
  assert.equal(registry.seriesCount, 5);
  first.remove("__overflow__");
  assert.equal(registry.seriesCount, 4);
  first.reset();
  assert.deepEqual([third.size, registry.seriesCount], [1, 1]);
});

test("histogram: a reset of one without labels starts it again, and children go on", async () => {
  const registry = new Registry();
  const histogram = new Histogram({ name: "h", help: "h", buckets: [1], registers: [registry] });
  const child = histogram.labels();
  child.observe(0.5);
  histogram.reset();
  assert.deepEqual(await samples(registry), ['h_bucket{le="1"} 0', 'h_bucket{le="+Inf"} 0', "h_sum 0", "h_count 0"]);
  child.observe(3);
  assert.deepEqual([child.count, child.sum], [1, 3]);
});

test("registries: merged into one; a name that two have is an error that can be left aside", async () => {
  const [a, b] = [new Registry(), new Registry()];
  new Gauge({ name: "one", help: "h", registers: [a, b] }).set(1);
  new Gauge({ name: "both", help: "of a", registers: [a] });
  new Gauge({ name: "two", help: "h", registers: [b] }).set(2);
  const read = async (options = {}) => {
    let text = "";
    for await (const chunk of await Registry.merged([a, b, a]).stream("text", options)) text += Buffer.from(chunk);
    return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  };
  assert.deepEqual(await read(), ["both 0", "one 1", "two 2"]);
  new Gauge({ name: "both", help: "of b", registers: [b] }).set(7);
  await assert.rejects(read(), /metric family both was collected twice/);
  const errors: unknown[] = [];
  assert.deepEqual(await read({ onCollectError: (error: unknown) => errors.push(error) }), [
    "both 0",
    "one 1",
    "two 2",
  ]);
  assert.equal(errors.length, 1);
  const { body } = await Registry.merged([a, b], { repeated: "skip" }).expose();
  assert.match(String(body), /^both 0$/m);
  assert.doesNotMatch(String(body), /of b/);
});

test("registries: merged ones tell together what they had to refuse", async () => {
  const registries = [1, 2].map((refused) => {
    const registry = new Registry({ maxSeries: 1 });
    const gauge = new Gauge({
      name: "g",
      help: "h",
      labelNames: ["l"] as const,
      onMaxSeries: "drop",
      registers: [registry],
    });
    for (let i = 0; i <= refused; i++) gauge.set({ l: i }, 1);
    return registry;
  });
  const { body } = await Registry.merged(registries, { repeated: "skip" }).expose();
  assert.match(String(body), /^prometheus_client_dropped_series_total\{metric="g"\} 3$/m);
});
