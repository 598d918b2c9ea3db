// What every mode has: scraping, discovery of what is scraped and of Alertmanagers, and sending on of what came.
import type { Registry } from "@narthex/client";
import type { Appendable } from "@narthex/storage";
import type { Logger } from "@narthex/toolkit";
import type { Tracer } from "@narthex/tracing";
import type { LogFeed } from "@narthex/tsdb";
import { COMPATIBLE_VERSION } from "./build-info.ts";
import { DiscoveryManager, DiscoveryMetrics } from "./discovery/index.ts";
import { Notifier } from "./notifier/notifier.ts";
import { awsSigner } from "./remote/cloud-signers.ts";
import { RemoteWriter } from "./remote/write/remote-writer.ts";
import type { AppendedCounts } from "./remote/write/write-queue.ts";
import { ScrapeManager, systemClock } from "./scrape/index.ts";
import type { ServerSettings } from "./settings.ts";

export interface Sending {
  readonly scrape: ScrapeManager;
  readonly discovery: DiscoveryManager;
  readonly writer: RemoteWriter;
  readonly notifier: Notifier;
  /** Of Alertmanagers. */
  readonly notifierDiscovery: DiscoveryManager;
}

export interface SendingOptions {
  readonly settings: ServerSettings;
  /** Where scraped samples go, and the log that has them afterwards. */
  readonly appendable: Appendable;
  readonly feed: LogFeed;
  readonly appended: () => AppendedCounts;
  /** Names of `--enable-feature`. */
  readonly features: ReadonlySet<string>;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly tracer: Tracer;
}

export function makeSending(options: SendingOptions): Sending {
  const { settings, appendable, feed, appended, features, registry, logger, tracer } = options;
  const scrape = new ScrapeManager({
    appendable,
    registry,
    logger: logger.with({ component: "scrape manager" }),
    tracer,
    version: COMPATIBLE_VERSION,
    discoveryReloadIntervalMs: settings.discoveryReloadIntervalMs,
    features,
  });
  const metrics = new DiscoveryMetrics(registry);
  const discovery = new DiscoveryManager({
    name: "scrape",
    metrics,
    logger: logger.with({ component: "discovery manager scrape" }),
    onUpdate: (groups) => scrape.updateTargets(groups),
  });
  const writer = new RemoteWriter({
    feed,
    appended,
    families: function* () {
      for (const target of scrape.activeTargets()) yield* target.metadata();
    },
    registry,
    logger: logger.with({ component: "remote" }),
    tracer,
    clock: systemClock,
    version: COMPATIBLE_VERSION,
    flushDeadlineMs: settings.remoteFlushDeadlineMs,
    typeAndUnitLabels: features.has("type-and-unit-labels"),
    dials: scrape.dials,
  });
  const notifier = new Notifier({
    registry,
    logger: logger.with({ component: "notifier" }),
    tracer,
    version: COMPATIBLE_VERSION,
    queueCapacity: settings.notificationQueueCapacity,
    batchSize: settings.notificationBatchSize,
    drainsOnStop: settings.drainNotificationsOnShutdown,
    signer: ({ sigv4 }) => (sigv4 === undefined ? undefined : awsSigner(sigv4)),
  });
  const notifierDiscovery = new DiscoveryManager({
    name: "notify",
    metrics,
    logger: logger.with({ component: "discovery manager notify" }),
    onUpdate: (groups) => notifier.updateTargets(groups),
  });
  return { scrape, discovery, writer, notifier, notifierDiscovery };
}
