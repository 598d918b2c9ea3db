// The keys of `global` and of a job, and how a job inherits.
import { Labels } from "@narthex/model";
import {
  type Codec,
  completeHttpClient,
  field,
  httpClientShape,
  quote,
  struct,
  type YamlReader,
  yamlCodec,
} from "@narthex/toolkit";
import { isLabelName, isWellFormed, type NameValidationScheme } from "../../relabel/index.ts";
import type { GlobalConfig, NameEscapingScheme, RuntimeConfig, ScrapeConfig, ScrapeProtocol } from "../types.ts";
import {
  checkStaticTargets,
  type DiscoveryLists,
  discoveryShape,
  gatherDiscovery,
  spreadDiscovery,
} from "./discovery.ts";
import { completeRelabeling, relabelRules } from "./relabel.ts";

const { bool, checkedText, duration, filePath, float, int, list, map, optional, size, text, uint } = yamlCodec;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What the features of the command line change about the defaults. */
export interface ConfigDefaults {
  /** Protobuf first also for jobs without native histograms. */
  readonly protobufFirst?: boolean;
  /** Default of `scrape_native_histograms`. */
  readonly scrapeNativeHistograms?: boolean;
  /** Default of `extra_scrape_metrics`. */
  readonly extraScrapeMetrics?: boolean;
  /** Retention by the flags, for a file that says nothing about it. Standard: 15 days, no size. */
  readonly retention?: { readonly timeMs: number; readonly sizeBytes: number };
  /** `storage.exemplars.max_exemplars` of a file that says nothing about exemplars. */
  readonly maxExemplars?: number;
}

/** The formats that are known, and what asks for them, in the reference's order of preference. */
export const PROTO_FIRST_PROTOCOLS: readonly ScrapeProtocol[] = [
  "PrometheusProto",
  "OpenMetricsText1.0.0",
  "OpenMetricsText0.0.1",
  "PrometheusText1.0.0",
  "PrometheusText0.0.4",
];

/** What a job asks for when it scrapes no native histograms. */
export const TEXT_PROTOCOLS: readonly ScrapeProtocol[] = PROTO_FIRST_PROTOCOLS.slice(1);

export interface GlobalDraft
  extends Writable<Omit<GlobalConfig, "metricNameValidationScheme" | "scrapeNativeHistograms" | "extraScrapeMetrics">> {
  metricNameValidationScheme: NameValidationScheme | "";
  scrapeNativeHistograms: boolean | undefined;
  extraScrapeMetrics: boolean | undefined;
}

const validationScheme: Codec<NameValidationScheme | ""> = checkedText("model.ValidationScheme", (scheme) =>
  ["", "utf8", "legacy"].includes(scheme) ? undefined : `unrecognized ValidationScheme: ${quote(scheme)}`,
);

const protocols = optional(list(text as Codec<ScrapeProtocol>, { type: "[]config.ScrapeProtocol" }));

const rawLabels = map(text, { type: "map[string]string" });
const labels: Codec<Labels> = {
  type: rawLabels.type,
  decode: (node, reader) => Labels.fromUnsorted(rawLabels.decode(node, reader)),
  zero: () => Labels.empty,
  isZero: (value) => value.size === 0,
  encode: (value) => rawLabels.encode(new Map(value)),
};

/** `global`. Complete only after `completeGlobal`. */
export const globalConfig: Codec<GlobalDraft> = struct<GlobalDraft>("config.plain", [
  field<GlobalDraft>("scrape_interval", "scrapeIntervalMs", duration),
  field<GlobalDraft>("scrape_timeout", "scrapeTimeoutMs", duration),
  field<GlobalDraft>("scrape_protocols", "scrapeProtocols", protocols),
  field<GlobalDraft>("evaluation_interval", "evaluationIntervalMs", duration),
  field<GlobalDraft>("rule_query_offset", "ruleQueryOffsetMs", duration),
  field<GlobalDraft>("query_log_file", "queryLogFile", filePath()),
  field<GlobalDraft>("scrape_failure_log_file", "scrapeFailureLogFile", filePath()),
  field<GlobalDraft>("external_labels", "externalLabels", labels),
  field<GlobalDraft>("body_size_limit", "bodySizeLimitBytes", size),
  field<GlobalDraft>("sample_limit", "sampleLimit", uint),
  field<GlobalDraft>("target_limit", "targetLimit", uint),
  field<GlobalDraft>("label_limit", "labelLimit", uint),
  field<GlobalDraft>("label_name_length_limit", "labelNameLengthLimit", uint),
  field<GlobalDraft>("label_value_length_limit", "labelValueLengthLimit", uint),
  field<GlobalDraft>("keep_dropped_targets", "keepDroppedTargets", uint),
  field<GlobalDraft>("metric_name_validation_scheme", "metricNameValidationScheme", validationScheme),
  field<GlobalDraft>("metric_name_escaping_scheme", "metricNameEscapingScheme", text),
  field<GlobalDraft>("scrape_native_histograms", "scrapeNativeHistograms", optional(bool)),
  field<GlobalDraft>("convert_classic_histograms_to_nhcb", "convertClassicHistogramsToNhcb", bool),
  field<GlobalDraft>("always_scrape_classic_histograms", "alwaysScrapeClassicHistograms", bool),
  field<GlobalDraft>("extra_scrape_metrics", "extraScrapeMetrics", optional(bool)),
]);

