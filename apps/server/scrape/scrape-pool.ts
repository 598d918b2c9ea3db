// All scrape loops of one job.
import type { Labels } from "@narthex/model";
import { goDuration } from "@narthex/toolkit";
import type { ScrapeConfig } from "../config/types.ts";
import type { TargetGroup } from "../discovery/target-group.ts";
import { Relabeler } from "../relabel/index.ts";
import type { BufferPool } from "./buffer-pool.ts";
import type { CacheOptions } from "./cache-options.ts";
import { cacheKey, jobKey } from "./config-key.ts";
import { acceptHeader } from "./content-type.ts";
import type { DialMetrics } from "./dial-metrics.ts";
import { FailureLog } from "./failure-log.ts";
import { schemaForFactor } from "./histogram-limits.ts";
import { HttpClient } from "./http-client.ts";
import type { SampleBatch } from "./sample-batch.ts";
import { type LoopSettings, type ScrapeEnvironment, ScrapeLoop } from "./scrape-loop.ts";
import { populateTargets, type Target, TargetMemo } from "./target.ts";
import { TargetCache } from "./target-cache.ts";
import type { TemplateStore } from "./template.ts";

/** What of scraping can be switched on for the whole process. */
export interface ScrapeFeatures {
  /** Hand exemplars to the storage. */
  readonly exemplars: boolean;
  /** Hand metadata of series to the storage. */
  readonly appendMetadata: boolean;
  /** Give series `__type__` and `__unit__`. */
  readonly typeAndUnitLabels: boolean;
  /** Append a zero at the time a counter says it began at. */
  readonly startTimeZeros: boolean;
  /** Hand the times that counters say they began at to the storage. */
  readonly startTimes: boolean;
  /** Give counters that say none one. */
  readonly synthesizesStarts: boolean;
}

/** What the pools of a process share. */
export interface PoolEnvironment extends ScrapeEnvironment {
  readonly templates: TemplateStore;
  readonly batch: SampleBatch;
  readonly buffers: BufferPool;
  /** Of the User-Agent header. */
  readonly version: string;
  readonly features: ScrapeFeatures;
  readonly dials: DialMetrics;
  /** Series of gone targets that are going to end, by `seriesKey`; each value calls that off. */
  readonly ending: Map<string, () => void>;
}

/** One job's loops, by target. */
export class ScrapePool {
  readonly #environment: PoolEnvironment;
  #config: ScrapeConfig;
  #relabeler: Relabeler;
  #cacheOptions: CacheOptions;
  #settings: LoopSettings;
  #client: HttpClient;
  #failureLog: FailureLog | undefined;
  #groups: readonly TargetGroup[] = [];
  /** Of the present configuration. */
  #memo = new TargetMemo();
  #loops = new Map<string, ScrapeLoop>();
  #dropped: readonly Labels[] = [];
  #droppedCount = 0;

  constructor(config: ScrapeConfig, environment: PoolEnvironment) {
    this.#environment = environment;
    this.#config = config;
    this.#client = new HttpClient(config.http, environment.buffers, environment.dials.observer(config.jobName));
    this.#relabeler = new Relabeler(config.relabelConfigs);
    this.#failureLog = this.#openFailureLog(config);
    this.#settings = this.#makeSettings(config);
    this.#cacheOptions = this.#makeCacheOptions(config);
    environment.metrics.poolTargetLimit.labels(config.jobName).set(config.targetLimit);
    environment.metrics.poolSymbolTableItems.labels(config.jobName).set(0);
  }

  get config(): ScrapeConfig {
    return this.#config;
  }

  /** Loops of all active targets, in the order in which discovery named them. */
  get loops(): Iterable<ScrapeLoop> {
    return this.#loops.values();
  }

  /** Labels of targets that relabeling dropped, as many as the job keeps. */
  get dropped(): readonly Labels[] {
    return this.#dropped;
  }

