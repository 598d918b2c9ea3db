// `narthex server`: from the command line to a running server, and from a signal to a clean end.

import { compileRegex } from "@narthex/model";
import { createLogger, type Logger, NARTHEX_VERSION, WebConfigError } from "@narthex/toolkit";
import { ReplayThread } from "@narthex/tsdb";
import { COMPATIBLE_VERSION } from "./build-info.ts";
import { memoryLimit } from "./care/memory-limit.ts";
import { namedLimits } from "./care/series-budget.ts";
import { ConfigError } from "./config/index.ts";
import { flagRetention, parseServerFlags, type ServerCommand, statusFlags } from "./flags/index.ts";
import { Server } from "./server.ts";
import type { ServerSettings } from "./settings.ts";

/** What the launcher adds to the command line. */
export interface MainOptions {
  /** Folder of the built web page. */
  readonly assets?: string;
  /** Reads a log already: that of this server's database, if it was guessed well where that lies. */
  readonly replayThread?: ReplayThread | undefined;
  /** The configuration itself, in place of a file. */
  readonly configText?: string;
  /** Told once the server answers, how it is spoken to: by which scheme, and what all paths begin with. */
  readonly onReady?: (place: { readonly scheme: "http" | "https"; readonly path: string }) => void;
}

/** Exit codes of the reference. */
const EXIT = { clean: 0, failed: 1, badConfig: 2 } as const;
/** The reference's own name, which is its default; a page that nobody gave a title bears ours. */
const DEFAULT_PAGE_TITLE = "Prometheus Time Series Collection and Processing Server";
const DEFAULT_TRUNCATE_EVERY_MS = 2 * 60 * 60 * 1000;
const DEFAULT_WAL_SEGMENT_BYTES = 128 * 1024 * 1024;

/** Runs until the server has stopped; resolves to the exit code. */
export async function main(argv: string[], options: MainOptions = {}): Promise<number> {
  const command = parseServerFlags(argv, { version: COMPATIBLE_VERSION });
  if (command.kind === "exit") {
    process.stdout.write(command.stdout);
    process.stderr.write(command.stderr);
    return command.code;
  }
  const { flags } = command;
  const logger = createLogger({ level: flags.logLevel, format: flags.logFormat });
  for (const { level, message, attributes } of command.notes) logger[level](message, attributes);

  const settings = settingsOf(command, options.configText);
  // A thread takes longer to come up than a configuration to be read.
  const replayThread = replayThreadFor(settings, options.replayThread);
  let server: Server;
  try {
    server = new Server({ settings, logger, assets: options.assets, replayThread });
  } catch (error) {
    replayThread?.end();
    if (error instanceof WebConfigError) {
      logger.error("Unable to validate web configuration file", { err: error.message });
      return EXIT.failed;
    }
    if (!(error instanceof ConfigError)) throw error;
    logger.error(`Error loading config (--config.file=${flags.configFile})`, { file: flags.configFile, err: error });
    return EXIT.badConfig;
  }
  const mode = settings.agent === undefined ? "server" : "agent";
  logger.info(mode === "agent" ? "Starting Prometheus Agent" : "Starting Prometheus Server", {
    mode,
    version: `narthex ${NARTHEX_VERSION}, following ${COMPATIBLE_VERSION}`,
  });

  const stopping = untilToldToStop(server, logger);
  process.on("SIGHUP", () => void server.reload().catch(() => {}));
  try {
    await server.start();
  } catch (error) {
    logger.error("Fatal error", { err: (error as Error).message });
    await server.stop().catch(() => {});
    return EXIT.failed;
  }
  options.onReady?.({ scheme: server.isSecure ? "https" : "http", path: settings.routePrefix });
  await stopping;
  await server.stop();
  return EXIT.clean;
}

/** The thread that reads the log ahead, if it is long: the one that does so already, or else a new one. */
function replayThreadFor(settings: ServerSettings, early: ReplayThread | undefined): ReplayThread | undefined {
  const { agent, storagePath } = settings;
  if (agent === undefined && early?.isFor(storagePath)) return early;
  early?.end();
  return agent === undefined ? ReplayThread.forDatabase(storagePath) : undefined;
}

function untilToldToStop(server: Server, logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    const signals = { SIGTERM: "terminated", SIGINT: "interrupt" } as const;
    for (const [name, signal] of Object.entries(signals)) {
      process.once(name, () => {
        logger.warn("Received an OS signal, exiting gracefully...", { signal });
        resolve();
      });
    }
    void server.untilQuit().then(() => {
      logger.warn("Received termination request via web service, exiting gracefully...");
      resolve();
    });
  });
}

