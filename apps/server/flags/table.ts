// The table of the server's flags: the reference's names, defaults and help, in its order.
import {
  booleanFlag,
  checkedFlag,
  choiceFlag,
  durationFlag,
  type Flag,
  type FlagTraits,
  type FlagType,
  goDurationFlag,
  integerFlag,
  LOG_FORMATS,
  LOG_LEVELS,
  numberFlag,
  sizeFlag,
  textFlag,
} from "@narthex/toolkit";
import { parseNamedLimit } from "../care/series-budget.ts";
import { FEATURES } from "./features.ts";
import type { ServerFlags } from "./server-flags.ts";

/** In which mode a flag may be used. */
export type FlagMode = "any" | "server" | "agent";

/** A flag of the server and the mode it belongs to. */
export interface ServerFlag extends Flag {
  readonly property: keyof ServerFlags;
  readonly mode: FlagMode;
}

const MESSAGES = ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"] as const;

const TIMESTAMPS_HINT =
  "See https://github.com/prometheus/prometheus/issues/7846 for more context. Experimental. This flag will be removed in a future release.";

function flag<K extends keyof ServerFlags>(
  name: string,
  property: K,
  // biome-ignore lint/suspicious/noExplicitAny: repeatable flags hold arrays of what their type reads
  type: FlagType<any>,
  help: string,
  traits: FlagTraits = {},
): ServerFlag {
  return { name, property, type, help, mode: "any", ...traits };
}

/** A flag that only a server has. */
const server: typeof flag = (name, property, type, help, traits) => ({
  ...flag(name, property, type, `${help} Use with server mode only.`, traits),
  mode: "server",
});

/** A flag that only an agent has. */
const agent: typeof flag = (name, property, type, help, traits) => ({
  ...flag(name, property, type, `${help} Use with agent mode only.`, traits),
  mode: "agent",
});

/** A number of series, for all names or one. */
const namedLimitFlag: FlagType<string> = {
  parse(text) {
    parseNamedLimit(text);
    return text;
  },
  format: (text) => text,
  zero: "",
};
const compression = choiceFlag(["snappy", "zstd"]);
const hidden = true;
const off: FlagTraits = { default: "false" };

