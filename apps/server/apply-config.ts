// Puts a configuration in force, part by part, in the reference's order.
import type { Tracing } from "@narthex/tracing";
import type { RunningAgent } from "./agent.ts";
import type { ApplySteps } from "./apply-steps.ts";
import { LATE_SAMPLES } from "./care/shed-steps.ts";
import type { Config } from "./config/index.ts";
import { engineSettings, type LoadedConfig, maxExemplars } from "./loaded-config.ts";
import { alertmanagerSets } from "./notifier/notifier.ts";
import type { Running } from "./running.ts";
import type { Sending } from "./sending.ts";
import type { ServerSettings } from "./settings.ts";

/** Never rejects: `steps` tells whether a part has failed. */
export async function applyToServer(
  running: Running,
  { config, ruleGroups }: LoadedConfig,
  settings: ServerSettings,
  tracing: Tracing,
  steps: ApplySteps,
): Promise<void> {
  const { db, queries, rules, memory, reader, writer, notifier, notifierDiscovery } = running;
  await steps.run("db_storage", () => {
    db.retention = config.storage.tsdb.retention;
    if (settings.features.has("exemplar-storage")) db.setMaxExemplars(maxExemplars(config));
    if (!memory.sheds(LATE_SAMPLES)) db.setOutOfOrderWindow(config.storage.tsdb.outOfOrderTimeWindowMs);
    db.staleSeriesThreshold = config.storage.tsdb.staleSeriesCompactionThreshold;
  });
  await steps.run("remote_storage", () => {
    reader.apply(config);
    writer.apply(config);
  });
  await steps.run("query_engine", () => {
    queries.configure(engineSettings(settings, config));
    queries.log.open(config.global.queryLogFile);
  });
  await applyJobs(running, config, steps);
  await steps.run("notify", () => notifier.applyConfig(config));
  await steps.run("notify_sd", () => {
    const sets = alertmanagerSets(config.alerting.alertmanagers);
    notifierDiscovery.applyConfig(new Map([...sets].map(([name, { discovery }]) => [name, discovery])));
  });
  await steps.run("rules", () => rules.apply(config, ruleGroups));
  await steps.run("tracing", () => tracing.apply(config.tracing));
}

/** Never rejects: `steps` tells whether a part has failed. */
export async function applyToAgent(
  agent: RunningAgent,
  config: Config,
  tracing: Tracing,
  steps: ApplySteps,
): Promise<void> {
  await steps.run("db_storage", () => {
    agent.db.outOfOrderWindowMs = config.storage.tsdb.outOfOrderTimeWindowMs;
  });
  await steps.run("remote_storage", () => agent.writer.apply(config));
  await applyJobs(agent, config, steps);
  await steps.run("tracing", () => tracing.apply(config.tracing));
}

async function applyJobs({ scrape, discovery }: Sending, config: Config, steps: ApplySteps): Promise<void> {
  await steps.run("scrape", () => scrape.applyConfig(config));
  await steps.run("scrape_sd", () =>
    discovery.applyConfig(new Map(config.allScrapeConfigs.map((job) => [job.jobName, job.discovery]))),
  );
}
