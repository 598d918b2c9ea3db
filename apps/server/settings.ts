// What the flags come to: everything a server is told besides its configuration file.
import type { Regex } from "@narthex/model";
import type { BudgetLimits } from "./care/series-budget.ts";

/** What an agent is told about its log. */
export interface AgentSettings {
  readonly truncateEveryMs: number;
  readonly minWalTimeMs: number;
  readonly maxWalTimeMs: number;
  /** Series in one record of a checkpoint. */
  readonly checkpointBatchSize: number;
}

export interface ServerSettings {
  /** Undefined unless in agent mode. */
  readonly agent: AgentSettings | undefined;
  readonly configFile: string;
  /** The configuration itself, where none is read from a file. */
  readonly configText: string | undefined;
  /** How often files are looked at for changes; 0 for never. */
  readonly autoReloadIntervalMs: number;
  readonly listenAddresses: readonly string[];
  readonly externalUrl: URL;
  /** "" or `/prefix`. */
  readonly routePrefix: string;
  readonly pageTitle: string;
  readonly corsOrigin: Regex;
  readonly readTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxNotificationSubscribers: number;
  /** TLS, users and headers of the web server; "" for none. */
  readonly webConfigFile: string;
  /** Folder served under `/user/`; "" for none. */
  readonly userAssets: string;
  /** Folders of the pages under `/consoles/` and of what they share. */
  readonly consoleTemplates: string;
  readonly consoleLibraries: string;
  readonly enableLifecycle: boolean;
  readonly enableAdminApi: boolean;
  readonly enableRemoteWriteReceiver: boolean;
  readonly enableOtlpReceiver: boolean;
  /** 0 for none. */
  readonly searchMaxLimit: number;
  /** Names of the remote write messages that are taken. */
  readonly remoteWriteMessages: readonly string[];
  /** 0 for none; streamed answers have none. */
  readonly remoteReadSampleLimit: number;
  /** 0 for none. */
  readonly remoteReadConcurrency: number;
  readonly remoteReadMaxFrameBytes: number;
  readonly remoteFlushDeadlineMs: number;
  readonly storagePath: string;
  readonly noLockfile: boolean;
  readonly minBlockDurationMs: number;
  /** 0 for a share of the retention time. */
  readonly maxBlockDurationMs: number;
  /** Where chunk files of blocks are cut; 0 for the default. */
  readonly maxBlockSegmentBytes: number;
  readonly mergesOverlappingBlocks: boolean;
  /** "" for none. */
  readonly uploadedBlocksFile: string;
  readonly compactionDelayPercent: number;
  /** 0 for none. */
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly walSegmentBytes: number;
  readonly walCompression: "none" | "snappy" | "zstd";
  readonly budget: BudgetLimits;
  /** Of which load is shed; 0 for none. */
  readonly memoryLimitBytes: number;
  readonly lookbackDeltaMs: number;
  readonly queryTimeoutMs: number;
  readonly queryMaxConcurrency: number;
  readonly queryMaxSamples: number;
  readonly discoveryReloadIntervalMs: number;
  /** Alerts that may wait for one Alertmanager, alerts of one request, and whether what waits is sent at the end. */
  readonly notificationQueueCapacity: number;
  readonly notificationBatchSize: number;
  readonly drainNotificationsOnShutdown: boolean;
  readonly resendDelayMs: number;
  /** Rules that may be evaluated beside others of their group, all groups together; 0 for none. */
  readonly maxConcurrentRules: number;
  readonly outageToleranceMs: number;
  /** 0 for no history of alerts. */
  readonly alertHistoryRetentionMs: number;
  readonly alertGracePeriodMs: number;
  readonly features: ReadonlySet<string>;
  /** Every flag as text, for the status API. */
  readonly flags: Readonly<Record<string, string>>;
}
