// Stand-ins for the `go_*` metrics of the reference, so that dashboards made for it show something true: each is the
// nearest thing that Node has. The exact numbers of this runtime are in `nodejs_*`.
import { getHeapStatistics } from "node:v8";
import type { Collector, FamilyHeader, FamilyWriter } from "../format/family-writer.ts";
import { threadCount } from "./process-metrics.ts";
import type { RuntimeMetrics } from "./runtime-metrics.ts";

const QUANTILES: readonly number[] = [0, 0.25, 0.5, 0.75, 1];

/** Goroutines are what keeps the event loop alive, threads are threads, memory and pauses those of V8. */
export class GoMetrics implements Collector {
  readonly #runtime: RuntimeMetrics;
  readonly #labels: string;
  readonly #families: readonly Family[];

  /** `version` stands for Go's in `go_info`, e.g. `node v24.1.0`. `labels` come rendered. */
  constructor(runtime: RuntimeMetrics, version: string = `node ${process.version}`, labels: string = "") {
    this.#runtime = runtime;
    this.#labels = labels;
    this.#families = families(version, labels);
  }

  describe(): readonly FamilyHeader[] {
    return [PAUSES, ...this.#families.map(({ header }) => header)];
  }

  collect(writer: FamilyWriter): void {
    const { recentPauses, pauseCount, pauseSeconds, lastPauseAt } = this.#runtime;
    const sorted = recentPauses.toSorted((a, b) => a - b);
    // An empty list of pauses has zeros in the reference, too.
    const values = QUANTILES.map((q) => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? 0);
    writer.family(PAUSES);
    writer.summary(this.#labels, QUANTILES, values, pauseSeconds, pauseCount, 0);
    const state: State = { memory: process.memoryUsage(), heap: getHeapStatistics(), lastPauseAt };
    for (const { header, labels, read } of this.#families) {
      const value = read(state);
      if (value === undefined) continue;
      writer.family(header);
      writer.value(labels, value, 0);
    }
  }
}

interface State {
  readonly memory: NodeJS.MemoryUsage;
  readonly heap: ReturnType<typeof getHeapStatistics>;
  readonly lastPauseAt: number;
}

interface Family {
  readonly header: FamilyHeader;
  readonly labels: string;
  readonly read: (state: State) => number | undefined;
}

const PAUSES: FamilyHeader = {
  name: "go_gc_duration_seconds",
  help: "A summary of the wall-time pause duration in garbage collection cycles.",
  type: "summary",
  unit: "",
};

function families(version: string, labels: string): readonly Family[] {
  const gauge = (name: string, help: string, read: Family["read"], ownLabels = ""): Family => ({
    header: { name, help, type: "gauge", unit: "" },
    labels: [labels, ownLabels].filter((text) => text !== "").join(","),
    read,
  });
  return [
    gauge(
      "go_goroutines",
      "Number of active resources of the event loop, this runtime's nearest thing to goroutines.",
      () => process.getActiveResourcesInfo().length,
    ),
    gauge("go_threads", "Number of OS threads of the process.", () => threadCount()),
    gauge("go_info", "Information about the runtime environment.", () => 1, `version="${version}"`),
    gauge("go_memstats_alloc_bytes", "Number of bytes of the heap in use.", ({ memory }) => memory.heapUsed),
    gauge("go_memstats_heap_alloc_bytes", "Number of bytes of the heap in use.", ({ memory }) => memory.heapUsed),
    gauge(
      "go_memstats_heap_inuse_bytes",
      "Number of bytes of heap pages that are backed by memory.",
      ({ heap }) => heap.total_physical_size,
    ),
    gauge("go_memstats_heap_idle_bytes", "Number of bytes of the heap that are waiting to be used.", ({ heap }) =>
      Math.max(0, heap.total_heap_size - heap.used_heap_size),
    ),
    gauge(
      "go_memstats_heap_sys_bytes",
      "Number of bytes of the heap obtained from the system.",
      ({ heap }) => heap.total_heap_size,
    ),
    gauge(
      "go_memstats_sys_bytes",
      "Number of bytes obtained from the system: heap, array buffers and memory allocated outside the heap.",
      ({ heap, memory }) => heap.total_heap_size + heap.malloced_memory + memory.external,
    ),
    gauge(
      "go_memstats_next_gc_bytes",
      "Number of bytes that the heap may grow to at most.",
      ({ heap }) => heap.heap_size_limit,
    ),
    gauge(
      "go_memstats_last_gc_time_seconds",
      "Number of seconds since 1970 of the last garbage collection.",
      ({ lastPauseAt }) => lastPauseAt,
    ),
  ];
}