/** `runtime`. */
export const runtimeConfig: Codec<Writable<RuntimeConfig>> = struct<Writable<RuntimeConfig>>("config.RuntimeConfig", [
  field<RuntimeConfig>("gogc", "gogc", int),
]);

/**
 * Fills in the defaults of `global` and checks what only its keys together can break.
 * An absent, an empty and an all-zero block mean the same.
 */
export function completeGlobal(
  draft: GlobalDraft,
  defaults: ConfigDefaults,
  reader: YamlReader,
): asserts draft is GlobalDraft & GlobalConfig {
  const isEmpty = globalConfig.isZero(draft);
  draft.metricNameValidationScheme ||= "utf8";
  if (isEmpty) draft.metricNameEscapingScheme = "allow-utf-8";
  for (const [name, value] of draft.externalLabels) {
    if (!isLabelName(name, draft.metricNameValidationScheme)) {
      reader.invalid(reader.place(draft, "external_labels"), `${quote(name)} is not a valid label name`);
    } else if (!isWellFormed(value)) {
      reader.invalid(reader.place(draft, "external_labels"), `${quote(value)} is not a valid label value`);
    }
  }
  draft.scrapeIntervalMs ||= 60_000;
  if (draft.scrapeTimeoutMs > draft.scrapeIntervalMs) {
    reader.invalid(reader.place(draft, "scrape_timeout"), "global scrape timeout greater than scrape interval");
  }
  draft.scrapeTimeoutMs ||= Math.min(10_000, draft.scrapeIntervalMs);
  draft.evaluationIntervalMs ||= 60_000;
  draft.scrapeNativeHistograms ??= defaults.scrapeNativeHistograms ?? false;
  draft.extraScrapeMetrics ??= defaults.extraScrapeMetrics ?? false;
  if (draft.scrapeProtocols === undefined && defaults.protobufFirst === true) {
    draft.scrapeProtocols = PROTO_FIRST_PROTOCOLS;
  }
  const problem = draft.scrapeProtocols === undefined ? undefined : protocolsProblem(draft.scrapeProtocols);
  if (problem !== undefined) reader.invalid(reader.place(draft, "scrape_protocols"), `${problem} for global config`);
}

export interface ScrapeDraft
  extends Writable<
    Omit<
      ScrapeConfig,
      | "scrapeProtocols"
      | "scrapeNativeHistograms"
      | "alwaysScrapeClassicHistograms"
      | "convertClassicHistogramsToNhcb"
      | "metricNameValidationScheme"
      | "metricNameEscapingScheme"
      | "extraScrapeMetrics"
    >
  > {
  scrapeProtocols: readonly ScrapeProtocol[] | undefined;
  scrapeNativeHistograms: boolean | undefined;
  alwaysScrapeClassicHistograms: boolean | undefined;
  convertClassicHistogramsToNhcb: boolean | undefined;
  metricNameValidationScheme: NameValidationScheme | "";
  metricNameEscapingScheme: NameEscapingScheme | "";
  extraScrapeMetrics: boolean | undefined;
}

