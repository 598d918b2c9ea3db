// What the compiler must refuse. Each `@ts-expect-error` fails the build when its line is accepted; running it shows that the rest works.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, Gauge, Histogram, labelSchema, StateSet, Summary } from "./index.ts";

const registers: [] = [];

/** Lines that are only compiled. */
function compiledOnly(_lines: () => void): void {}

test("types: labels that are missing or unknown are errors of the compiler", () => {
  const counter = new Counter({ name: "c_total", help: "h", labelNames: ["method", "code"], registers });
  counter.inc({ method: "GET", code: 200 });
  counter.inc({ method: "GET", code: 200 }, 2);
  counter.labels("GET", 200).inc();
  counter.labels({ method: "GET", code: 200 }).inc(1, { trace_id: "t" });
  counter.curry({ method: "GET" }).labels({ code: 200 }).inc();
  assert.equal(counter.removeByLabels({ method: "GET" }), 1);
  compiledOnly(() => {
    // @ts-expect-error a label is missing
    counter.inc({ method: "GET" });
    // @ts-expect-error a label is unknown
    counter.inc({ method: "GET", code: 200, path: "/" });
    // @ts-expect-error a label is misspelt
    counter.inc({ methods: "GET", code: 200 });
    // @ts-expect-error there are labels
    counter.inc();
    // @ts-expect-error there are labels
    counter.inc(2);
    // @ts-expect-error one value is missing
    counter.labels("GET");
    // @ts-expect-error one value too many
    counter.labels("GET", 200, "/");
    // @ts-expect-error objects are no label values
    counter.labels({ method: {}, code: 200 });
    // @ts-expect-error what the curry knows is not asked for again
    counter.curry({ method: "GET" }).labels({ method: "GET", code: 200 });
    // @ts-expect-error unknown to the metric
    counter.removeByLabels({ path: "/" });
  });
});

test("types: metrics without labels take none", () => {
  const gauge = new Gauge({ name: "g", help: "h", registers });
  gauge.set(1);
  gauge.inc();
  const histogram = new Histogram({ name: "h", help: "h", registers });
  histogram.observe(1, { trace_id: "t" });
  compiledOnly(() => {
    // @ts-expect-error there are no labels
    gauge.set({ method: "GET" }, 1);
    // @ts-expect-error there are no labels
    histogram.observe({ method: "GET" }, 1);
    // @ts-expect-error a value is needed
    histogram.observe();
    // @ts-expect-error a number is needed
    gauge.set("1");
  });
  assert.equal(gauge.value, 2);
});

test("types: a schema gives each label its values", () => {
  const labelNames = labelSchema({ method: ["GET", "POST"], code: Number });
  const histogram = new Histogram({ name: "h", help: "h", labelNames, registers });
  histogram.observe({ method: "GET", code: 200 }, 1);
  const summary = new Summary({ name: "s", help: "h", labelNames, registers });
  summary.observe({ method: "POST", code: 404 }, 1);
  compiledOnly(() => {
    // @ts-expect-error not one of the values
    histogram.observe({ method: "PUT", code: 200 }, 1);
    // @ts-expect-error not a number
    histogram.observe({ method: "GET", code: "200" }, 1);
    // @ts-expect-error a label is missing
    summary.observe({ method: "GET" }, 1);
    // @ts-expect-error there are labels
    summary.observe(1);
  });
  assert.deepEqual(histogram.labelNames, ["method", "code"]);
});

test("types: states are known", () => {
  const states = new StateSet({ name: "s", help: "h", states: ["on", "off"], registers });
  states.state("off");
  compiledOnly(() => {
    // @ts-expect-error no such state
    states.state("up");
  });
  assert.equal(states.labels().current, "off");
});
