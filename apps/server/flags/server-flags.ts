// The values of the server's flags.

/** Every flag of the server, parsed. Times are milliseconds, sizes bytes; 0 in a limit means "no limit" where said. */
export interface ServerFlags {
  readonly configFile: string;
  readonly autoReload: boolean;
  readonly autoReloadIntervalMs: number;
  readonly listenAddresses: readonly string[];
  /** Accepted and shown; without effect here. */
  readonly autoGomaxprocs: boolean;
  /** Whether memory is limited by what the container or the machine has. */
  readonly autoGomemlimit: boolean;
  readonly autoGomemlimitRatio: number;
  readonly autoGomemlimitRefreshIntervalMs: number;
  /** "" for none. */
  readonly webConfigFile: string;
  readonly webReadTimeoutMs: number;
  readonly webMaxConnections: number;
  readonly webMaxNotificationsSubscribers: number;
  /** As it was written; see `externalUrl` for what it comes to. */
  readonly webExternalUrl: string;
  /** As it was written; "" means the path of the external URL. */
  readonly webRoutePrefix: string;
  readonly webUserAssets: string;
  readonly webEnableLifecycle: boolean;
  readonly webEnableAdminApi: boolean;
  readonly webEnableRemoteWriteReceiver: boolean;
  readonly webRemoteWriteMessages: readonly string[];
  readonly webEnableOtlpReceiver: boolean;
  readonly webConsoleTemplates: string;
  readonly webConsoleLibraries: string;
  readonly webPageTitle: string;
  /** A regular expression, to be held against the whole origin. */
  readonly webCorsOrigin: string;
  readonly tsdbPath: string;
  readonly tsdbMinBlockDurationMs: number;
  /** 0 means a tenth of the retention, at most 31 days. */
  readonly tsdbMaxBlockDurationMs: number;
  readonly tsdbMaxBlockChunkSegmentBytes: number;
  /** 0 means 128 MiB. */
  readonly tsdbWalSegmentBytes: number;
  /** 0 means not set. */
  readonly tsdbRetentionTimeMs: number;
  /** 0 means not set. */
  readonly tsdbRetentionBytes: number;
  readonly tsdbNoLockfile: boolean;
  readonly tsdbAllowOverlappingCompaction: boolean;
  readonly tsdbWalCompression: boolean;
  readonly tsdbWalCompressionType: "snappy" | "zstd";
  readonly tsdbHeadChunksWriteQueueSize: number;
  readonly tsdbSamplesPerChunk: number;
  readonly tsdbDelayedCompactionMaxPercent: number;
  readonly tsdbDelayCompactFile: string;
  readonly tsdbBlockReloadIntervalMs: number;
  readonly agentPath: string;
  readonly agentWalSegmentBytes: number;
  readonly agentWalCompression: boolean;
  readonly agentWalCompressionType: "snappy" | "zstd";
  readonly agentWalTruncateFrequencyMs: number;
  readonly agentRetentionMinTimeMs: number;
  readonly agentRetentionMaxTimeMs: number;
  readonly agentCheckpointFromMemory: boolean;
  readonly agentCheckpointBatchSize: number;
  readonly agentNoLockfile: boolean;
  readonly remoteFlushDeadlineMs: number;
  readonly remoteReadSampleLimit: number;
  readonly remoteReadConcurrentLimit: number;
  readonly remoteReadMaxBytesInFrame: number;
  readonly webSearchMaxLimit: number;
  readonly rulesForOutageToleranceMs: number;
  readonly rulesForGracePeriodMs: number;
  readonly rulesResendDelayMs: number;
  readonly rulesMaxConcurrentEvals: number;
  readonly scrapeAdjustTimestamps: boolean;
  readonly scrapeTimestampToleranceMs: number;
  readonly notificationQueueCapacity: number;
  readonly notificationBatchSize: number;
  readonly drainNotificationsOnShutdown: boolean;
  readonly queryLookbackDeltaMs: number;
  readonly queryTimeoutMs: number;
  readonly queryMaxConcurrency: number;
  readonly queryMaxSamples: number;
  /** Ours, as are the three below; 0 is no limit. */
  readonly budgetSeries: number;
  /** `NUMBER` or `NAME=NUMBER` each. */
  readonly budgetSeriesPerJob: readonly string[];
  readonly budgetSeriesPerMetric: readonly string[];
  /** 0 goes by the container or the machine. */
  readonly memoryLimitBytes: number;
  readonly alertHistoryRetentionMs: number;
  readonly scrapeDiscoveryReloadIntervalMs: number;
  /** As they were written, comma lists and all; see `features`. */
  readonly enableFeature: readonly string[];
  readonly agent: boolean;
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly logFormat: "logfmt" | "json";
}