  /** How many targets relabeling dropped. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Makes the targets of these groups the ones that are scraped. Loops of targets that stay are untouched. */
  sync(groups: readonly TargetGroup[]): void {
    this.#groups = groups;
    const targets = this.#populate();
    const next = new Map<string, ScrapeLoop>();
    const started: ScrapeLoop[] = [];
    for (const [key, target] of targets) {
      let loop = this.#loops.get(key);
      if (loop === undefined) {
        loop = this.#makeLoop(target, this.#makeCache(target));
        started.push(loop);
      } else {
        loop.target = target;
      }
      next.set(key, loop);
    }
    for (const [key, loop] of this.#loops) if (!next.has(key)) this.#retire(loop);
    this.#loops = next;
    this.#enforceTargetLimit();
    for (const loop of started) this.#start(loop);
  }

  /** Takes over a changed configuration: all loops begin anew, with the caches they had if these still hold. */
  reload(config: ScrapeConfig): void {
    if (jobKey(config) === jobKey(this.#config)) {
      this.#config = config;
      this.#renewFailureLog(config);
      return;
    }
    const { metrics } = this.#environment;
    const begun = performance.now();
    metrics.poolReloads.inc();
    const keepsCaches = cacheKey(config) === cacheKey(this.#config);
    const oldClient = this.#client;
    this.#config = config;
    this.#memo = new TargetMemo();
    this.#client = new HttpClient(
      config.http,
      this.#environment.buffers,
      this.#environment.dials.observer(config.jobName),
    );
    this.#relabeler = new Relabeler(config.relabelConfigs);
    this.#renewFailureLog(config);
    this.#settings = this.#makeSettings(config);
    this.#cacheOptions = this.#makeCacheOptions(config);
    metrics.poolTargetLimit.labels(config.jobName).set(config.targetLimit);
    const old = new Map<string, ScrapeLoop>();
    for (const loop of this.#loops.values()) {
      loop.stop();
      old.set(seriesKey(loop.target), loop);
    }
    this.#loops = new Map();
    for (const [key, target] of this.#populate()) {
      const before = old.get(seriesKey(target));
      old.delete(seriesKey(target));
      if (before !== undefined && !keepsCaches) before.cache.release();
      const cache = before !== undefined && keepsCaches ? before.cache : this.#makeCache(target);
      cache.options = this.#optionsFor(target);
      const loop = this.#makeLoop(target, cache);
      if (before !== undefined) Object.assign(loop.state, before.state);
      this.#loops.set(key, loop);
    }
    for (const loop of old.values()) this.#retire(loop);
    this.#enforceTargetLimit();
    for (const loop of this.#loops.values()) this.#start(loop);
    oldClient.close();
    const interval = goDuration(config.scrapeIntervalMs);
    metrics.reloadLength.labels(interval).observe((performance.now() - begun) / 1000);
  }

  /** Ends all loops. Their series end later if the job is gone, and not at all when the server stops. */
  stop(jobIsGone: boolean): void {
    for (const loop of this.#loops.values()) {
      if (jobIsGone) this.#retire(loop);
      else loop.stop();
    }
    this.#loops.clear();
    this.#client.close();
    this.#failureLog?.close();
    if (jobIsGone) this.#environment.metrics.forgetJob(this.#config.jobName);
  }

  #populate(): ReadonlyMap<string, Target> {
    const { metrics, logger } = this.#environment;
    const { jobName } = this.#config;
    const begun = performance.now();
    const made = populateTargets(this.#groups, this.#config, this.#relabeler, this.#memo);
    const { targets, dropped, droppedCount, errors } = made;
    for (const err of errors) logger.error("Creating target failed", { scrape_pool: jobName, err });
    const failed = metrics.syncFailed.labels(jobName);
    if (errors.length > 0) failed.inc(errors.length);
    this.#droppedCount = droppedCount;
    this.#dropped = dropped;
    metrics.poolSyncs.labels(jobName).inc();
    metrics.poolTargets.labels(jobName).set(targets.size);
    metrics.syncLength.labels(jobName).observe((performance.now() - begun) / 1000);
    return targets;
  }

  #enforceTargetLimit(): void {
    const { targetLimit } = this.#config;
    const count = this.#loops.size;
    const exceeded = targetLimit > 0 && count > targetLimit;
    if (exceeded) this.#environment.metrics.exceededTargetLimit.inc();
    const error = exceeded ? `target_limit exceeded (number of targets: ${count}, limit: ${targetLimit})` : "";
    for (const loop of this.#loops.values()) loop.forcedError = error;
  }

  #makeLoop(target: Target, cache: TargetCache): ScrapeLoop {
    return new ScrapeLoop(target, cache, this.#settings, this.#environment);
  }

  #start(loop: ScrapeLoop): void {
    const { ending } = this.#environment;
    const key = seriesKey(loop.target);
    // The target is back before its series were ended: they go on.
    ending.get(key)?.();
    ending.delete(key);
    loop.start();
  }

  #retire(loop: ScrapeLoop): void {
    const { ending } = this.#environment;
    const key = seriesKey(loop.target);
    loop.stop();
    let done = false;
    const callOff = loop.endSeriesLater(() => {
      done = true;
      ending.delete(key);
    });
    if (!done) ending.set(key, callOff);
  }

  #makeCache(target: Target): TargetCache {
    const { templates, batch } = this.#environment;
    return new TargetCache(target.labels, this.#optionsFor(target), templates, batch);
  }

  /** The job's options, with what the target's own labels say about histograms. */
  #optionsFor(target: Target): CacheOptions {
    const options = this.#cacheOptions;
    return { ...options, histograms: { ...options.histograms, ...target.histograms } };
  }

