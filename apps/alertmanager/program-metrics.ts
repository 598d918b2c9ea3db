// What the program tells about itself and its configuration.
import { createHash } from "node:crypto";
import { Counter, Gauge, type Registry } from "@narthex/client";
import { collectDefaultMetrics } from "@narthex/client/node";
import { type Alert, alertName } from "./alert/alert.ts";
import { VERSION_INFO } from "./build-info.ts";

/** Coarse on purpose: a finer watch of the event loop would be most of what an idle process does. */
const EVENT_LOOP_PRECISION_MS = 100;

export interface AppliedCounts {
  readonly receivers: number;
  readonly integrations: number;
  readonly inhibitRules: number;
}

export class ProgramMetrics {
  readonly #hash: Gauge;
  readonly #isSuccessful: Gauge;
  readonly #loadedAt: Gauge;
  readonly #receivers: Gauge;
  readonly #integrations: Gauge;
  readonly #inhibitRules: Gauge;
  readonly #limited: Counter<readonly string[]>;
  readonly #writes: Counter<readonly ["subscriber"]>;
  readonly #scrapesInFlight: Gauge;
  readonly #scrapes: Counter<readonly ["code"]>;
  readonly #namesAlerts: boolean;
  readonly #endWatching: () => void;

  /** `namesAlerts` adds the alert's name to what the limit kept out. */
  constructor(
    registry: Registry,
    options: { readonly namesAlerts: boolean; readonly perAlertnameLimit: number; readonly isClustered: boolean },
  ) {
    const registers = [registry];
    this.#namesAlerts = options.namesAlerts;
    const gauge = (name: string, help: string): Gauge => new Gauge({ name: `alertmanager_${name}`, help, registers });
    this.#hash = gauge(
      "config_hash",
      "Hash of the currently loaded alertmanager configuration. Note that this is not a cryptographically strong hash.",
    );
    this.#isSuccessful = gauge(
      "config_last_reload_successful",
      "Whether the last configuration reload attempt was successful.",
    );
    this.#loadedAt = gauge(
      "config_last_reload_success_timestamp_seconds",
      "Timestamp of the last successful configuration reload.",
    );
    this.#receivers = gauge("receivers", "Number of configured receivers.");
    this.#integrations = gauge("integrations", "Number of configured integrations.");
    this.#inhibitRules = gauge("inhibition_rules", "Number of configured inhibition rules.");
    gauge("cluster_enabled", "Indicates whether the clustering is enabled or not.").set(options.isClustered ? 1 : 0);
    gauge("alerts_per_alert_limit", "Current limit on number of alerts per alert name").set(
      Math.max(options.perAlertnameLimit, 0),
    );
    this.#limited = new Counter({
      name: "alertmanager_alerts_limited_total",
      help: "Total number of alerts that were dropped due to per alert name limit",
      labelNames: this.#namesAlerts ? ["alertname"] : [],
      registers,
    });
    this.#writes = new Counter({
      name: "alertmanager_alerts_subscriber_channel_writes_total",
      help: "Number of times alerts were written to subscriber channels",
      labelNames: ["subscriber"] as const,
      registers,
    });
    for (const subscriber of ["dispatcher", "inhibitor"]) this.#writes.labels(subscriber);
    this.#scrapesInFlight = new Gauge({
      name: "promhttp_metric_handler_requests_in_flight",
      help: "Current number of scrapes being served.",
      registers,
    });
    this.#scrapes = new Counter({
      name: "promhttp_metric_handler_requests_total",
      help: "Total number of scrapes by HTTP status code.",
      labelNames: ["code"] as const,
      registers,
    });
    for (const code of ["200", "500", "503"]) this.#scrapes.labels(code);
    addBuildInfo(registry);
    this.#endWatching = collectDefaultMetrics({
      register: registry,
      go: true,
      goVersion: VERSION_INFO.goVersion,
      eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS,
    });
  }

  loaded(source: string, nowMs: number, counts: AppliedCounts): void {
    this.#isSuccessful.set(1);
    this.#loadedAt.set(nowMs / 1000);
    this.#hash.set(hashNumber(source));
    this.#receivers.set(counts.receivers);
    this.#integrations.set(counts.integrations);
    this.#inhibitRules.set(counts.inhibitRules);
  }

  loadFailed(): void {
    this.#isSuccessful.set(0);
  }

  limited(alert: Alert): void {
    if (this.#namesAlerts) this.#limited.labels(alertName(alert)).inc();
    else this.#limited.labels().inc();
  }

  handedOver(subscriber: string): void {
    this.#writes.labels(subscriber).inc();
  }

  /** Counts a scrape around its making. */
  async scraped<T>(make: () => Promise<T>): Promise<T> {
    this.#scrapesInFlight.inc();
    try {
      const made = await make();
      this.#scrapes.labels("200").inc();
      return made;
    } catch (error) {
      this.#scrapes.labels("500").inc();
      throw error;
    } finally {
      this.#scrapesInFlight.dec();
    }
  }

  close(): void {
    this.#endWatching();
  }
}

function addBuildInfo(registry: Registry): void {
  const { branch, goVersion, revision, version } = VERSION_INFO;
  new Gauge({
    name: "alertmanager_build_info",
    help: "A metric with a constant '1' value labeled by version, revision, branch, goversion from which alertmanager was built, and the goos and goarch for the build.",
    labelNames: ["branch", "goarch", "goos", "goversion", "revision", "tags", "version"],
    registers: [registry],
  }).set(
    {
      branch,
      goarch: process.arch === "x64" ? "amd64" : process.arch,
      goos: process.platform,
      goversion: goVersion,
      revision,
      tags: "typescript",
      version,
    },
    1,
  );
}

/** The first six bytes of the text's MD5, little-endian: what fits a sample without loss. */
export function hashNumber(source: string): number {
  return createHash("md5").update(source).digest().readUIntLE(0, 6);
}
