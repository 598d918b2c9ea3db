// The metrics of the process and of Node, by the names of the functions that make them.
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics } from "node:v8";
import { GC_KINDS } from "../node/gc-kinds.ts";
import { countFileDescriptors, parseLimit, parseStatus, readText } from "../node/proc-self.ts";
import { Counter } from "./counter.ts";
import { Gauge } from "./gauge.ts";
import { Histogram } from "./histogram.ts";
import { globalRegistry, type Registry } from "./registry.ts";
import type { Aggregator, RegistryContentType } from "./types.ts";

/** What `collectDefaultMetrics` takes. */
export interface DefaultMetricsCollectorConfiguration<T extends RegistryContentType = RegistryContentType> {
  register?: Registry<T>;
  prefix?: string;
  labels?: object;
  gcDurationBuckets?: number[];
  /** In milliseconds. */
  eventLoopMonitoringPrecision?: number;
}

type Labels = Record<string, string | number>;
type Collect = (this: Gauge<string>) => void | Promise<void>;

/** What all metrics of one call have in common. */
class Maker {
  readonly labels: Labels;
  readonly registers: readonly Registry[];
  /** What ends the watching, if there is any. */
  readonly closers: (() => void)[] = [];
  readonly #prefix: string;

  constructor(registry: Registry | undefined, config: DefaultMetricsCollectorConfiguration) {
    this.labels = { ...config.labels } as Labels;
    this.registers = [registry ?? globalRegistry];
    this.#prefix = config.prefix ?? "";
  }

