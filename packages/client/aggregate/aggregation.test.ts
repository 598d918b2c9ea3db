import assert from "node:assert/strict";
import { test } from "node:test";
import { Aggregation, Counter, Gauge, type GaugeMode, Histogram, Registry, takeSnapshot } from "../index.ts";
import { mergeNative } from "./merge-native.ts";

const MODES: readonly GaugeMode[] = ["all", "liveall", "sum", "livesum", "min", "max", "mostrecent", "livemostrecent"];

async function snapshotOf(value: number) {
  const registry = new Registry();
  for (const mode of MODES) new Gauge({ name: `g_${mode}`, help: "h", mode, registers: [registry] }).set(value);
  return takeSnapshot(registry);
}

async function samples(aggregation: Aggregation): Promise<string[]> {
  const registry = new Registry();
  registry.register(aggregation);
  return (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

test("aggregation: gauges by their modes, of the living and the gone", async () => {
  const aggregation = new Aggregation();
  aggregation.set("1", await snapshotOf(5));
  aggregation.set("2", await snapshotOf(3));
  assert.deepEqual(await samples(aggregation), [
    'g_all{pid="1"} 5',
    'g_all{pid="2"} 3',
    'g_liveall{pid="1"} 5',
    'g_liveall{pid="2"} 3',
    "g_livemostrecent 3",
    "g_livesum 8",
    "g_max 5",
    "g_min 3",
    "g_mostrecent 3",
    "g_sum 8",
  ]);
  aggregation.remove("1");
  assert.deepEqual(await samples(aggregation), [
    'g_all{pid="1"} 5',
    'g_all{pid="2"} 3',
    'g_liveall{pid="2"} 3',
    "g_livemostrecent 3",
    "g_livesum 3",
    "g_max 5",
    "g_min 3",
    "g_mostrecent 3",
    "g_sum 8",
  ]);
});

test("aggregation: a source that is set again replaces itself; what the gone counted is kept without bound on their number", async () => {
  const aggregation = new Aggregation();
  const count = async (n: number) => {
    const registry = new Registry();
    new Counter({ name: "c_total", help: "h", registers: [registry] }).inc(n);
    return takeSnapshot(registry);
  };
  for (let i = 0; i < 200; i++) {
    aggregation.set(`w${i}`, await count(1));
    aggregation.set(`w${i}`, await count(2));
    aggregation.remove(`w${i}`);
  }
  aggregation.set("last", await count(5));
  assert.deepEqual(await samples(aggregation), ["c_total 405"]);
});

test("aggregation: what does not fit together is an error", async () => {
  const snapshot = async (buckets: readonly number[]) => {
    const registry = new Registry();
    new Histogram({ name: "h", help: "h", buckets, registers: [registry] });
    return takeSnapshot(registry);
  };
  const aggregation = new Aggregation();
  aggregation.set("1", await snapshot([1]));
  aggregation.set("2", await snapshot([2]));
  await assert.rejects(samples(aggregation), /h has other buckets in another process/);
});

test("native histograms: joined at the lower resolution, with the wider zero bucket", () => {
  const empty = { negativeSpans: [], negativeDeltas: [], exemplars: [] };
  const a = {
    schema: 1,
    zeroThreshold: 0.1,
    zeroCount: 1,
    positiveSpans: [-2, 4],
    positiveDeltas: [1, 1, 1, 1],
    ...empty,
  };
  const b = { schema: 0, zeroThreshold: 0.5, zeroCount: 2, positiveSpans: [0, 2], positiveDeltas: [5, -1], ...empty };
  assert.deepEqual(mergeNative(a, b), {
    schema: 0,
    zeroThreshold: 0.5,
    zeroCount: 4,
    positiveSpans: [0, 2],
    positiveDeltas: [10, -2],
    ...empty,
  });
});
