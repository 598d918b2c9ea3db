// What `@narthex/client/default-metrics` is where there is no Node: nothing is known of the process there, and nothing is made up.
import type { DefaultMetricsOptions, StopDefaultMetrics } from "./node/default-metrics.ts";

/** Registers nothing. Returns a function that does nothing. */
export function collectDefaultMetrics(_options?: DefaultMetricsOptions): StopDefaultMetrics {
  return Object.assign(() => undefined, { start: () => undefined, remove: () => undefined });
}
