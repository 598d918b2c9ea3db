// What discovery says about itself, under the reference's names.
import { Counter, Gauge, Histogram, type Registry, Summary } from "@narthex/client";
import { KubernetesMetrics } from "./kubernetes/kubernetes-metrics.ts";

/** The `prometheus_sd_*` metrics that all managers and mechanisms share. One instance per registry. */
export class DiscoveryMetrics {
  readonly discoveredTargets: Gauge<readonly ["name", "config"]>;
  readonly failedConfigs: Gauge<readonly ["name"]>;
  readonly receivedUpdates: Counter<readonly ["name"]>;
  readonly updates: Counter<readonly ["name"]>;
  readonly updatesDelayed: Counter<readonly ["name"]>;
  readonly lastUpdate: Gauge<readonly ["name", "config"]>;
  readonly fileModified: Gauge<readonly ["filename"]>;
  readonly fileScanDuration: Summary;
  readonly fileReadErrors: Counter;
  readonly fileWatcherErrors: Counter;

  readonly refreshFailures: Counter<readonly ["mechanism", "config"]>;
  readonly httpFailures: Counter;
  readonly dnsLookups: Counter;
  readonly dnsFailures: Counter;
  /** Those of Consul and Azure are there from the first such mechanism on, as operators of the reference's packages know it. */
  consulFailures: Counter | undefined;
  consulDuration: Summary<readonly ["endpoint", "call"]> | undefined;
  azureFailures: Counter | undefined;
  azureCacheHits: Counter | undefined;
  readonly kubernetes: KubernetesMetrics;
  readonly #registry: Registry;
  readonly #refreshDuration: Summary<readonly ["mechanism", "config"]>;
  readonly #refreshDurationHistogram: Histogram<readonly ["mechanism"]>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#registry = registry;
    this.kubernetes = new KubernetesMetrics(registry);
    const byName = ["name"] as const;
    this.discoveredTargets = new Gauge({
      name: "prometheus_sd_discovered_targets",
      help: "Current number of discovered targets.",
      labelNames: ["name", "config"] as const,
      registers,
    });
    this.failedConfigs = new Gauge({
      name: "prometheus_sd_failed_configs",
      help: "Current number of service discovery configurations that failed to load.",
      labelNames: byName,
      registers,
    });
    const counter = (name: string, help: string) => new Counter({ name, help, labelNames: byName, registers });
    this.receivedUpdates = counter(
      "prometheus_sd_received_updates_total",
      "Total number of update events received from the SD providers.",
    );
    this.updates = counter("prometheus_sd_updates_total", "Total number of update events sent to the SD consumers.");
    this.updatesDelayed = counter(
      "prometheus_sd_updates_delayed_total",
      "Total number of update events that couldn't be sent immediately.",
    );
    this.lastUpdate = new Gauge({
      name: "prometheus_sd_last_update_timestamp_seconds",
      help: "Timestamp of the last update sent to the SD consumers.",
      labelNames: ["name", "config"] as const,
      registers,
    });
    this.fileModified = new Gauge({
      name: "prometheus_sd_file_mtime_seconds",
      help: "Timestamp (mtime) of files read by FileSD. Timestamp is set at read time.",
      labelNames: ["filename"] as const,
      registers,
    });
    this.fileScanDuration = new Summary({
      name: "prometheus_sd_file_scan_duration_seconds",
      help: "The duration of the File-SD scan in seconds.",
      objectives: { 0.5: 0.05, 0.9: 0.01, 0.99: 0.001 },
      registers,
    });
    this.fileReadErrors = new Counter({
      name: "prometheus_sd_file_read_errors_total",
      help: "The number of File-SD read errors.",
      registers,
    });
    this.fileWatcherErrors = new Counter({
      name: "prometheus_sd_file_watcher_errors_total",
      help: "The number of File-SD errors caused by filesystem watch failures.",
      registers,
    });
    this.refreshFailures = new Counter({
      name: "prometheus_sd_refresh_failures_total",
      help: "Number of refresh failures for the given SD mechanism.",
      labelNames: ["mechanism", "config"] as const,
      registers,
    });
    this.#refreshDuration = new Summary({
      name: "prometheus_sd_refresh_duration_seconds",
      help: "The duration of a refresh in seconds for the given SD mechanism.",
      labelNames: ["mechanism", "config"] as const,
      objectives: { 0.5: 0.05, 0.9: 0.01, 0.99: 0.001 },
      registers,
    });
    this.#refreshDurationHistogram = new Histogram({
      name: "prometheus_sd_refresh_duration_histogram_seconds",
      help: "The duration of a refresh for the given SD mechanism.",
      labelNames: ["mechanism"] as const,
      buckets: [0.01, 0.1, 1, 10],
      registers,
    });
    const plain = (name: string, help: string) => new Counter({ name: `prometheus_sd_${name}`, help, registers });
    this.httpFailures = plain("http_failures_total", "Number of HTTP service discovery refresh failures.");
    this.dnsLookups = plain("dns_lookups_total", "The number of DNS-SD lookups.");
    this.dnsFailures = plain("dns_lookup_failures_total", "The number of DNS-SD lookup failures.");
  }

  /** A mechanism is going to refresh for a set: its failures are counted from zero. */
  expectRefreshes(mechanism: string, set: string): void {
    this.refreshFailures.labels(mechanism, set).inc(0);
  }

  /** There is discovery by Consul from now on. */
  expectConsul(): void {
    if (this.consulFailures !== undefined) return;
    const registers = [this.#registry];
    this.consulFailures = new Counter({
      name: "prometheus_sd_consul_rpc_failures_total",
      help: "The number of Consul RPC call failures.",
      registers,
    });
    this.consulDuration = new Summary({
      name: "prometheus_sd_consul_rpc_duration_seconds",
      help: "The duration of a Consul RPC call in seconds.",
      labelNames: ["endpoint", "call"] as const,
      objectives: { 0.5: 0.05, 0.9: 0.01, 0.99: 0.001 },
      registers,
    });
    for (const call of ["services", "service"]) this.consulDuration.labels("catalog", call);
  }

  /** There is discovery by Azure from now on. */
  expectAzure(): void {
    if (this.azureFailures !== undefined) return;
    const registers = [this.#registry];
    this.azureFailures = new Counter({
      name: "prometheus_sd_azure_failures_total",
      help: "Number of Azure service discovery refresh failures.",
      registers,
    });
    this.azureCacheHits = new Counter({
      name: "prometheus_sd_azure_cache_hit_total",
      help: "Number of cache hit during refresh.",
      registers,
    });
  }

  observeRefresh(mechanism: string, set: string, seconds: number): void {
    this.#refreshDuration.labels(mechanism, set).observe(seconds);
    this.#refreshDurationHistogram.labels(mechanism).observe(seconds);
  }
}