  config(name: string, help: string, labelNames: readonly string[], aggregator: Aggregator = "sum") {
    const names = [...labelNames, ...Object.keys(this.labels)];
    return { name: this.#prefix + name, help, labelNames: names, registers: this.registers, aggregator };
  }

  /** A gauge of one value; `read` may say that there is none. */
  gauge(name: string, help: string, read: () => number | undefined, aggregator?: Aggregator): void {
    const { labels } = this;
    new Gauge<string>({
      ...this.config(name, help, [], aggregator),
      collect() {
        const value = read();
        if (value !== undefined) this.set(labels, value);
      },
    });
  }

  /** A gauge by type. */
  byType(name: string, help: string, labelName: string, collect: Collect): Gauge<string> {
    return new Gauge<string>({ ...this.config(name, help, [labelName]), collect });
  }
}

/** Returns what ends the watching. */
type MetricFunction = (registry?: Registry, config?: DefaultMetricsCollectorConfiguration) => () => void;

function metric(make: (maker: Maker, config: DefaultMetricsCollectorConfiguration) => void): MetricFunction {
  return (registry, config = {}) => {
    const maker = new Maker(registry, config);
    return closing(maker.closers, () => make(maker, config));
  };
}

/** Runs `make`, and returns what closes whatever it left to be closed; if it throws, that is closed at once. */
function closing(closers: readonly (() => void)[], make: () => void): () => void {
  const close = (): void => {
    for (const each of closers) each();
  };
  try {
    make();
  } catch (error) {
    close();
    throw error;
  }
  return close;
}

/** Internal: each makes the metrics that its name tells. */
export const defaultMetrics: Readonly<Record<string, MetricFunction>> = {
  processCpuTotal: metric((maker) => {
    const counter = (name: string, help: string, collect?: () => void) =>
      new Counter<string>({ ...maker.config(name, help, []), ...(collect === undefined ? {} : { collect }) });
    let last = process.cpuUsage();
    const user = counter("process_cpu_user_seconds_total", "Total user CPU time spent in seconds.", () => {
      const usage = process.cpuUsage();
      const userSeconds = Math.max(0, usage.user - last.user) / 1e6;
      const systemSeconds = Math.max(0, usage.system - last.system) / 1e6;
      last = usage;
      user.inc(maker.labels, userSeconds);
      system.inc(maker.labels, systemSeconds);
      total.inc(maker.labels, userSeconds + systemSeconds);
    });
    const system = counter("process_cpu_system_seconds_total", "Total system CPU time spent in seconds.");
    const total = counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.");
    user.inc(maker.labels, last.user / 1e6);
    system.inc(maker.labels, last.system / 1e6);
    total.inc(maker.labels, (last.user + last.system) / 1e6);
  }),
  processStartTime: metric((maker) => {
    const start = Math.round(Date.now() / 1000 - process.uptime());
    const help = "Start time of the process since unix epoch in seconds.";
    maker.gauge("process_start_time_seconds", help, () => start, "omit");
  }),
  osMemoryHeap: metric((maker) => {
    const status = (field: string) => () => parseStatus(readText("/proc/self/status")).get(field);
    const rss = status("VmRSS");
    maker.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", () => rss() ?? memory()?.rss);
    if (rss() === undefined) return;
    maker.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", status("VmSize"));
    maker.gauge("process_heap_bytes", "Process heap size in bytes.", status("VmData"));
  }),
  processOpenFileDescriptors: metric((maker) => {
    if (process.platform !== "linux") return;
    maker.gauge("process_open_fds", "Number of open file descriptors.", countFileDescriptors);
  }),
  processMaxFileDescriptors: metric((maker) => {
    const limit = parseLimit(readText("/proc/self/limits"), "Max open files");
    if (limit === undefined) return;
    maker.gauge("process_max_fds", "Maximum number of open file descriptors.", () => limit);
  }),
  eventLoopLag: metric((maker, config) => {
    const delay = monitorEventLoopDelay({ resolution: config.eventLoopMonitoringPrecision ?? 10 });
    delay.enable();
    maker.closers.push(() => delay.disable());
    const { labels } = maker;
    new Gauge<string>({
      ...maker.config("nodejs_eventloop_lag_seconds", "Lag of event loop in seconds.", [], "average"),
      async collect() {
        const start = performance.now();
        await new Promise((resolve) => setImmediate(resolve));
        this.set(labels, (performance.now() - start) / 1000);
      },
    });
    // All are read at once, as each exposition tells of the time since the one before.
    const read = (): readonly number[] => {
      const { min, max, mean, stddev } = delay;
      const values = [min, max, mean, stddev, ...[50, 90, 99].map((p) => delay.percentile(p))];
      const isEmpty = delay.count === 0;
      delay.reset();
      return values.map((nanoseconds) => (isEmpty ? 0 : nanoseconds / 1e9));
    };
    const gauges: Gauge<string>[] = STATISTICS.map(
      ([name, help, aggregator], i) =>
        new Gauge<string>({
          ...maker.config(`nodejs_eventloop_lag_${name}_seconds`, help, [], aggregator),
          collect() {
            if (i > 0) return;
            for (const [n, value] of read().entries()) gauges[n]?.set(labels, value);
          },
        }),
    );
  }),
  processResources: metric((maker) => {
    const help =
      "Number of active resources that are currently keeping the event loop alive, grouped by async resource type.";
    countedByType(maker, "nodejs_active_resources", help, "Total number of active resources.", () =>
      process.getActiveResourcesInfo(),
    );
  }),
  processHandles: metric((maker) => {
    const help = "Number of active libuv handles grouped by handle type. Every handle type is C++ class name.";
    const handles = hidden("_getActiveHandles");
    if (handles === undefined) return;
    countedByType(maker, "nodejs_active_handles", help, "Total number of active handles.", () => classNames(handles()));
  }),
  processRequests: metric((maker) => {
    const help = "Number of active libuv requests grouped by request type. Every request type is C++ class name.";
    const requests = hidden("_getActiveRequests");
    if (requests === undefined) return;
    countedByType(maker, "nodejs_active_requests", help, "Total number of active requests.", () =>
      classNames(requests()),
    );
  }),
  heapSizeAndUsed: metric((maker) => {
    const gauge = (name: string, help: string, field: "heapTotal" | "heapUsed" | "external") =>
      maker.gauge(name, help, () => memory()?.[field]);
    gauge("nodejs_heap_size_total_bytes", "Process heap size from Node.js in bytes.", "heapTotal");
    gauge("nodejs_heap_size_used_bytes", "Process heap size used from Node.js in bytes.", "heapUsed");
    gauge("nodejs_external_memory_bytes", "Node.js external memory size in bytes.", "external");
  }),
  heapSpacesSizeAndUsed: metric((maker) => {
    for (const [what, field] of [
      ["total", "space_size"],
      ["used", "space_used_size"],
      ["available", "space_available_size"],
    ] as const) {
      const help = `Process heap space size ${what} from Node.js in bytes.`;
      maker.byType(`nodejs_heap_space_size_${what}_bytes`, help, "space", function () {
        for (const space of getHeapSpaceStatistics()) {
          this.set({ space: space.space_name.replace(/_space$/, ""), ...maker.labels }, space[field]);
        }
      });
    }
  }),
  version: metric((maker) => {
    const { version } = process;
    const [major = 0, minor = 0, patch = 0] = version.slice(1).split(".").map(Number);
    new Gauge<string>({
      ...maker.config("nodejs_version_info", "Node.js version info.", ["version", "major", "minor", "patch"], "first"),
      collect() {
        this.set({ version, major, minor, patch, ...maker.labels }, 1);
      },
    });
  }),
  gc: metric((maker, config) => {
    const help = "Garbage collection duration by kind, one of major, minor, incremental or weakcb.";
    const durations = new Histogram<string>({
      ...maker.config("nodejs_gc_duration_seconds", help, ["kind"]),
      buckets: config.gcDurationBuckets ?? [0.001, 0.01, 0.1, 1, 2, 5],
    });
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { kind } = (entry as unknown as { detail: { kind: number } }).detail;
        durations.observe({ kind: GC_KINDS.get(kind) ?? "unknown", ...maker.labels }, entry.duration / 1000);
      }
    });
    observer.observe({ entryTypes: ["gc"] });
    maker.closers.push(() => observer.disconnect());
  }),
};

