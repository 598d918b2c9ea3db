// What instrumentation costs: touching a series, looking it up, writing everything out.
// Run: node packages/client/dist/bench/touch.bench.js
import { bench, do_not_optimize, run } from "mitata";
import { Counter, Gauge, Histogram, Registry, Summary } from "../index.ts";

const registry = new Registry();
const registers = [registry];
const counter = new Counter({ name: "c_total", help: "h", registers });
const labelled = new Counter({ name: "l_total", help: "h", labelNames: ["a", "b", "c"], registers });
const gauge = new Gauge({ name: "g", help: "h", registers });
const histogram = new Histogram({ name: "h", help: "h", registers });
const summary = new Summary({ name: "s", help: "h", objectives: { 0.5: 0.05, 0.9: 0.01, 0.99: 0.001 }, registers });
const child = labelled.labels("x", "y", "z");
const gaugeChild = gauge.labels();
const histogramChild = histogram.labels();
const summaryChild = summary.labels();
let i = 0;

bench("counter.inc()", () => counter.inc());
bench("counter child.inc()", () => child.inc());
bench("counter.inc({3 labels})", () => labelled.inc({ a: "x", b: "y", c: "z" }));
bench("counter.labels(3 values).inc()", () => labelled.labels("x", "y", "z").inc());
bench("gauge child.set(v)", () => gaugeChild.set(i++));
bench("histogram child.observe(v)", () => histogramChild.observe((i++ & 1023) / 100));
bench("summary child.observe(v)", () => summaryChild.observe((i++ * 7919) & 0xffff));

const large = new Registry();
const series = new Gauge({ name: "series", help: "h", labelNames: ["method", "path"], registers: [large] });
for (let n = 0; n < 24_000; n++) series.labels(`m${n % 7}`, `/path/${n}`).set(n * 1.5);
bench("metrics() of 24,000 lines, text", async () => do_not_optimize(await large.metrics()));
bench("metrics() of 24,000 lines, OpenMetrics", async () => do_not_optimize(await large.metrics("openmetrics")));

await run();
