// The metrics that every Node program should have, with one call.
import type { Collector } from "../format/family-writer.ts";
import { renderLabels } from "../format/names.ts";
import { type Registry, register } from "../registry.ts";
import { GoMetrics } from "./go-metrics.ts";
import { ProcessMetrics } from "./process-metrics.ts";
import { RuntimeMetrics } from "./runtime-metrics.ts";

/** What `collectDefaultMetrics` takes. */
export interface DefaultMetricsOptions {
  /** Where to register; the process-wide `register` unless said otherwise. */
  readonly register?: Registry;
  /** Put before every name (not before `go_*`). */
  readonly prefix?: string;
  /** Borne by every series. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly gcDurationBuckets?: readonly number[];
  /** In milliseconds. */
  readonly eventLoopMonitoringPrecision?: number;
  /** Adds the nearest things that Node has to Go's runtime metrics; not unless asked. */
  readonly go?: boolean;
  /** What `go_info` shows as version. */
  readonly goVersion?: string;
  /** Whether watching begins with the call of `start` only; at once unless given. */
  readonly paused?: boolean;
}

/** Ends the watching behind default metrics. */
export interface StopDefaultMetrics {
  (): void;
  /** Begins it, or begins it again; a second call does nothing. */
  start(): void;
  /** Ends it, and takes the metrics out of their registry. */
  remove(): void;
}

/**
 * Registers `process_*` and `nodejs_*` metrics (and `go_*` if asked). All are read when an exposition is made; only
 * garbage collection and the event loop's delay are watched all the time. Returns a function that ends the watching.
 */
export function collectDefaultMetrics(options: DefaultMetricsOptions = {}): StopDefaultMetrics {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("config must be null, undefined, or an object");
  }
  const registry = options.register ?? register;
  const labels = options.labels ?? {};
  const labelsText = renderLabels(Object.keys(labels), Object.values(labels));
  const prefix = options.prefix ?? "";
  const before = new Set(registry.collectors);
  const takeOut = (made: readonly Collector[]): void => {
    for (const each of made) registry.unregister(each);
  };
  const added = (): Collector[] => registry.collectors.filter((each) => !before.has(each));
  try {
    registry.registerMetric(new ProcessMetrics(prefix, labelsText));
    const runtime = new RuntimeMetrics({
      registers: [registry],
      prefix,
      constLabels: labels,
      gcDurationBuckets: options.gcDurationBuckets ?? [0.001, 0.01, 0.1, 1, 2, 5],
      eventLoopPrecisionMs: options.eventLoopMonitoringPrecision ?? 10,
    });
    if (options.go === true) registry.registerMetric(new GoMetrics(runtime, options.goVersion, labelsText));
    if (options.paused !== true) runtime.start();
    const made = added();
    return Object.assign(() => runtime.close(), {
      start: () => runtime.start(),
      remove: () => {
        runtime.close();
        takeOut(made);
      },
    });
  } catch (error) {
    takeOut(added());
    throw error;
  }
}
