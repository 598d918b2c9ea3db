// What all mechanisms have in common that ask somebody again and again.
import type { Timer } from "../scrape/clock.ts";
import type { Discoverer, DiscovererContext } from "./discoverer.ts";
import type { TargetGroup } from "./target-group.ts";

/** Asks once. `signal` ends it early; a rejection leaves the targets found before as they are. */
export type Refresh = (signal: AbortSignal) => Promise<readonly TargetGroup[]>;

/** Refreshes at once, and then at every interval; groups whose source is gone are taken away. */
export class RefreshDiscoverer implements Discoverer {
  readonly #mechanism: string;
  readonly #intervalMs: number;
  readonly #context: DiscovererContext;
  readonly #refresh: Refresh;
  readonly #release: () => void;
  #sources = new Set<string>();
  #emit: (groups: readonly TargetGroup[]) => void = () => {};
  #timer: Timer | undefined;
  readonly #abort = new AbortController();

  /** `release` is called at the end, once: connections are closed there. */
  constructor(
    mechanism: string,
    intervalMs: number,
    context: DiscovererContext,
    refresh: Refresh,
    release: () => void = () => {},
  ) {
    this.#mechanism = mechanism;
    this.#intervalMs = intervalMs;
    this.#context = context;
    this.#refresh = refresh;
    this.#release = release;
    context.metrics.expectRefreshes(mechanism, context.setName);
  }

  start(emit: (groups: readonly TargetGroup[]) => void): void {
    this.#emit = emit;
    void this.#run();
  }

  stop(): void {
    this.#emit = () => {};
    this.#timer?.cancel();
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#release();
  }

  /** Never rejects; the next run is set when this one has ended. */
  async #run(): Promise<void> {
    const { clock, metrics, logger, setName } = this.#context;
    const { signal } = this.#abort;
    const begun = clock.monotonic();
    try {
      const groups = await this.#refresh(signal);
      if (signal.aborted) return;
      const sources = new Set(groups.map(({ source }) => source));
      const gone = [...this.#sources].filter((source) => !sources.has(source));
      this.#sources = sources;
      this.#emit([...groups, ...gone.map((source) => ({ source, labels: new Map(), targets: [] }))]);
    } catch (error) {
      if (signal.aborted) return;
      metrics.refreshFailures.labels(this.#mechanism, setName).inc();
      const err = (error as Error).message;
      logger.error("Unable to refresh target groups", { discovery: this.#mechanism, config: setName, err });
    }
    const spent = clock.monotonic() - begun;
    metrics.observeRefresh(this.#mechanism, setName, spent / 1000);
    this.#timer = clock.after(this.#intervalMs - (spent % this.#intervalMs), () => void this.#run());
  }
}
