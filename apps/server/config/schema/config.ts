// The top level of prometheus.yml, and the files of `scrape_config_files`.
import { type Codec, field, quote, struct, type YamlReader, yamlCodec } from "@narthex/toolkit";
import type { AlertingConfig, Config, TracingConfig } from "../types.ts";
import { alertingConfig, completeAlerting } from "./alerting.ts";
import { completeRemoteWrites, remoteRead, remoteWrite, reportRepeatedNames } from "./remote.ts";
import {
  type ConfigDefaults,
  completeGlobal,
  completeScrape,
  type GlobalDraft,
  globalConfig,
  runtimeConfig,
  type ScrapeDraft,
  scrapeConfig,
} from "./scrape.ts";
import { completeStorage, otlpConfig, type StorageDraft, storageConfig, tracingConfig } from "./storage.ts";

const { filePath, list, optional } = yamlCodec;

/** The whole file while it is read. */
export interface ConfigDraft {
  global: GlobalDraft;
  runtime: { gogc: number };
  alerting: AlertingConfig;
  ruleFiles: readonly string[];
  scrapeConfigFiles: readonly string[];
  scrapeConfigs: readonly ScrapeDraft[];
  storage: StorageDraft;
  tracing: TracingConfig | undefined;
  remoteWrite: readonly (typeof remoteWrite extends Codec<infer T> ? T : never)[];
  remoteRead: readonly (typeof remoteRead extends Codec<infer T> ? T : never)[];
  otlp: typeof otlpConfig extends Codec<infer T> ? T : never;
}

/** Only the last element of a path may hold a star. */
const ONE_STAR_LAST = /^[^*]*(?:\*[^/]*)?$/;

function globs(what: string): Codec<readonly string[]> {
  return list(filePath((path) => (ONE_STAR_LAST.test(path) ? undefined : `invalid ${what} path ${quote(path)}`)));
}

const jobs = list(scrapeConfig, { type: "[]*config.ScrapeConfig", nullItem: "empty or null scrape config section" });

/** Reads the main file. Complete only after `completeConfig`. */
export const configFile: ReturnType<typeof struct<ConfigDraft>> = struct<ConfigDraft>("config.plain", [
  field<ConfigDraft>("global", "global", globalConfig, { keep: true }),
  field<ConfigDraft>("runtime", "runtime", runtimeConfig),
  field<ConfigDraft>("alerting", "alerting", alertingConfig),
  field<ConfigDraft>("rule_files", "ruleFiles", globs("rule file")),
  field<ConfigDraft>("scrape_config_files", "scrapeConfigFiles", globs("scrape config file")),
  field<ConfigDraft>("scrape_configs", "scrapeConfigs", jobs),
  field<ConfigDraft>("storage", "storage", storageConfig),
  field<ConfigDraft>("tracing", "tracing", optional(tracingConfig)),
  field<ConfigDraft>(
    "remote_write",
    "remoteWrite",
    list(remoteWrite, { type: "[]*config.RemoteWriteConfig", nullItem: "empty or null remote write config section" }),
  ),
  field<ConfigDraft>(
    "remote_read",
    "remoteRead",
    list(remoteRead, { type: "[]*config.RemoteReadConfig", nullItem: "empty or null remote read config section" }),
  ),
  field<ConfigDraft>("otlp", "otlp", otlpConfig, {
    initial: () => ({
      promoteAllResourceAttributes: false,
      promoteResourceAttributes: [],
      ignoreResourceAttributes: [],
      translationStrategy: "UnderscoreEscapingWithSuffixes",
      keepIdentifyingResourceAttributes: false,
      convertHistogramsToNhcb: false,
      promoteScopeMetadata: false,
      labelNameUnderscoreSanitization: true,
      labelNamePreserveMultipleUnderscores: true,
    }),
  }),
]);

/** Reads a file of `scrape_config_files`. */
export const scrapeConfigsFile: Codec<{ scrapeConfigs: readonly ScrapeDraft[] }> = struct<{
  scrapeConfigs: readonly ScrapeDraft[];
}>("config.ScrapeConfigs", [field<{ scrapeConfigs: readonly ScrapeDraft[] }>("scrape_configs", "scrapeConfigs", jobs)]);

/** The environment's garbage collector target, or 75 percent. */
function standardGogc(environment: Readonly<Record<string, string | undefined>>): number {
  const given = environment["GOGC"] ?? "";
  if (given.toLowerCase() === "off") return -1;
  return /^[-+]?\d+$/.test(given) ? Number(given) : 75;
}

/** Fills in defaults and inheritance over the whole file and reports what is wrong across its parts. */
export function completeConfig(
  draft: ConfigDraft,
  defaults: ConfigDefaults,
  environment: Readonly<Record<string, string | undefined>>,
  reader: YamlReader,
): asserts draft is ConfigDraft & Omit<Config, "file" | "allScrapeConfigs"> {
  const { global } = draft;
  const before = reader.problemCount;
  completeGlobal(global, defaults, reader);
  draft.runtime.gogc ||= standardGogc(environment);
  completeStorage(
    draft.storage,
    defaults.retention ?? { timeMs: 15 * 86_400_000, sizeBytes: 0 },
    defaults.maxExemplars,
  );
  if (reader.problemCount > before) return;
  const names = new Set<string>();
  for (const job of draft.scrapeConfigs) {
    completeScrape(job, global, reader);
    if (names.has(job.jobName)) {
      reader.invalid(
        reader.place(job, "job_name"),
        `found multiple scrape configs with job name ${quote(job.jobName)}`,
      );
    }
    names.add(job.jobName);
  }
  completeAlerting(draft.alerting, global.metricNameValidationScheme, reader);
  completeRemoteWrites(draft.remoteWrite, global.metricNameValidationScheme, reader);
  reportRepeatedNames(draft.remoteRead, "read", reader);
  const { translationStrategy } = draft.otlp;
  if (
    global.metricNameValidationScheme === "legacy" &&
    (translationStrategy === "NoTranslation" || translationStrategy === "NoUTF8EscapingWithSuffixes")
  ) {
    reader.invalid(
      reader.place(draft.otlp, "translation_strategy"),
      `OTLP translation strategy ${quote(translationStrategy)} is not allowed when UTF8 is disabled`,
    );
  }
}
