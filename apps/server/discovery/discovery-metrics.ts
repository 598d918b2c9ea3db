// What discovery says about itself, under the reference's names.
import { Counter, Gauge, type Registry, Summary } from "@narthex/client";

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

  constructor(registry: Registry) {
    const registers = [registry];
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
  }
}