  #makeCacheOptions(config: ScrapeConfig): CacheOptions {
    const { features } = this.#environment;
    return {
      honorLabels: config.honorLabels,
      honorTimestamps: config.honorTimestamps,
      trackTimestampsStaleness: config.trackTimestampsStaleness,
      sampleLimit: config.sampleLimit,
      labelLimit: config.labelLimit,
      labelNameLengthLimit: config.labelNameLengthLimit,
      labelValueLengthLimit: config.labelValueLengthLimit,
      nameValidationScheme: config.metricNameValidationScheme,
      metricRelabeler: new Relabeler(config.metricRelabelConfigs),
      histograms: {
        scrapeNative: config.scrapeNativeHistograms,
        alwaysScrapeClassic: config.alwaysScrapeClassicHistograms,
        convertClassic: config.convertClassicHistogramsToNhcb,
        bucketLimit: config.nativeHistogramBucketLimit,
        maxSchema: schemaForFactor(config.nativeHistogramMinBucketFactor),
      },
      exemplars: features.exemplars,
      appendMetadata: features.appendMetadata,
      typeAndUnitLabels: features.typeAndUnitLabels,
      startTimeZeros: features.startTimeZeros,
      startTimes: features.startTimes,
      synthesizesStarts: features.synthesizesStarts,
    };
  }

  #makeSettings(config: ScrapeConfig): LoopSettings {
    const client = this.#client;
    return {
      config,
      headers: {
        Accept: acceptHeader(config.scrapeProtocols, config.metricNameEscapingScheme),
        "Accept-Encoding": config.enableCompression ? "gzip" : "identity",
        "User-Agent": `Prometheus/${this.#environment.version}`,
      },
      logFailure: (target, message) => this.#failureLog?.write(target, message),
      fetch: (request) => client.fetch(request),
    };
  }

  /** Opens the file anew, as each reload does: it may have been rotated away. */
  #renewFailureLog(config: ScrapeConfig): void {
    this.#failureLog?.close();
    this.#failureLog = this.#openFailureLog(config);
  }

  #openFailureLog(config: ScrapeConfig): FailureLog | undefined {
    if (config.scrapeFailureLogFile === "") return undefined;
    try {
      return new FailureLog(config.scrapeFailureLogFile, config.jobName);
    } catch (error) {
      const err = (error as Error).message;
      this.#environment.logger.error("Error opening scrape failure log file", { scrape_pool: config.jobName, err });
      return undefined;
    }
  }
}

/** Equal for targets whose series are the same. */
function seriesKey(target: Target): string {
  return `${target.labels.key}\xff\xff${target.url.href}`;
}
