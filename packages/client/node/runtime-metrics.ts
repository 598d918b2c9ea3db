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

/** Registers `nodejs_*` metrics. Garbage collection and the event loop's delay are watched from `start` to `close`. */
export class RuntimeMetrics {
  /** Durations of the last collections in seconds, oldest first; at most 256. */
  readonly recentPauses: number[] = [];
  pauseCount = 0;
  pauseSeconds = 0;
  /** Seconds since the epoch, 0 before the first collection. */
  lastPauseAt = 0;
  readonly #observer: PerformanceObserver;
  readonly #delay: IntervalHistogram;
  #isWatching = false;

  constructor(options: RuntimeMetricsOptions) {
    const { registers, prefix, constLabels } = options;
    const common = { registers, constLabels };
    this.#delay = monitorEventLoopDelay({ resolution: options.eventLoopPrecisionMs });
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
  }

  /** Begins to watch, also after a `close`. */
  start(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#observer.observe({ entryTypes: ["gc"] });
    this.#delay.reset();
    this.#delay.enable();
  }

  /** Stops watching. The metrics stay as they are. */
  close(): void {
    if (!this.#isWatching) return;
    this.#isWatching = false;
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
    // Each exposition tells of the time since the one before.
    const recent = readTogether(() => {
      const seconds = (nanoseconds: number): number => (delay.count === 0 ? 0 : nanoseconds / 1e9);
      const read = {
        min: seconds(delay.min),
        max: seconds(delay.max),
        mean: seconds(delay.mean),
        stddev: seconds(delay.stddev),
        p50: seconds(delay.percentile(50)),
        p90: seconds(delay.percentile(90)),
        p99: seconds(delay.percentile(99)),
      };
      delay.reset();
      return read;
    });
    const statistics = {
      min: "The minimum recorded event loop delay.",
      max: "The maximum recorded event loop delay.",
      mean: "The mean of the recorded event loop delays.",
      stddev: "The standard deviation of the recorded event loop delays.",
      p50: "The 50th percentile of the recorded event loop delays.",
      p90: "The 90th percentile of the recorded event loop delays.",
      p99: "The 99th percentile of the recorded event loop delays.",
    };
    for (const statistic of Object.keys(statistics) as (keyof typeof statistics)[]) {
      new Gauge({
        name: `${name}_${statistic}_seconds`,
        help: statistics[statistic],
        ...common,
        collect: (metric) => metric.set(recent()[statistic]),
      });
    }
  }
}

/**
 * Reads once for all metrics that are brought up to date in one go. Each of them asks, since an exposition may be restricted to any of
 * them.
 */
function readTogether<Reading>(read: () => Reading): () => Reading {
  let current: { readonly reading: Reading } | undefined;
  return () => {
    if (current === undefined) {
      current = { reading: read() };
      queueMicrotask(() => {
        current = undefined;
      });
    }
    return current.reading;
  };
}

interface Common {
  readonly registers: readonly Registry[];
  readonly constLabels: Readonly<Record<string, string>>;
}

function registerActive(prefix: string, common: Common): void {
  const resources = readTogether(() => process.getActiveResourcesInfo());
  new Gauge({
    name: `${prefix}nodejs_active_resources_total`,
    help: "Total number of active resources.",
    ...common,
    collect: (metric) => metric.set(resources().length),
  });
  new Gauge({
    name: `${prefix}nodejs_active_resources`,
    help: "Number of active resources that are currently keeping the event loop alive, grouped by async resource type.",
    labelNames: ["type"],
    ...common,
    collect(metric) {
      const counts = new Map<string, number>();
      for (const type of resources()) counts.set(type, (counts.get(type) ?? 0) + 1);
      metric.reset();
      for (const [type, count] of counts) metric.labels(type).set(count);
    },
  });
}

function registerHeap(prefix: string, common: Common): void {
  const memory = readTogether(() => process.memoryUsage());
  const part = (name: string, help: string, read: (memory: NodeJS.MemoryUsage) => number): void => {
    new Gauge({ name: `${prefix}${name}`, help, ...common, collect: (metric) => metric.set(read(memory())) });
  };
  part("nodejs_heap_size_used_bytes", "Process heap size used from Node.js in bytes.", ({ heapUsed }) => heapUsed);
  part("nodejs_external_memory_bytes", "Node.js external memory size in bytes.", ({ external }) => external);
  part("nodejs_heap_size_total_bytes", "Process heap size from Node.js in bytes.", ({ heapTotal }) => heapTotal);
  const spaces = readTogether(() => getHeapSpaceStatistics());
  const sizes = { used: "space_used_size", available: "space_available_size", total: "space_size" } as const;
  for (const what of ["used", "available", "total"] as const) {
    new Gauge({
      name: `${prefix}nodejs_heap_space_size_${what}_bytes`,
      help: `Process heap space size ${what} from Node.js in bytes.`,
      labelNames: ["space"],
      ...common,
      collect(metric) {
        for (const space of spaces()) metric.labels(space.space_name.replace(/_space$/, "")).set(space[sizes[what]]);
      },
    });
  }
  new Counter({
    name: `${prefix}nodejs_eventloop_active_seconds_total`,
    help: "Time during which the event loop was busy, in seconds.",
    ...common,
    collect: (metric) => metric.setTotal(performance.eventLoopUtilization().active / 1000),
  });
}