const STATISTICS: readonly (readonly [string, string, Aggregator])[] = [
  ["min", "The minimum recorded event loop delay.", "min"],
  ["max", "The maximum recorded event loop delay.", "max"],
  ["mean", "The mean of the recorded event loop delays.", "average"],
  ["stddev", "The standard deviation of the recorded event loop delays.", "average"],
  ["p50", "The 50th percentile of the recorded event loop delays.", "average"],
  ["p90", "The 90th percentile of the recorded event loop delays.", "average"],
  ["p99", "The 99th percentile of the recorded event loop delays.", "average"],
];

/** What `collectDefaultMetrics` is: a function that knows what it makes. */
export interface CollectDefaultMetrics {
  /**
   * Throws a TypeError for a configuration that is none. Returns a function that ends the watching of garbage collection and of the event
   * loop; the metrics stay as they are.
   */
  <T extends RegistryContentType>(config?: DefaultMetricsCollectorConfiguration<T> | null): () => void;
  metricsList: string[];
}

/** Registers all of them. */
export const collectDefaultMetrics: CollectDefaultMetrics = Object.assign(
  (config?: DefaultMetricsCollectorConfiguration | null): (() => void) => {
    if (config !== undefined && typeof config !== "object") {
      throw new TypeError("config must be null, undefined, or an object");
    }
    const closers: (() => void)[] = [];
    return closing(closers, () => {
      for (const make of Object.values(defaultMetrics)) closers.push(make(config?.register, config ?? {}));
    });
  },
  { metricsList: Object.keys(defaultMetrics) },
);

/** It throws on some platforms. */
function memory(): NodeJS.MemoryUsage | undefined {
  try {
    return process.memoryUsage();
  } catch {
    return undefined;
  }
}

/** Functions of the process that its types do not show, and that may go away. */
function hidden(name: string): (() => readonly object[]) | undefined {
  const found = (process as unknown as Record<string, unknown>)[name];
  return typeof found === "function" ? () => found.call(process) as readonly object[] : undefined;
}

function classNames(objects: readonly (object | null)[]): string[] {
  return objects.flatMap((object) => object?.constructor?.name ?? []);
}

function countedByType(
  maker: Maker,
  name: string,
  help: string,
  totalHelp: string,
  list: () => readonly string[],
): void {
  maker.byType(name, help, "type", function () {
    const counts = new Map<string, number>();
    for (const type of list()) counts.set(type, (counts.get(type) ?? 0) + 1);
    this.reset();
    for (const [type, count] of counts) this.set({ type, ...maker.labels }, count);
  });
  maker.gauge(`${name}_total`, totalHelp, () => list().length);
}