/** One job. Complete only after `completeScrape`. */
export const scrapeConfig: Codec<ScrapeDraft> = struct<ScrapeDraft>(
  "config.ScrapeConfig",
  [
    field<ScrapeDraft>("job_name", "jobName", text, { keep: true }),
    field<ScrapeDraft>("honor_labels", "honorLabels", bool),
    field<ScrapeDraft>("honor_timestamps", "honorTimestamps", bool, { initial: () => true, keep: true }),
    field<ScrapeDraft>("track_timestamps_staleness", "trackTimestampsStaleness", bool, { keep: true }),
    field<ScrapeDraft>("params", "params", map(list(text), { type: "url.Values" })),
    field<ScrapeDraft>("scrape_interval", "scrapeIntervalMs", duration),
    field<ScrapeDraft>("scrape_timeout", "scrapeTimeoutMs", duration),
    field<ScrapeDraft>("scrape_protocols", "scrapeProtocols", protocols),
    field<ScrapeDraft>("fallback_scrape_protocol", "fallbackScrapeProtocol", text),
    field<ScrapeDraft>("scrape_native_histograms", "scrapeNativeHistograms", optional(bool)),
    field<ScrapeDraft>("always_scrape_classic_histograms", "alwaysScrapeClassicHistograms", optional(bool)),
    field<ScrapeDraft>("convert_classic_histograms_to_nhcb", "convertClassicHistogramsToNhcb", optional(bool)),
    field<ScrapeDraft>("scrape_failure_log_file", "scrapeFailureLogFile", filePath()),
    field<ScrapeDraft>("metrics_path", "metricsPath", text, { initial: () => "/metrics" }),
    field<ScrapeDraft>("scheme", "scheme", text, { initial: () => "http" }),
    field<ScrapeDraft>("enable_compression", "enableCompression", bool, { initial: () => true, keep: true }),
    field<ScrapeDraft>("body_size_limit", "bodySizeLimitBytes", size),
    field<ScrapeDraft>("sample_limit", "sampleLimit", uint),
    field<ScrapeDraft>("target_limit", "targetLimit", uint),
    field<ScrapeDraft>("label_limit", "labelLimit", uint),
    field<ScrapeDraft>("label_name_length_limit", "labelNameLengthLimit", uint),
    field<ScrapeDraft>("label_value_length_limit", "labelValueLengthLimit", uint),
    field<ScrapeDraft>("native_histogram_bucket_limit", "nativeHistogramBucketLimit", uint),
    field<ScrapeDraft>("native_histogram_min_bucket_factor", "nativeHistogramMinBucketFactor", float),
    field<ScrapeDraft>("keep_dropped_targets", "keepDroppedTargets", uint),
    field<ScrapeDraft>("metric_name_validation_scheme", "metricNameValidationScheme", validationScheme),
    field<ScrapeDraft>("metric_name_escaping_scheme", "metricNameEscapingScheme", text),
    field<ScrapeDraft>("extra_scrape_metrics", "extraScrapeMetrics", optional(bool)),
    { name: "http", inline: httpClientShape },
    field<ScrapeDraft>(
      "relabel_configs",
      "relabelConfigs",
      relabelRules("empty or null target relabeling rule in scrape config"),
    ),
    field<ScrapeDraft>(
      "metric_relabel_configs",
      "metricRelabelConfigs",
      relabelRules("empty or null metric relabeling rule in scrape config"),
    ),
    {
      name: "discovery",
      inline: discoveryShape,
      unpack: (value) => spreadDiscovery(value as ScrapeConfig["discovery"]),
    },
  ],
  {
    check(draft, reader) {
      draft.discovery = gatherDiscovery(draft.discovery as unknown as DiscoveryLists, reader);
      if (draft.jobName === "") reader.invalid(reader.place(draft, "job_name"), "job_name is empty");
      completeHttpClient(draft.http, reader);
      if (draft.relabelConfigs.length === 0) checkStaticTargets(draft.discovery, reader);
    },
  },
);

