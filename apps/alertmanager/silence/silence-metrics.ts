// What silences count about themselves.
import { Counter, Gauge, Histogram, type Registry, Summary } from "@narthex/client";
import type { SilenceIndex } from "./silence-index.ts";
import type { Silences } from "./silences.ts";

const PREFIX = "alertmanager_silences";

export class SilenceMetrics {
  readonly #queries: Counter;
  readonly #queryDuration: Histogram;
  readonly #scanned: Counter;
  readonly #skipped: Counter;
  readonly #propagated: Counter;
  readonly #maintenance: Counter;
  readonly #maintenanceErrors: Counter;
  readonly #badPatterns: Counter<readonly ["stage"]>;
  readonly #gcDuration: Summary;
  readonly #snapshotDuration: Summary;
  readonly #snapshotSize: Gauge;
  readonly #stateSize: Gauge;
  readonly #matcherIndexSize: Gauge;
  readonly #versionIndexSize: Gauge;

  /** `silences` is asked at each scrape. */
  constructor(registry: Registry, silences: () => Silences | undefined) {
    const registers = [registry];
    const counter = (name: string, help: string): Counter =>
      new Counter({ name: `${PREFIX}_${name}`, help, registers });
    const gauge = (name: string, help: string): Gauge => new Gauge({ name: `${PREFIX}_${name}`, help, registers });
    const summary = (name: string, help: string): Summary =>
      new Summary({ name: `${PREFIX}_${name}`, help, registers });
    const states: Gauge<readonly ["state"]> = new Gauge({
      name: PREFIX,
      help: "How many silences by state.",
      labelNames: ["state"] as const,
      registers,
      collect: () => {
        for (const state of ["active", "expired", "pending"] as const)
          states.set({ state }, silences()?.countState(state) ?? 0);
      },
    });
    counter("gc_errors_total", "How many silence GC errors were encountered.");
    counter("query_errors_total", "How many silence received queries did not succeed.");
    this.#queries = counter("queries_total", "How many silence queries were received.");
    this.#queryDuration = new Histogram({
      name: `${PREFIX}_query_duration_seconds`,
      help: "Duration of silence query evaluation.",
      registers,
    });
    this.#scanned = counter("query_silences_scanned_total", "How many silences were scanned during query evaluation.");
    this.#skipped = counter(
      "query_silences_skipped_total",
      "How many silences were skipped during query evaluation using the version index.",
    );
    this.#propagated = counter(
      "gossip_messages_propagated_total",
      "Number of received gossip messages that have been further gossiped.",
    );
    this.#maintenance = counter("maintenance_total", "How many maintenances were executed for silences.");
    this.#maintenanceErrors = counter(
      "maintenance_errors_total",
      "How many maintenances were executed for silences that failed.",
    );
    this.#badPatterns = new Counter({
      name: `${PREFIX}_matcher_compile_errors_total`,
      help: "How many silence matcher compilations failed.",
      labelNames: ["stage"] as const,
      registers,
    });
    for (const stage of ["index", "load_snapshot"]) this.#badPatterns.labels(stage);
    this.#gcDuration = summary("gc_duration_seconds", "Duration of the last silence garbage collection cycle.");
    this.#snapshotDuration = summary("snapshot_duration_seconds", "Duration of the last silence snapshot.");
    this.#snapshotSize = gauge("snapshot_size_bytes", "Size of the last silence snapshot in bytes.");
    this.#stateSize = gauge("state_size", "The number of silences in the state map.");
    this.#matcherIndexSize = gauge("matcher_index_size", "The number of entries in the matcher cache index.");
    this.#versionIndexSize = gauge("version_index_size", "The number of entries in the version index.");
  }

  /** Times a search and counts what it tried. */
  query<T>(size: number, index: SilenceIndex, run: () => T): T {
    const end = this.#queryDuration.startTimer();
    const before = index.tried;
    const result = run();
    end();
    this.#queries.inc();
    const tried = index.tried - before;
    this.#scanned.inc(tried);
    this.#skipped.inc(Math.max(0, size - tried));
    return result;
  }

  badPattern(stage: "index" | "load_snapshot"): void {
    this.#badPatterns.labels(stage).inc();
  }

  propagated(): void {
    this.#propagated.inc();
  }

  count({ size }: Silences): void {
    for (const gauge of [this.#stateSize, this.#matcherIndexSize, this.#versionIndexSize]) gauge.set(size);
  }

  async maintain(collect: () => void, snapshot: () => Promise<number>): Promise<void> {
    this.#maintenance.inc();
    try {
      const collected = this.#gcDuration.startTimer();
      collect();
      collected();
      const written = this.#snapshotDuration.startTimer();
      this.#snapshotSize.set(await snapshot());
      written();
    } catch (error) {
      this.#maintenanceErrors.inc();
      throw error;
    }
  }
}