function settingsOf(command: ServerCommand, configText: string | undefined): ServerSettings {
  const { flags, features, web } = command;
  const retention = flagRetention(flags);
  const isAgent = flags.agent;
  return {
    agent: isAgent
      ? {
          truncateEveryMs: flags.agentWalTruncateFrequencyMs || DEFAULT_TRUNCATE_EVERY_MS,
          minWalTimeMs: flags.agentRetentionMinTimeMs,
          maxWalTimeMs: flags.agentRetentionMaxTimeMs,
          checkpointBatchSize: flags.agentCheckpointBatchSize,
        }
      : undefined,
    configFile: flags.configFile,
    configText,
    autoReloadIntervalMs: flags.autoReload || features.has("auto-reload-config") ? flags.autoReloadIntervalMs : 0,
    listenAddresses: flags.listenAddresses,
    externalUrl: new URL(web.externalUrl),
    routePrefix: web.routePrefix === "/" ? "" : web.routePrefix,
    pageTitle: flags.webPageTitle === DEFAULT_PAGE_TITLE ? "Narthex" : flags.webPageTitle,
    corsOrigin: compileRegex(flags.webCorsOrigin),
    readTimeoutMs: flags.webReadTimeoutMs,
    maxConnections: flags.webMaxConnections,
    maxNotificationSubscribers: flags.webMaxNotificationsSubscribers,
    webConfigFile: flags.webConfigFile,
    userAssets: flags.webUserAssets,
    consoleTemplates: flags.webConsoleTemplates,
    consoleLibraries: flags.webConsoleLibraries,
    enableLifecycle: flags.webEnableLifecycle,
    enableAdminApi: flags.webEnableAdminApi,
    enableRemoteWriteReceiver: flags.webEnableRemoteWriteReceiver,
    enableOtlpReceiver: flags.webEnableOtlpReceiver,
    searchMaxLimit: flags.webSearchMaxLimit,
    remoteWriteMessages: flags.webRemoteWriteMessages,
    remoteReadSampleLimit: flags.remoteReadSampleLimit,
    remoteReadConcurrency: flags.remoteReadConcurrentLimit,
    remoteReadMaxFrameBytes: flags.remoteReadMaxBytesInFrame,
    remoteFlushDeadlineMs: flags.remoteFlushDeadlineMs,
    notificationQueueCapacity: flags.notificationQueueCapacity,
    notificationBatchSize: flags.notificationBatchSize,
    drainNotificationsOnShutdown: flags.drainNotificationsOnShutdown,
    storagePath: isAgent ? flags.agentPath : flags.tsdbPath,
    noLockfile: isAgent ? flags.agentNoLockfile : flags.tsdbNoLockfile,
    minBlockDurationMs: flags.tsdbMinBlockDurationMs,
    maxBlockDurationMs: flags.tsdbMaxBlockDurationMs,
    maxBlockSegmentBytes: flags.tsdbMaxBlockChunkSegmentBytes,
    mergesOverlappingBlocks: flags.tsdbAllowOverlappingCompaction,
    uploadedBlocksFile: flags.tsdbDelayCompactFile,
    compactionDelayPercent: flags.tsdbDelayedCompactionMaxPercent,
    retentionMs: retention.timeMs,
    retentionBytes: retention.sizeBytes,
    walSegmentBytes: (isAgent ? flags.agentWalSegmentBytes : flags.tsdbWalSegmentBytes) || DEFAULT_WAL_SEGMENT_BYTES,
    walCompression: isAgent
      ? flags.agentWalCompression
        ? flags.agentWalCompressionType
        : "none"
      : flags.tsdbWalCompression
        ? flags.tsdbWalCompressionType
        : "none",
    budget: {
      total: flags.budgetSeries,
      perJob: namedLimits(flags.budgetSeriesPerJob),
      perMetric: namedLimits(flags.budgetSeriesPerMetric),
    },
    memoryLimitBytes: memoryLimit({
      limitBytes: flags.memoryLimitBytes,
      automatic: flags.autoGomemlimit,
      ratio: flags.autoGomemlimitRatio,
    }),
    lookbackDeltaMs: flags.queryLookbackDeltaMs,
    queryTimeoutMs: flags.queryTimeoutMs,
    queryMaxConcurrency: flags.queryMaxConcurrency,
    queryMaxSamples: flags.queryMaxSamples,
    discoveryReloadIntervalMs: flags.scrapeDiscoveryReloadIntervalMs,
    resendDelayMs: flags.rulesResendDelayMs,
    maxConcurrentRules: features.has("concurrent-rule-eval") ? flags.rulesMaxConcurrentEvals : 0,
    alertHistoryRetentionMs: flags.alertHistoryRetentionMs,
    outageToleranceMs: flags.rulesForOutageToleranceMs,
    alertGracePeriodMs: flags.rulesForGracePeriodMs,
    features,
    flags: statusFlags(command, retention),
  };
}