/** All flags. Hidden ones work, but the help does not show them. */
export const SERVER_FLAGS: readonly ServerFlag[] = [
  flag("config.file", "configFile", textFlag, "Prometheus configuration file path.", { default: "prometheus.yml" }),
  flag(
    "config.auto-reload",
    "autoReload",
    booleanFlag,
    "Enable automatic configuration file reloading. See also --config.auto-reload-interval.",
    off,
  ),
  flag(
    "config.auto-reload-interval",
    "autoReloadIntervalMs",
    durationFlag,
    "Specifies the interval for checking and automatically reloading the Prometheus configuration file upon detecting changes. Only used when --config.auto-reload is set.",
    { default: "30s" },
  ),
  flag(
    "web.listen-address",
    "listenAddresses",
    textFlag,
    "Address to listen on for UI, API, and telemetry. Can be repeated.",
    { default: "0.0.0.0:9090", repeatable: true },
  ),
  flag(
    "auto-gomaxprocs",
    "autoGomaxprocs",
    booleanFlag,
    "Automatically set GOMAXPROCS to match Linux container CPU quota",
    { default: "true" },
  ),
  flag(
    "auto-gomemlimit",
    "autoGomemlimit",
    booleanFlag,
    "Automatically set GOMEMLIMIT to match Linux container or system memory limit",
    { default: "true" },
  ),
  flag(
    "auto-gomemlimit.ratio",
    "autoGomemlimitRatio",
    numberFlag,
    "The ratio of reserved GOMEMLIMIT memory to the detected maximum container or system memory",
    { default: "0.9" },
  ),
  flag(
    "auto-gomemlimit.refresh-interval",
    "autoGomemlimitRefreshIntervalMs",
    durationFlag,
    "Interval at which to re-detect the container or system memory limit and update GOMEMLIMIT accordingly. Useful when the limit can change at runtime, e.g. with a Vertical Pod Autoscaler. Set to 0 to detect the limit only once at startup. Note that a downward change in the limit can cause a temporary increase in garbage collection activity. Only used when --auto-gomemlimit is set.",
    { default: "0s" },
  ),
  flag(
    "web.config.file",
    "webConfigFile",
    textFlag,
    "[EXPERIMENTAL] Path to configuration file that can enable TLS or authentication.",
    { default: "" },
  ),
  flag(
    "web.read-timeout",
    "webReadTimeoutMs",
    durationFlag,
    "Maximum duration before timing out read of the request, and closing idle connections.",
    { default: "5m" },
  ),
  flag(
    "web.max-connections",
    "webMaxConnections",
    integerFlag,
    "Maximum number of simultaneous connections across all listeners.",
    { default: "512" },
  ),
  flag(
    "web.max-notifications-subscribers",
    "webMaxNotificationsSubscribers",
    integerFlag,
    "Limits the maximum number of subscribers that can concurrently receive live notifications. If the limit is reached, new subscription requests will be denied until existing connections close.",
    { default: "16" },
  ),
  flag(
    "web.external-url",
    "webExternalUrl",
    textFlag,
    "The URL under which Prometheus is externally reachable (for example, if Prometheus is served via a reverse proxy). Used for generating relative and absolute links back to Prometheus itself. If the URL has a path portion, it will be used to prefix all HTTP endpoints served by Prometheus. If omitted, relevant URL components will be derived automatically.",
    { placeholder: "<URL>" },
  ),
  flag(
    "web.route-prefix",
    "webRoutePrefix",
    textFlag,
    "Prefix for the internal routes of web endpoints. Defaults to path of --web.external-url.",
    { placeholder: "<path>" },
  ),
  flag("web.user-assets", "webUserAssets", textFlag, "Path to static asset directory, available at /user.", {
    placeholder: "<path>",
  }),
  flag("web.enable-lifecycle", "webEnableLifecycle", booleanFlag, "Enable shutdown and reload via HTTP request.", off),
  flag(
    "web.enable-admin-api",
    "webEnableAdminApi",
    booleanFlag,
    "Enable API endpoints for admin control actions.",
    off,
  ),
  flag(
    "web.enable-remote-write-receiver",
    "webEnableRemoteWriteReceiver",
    booleanFlag,
    "Enable API endpoint accepting remote write requests.",
    off,
  ),
  flag(
    "web.remote-write-receiver.accepted-protobuf-messages",
    "webRemoteWriteMessages",
    checkedFlag(
      MESSAGES,
      (text) => `unknown type for remote write protobuf message ${text}, supported: ${MESSAGES.join(", ")}`,
    ),
    `List of the remote write protobuf messages to accept when receiving the remote writes. Supported values: ${MESSAGES.join(", ")}`,
    { default: MESSAGES, repeatable: true },
  ),
  flag(
    "web.enable-otlp-receiver",
    "webEnableOtlpReceiver",
    booleanFlag,
    "Enable API endpoint accepting OTLP write requests.",
    off,
  ),
  flag(
    "web.console.templates",
    "webConsoleTemplates",
    textFlag,
    "Path to the console template directory, available at /consoles.",
    { default: "consoles" },
  ),
  flag("web.console.libraries", "webConsoleLibraries", textFlag, "Path to the console library directory.", {
    default: "console_libraries",
  }),
  flag("web.page-title", "webPageTitle", textFlag, "Document title of Prometheus instance.", {
    default: "Prometheus Time Series Collection and Processing Server",
  }),
  flag(
    "web.cors.origin",
    "webCorsOrigin",
    textFlag,
    "Regex for CORS origin. It is fully anchored. Example: 'https?://(domain1|domain2)\\.com'",
    { default: ".*" },
  ),
  server("storage.tsdb.path", "tsdbPath", textFlag, "Base path for metrics storage.", { default: "data/" }),
  server(
    "storage.tsdb.min-block-duration",
    "tsdbMinBlockDurationMs",
    durationFlag,
    "Minimum duration of a data block before being persisted. For use in testing.",
    { default: "2h", hidden },
  ),
  server(
    "storage.tsdb.max-block-duration",
    "tsdbMaxBlockDurationMs",
    durationFlag,
    "Maximum duration compacted blocks may span. For use in testing. (Defaults to 10% of the retention period.)",
    { placeholder: "<duration>", hidden },
  ),
  server(
    "storage.tsdb.max-block-chunk-segment-size",
    "tsdbMaxBlockChunkSegmentBytes",
    sizeFlag,
    "The maximum size for a single chunk segment in a block. Example: 512MB",
    { placeholder: "<bytes>", hidden },
  ),
  server(
    "storage.tsdb.wal-segment-size",
    "tsdbWalSegmentBytes",
    sizeFlag,
    "Size at which to split the tsdb WAL segment files. Example: 100MB",
    { placeholder: "<bytes>", hidden },
  ),
  server(
    "storage.tsdb.retention.time",
    "tsdbRetentionTimeMs",
    durationFlag,
    '[DEPRECATED] How long to retain samples in storage. If neither this flag nor "storage.tsdb.retention.size" is set, the retention time defaults to 15d. Units Supported: y, w, d, h, m, s, ms. This flag has been deprecated, use the storage.tsdb.retention.time field in the config file instead.',
  ),
  server(
    "storage.tsdb.retention.size",
    "tsdbRetentionBytes",
    sizeFlag,
    '[DEPRECATED] Maximum number of bytes that can be stored for blocks. A unit is required, supported units: B, KB, MB, GB, TB, PB, EB. Ex: "512MB". Based on powers-of-2, so 1KB is 1024B. This flag has been deprecated, use the storage.tsdb.retention.size field in the config file instead.',
  ),
  server("storage.tsdb.no-lockfile", "tsdbNoLockfile", booleanFlag, "Do not create lockfile in data directory.", off),
  server(
    "storage.tsdb.allow-overlapping-compaction",
    "tsdbAllowOverlappingCompaction",
    booleanFlag,
    "Allow compaction of overlapping blocks. If set to false, TSDB stops vertical compaction and leaves overlapping blocks there. The use case is to let another component handle the compaction of overlapping blocks.",
    { default: "true", hidden },
  ),
  server(
    "storage.tsdb.wal-compression",
    "tsdbWalCompression",
    booleanFlag,
    "Compress the tsdb WAL. If false, the --storage.tsdb.wal-compression-type flag is ignored.",
    { default: "true", hidden },
  ),
  server(
    "storage.tsdb.wal-compression-type",
    "tsdbWalCompressionType",
    compression,
    "Compression algorithm for the tsdb WAL, used when --storage.tsdb.wal-compression is true.",
    { default: "snappy", hidden },
  ),
  server(
    "storage.tsdb.head-chunks-write-queue-size",
    "tsdbHeadChunksWriteQueueSize",
    integerFlag,
    "Size of the queue through which head chunks are written to the disk to be m-mapped, 0 disables the queue completely. Experimental.",
    { default: "0" },
  ),
  server("storage.tsdb.samples-per-chunk", "tsdbSamplesPerChunk", integerFlag, "Target number of samples per chunk.", {
    default: "120",
    hidden,
  }),
  server(
    "storage.tsdb.delayed-compaction.max-percent",
    "tsdbDelayedCompactionMaxPercent",
    integerFlag,
    "Sets the upper limit for the random compaction delay, specified as a percentage of the head chunk range. 100 means the compaction can be delayed by up to the entire head chunk range. Only effective when the delayed-compaction feature flag is enabled.",
    { default: "10", hidden },
  ),
  server(
    "storage.tsdb.delay-compact-file.path",
    "tsdbDelayCompactFile",
    textFlag,
    "Path to a JSON file with uploaded TSDB blocks e.g. Thanos shipper meta file. If set TSDB will only compact 1 level blocks that are marked as uploaded in that file, improving external storage integrations e.g. with Thanos sidecar. 1+ level compactions won't be delayed.",
    { default: "" },
  ),
  server(
    "storage.tsdb.block-reload-interval",
    "tsdbBlockReloadIntervalMs",
    durationFlag,
    "Interval at which to check for new or removed blocks in storage. Users who manually backfill or drop blocks must wait up to this duration before changes become available.",
    { default: "1m", hidden },
  ),
  agent("storage.agent.path", "agentPath", textFlag, "Base path for metrics storage.", { default: "data-agent/" }),
  agent(
    "storage.agent.wal-segment-size",
    "agentWalSegmentBytes",
    sizeFlag,
    "Size at which to split WAL segment files. Example: 100MB",
    { placeholder: "<bytes>", hidden },
  ),
  agent(
    "storage.agent.wal-compression",
    "agentWalCompression",
    booleanFlag,
    "Compress the agent WAL. If false, the --storage.agent.wal-compression-type flag is ignored.",
    { default: "true" },
  ),
  agent(
    "storage.agent.wal-compression-type",
    "agentWalCompressionType",
    compression,
    "Compression algorithm for the agent WAL, used when --storage.agent.wal-compression is true.",
    { default: "snappy", hidden },
  ),
  agent(
    "storage.agent.wal-truncate-frequency",
    "agentWalTruncateFrequencyMs",
    durationFlag,
    "The frequency at which to truncate the WAL and remove old data.",
    { placeholder: "<duration>", hidden },
  ),
  agent(
    "storage.agent.retention.min-time",
    "agentRetentionMinTimeMs",
    durationFlag,
    "Minimum age samples may be before being considered for deletion when the WAL is truncated",
    { default: "5m" },
  ),
  agent(
    "storage.agent.retention.max-time",
    "agentRetentionMaxTimeMs",
    durationFlag,
    "Maximum age samples may be before being forcibly deleted when the WAL is truncated",
    { default: "4h" },
  ),
  agent(
    "storage.agent.checkpoint-from-in-memory-series",
    "agentCheckpointFromMemory",
    booleanFlag,
    "Use only in-memory series data when building a checkpoint.",
    off,
  ),
  agent(
    "storage.agent.checkpoint-batch-size",
    "agentCheckpointBatchSize",
    integerFlag,
    "Size of a single WAL log entry chunk to be flushed. Has no effect without --storage.agent.checkpoint-from-in-memory-series flag.",
    { default: "1000" },
  ),
  agent("storage.agent.no-lockfile", "agentNoLockfile", booleanFlag, "Do not create lockfile in data directory.", off),
  flag(
    "storage.remote.flush-deadline",
    "remoteFlushDeadlineMs",
    durationFlag,
    "How long to wait flushing sample on shutdown or config reload.",
    { default: "1m", placeholder: "<duration>" },
  ),
  server(
    "storage.remote.read-sample-limit",
    "remoteReadSampleLimit",
    integerFlag,
    "Maximum overall number of samples to return via the remote read interface, in a single query. 0 means no limit. This limit is ignored for streamed response types.",
    { default: "5e7" },
  ),
  server(
    "storage.remote.read-concurrent-limit",
    "remoteReadConcurrentLimit",
    integerFlag,
    "Maximum number of concurrent remote read calls. 0 means no limit.",
    { default: "10" },
  ),
  server(
    "storage.remote.read-max-bytes-in-frame",
    "remoteReadMaxBytesInFrame",
    integerFlag,
    "Maximum number of bytes in a single frame for streaming remote read response types before marshalling. Note that client might have limit on frame size as well. 1MB as recommended by protobuf by default.",
    { default: "1048576" },
  ),
  server(
    "web.search.max-limit",
    "webSearchMaxLimit",
    integerFlag,
    'Hard upper bound on the "limit" query parameter accepted by the experimental search API (--enable-feature=search-api). Requests with a higher limit are rejected with HTTP 400. 0 disables the cap.',
    { default: "10000" },
  ),
  server(
    "rules.alert.for-outage-tolerance",
    "rulesForOutageToleranceMs",
    durationFlag,
    'Max time to tolerate prometheus outage for restoring "for" state of alert.',
    { default: "1h" },
  ),
  server(
    "rules.alert.for-grace-period",
    "rulesForGracePeriodMs",
    durationFlag,
    'Minimum duration between alert and restored "for" state. This is maintained only for alerts with configured "for" time greater than grace period.',
    { default: "10m" },
  ),
  server(
    "rules.alert.resend-delay",
    "rulesResendDelayMs",
    durationFlag,
    "Minimum amount of time to wait before resending an alert to Alertmanager.",
    { default: "1m" },
  ),
  server(
    "rules.max-concurrent-evals",
    "rulesMaxConcurrentEvals",
    integerFlag,
    'Global concurrency limit for independent rules that can run concurrently. When set, "query.max-concurrency" may need to be adjusted accordingly.',
    { default: "4" },
  ),
  flag(
    "scrape.adjust-timestamps",
    "scrapeAdjustTimestamps",
    booleanFlag,
    `Adjust scrape timestamps by up to \`scrape.timestamp-tolerance\` to align them to the intended schedule. ${TIMESTAMPS_HINT}`,
    { default: "true", hidden },
  ),
  flag(
    "scrape.timestamp-tolerance",
    "scrapeTimestampToleranceMs",
    goDurationFlag,
    `Timestamp tolerance. ${TIMESTAMPS_HINT}`,
    { default: "2ms", hidden },
  ),
  server(
    "alertmanager.notification-queue-capacity",
    "notificationQueueCapacity",
    integerFlag,
    "The capacity of the queue for pending Alertmanager notifications.",
    { default: "10000" },
  ),
  server(
    "alertmanager.notification-batch-size",
    "notificationBatchSize",
    integerFlag,
    "The maximum number of notifications per batch to send to the Alertmanager.",
    { default: "256" },
  ),
  server(
    "alertmanager.drain-notification-queue-on-shutdown",
    "drainNotificationsOnShutdown",
    booleanFlag,
    "Send any outstanding Alertmanager notifications when shutting down. If false, any outstanding Alertmanager notifications will be dropped when shutting down.",
    { default: "true" },
  ),
  server(
    "query.lookback-delta",
    "queryLookbackDeltaMs",
    durationFlag,
    "The maximum lookback duration for retrieving metrics during expression evaluations and federation.",
    { default: "5m" },
  ),
  server("query.timeout", "queryTimeoutMs", durationFlag, "Maximum time a query may take before being aborted.", {
    default: "2m",
  }),
  server(
    "query.max-concurrency",
    "queryMaxConcurrency",
    integerFlag,
    "Maximum number of queries executed concurrently.",
    { default: "20" },
  ),
  server(
    "query.max-samples",
    "queryMaxSamples",
    integerFlag,
    "Maximum number of samples a single query can load into memory. Note that queries will fail if they try to load more samples than this into memory, so this also limits the number of samples a query can return.",
    { default: "50000000" },
  ),
  flag(
    "scrape.discovery-reload-interval",
    "scrapeDiscoveryReloadIntervalMs",
    durationFlag,
    "Interval used by scrape manager to throttle target groups updates.",
    { default: "5s", hidden },
  ),
  server(
    "narthex.budget.series",
    "budgetSeries",
    integerFlag,
    "Not in Prometheus. Series that the head may hold: known ones go on, new ones beyond are refused and counted. 0 is no limit.",
    { default: "0" },
  ),
  server(
    "narthex.budget.series-per-job",
    "budgetSeriesPerJob",
    namedLimitFlag,
    "Not in Prometheus. The same for the series of any one job (NUMBER), or of the job of this name (NAME=NUMBER). Can be repeated.",
    { repeatable: true, placeholder: "[<name>=]<number>" },
  ),
  server(
    "narthex.budget.series-per-metric",
    "budgetSeriesPerMetric",
    namedLimitFlag,
    "Not in Prometheus. The same for the series of any one metric (NUMBER), or of the metric of this name (NAME=NUMBER). Can be repeated.",
    { repeatable: true, placeholder: "[<name>=]<number>" },
  ),
  server(
    "narthex.memory.limit",
    "memoryLimitBytes",
    sizeFlag,
    "Not in Prometheus. Memory of which load is shed before it is used up: big queries first, then caches, new series and late samples; scraping of known series goes on. 0 takes --auto-gomemlimit.ratio of what the container or the machine has, unless --no-auto-gomemlimit.",
    { default: "0B", placeholder: "<bytes>" },
  ),
  server(
    "narthex.alerts.history-retention",
    "alertHistoryRetentionMs",
    durationFlag,
    "Not in Prometheus. How long the steps of alerts (pending, firing, resolved) are kept beside the samples, for /api/v1/alerts/history; 64 MiB of them at most. 0 keeps none.",
    { default: "30d" },
  ),
  flag(
    "enable-feature",
    "enableFeature",
    textFlag,
    `Comma separated feature names to enable. Valid options: ${FEATURES.filter((each) => each.listed)
      .map((each) => each.name)
      .join(", ")}. See https://prometheus.io/docs/prometheus/latest/feature_flags/ for more details.`,
    { repeatable: true },
  ),
  flag("agent", "agent", booleanFlag, "Run Prometheus in 'Agent mode'."),
  flag(
    "log.level",
    "logLevel",
    checkedFlag(LOG_LEVELS, (text) => `unrecognized log level ${text}`),
    "Only log messages with the given severity or above. One of: [debug, info, warn, error]",
    { default: "info" },
  ),
  flag(
    "log.format",
    "logFormat",
    checkedFlag(LOG_FORMATS, (text) => `unrecognized log format ${text}`),
    "Output format of log messages. One of: [logfmt, json]",
    { default: "logfmt" },
  ),
];
