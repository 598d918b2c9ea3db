// The door of scraping: takes configurations and discovered targets, keeps the loops running, shows how they fare.
import { hostname } from "node:os";
import type { Registry } from "@narthex/client";
import type { Labels, Metadata } from "@narthex/model";
import type { Appendable } from "@narthex/storage";
import { formatDuration, type Logger } from "@narthex/toolkit";
import type { Tracer } from "@narthex/tracing";
import type { ScrapeConfig } from "../config/types.ts";
import type { TargetGroup } from "../discovery/target-group.ts";
import { BufferPool } from "./buffer-pool.ts";
import { type Clock, systemClock, type Timer } from "./clock.ts";
import { DialMetrics } from "./dial-metrics.ts";
import { offsetSeed } from "./fnv64.ts";
import { SampleBatch } from "./sample-batch.ts";
import { labelsText } from "./sample-labels.ts";
import type { ScrapeLoop } from "./scrape-loop.ts";
import { ScrapeMetrics } from "./scrape-metrics.ts";
import { type PoolEnvironment, ScrapePool } from "./scrape-pool.ts";
import { TemplateStore } from "./template.ts";

/** What scraping needs from the rest of the server. */
export interface ScrapeManagerOptions {
  readonly appendable: Appendable;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Traces scrapes; nothing is traced unless given. */
  readonly tracer?: Tracer;
  /** Standard: the system's. */
  readonly clock?: Clock;
  /** For the User-Agent header. */
  readonly version: string;
  /** Target sets are applied at most this often; 5000 unless given. */
  readonly discoveryReloadIntervalMs?: number;
  /** Names of `--enable-feature`: those that concern scraping are heeded. None unless given. */
  readonly features?: ReadonlySet<string>;
  /** Part of the seed for the targets' phases; the machine's name unless given. */
  readonly hostName?: string;
}

/** What of the configuration concerns scraping. */
export interface ScrapeManagerConfig {
  readonly allScrapeConfigs: readonly ScrapeConfig[];
  readonly global: { readonly externalLabels: Labels };
}

/** A target as the API shows it; live, not a copy. */
export interface ActiveTarget {
  readonly discoveredLabels: Labels;
  readonly labels: Labels;
  readonly scrapePool: string;
  readonly scrapeUrl: string;
  readonly lastError: string;
  /** Milliseconds since the epoch; undefined before the first scrape. */
  readonly lastScrape: number | undefined;
  readonly lastScrapeDurationSeconds: number;
  readonly health: "up" | "down" | "unknown";
  readonly scrapeInterval: string;
  readonly scrapeTimeout: string;
  /** Series of the last scrape that the storage would not make: a budget is used up. */
  readonly refusedSeries: number;
  metadata(): Iterable<readonly [family: string, metadata: Metadata]>;
}

/** A target that relabeling dropped. */
export interface DroppedTarget {
  readonly discoveredLabels: Labels;
  readonly scrapePool: string;
}

/** Runs all scrape pools of a server. */
export class ScrapeManager {
  readonly #options: ScrapeManagerOptions;
  readonly #clock: Clock;
  readonly #reloadIntervalMs: number;
  readonly #metrics: ScrapeMetrics;
  readonly #dials: DialMetrics;
  readonly #pools = new Map<string, ScrapePool>();
  readonly #ending = new Map<string, () => void>();
  readonly #templates = new TemplateStore();
  readonly #batch = new SampleBatch();
  readonly #buffers = new BufferPool();
  #seed = 0n;
  #groups: ReadonlyMap<string, readonly TargetGroup[]> = new Map();
  #lastSync: number | undefined;
  #syncTimer: Timer | undefined;
  #stopped = false;

  constructor(options: ScrapeManagerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#reloadIntervalMs = options.discoveryReloadIntervalMs ?? 5000;
    this.#dials = new DialMetrics(options.registry);
    this.#metrics = new ScrapeMetrics(options.registry, () => this.#collectMetadata());
  }

