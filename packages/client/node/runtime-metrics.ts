// What Node knows about itself: event loop, heap, garbage collection, things that keep the process alive.
import { type IntervalHistogram, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics } from "node:v8";
import { Counter } from "../counter.ts";
import { Gauge } from "../gauge.ts";
import { Histogram, type HistogramChild } from "../histogram.ts";
import type { Registry } from "../registry.ts";
import { GC_KINDS } from "./gc-kinds.ts";

/** How the runtime is watched. */
export interface RuntimeMetricsOptions {
  readonly registers: readonly Registry[];
  readonly prefix: string;
  readonly constLabels: Readonly<Record<string, string>>;
  /** Bounds of the histogram of collection pauses, in seconds. */
  readonly gcDurationBuckets: readonly number[];
  /** How often the event loop's delay is sampled, in milliseconds. */
  readonly eventLoopPrecisionMs: number;
}

/** The last pauses that are kept for quantiles; as many as Go keeps. */
const KEPT_PAUSES = 256;

/** Registers `nodejs_*` metrics, and watches garbage collection until it is closed. */
export class RuntimeMetrics {
  /** Durations of the last collections in seconds, oldest first; at most 256. */
  readonly recentPauses: number[] = [];
  pauseCount = 0;
  pauseSeconds = 0;
  /** Seconds since the epoch, 0 before the first collection. */
  lastPauseAt = 0;
  readonly #observer: PerformanceObserver;
  readonly #delay: IntervalHistogram;

  constructor(options: RuntimeMetricsOptions) {
    const { registers, prefix, constLabels } = options;
    const common = { registers, constLabels };
    this.#delay = monitorEventLoopDelay({ resolution: options.eventLoopPrecisionMs });
    this.#delay.enable();
    this.#registerEventLoop(`${prefix}nodejs_eventloop_lag`, common);
    registerActive(prefix, common);
    registerHeap(prefix, common);
    const [major = "", minor = "", patch = ""] = process.version.slice(1).split(".");
    new Gauge({
      name: `${prefix}nodejs_version_info`,
      help: "Node.js version info.",
      labelNames: ["version", "major", "minor", "patch"],
      ...common,
    }).set({ version: process.version, major, minor, patch }, 1);
    const durations = new Histogram({
      name: `${prefix}nodejs_gc_duration_seconds`,
      help: "Garbage collection duration by kind, one of major, minor, incremental or weakcb.",
      labelNames: ["kind"],
      buckets: options.gcDurationBuckets,
      ...common,
    });
    const children = new Map<number, HistogramChild>();
    for (const [kind, name] of GC_KINDS) children.set(kind, durations.labels(name));
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const seconds = entry.duration / 1000;
        const { kind } = (entry as unknown as { detail: { kind: number } }).detail;
        children.get(kind)?.observe(seconds);
        this.pauseCount++;
        this.pauseSeconds += seconds;
        this.lastPauseAt = (performance.timeOrigin + entry.startTime + entry.duration) / 1000;
        if (this.recentPauses.push(seconds) > KEPT_PAUSES) this.recentPauses.shift();
      }
    });
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  /** Stops watching. The metrics stay as they are. */
  close(): void {
    this.#observer.disconnect();
    this.#delay.disable();
  }

  #registerEventLoop(
    name: string,
    common: { registers: readonly Registry[]; constLabels: Record<string, string> },
  ): void {
    const delay = this.#delay;
    new Gauge({
      name: `${name}_seconds`,
      help: "Lag of event loop in seconds.",
      ...common,
      async collect(metric) {
        const start = performance.now();
        await new Promise((resolve) => setImmediate(resolve));
        metric.set((performance.now() - start) / 1000);
      },
    });
    const nothingYet = (nanoseconds: number): number => (delay.count === 0 ? 0 : nanoseconds / 1e9);
    const statistics: readonly (readonly [string, string, () => number])[] = [
      ["min", "The minimum recorded event loop delay.", () => delay.min],
      ["max", "The maximum recorded event loop delay.", () => delay.max],
      ["mean", "The mean of the recorded event loop delays.", () => delay.mean],
      ["stddev", "The standard deviation of the recorded event loop delays.", () => delay.stddev],
      ["p50", "The 50th percentile of the recorded event loop delays.", () => delay.percentile(50)],
      ["p90", "The 90th percentile of the recorded event loop delays.", () => delay.percentile(90)],
      ["p99", "The 99th percentile of the recorded event loop delays.", () => delay.percentile(99)],
    ];
    for (const [statistic, help, read] of statistics) {
      new Gauge({
        name: `${name}_${statistic}_seconds`,
        help,
        ...common,
        collect: (metric) => {
          metric.set(nothingYet(read()));
          // Each exposition tells of the time since the one before; the last of these metrics starts over.
          if (statistic === "p99") delay.reset();
        },
      });
    }
  }
}

interface Common {
  readonly registers: readonly Registry[];
  readonly constLabels: Readonly<Record<string, string>>;
}

function registerActive(prefix: string, common: Common): void {
  const total = new Gauge({
    name: `${prefix}nodejs_active_resources_total`,
    help: "Total number of active resources.",
    ...common,
  });
  new Gauge({
    name: `${prefix}nodejs_active_resources`,
    help: "Number of active resources that are currently keeping the event loop alive, grouped by async resource type.",
    labelNames: ["type"],
    ...common,
    collect(metric) {
      const resources = process.getActiveResourcesInfo();
      const counts = new Map<string, number>();
      for (const type of resources) counts.set(type, (counts.get(type) ?? 0) + 1);
      metric.reset();
      for (const [type, count] of counts) metric.labels(type).set(count);
      total.set(resources.length);
    },
  });
}

function registerHeap(prefix: string, common: Common): void {
  const used = new Gauge({
    name: `${prefix}nodejs_heap_size_used_bytes`,
    help: "Process heap size used from Node.js in bytes.",
    ...common,
  });
  const external = new Gauge({
    name: `${prefix}nodejs_external_memory_bytes`,
    help: "Node.js external memory size in bytes.",
    ...common,
  });
  new Gauge({
    name: `${prefix}nodejs_heap_size_total_bytes`,
    help: "Process heap size from Node.js in bytes.",
    ...common,
    collect(metric) {
      const memory = process.memoryUsage();
      metric.set(memory.heapTotal);
      used.set(memory.heapUsed);
      external.set(memory.external);
    },
  });
  const space = (what: string): Gauge<readonly ["space"]> =>
    new Gauge({
      name: `${prefix}nodejs_heap_space_size_${what}_bytes`,
      help: `Process heap space size ${what} from Node.js in bytes.`,
      labelNames: ["space"],
      ...common,
    });
  const spaceUsed = space("used");
  const spaceAvailable = space("available");
  new Gauge({
    name: `${prefix}nodejs_heap_space_size_total_bytes`,
    help: "Process heap space size total from Node.js in bytes.",
    labelNames: ["space"],
    ...common,
    collect(metric) {
      for (const statistics of getHeapSpaceStatistics()) {
        const name = statistics.space_name.replace(/_space$/, "");
        metric.labels(name).set(statistics.space_size);
        spaceUsed.labels(name).set(statistics.space_used_size);
        spaceAvailable.labels(name).set(statistics.space_available_size);
      }
    },
  });
  new Counter({
    name: `${prefix}nodejs_eventloop_active_seconds_total`,
    help: "Time during which the event loop was busy, in seconds.",
    ...common,
    collect: (metric) => metric.setTotal(performance.eventLoopUtilization().active / 1000),
  });
}
