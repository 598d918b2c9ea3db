// What instrumentation costs here and in prom-client and @prometheus-io/client, in one run.
// These are never dependencies: NARTHEX_BENCH_PEERS names a folder in whose node_modules they are installed.
// Run: NARTHEX_BENCH_PEERS=FOLDER npm run bench -- client/dist/bench/comparison
import { createRequire } from "node:module";
import { join } from "node:path";
import * as ours from "../index.ts";

/** How long one measurement takes, and how many there are; the best one counts, since others only slow it down. */
const MEASURE_MS = 120;
const ROUNDS = 5;
const LINES = 28_000;

type Loop = () => unknown;

/** What a library is asked to do. Functions are made once, and called until the time is up. */
interface Subject {
  readonly name: string;
  counterChild(): Loop;
  counterWithLabels(): Loop;
  histogram(): Loop;
  histogramWithLabels(): Loop;
  /** With a window of 600 s in 5 steps if asked for, else over all time. */
  summary(window: boolean): Loop;
  exposition(): () => Promise<unknown>;
  /** Makes series with three labels, and returns what holds them. */
  series(count: number): unknown;
}

const METHODS = ["GET", "POST", "PUT", "DELETE"];
const labelsOf = (i: number): { method: string; path: string; code: string } => ({
  method: METHODS[i & 3] as string,
  path: `/api/v1/resource/${i >> 4}`,
  code: String(200 + ((i >> 2) & 3)),
});
const LABEL_NAMES = ["method", "path", "code"] as const;

const narthex: Subject = {
  name: "@narthex/client",
  counterChild() {
    const child = new ours.Counter({ name: "c_total", help: "h", labelNames: LABEL_NAMES, registers: [] }).labels(
      "GET",
      "/",
      "200",
    );
    return () => child.inc();
  },
  counterWithLabels() {
    const counter = new ours.Counter({ name: "c_total", help: "h", labelNames: LABEL_NAMES, registers: [] });
    return () => counter.inc({ method: "GET", path: "/", code: "200" });
  },
  histogram() {
    const child = new ours.Histogram({ name: "h", help: "h", registers: [] }).labels();
    let i = 0;
    return () => child.observe((i++ & 1023) / 100);
  },
  histogramWithLabels() {
    const histogram = new ours.Histogram({ name: "h", help: "h", labelNames: LABEL_NAMES, registers: [] });
    let i = 0;
    return () => histogram.observe({ method: "GET", path: "/", code: "200" }, (i++ & 1023) / 100);
  },
  summary(window) {
    const child = new ours.Summary({
      name: "s",
      help: "h",
      objectives: { 0.01: 0.005, 0.05: 0.01, 0.5: 0.05, 0.9: 0.01, 0.95: 0.005, 0.99: 0.001, 0.999: 0.0005 },
      ...(window ? {} : { ageBuckets: 1, maxAgeSeconds: Infinity }),
      registers: [],
    }).labels();
    let i = 0;
    return () => child.observe((i++ * 7919) & 0xffff);
  },
  exposition() {
    const registry = new ours.Registry();
    const gauge = new ours.Gauge({ name: "g", help: "h", labelNames: LABEL_NAMES, registers: [registry] });
    for (let i = 0; i < LINES / 2; i++) gauge.set(labelsOf(i), i * 1.5);
    const histogram = new ours.Histogram({ name: "h", help: "h", labelNames: LABEL_NAMES, registers: [registry] });
    for (let i = 0; i < LINES / 2 / 14; i++) histogram.observe(labelsOf(i), i / 100);
    return () => registry.metrics();
  },
  series(count) {
    const counter = new ours.Counter({ name: "c_total", help: "h", labelNames: LABEL_NAMES, registers: [] });
    for (let i = 0; i < count; i++) counter.inc(labelsOf(i));
    return counter;
  },
};

// biome-ignore lint/suspicious/noExplicitAny: a library that is not installed has no types here
function promClient(name: string, client: any): Subject {
  return {
    name,
    counterChild() {
      const child = new client.Counter({ name: "c", help: "h", labelNames: LABEL_NAMES, registers: [] }).labels(
        "GET",
        "/",
        "200",
      );
      return () => child.inc();
    },
    counterWithLabels() {
      const counter = new client.Counter({ name: "c", help: "h", labelNames: LABEL_NAMES, registers: [] });
      return () => counter.inc({ method: "GET", path: "/", code: "200" });
    },
    histogram() {
      const histogram = new client.Histogram({ name: "h", help: "h", registers: [] });
      let i = 0;
      return () => histogram.observe((i++ & 1023) / 100);
    },
    histogramWithLabels() {
      const histogram = new client.Histogram({ name: "h", help: "h", labelNames: LABEL_NAMES, registers: [] });
      let i = 0;
      return () => histogram.observe({ method: "GET", path: "/", code: "200" }, (i++ & 1023) / 100);
    },
    summary(window) {
      const steps = window ? { maxAgeSeconds: 600, ageBuckets: 5 } : {};
      const summary = new client.Summary({ name: "s", help: "h", registers: [], ...steps });
      let i = 0;
      return () => summary.observe((i++ * 7919) & 0xffff);
    },
    exposition() {
      const registry = new client.Registry();
      const gauge = new client.Gauge({ name: "g", help: "h", labelNames: LABEL_NAMES, registers: [registry] });
      for (let i = 0; i < LINES / 2; i++) gauge.set(labelsOf(i), i * 1.5);
      const histogram = new client.Histogram({ name: "h", help: "h", labelNames: LABEL_NAMES, registers: [registry] });
      for (let i = 0; i < LINES / 2 / 14; i++) histogram.observe(labelsOf(i), i / 100);
      return () => registry.metrics();
    },
    series(count) {
      const counter = new client.Counter({ name: "c", help: "h", labelNames: LABEL_NAMES, registers: [] });
      for (let i = 0; i < count; i++) counter.inc(labelsOf(i));
      return counter;
    },
  };
}

