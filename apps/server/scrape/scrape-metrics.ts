// What scraping says about itself, under the reference's names.
import { Counter, Gauge, type Registry, Summary } from "@narthex/client";

const INTERVAL_OBJECTIVES = { 0.01: 0.001, 0.05: 0.005, 0.5: 0.05, 0.9: 0.01, 0.99: 0.001 };

/** The `prometheus_target_*` metrics. One instance per registry. */
export class ScrapeMetrics {
  readonly intervalLength: Summary<readonly ["interval"]>;
  readonly scrapeDuration: Summary;
  readonly reloadLength: Summary<readonly ["interval"]>;
  readonly syncLength: Summary<readonly ["scrape_job"]>;
  readonly pools: Counter;
  readonly poolsFailed: Counter;
  readonly poolReloads: Counter;
  readonly poolReloadsFailed: Counter;
  readonly poolSyncs: Counter<readonly ["scrape_job"]>;
  readonly poolTargets: Gauge<readonly ["scrape_job"]>;
  readonly poolTargetLimit: Gauge<readonly ["scrape_job"]>;
  readonly poolSymbolTableItems: Gauge<readonly ["scrape_job"]>;
  readonly exceededTargetLimit: Counter;
  readonly exceededLabelLimits: Counter;
  readonly syncFailed: Counter<readonly ["scrape_job"]>;
  readonly exceededSampleLimit: Counter;
  readonly exceededBodySizeLimit: Counter;
  readonly exceededBucketLimit: Counter;
  readonly duplicateTimestamp: Counter;
  readonly outOfOrder: Counter;
  readonly outOfBounds: Counter;
  readonly exemplarOutOfOrder: Counter;
  readonly cacheFlushForced: Counter;
  readonly metadataCacheEntries: Gauge<readonly ["scrape_job"]>;
  readonly metadataCacheBytes: Gauge<readonly ["scrape_job"]>;

  /** `collectMetadata` is called when the metadata gauges are to be read, and sets them. */
  constructor(registry: Registry, collectMetadata: (metrics: ScrapeMetrics) => void) {
    const registers = [registry];
    const counter = (name: string, help: string) => new Counter({ name: `prometheus_target_${name}`, help, registers });
    const byJob = ["scrape_job"] as const;
    const jobCounter = (name: string, help: string) =>
      new Counter({ name: `prometheus_target_${name}`, help, labelNames: byJob, registers });
    const jobGauge = (name: string, help: string) =>
      new Gauge({ name: `prometheus_target_${name}`, help, labelNames: byJob, registers });
    this.intervalLength = new Summary({
      name: "prometheus_target_interval_length_seconds",
      help: "Actual intervals between scrapes.",
      labelNames: ["interval"] as const,
      objectives: INTERVAL_OBJECTIVES,
      registers,
    });
    this.scrapeDuration = new Summary({
      name: "prometheus_target_scrape_duration_seconds",
      help: "How long scrapes took, failed ones included.",
      objectives: INTERVAL_OBJECTIVES,
      registers,
    });
    this.reloadLength = new Summary({
      name: "prometheus_target_reload_length_seconds",
      help: "Actual interval to reload the scrape pool with a given configuration.",
      labelNames: ["interval"] as const,
      objectives: INTERVAL_OBJECTIVES,
      registers,
    });
    this.syncLength = new Summary({
      name: "prometheus_target_sync_length_seconds",
      help: "Actual interval to sync the scrape pool.",
      labelNames: byJob,
      objectives: INTERVAL_OBJECTIVES,
      registers,
    });
    this.pools = counter("scrape_pools_total", "Total number of scrape pool creation attempts.");
    this.poolsFailed = counter("scrape_pools_failed_total", "Total number of scrape pool creations that failed.");
    this.poolReloads = counter("scrape_pool_reloads_total", "Total number of scrape pool reloads.");
    this.poolReloadsFailed = counter("scrape_pool_reloads_failed_total", "Total number of failed scrape pool reloads.");
    this.poolSyncs = jobCounter("scrape_pool_sync_total", "Total number of syncs that were executed on a scrape pool.");
    this.poolTargets = jobGauge("scrape_pool_targets", "Current number of targets in this scrape pool.");
    this.poolTargetLimit = jobGauge(
      "scrape_pool_target_limit",
      "Maximum number of targets allowed in this scrape pool.",
    );
    this.poolSymbolTableItems = jobGauge(
      "scrape_pool_symboltable_items",
      "Current number of symbols in the symbol table for this scrape pool.",
    );
    this.exceededTargetLimit = counter(
      "scrape_pool_exceeded_target_limit_total",
      "Total number of times scrape pools hit the target limit, during sync or config reload.",
    );
    this.exceededLabelLimits = counter(
      "scrape_pool_exceeded_label_limits_total",
      "Total number of times scrape pools hit the label limits, during sync or config reload.",
    );
    this.syncFailed = jobCounter("sync_failed_total", "Total number of target sync failures.");
    this.exceededSampleLimit = counter(
      "scrapes_exceeded_sample_limit_total",
      "Total number of scrapes that hit the sample limit and were rejected.",
    );
    this.exceededBodySizeLimit = counter(
      "scrapes_exceeded_body_size_limit_total",
      "Total number of scrapes that hit the body size limit",
    );
    this.exceededBucketLimit = counter(
      "scrapes_exceeded_native_histogram_bucket_limit_total",
      "Total number of scrapes that hit the native histogram bucket limit and were rejected.",
    );
    this.duplicateTimestamp = counter(
      "scrapes_sample_duplicate_timestamp_total",
      "Total number of samples rejected due to duplicate timestamps but different values.",
    );
    this.outOfOrder = counter(
      "scrapes_sample_out_of_order_total",
      "Total number of samples rejected due to not being out of the expected order.",
    );
    this.outOfBounds = counter(
      "scrapes_sample_out_of_bounds_total",
      "Total number of samples rejected due to timestamp falling outside of the time bounds.",
    );
    this.exemplarOutOfOrder = counter(
      "scrapes_exemplar_out_of_order_total",
      "Total number of exemplar rejected due to not being out of the expected order.",
    );
    this.cacheFlushForced = counter(
      "scrapes_cache_flush_forced_total",
      "How many times a scrape cache was flushed due to getting big while scrapes are failing.",
    );
    this.metadataCacheEntries = new Gauge({
      name: "prometheus_target_metadata_cache_entries",
      help: "Total number of metric metadata entries in the cache",
      labelNames: byJob,
      registers,
      collect: () => collectMetadata(this),
    });
    this.metadataCacheBytes = jobGauge(
      "metadata_cache_bytes",
      "The number of bytes that are currently used for storing metric metadata in the cache",
    );
  }

  /** Takes out everything about a job that is gone. */
  forgetJob(job: string): void {
    for (const metric of [
      this.poolTargets,
      this.poolTargetLimit,
      this.poolSymbolTableItems,
      this.metadataCacheEntries,
      this.metadataCacheBytes,
    ]) {
      metric.remove(job);
    }
    this.poolSyncs.remove(job);
    this.syncFailed.remove(job);
    this.syncLength.remove(job);
  }
}
