// Puts together what works on an open storage.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Registry } from "@narthex/client";
import type { Logger } from "@narthex/toolkit";
import type { Tracer } from "@narthex/tracing";
import type { Db } from "@narthex/tsdb";
import { COMPATIBLE_VERSION } from "./build-info.ts";
import { MemoryWatch } from "./care/memory-watch.ts";
import type { SeriesBudget } from "./care/series-budget.ts";
import { shedSteps } from "./care/shed-steps.ts";
import type { Config } from "./config/index.ts";
import { engineSettings } from "./loaded-config.ts";
import { ActiveQueryLog } from "./query/active-query-log.ts";
import { QueryService } from "./query/query-service.ts";
import type { Receivers } from "./receivers.ts";
import { RemoteReader } from "./remote/fetch/remote-reader.ts";
import type { AppendedCounts } from "./remote/write/write-queue.ts";
import { AlertHistory } from "./rules/history/alert-history.ts";
import { RuleService } from "./rules/rule-service.ts";
import type { Running } from "./running.ts";
import { makeSending } from "./sending.ts";
import type { ServerSettings } from "./settings.ts";

/** Heap of one query worker; rows of typed arrays lie outside of it and have a budget of their own in the engine. */
const WORKER_HEAP_MB = 1024;

/** In the data directory; nothing of the reference's is called so. */
const ALERT_HISTORY_FOLDER = "narthex-alert-history";

/** What the parts are made with. */
export interface AssembleOptions {
  readonly settings: ServerSettings;
  /** What is in force: asked for anew each time. */
  readonly config: () => Config;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly tracer: Tracer;
  readonly budget: SeriesBudget;
  readonly receivers: Receivers;
  /** Told whenever load begins or ceases to be shed. */
  readonly onShed: (isShedding: boolean) => void;
}

/** Nothing of it works before a configuration is applied. */
export async function assemble(db: Db, options: AssembleOptions): Promise<Running> {
  const { settings, config, registry, logger, tracer, budget, receivers } = options;
  const history = await openAlertHistory(settings, logger);
  const sending = makeSending({
    settings,
    appendable: db,
    feed: db.log,
    appended: appendedSince(db),
    features: settings.features,
    registry,
    logger,
    tracer,
  });
  const reader = new RemoteReader({
    registry,
    version: COMPATIBLE_VERSION,
    // As in the reference, with a margin in which everything comes up.
    localStart: () => (db.blocks[0]?.minTime ?? Date.now()) + 2 * settings.minBlockDurationMs,
    dials: sending.scrape.dials,
  });
  const queries = new QueryService({
    db,
    remote: reader,
    settings: engineSettings(settings, config()),
    maxConcurrency: settings.queryMaxConcurrency,
    workers: Math.max(2, availableParallelism() - 1),
    workerHeapMb: WORKER_HEAP_MB,
    registry,
    active: new ActiveQueryLog(
      settings.storagePath,
      settings.queryMaxConcurrency,
      logger.with({ component: "query engine" }),
    ),
  });
  const rules = new RuleService({
    db,
    queries,
    registry,
    logger: logger.with({ component: "rule manager" }),
    tracer,
    settings,
    history,
    send: (alerts) => sending.notifier.send(alerts),
  });
  budget.guard(db.head);
  const memory = new MemoryWatch({
    limitBytes: settings.memoryLimitBytes,
    steps: shedSteps({
      db,
      queries,
      budget,
      forgetReceived() {
        receivers.write.forget();
        receivers.otlp.forget();
      },
      outOfOrderWindowMs: () => config().storage.tsdb.outOfOrderTimeWindowMs,
    }),
    logger,
    registry,
    onChange: options.onShed,
  });
  return { ...sending, db, queries, rules, reader, memory };
}

/** Undefined without one: alerts go on all the same. */
async function openAlertHistory(
  { alertHistoryRetentionMs: retentionMs, storagePath }: ServerSettings,
  parent: Logger,
): Promise<AlertHistory | undefined> {
  if (retentionMs === 0) return undefined;
  const logger = parent.with({ component: "rule manager" });
  try {
    return await AlertHistory.open({
      directory: join(storagePath, ALERT_HISTORY_FOLDER),
      retentionMs,
      now: Date.now,
      logger,
    });
  } catch (error) {
    logger.error("Opening the history of alerts failed: none is kept", { err: error as Error });
    return undefined;
  }
}

/** Counts what is appended from now on, for remote write. */
function appendedSince(db: Db): () => AppendedCounts {
  const { counters, exemplars: kept } = db.head;
  const before = {
    samples: counters.samplesAppended,
    histograms: counters.histogramsAppended,
    exemplars: kept.appended,
  };
  return () => {
    const samples = counters.samplesAppended - before.samples;
    const histograms = counters.histogramsAppended - before.histograms;
    const newest = samples + histograms > 0 ? (db.stats().maxTime ?? 0) : 0;
    return {
      samples,
      histograms,
      exemplars: kept.appended - before.exemplars,
      highestSeconds: Math.floor(newest / 1000),
    };
  };
}