  /** Takes over a configuration: jobs that are gone end, changed ones begin anew, the others go on undisturbed. */
  applyConfig(config: ScrapeManagerConfig): void {
    if (this.#stopped) return;
    this.#seed = offsetSeed(this.#options.hostName ?? hostname(), labelsText(config.global.externalLabels));
    const jobs = new Map(config.allScrapeConfigs.map((job) => [job.jobName, job]));
    for (const [name, pool] of this.#pools) {
      if (jobs.has(name)) continue;
      pool.stop(true);
      this.#pools.delete(name);
    }
    for (const [name, job] of jobs) {
      const pool = this.#pools.get(name);
      if (pool !== undefined) {
        pool.reload(job);
        continue;
      }
      this.#metrics.pools.inc();
      const created = new ScrapePool(job, this.#environment());
      this.#pools.set(name, created);
      created.sync(this.#groups.get(name) ?? []);
    }
  }

  /** Takes what discovery knows, by job. Applied at once the first time, later at most every five seconds. */
  updateTargets(groups: ReadonlyMap<string, readonly TargetGroup[]>): void {
    if (this.#stopped) return;
    this.#groups = groups;
    if (this.#syncTimer !== undefined) return;
    const wait = this.#lastSync === undefined ? 0 : this.#lastSync + this.#reloadIntervalMs - this.#clock.monotonic();
    if (wait <= 0) {
      this.#sync();
      return;
    }
    this.#syncTimer = this.#clock.after(wait, () => {
      this.#syncTimer = undefined;
      this.#sync();
    });
  }

  /** Counts connections, those of other parts of the server too: there is one such count per registry. */
  get dials(): DialMetrics {
    return this.#dials;
  }

  /** Names of all pools, sorted. */
  pools(): readonly string[] {
    return [...this.#pools.keys()].sort();
  }

  /** The configuration a pool runs with. */
  poolConfig(name: string): ScrapeConfig | undefined {
    return this.#pools.get(name)?.config;
  }

  /** All targets that are scraped, pool by pool in the order of names. */
  activeTargets(): readonly ActiveTarget[] {
    return this.pools().flatMap((name) =>
      [...(this.#pools.get(name) as ScrapePool).loops].map((loop) => new LiveTarget(name, loop)),
    );
  }

  /** Targets that relabeling dropped, as many as each job keeps. */
  droppedTargets(): readonly DroppedTarget[] {
    return this.pools().flatMap((name) =>
      (this.#pools.get(name) as ScrapePool).dropped.map((discoveredLabels) => ({ discoveredLabels, scrapePool: name })),
    );
  }

  /** How many targets relabeling dropped, by pool. */
  droppedTargetCounts(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      this.pools().map((name) => [name, (this.#pools.get(name) as ScrapePool).droppedCount] as const),
    );
  }

  /** Ends everything at once. Series are not ended: after a restart they go on. */
  stop(): void {
    this.#stopped = true;
    this.#syncTimer?.cancel();
    for (const callOff of this.#ending.values()) callOff();
    this.#ending.clear();
    for (const pool of this.#pools.values()) pool.stop(false);
  }

  #sync(): void {
    // Discovery says at the start that it knows nothing yet: what it finds a moment later need not wait for that.
    const isEmpty = [...this.#groups.values()].every((groups) => groups.every(({ targets }) => targets.length === 0));
    if (!isEmpty || this.#lastSync !== undefined) this.#lastSync = this.#clock.monotonic();
    for (const [name, pool] of this.#pools) pool.sync(this.#groups.get(name) ?? []);
  }

  #environment(): PoolEnvironment {
    const { appendable, logger, version, tracer, features = new Set<string>() } = this.#options;
    const seed = () => this.#seed;
    return {
      appendable,
      clock: this.#clock,
      logger,
      tracer,
      metrics: this.#metrics,
      get offsetSeed() {
        return seed();
      },
      templates: this.#templates,
      batch: this.#batch,
      buffers: this.#buffers,
      version,
      features: {
        exemplars: features.has("exemplar-storage"),
        appendMetadata: features.has("metadata-wal-records"),
        typeAndUnitLabels: features.has("type-and-unit-labels"),
        startTimeZeros: features.has("created-timestamp-zero-ingestion"),
        startTimes: features.has("st-storage") || features.has("created-timestamp-zero-ingestion"),
        synthesizesStarts: features.has("st-synthesis"),
      },
      dials: this.#dials,
      ending: this.#ending,
    };
  }

  #collectMetadata(): void {
    for (const [name, pool] of this.#pools) {
      let entries = 0;
      let bytes = 0;
      for (const { cache } of pool.loops) {
        const size = cache.metadataSize;
        entries += size.entries;
        bytes += size.bytes;
      }
      this.#metrics.metadataCacheEntries.labels(name).set(entries);
      this.#metrics.metadataCacheBytes.labels(name).set(bytes);
    }
  }
}

/** A window on a loop. */
class LiveTarget implements ActiveTarget {
  readonly scrapePool: string;
  readonly #loop: ScrapeLoop;

  constructor(scrapePool: string, loop: ScrapeLoop) {
    this.scrapePool = scrapePool;
    this.#loop = loop;
  }

  get discoveredLabels(): Labels {
    return this.#loop.target.discoveredLabels;
  }

  get labels(): Labels {
    return this.#loop.target.labels;
  }

  get scrapeUrl(): string {
    return this.#loop.target.url.href;
  }

  get lastError(): string {
    return this.#loop.state.lastError;
  }

  get lastScrape(): number | undefined {
    return this.#loop.state.lastScrape;
  }

  get lastScrapeDurationSeconds(): number {
    return this.#loop.state.lastScrapeDurationSeconds;
  }

  get health(): "up" | "down" | "unknown" {
    return this.#loop.state.health;
  }

  get scrapeInterval(): string {
    return formatDuration(this.#loop.target.intervalMs);
  }

  get scrapeTimeout(): string {
    return formatDuration(this.#loop.target.timeoutMs);
  }

  get refusedSeries(): number {
    return this.#loop.state.refusedSeries;
  }

  metadata(): Iterable<readonly [family: string, metadata: Metadata]> {
    return this.#loop.cache.metadata();
  }
}
