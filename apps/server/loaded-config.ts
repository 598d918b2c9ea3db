// What the configuration file, the rule files it names and the flags come to together.
import type { Logger } from "@narthex/toolkit";
import { type Config, loadConfig, loadConfigFile } from "./config/index.ts";
import type { EngineSettings, FeatureSwitches } from "./query/engine-settings.ts";
import { loadRuleFiles, type RuleFileOptions, type RuleGroupSource } from "./rules/rule-file.ts";
import type { ServerSettings } from "./settings.ts";

/** A configuration with the rules of the files it names. */
export interface LoadedConfig {
  readonly config: Config;
  readonly ruleGroups: readonly RuleGroupSource[];
}

/** Exemplars kept unless configured otherwise. Source: the reference's defaults. */
const DEFAULT_MAX_EXEMPLARS = 100_000;

/** Reads and checks everything that can be refused, before anything changes. Throws a `ConfigError`. */
export function loadAll(settings: ServerSettings, logger: Logger): LoadedConfig {
  const { configFile, configText, retentionMs: timeMs, retentionBytes: sizeBytes, features } = settings;
  const defaults = {
    retention: { timeMs, sizeBytes },
    // Start times come with protobuf only.
    protobufFirst: features.has("created-timestamp-zero-ingestion") || features.has("st-storage"),
    extraScrapeMetrics: features.has("extra-scrape-metrics"),
    ...(features.has("exemplar-storage") ? { maxExemplars: DEFAULT_MAX_EXEMPLARS } : {}),
  };
  const options = { logger, defaults, agentMode: settings.agent !== undefined };
  const config =
    configText === undefined ? loadConfigFile(configFile, options) : loadConfig(configText, configFile, options);
  return { config, ruleGroups: loadRuleFiles(config.ruleFiles, ruleOptions(settings, config)) };
}

/** How rule files are read. */
export function ruleOptions({ features }: ServerSettings, { global }: Config): RuleFileOptions {
  return { nameValidationScheme: global.metricNameValidationScheme, parser: featureSwitches(features) };
}

/** How queries are evaluated. */
export function engineSettings(settings: ServerSettings, { global }: Config): EngineSettings {
  return {
    ...featureSwitches(settings.features),
    lookbackDeltaMs: settings.lookbackDeltaMs,
    maxSamples: settings.queryMaxSamples,
    timeoutMs: settings.queryTimeoutMs,
    defaultSubqueryStepMs: global.evaluationIntervalMs,
  };
}

/** Exemplars that the head keeps, where the feature is on. */
export function maxExemplars({ storage }: Config): number {
  return storage.exemplars?.maxExemplars ?? DEFAULT_MAX_EXEMPLARS;
}

/** Parts of the query language that `--enable-feature` switches. */
function featureSwitches(features: ReadonlySet<string>): FeatureSwitches {
  return {
    experimentalFunctions: features.has("promql-experimental-functions"),
    extendedRangeSelectors: features.has("promql-extended-range-selectors"),
    fillModifiers: features.has("promql-binop-fill-modifiers"),
    perStepStats: features.has("promql-per-step-stats"),
    delayedNameRemoval: features.has("promql-delayed-name-removal"),
    typeAndUnitLabels: features.has("type-and-unit-labels"),
    useStartTimestamps: features.has("use-start-timestamps"),
  };
}