function subjects(): Subject[] {
  const folder = process.env["NARTHEX_BENCH_PEERS"];
  const found: Subject[] = [narthex];
  for (const name of ["prom-client", "@prometheus-io/client"]) {
    try {
      if (folder === undefined) throw new Error("NARTHEX_BENCH_PEERS is not set");
      const require = createRequire(join(folder, "package.json"));
      const { version } = require(`${name}/package.json`) as { version: string };
      found.push(promClient(`${name} ${version}`, require(name)));
    } catch (error) {
      console.log(`${name} is missing: ${(error as Error).message.split("\n")[0]}`);
    }
  }
  return found;
}

/** Nanoseconds a call of each loop; they take turns, so that what disturbs the machine disturbs all. */
function timeLoops(loops: readonly Loop[]): number[] {
  const best = loops.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) {
    loops.forEach((loop, i) => {
      const start = performance.now();
      let calls = 0;
      let now = start;
      while (now < start + MEASURE_MS) {
        for (let n = 0; n < 1000; n++) loop();
        calls += 1000;
        now = performance.now();
      }
      best[i] = Math.min(best[i] as number, ((now - start) * 1e6) / calls);
    });
  }
  return best;
}

/** One measurement of each, one after the other. */
async function each(measure: (subject: Subject) => number | Promise<number>): Promise<number[]> {
  const values: number[] = [];
  for (const subject of all) values.push(await measure(subject));
  return values;
}

/** Milliseconds of CPU time an exposition, collection of its garbage included. */
async function timeExposition(expose: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < 10; i++) await expose();
  const count = 40;
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) await expose();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / count;
}

/** The longest time, in milliseconds, that an exposition kept a timer of the event loop from its turn; the median of several. */
async function longestSlice(expose: () => Promise<unknown>): Promise<number> {
  const longest: number[] = [];
  for (let i = 0; i < 15; i++) {
    let last = performance.now();
    let worst = 0;
    let running = true;
    const watch = (): void => {
      const now = performance.now();
      worst = Math.max(worst, now - last);
      last = now;
      if (running) setImmediate(watch);
    };
    setImmediate(watch);
    await new Promise((resolve) => setImmediate(resolve));
    worst = 0;
    last = performance.now();
    await expose();
    watch();
    running = false;
    longest.push(worst);
  }
  return longest.sort((a, b) => a - b)[longest.length >> 1] as number;
}

/** Bytes a series, on the heap and outside it. */
function memoryPerSeries(make: (count: number) => unknown): number {
  const count = 50_000;
  const used = (): number => {
    globalThis.gc?.();
    globalThis.gc?.();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  make(10);
  const before = used();
  const held = make(count);
  const after = used();
  // Held until here.
  if (held === undefined) throw new Error("nothing was made");
  return (after - before) / count;
}

const all = subjects();
const loops = (make: (subject: Subject) => Loop) => async (): Promise<number[]> => timeLoops(all.map(make));
const rows: [what: string, unit: string, target: number, measure: () => Promise<number[]>][] = [
  ["bound counter inc()", "ns", 10, loops((s) => s.counterChild())],
  ["counter inc({3 labels})", "ns", 2, loops((s) => s.counterWithLabels())],
  ["histogram observe(v)", "ns", 3, loops((s) => s.histogram())],
  ["histogram observe({3 labels}, v)", "ns", 3, loops((s) => s.histogramWithLabels())],
  ["summary observe(v), sliding window", "ns", 5, loops((s) => s.summary(true))],
  ["summary observe(v), no window", "ns", 5, loops((s) => s.summary(false))],
  [`exposition of ${LINES} lines, CPU`, "ms", 3, () => each((s) => timeExposition(s.exposition()))],
  ["its longest slice (median)", "ms", 0, () => each((s) => longestSlice(s.exposition()))],
  ["memory a series, 3 labels", "B", 2, () => each((s) => memoryPerSeries((count) => s.series(count)))],
];
const table: Record<string, Record<string, string>> = {};
for (const [what, unit, target, measure] of rows) {
  const line: Record<string, string> = {};
  const values = await measure();
  const own = values[0] as number;
  for (const [i, value] of values.entries()) {
    const shown = `${value.toFixed(value < 10 ? 1 : 0)} ${unit}`;
    line[(all[i] as Subject).name] = i === 0 ? shown : `${shown} (${(value / own).toFixed(1)}x)`;
  }
  if (target > 0) line["wanted"] = `${target}x`;
  table[what] = line;
}
console.table(table);