/** Fills in what a job inherits from `global`, and reports what then is wrong with it. */
export function completeScrape(draft: ScrapeDraft, global: GlobalConfig, reader: YamlReader): void {
  const job = `scrape config with job name ${quote(draft.jobName)}`;
  const invalid = (key: string, message: string): void => reader.invalid(reader.place(draft, key), message);
  draft.scrapeIntervalMs ||= global.scrapeIntervalMs;
  if (draft.scrapeTimeoutMs > draft.scrapeIntervalMs) {
    invalid("scrape_timeout", `scrape timeout greater than scrape interval for ${job}`);
  }
  draft.scrapeTimeoutMs ||= Math.min(global.scrapeTimeoutMs, draft.scrapeIntervalMs);
  draft.bodySizeLimitBytes ||= global.bodySizeLimitBytes;
  draft.sampleLimit ||= global.sampleLimit;
  draft.targetLimit ||= global.targetLimit;
  draft.labelLimit ||= global.labelLimit;
  draft.labelNameLengthLimit ||= global.labelNameLengthLimit;
  draft.labelValueLengthLimit ||= global.labelValueLengthLimit;
  draft.keepDroppedTargets ||= global.keepDroppedTargets;
  draft.scrapeFailureLogFile ||= global.scrapeFailureLogFile;
  draft.scrapeNativeHistograms ??= global.scrapeNativeHistograms;
  draft.extraScrapeMetrics ??= global.extraScrapeMetrics;
  draft.convertClassicHistogramsToNhcb ??= global.convertClassicHistogramsToNhcb;
  draft.alwaysScrapeClassicHistograms ??= global.alwaysScrapeClassicHistograms;
  draft.scrapeProtocols ??=
    global.scrapeProtocols ?? (draft.scrapeNativeHistograms ? PROTO_FIRST_PROTOCOLS : TEXT_PROTOCOLS);
  const problem = protocolsProblem(draft.scrapeProtocols);
  if (problem !== undefined) invalid("scrape_protocols", `${problem} for ${job}`);
  if (draft.fallbackScrapeProtocol !== "" && !isProtocol(draft.fallbackScrapeProtocol)) {
    invalid(
      "fallback_scrape_protocol",
      `invalid fallback_scrape_protocol for ${job}: ${unknownProtocol(draft.fallbackScrapeProtocol)}`,
    );
  }
  completeNameSchemes(draft, global, reader);
  const scheme = draft.metricNameValidationScheme as NameValidationScheme;
  completeRelabeling(draft.relabelConfigs, scheme, reader);
  completeRelabeling(draft.metricRelabelConfigs, scheme, reader);
}

const ESCAPING_SCHEMES: readonly string[] = ["allow-utf-8", "underscores", "dots", "values"];
const SCHEME_CHOICE = "must be one of 'allow-utf-8', 'underscores', 'dots', or 'values', got";

/** A job that sets its own validation derives its escaping from that, not from `global`. */
function completeNameSchemes(draft: ScrapeDraft, global: GlobalConfig, reader: YamlReader): void {
  const globalEscaping =
    global.metricNameEscapingScheme || (global.metricNameValidationScheme === "legacy" ? "underscores" : "allow-utf-8");
  if (!ESCAPING_SCHEMES.includes(globalEscaping)) {
    reader.invalid(
      reader.place(global, "metric_name_escaping_scheme"),
      `unknown global name escaping method specified, ${SCHEME_CHOICE} ${quote(globalEscaping)}`,
    );
    return;
  }
  const inherits = draft.metricNameValidationScheme === "";
  draft.metricNameValidationScheme ||= global.metricNameValidationScheme;
  if (draft.metricNameEscapingScheme === "") {
    const own = draft.metricNameValidationScheme === "legacy" ? "underscores" : "allow-utf-8";
    draft.metricNameEscapingScheme = inherits ? globalEscaping : own;
  }
  const escaping = draft.metricNameEscapingScheme;
  if (!ESCAPING_SCHEMES.includes(escaping)) {
    reader.invalid(
      reader.place(draft, "metric_name_escaping_scheme"),
      `unknown scrape config name escaping method specified, ${SCHEME_CHOICE} ${quote(escaping)}`,
    );
  } else if (escaping === "allow-utf-8" && draft.metricNameValidationScheme !== "utf8") {
    reader.invalid(
      reader.place(draft, "metric_name_escaping_scheme"),
      "utf8 metric names requested but validation scheme is not set to UTF8",
    );
  }
}

function isProtocol(name: string): name is ScrapeProtocol {
  return (PROTO_FIRST_PROTOCOLS as readonly string[]).includes(name);
}

function unknownProtocol(name: string): string {
  return `unknown scrape protocol ${name}, supported: [${PROTO_FIRST_PROTOCOLS.toSorted().join(" ")}]`;
}

function protocolsProblem(names: readonly string[]): string | undefined {
  if (names.length === 0) return "scrape_protocols cannot be empty";
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name.toLowerCase())) return `duplicated protocol in scrape_protocols, got [${names.join(" ")}]`;
    if (!isProtocol(name)) return `scrape_protocols: ${unknownProtocol(name)}`;
    seen.add(name.toLowerCase());
  }
  return undefined;
}
