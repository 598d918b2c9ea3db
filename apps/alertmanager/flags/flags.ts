// The command line: the reference's flags, names, defaults and texts.
import {
  booleanFlag,
  checkedFlag,
  type Flag,
  type FlagExit,
  type FlagTraits,
  type FlagType,
  goDurationFlag,
  integerFlag,
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type LogLevel,
  numberFlag,
  parseFlags,
  textFlag,
  versionText,
} from "@narthex/toolkit";
import { COMPATIBLE_VERSION } from "../build-info.ts";
import { FEATURE_NAMES } from "../features.ts";

/** All flags with their values; durations in milliseconds. */
export interface AlertmanagerFlags {
  readonly configFile: string;
  readonly storagePath: string;
  readonly retentionMs: number;
  readonly maintenanceIntervalMs: number;
  readonly maxSilences: number;
  readonly maxSilenceBytes: number;
  readonly logSilences: boolean;
  readonly alertGcIntervalMs: number;
  readonly perAlertnameLimit: number;
  readonly dispatchMaintenanceIntervalMs: number;
  readonly dispatchStartDelayMs: number;
  readonly systemdSocket: boolean;
  readonly listenAddresses: readonly string[];
  readonly webConfigFile: string;
  readonly externalUrl: string;
  readonly routePrefix: string;
  readonly getConcurrency: number;
  readonly webTimeoutMs: number;
  readonly memoryRatio: number;
  readonly clusterListenAddress: string;
  readonly clusterAdvertiseAddress: string;
  readonly clusterPeerName: string;
  readonly clusterPeers: readonly string[];
  readonly clusterPeerTimeoutMs: number;
  readonly clusterPeersResolveTimeoutMs: number;
  readonly clusterGossipIntervalMs: number;
  readonly clusterPushPullIntervalMs: number;
  readonly clusterTcpTimeoutMs: number;
  readonly clusterProbeTimeoutMs: number;
  readonly clusterProbeIntervalMs: number;
  readonly clusterSettleTimeoutMs: number;
  readonly clusterReconnectIntervalMs: number;
  readonly clusterReconnectTimeoutMs: number;
  readonly clusterTlsConfig: string;
  readonly clusterAllowInsecureAdvertise: boolean;
  readonly clusterLabel: string;
  readonly enableFeature: string;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

function flag(
  name: string,
  property: keyof AlertmanagerFlags,
  type: FlagType<never> | FlagType<string> | FlagType<number> | FlagType<boolean>,
  help: string,
  traits: FlagTraits = {},
): Flag {
  return { name, property, type, help, ...traits };
}

const FLAGS: readonly Flag[] = [
  flag("config.file", "configFile", textFlag, "Alertmanager configuration file name.", {
    default: "alertmanager.yml",
  }),
  flag("storage.path", "storagePath", textFlag, "Base path for data storage.", { default: "data/" }),
  flag("data.retention", "retentionMs", goDurationFlag, "How long to keep data for.", { default: "120h" }),
  flag(
    "data.maintenance-interval",
    "maintenanceIntervalMs",
    goDurationFlag,
    "Interval between garbage collection and snapshotting to disk of the silences and the notification logs.",
    { default: "15m" },
  ),
  flag(
    "silences.max-silences",
    "maxSilences",
    integerFlag,
    "Maximum number of silences, including expired silences. If negative or zero, no limit is set.",
    { default: "0" },
  ),
  flag(
    "silences.max-silence-size-bytes",
    "maxSilenceBytes",
    integerFlag,
    "Maximum silence size in bytes. If negative or zero, no limit is set.",
    { default: "0" },
  ),
  flag(
    "log.silences",
    "logSilences",
    booleanFlag,
    "Enable logging silences. If it is enabled, the status change of silence will be logged",
  ),
  flag("alerts.gc-interval", "alertGcIntervalMs", goDurationFlag, "Interval between alert GC.", { default: "30m" }),
  flag(
    "alerts.per-alertname-limit",
    "perAlertnameLimit",
    integerFlag,
    "Maximum number of alerts per alertname. If negative or zero, no limit is set.",
    { default: "0" },
  ),
  flag(
    "dispatch.maintenance-interval",
    "dispatchMaintenanceIntervalMs",
    goDurationFlag,
    "Interval between maintenance of aggregation groups in the dispatcher.",
    { default: "30s" },
  ),
  flag(
    "dispatch.start-delay",
    "dispatchStartDelayMs",
    goDurationFlag,
    "Minimum amount of time to wait before dispatching alerts. This option should be synced with value of --rules.alert.resend-delay on Prometheus.",
    { default: "0s" },
  ),
  flag(
    "web.systemd-socket",
    "systemdSocket",
    booleanFlag,
    "Use systemd socket activation listeners instead of port listeners (Linux only).",
  ),
  flag(
    "web.listen-address",
    "listenAddresses",
    textFlag,
    "Addresses on which to expose metrics and web interface. Repeatable for multiple addresses. Examples: `:9100` or `[::1]:9100` for http, `vsock://:9100` for vsock",
    { default: [":9093"], repeatable: true },
  ),
  flag(
    "web.config.file",
    "webConfigFile",
    textFlag,
    "Path to configuration file that can enable TLS or authentication. See: https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md",
    { default: "" },
  ),
  flag(
    "web.external-url",
    "externalUrl",
    textFlag,
    "The URL under which Alertmanager is externally reachable (for example, if Alertmanager is served via a reverse proxy). Used for generating relative and absolute links back to Alertmanager itself. If the URL has a path portion, it will be used to prefix all HTTP endpoints served by Alertmanager. If omitted, relevant URL components will be derived automatically.",
  ),
  flag(
    "web.route-prefix",
    "routePrefix",
    textFlag,
    "Prefix for the internal routes of web endpoints. Defaults to path of --web.external-url.",
  ),
  flag(
    "web.get-concurrency",
    "getConcurrency",
    integerFlag,
    "Maximum number of GET requests processed concurrently. If negative or zero, the limit is GOMAXPROC or 8, whichever is larger.",
    { default: "0" },
  ),
  flag(
    "web.timeout",
    "webTimeoutMs",
    goDurationFlag,
    "Timeout for HTTP requests. If negative or zero, no timeout is set.",
    { default: "0" },
  ),
  flag(
    "auto-gomemlimit.ratio",
    "memoryRatio",
    numberFlag,
    "The ratio of reserved GOMEMLIMIT memory to the detected maximum container or system memory. The value must be greater than 0 and less than or equal to 1.",
    { default: "0.9" },
  ),
  flag(
    "cluster.listen-address",
    "clusterListenAddress",
    textFlag,
    "Listen address for cluster. Set to empty string to disable HA mode.",
    { default: "0.0.0.0:9094" },
  ),
  flag("cluster.advertise-address", "clusterAdvertiseAddress", textFlag, "Explicit address to advertise in cluster."),
  flag(
    "cluster.peer-name",
    "clusterPeerName",
    textFlag,
    "Explicit name of the peer, rather than generating a random one",
    { default: "" },
  ),
  flag("cluster.peer", "clusterPeers", textFlag, "Initial peers (may be repeated).", { repeatable: true }),
  flag(
    "cluster.peer-timeout",
    "clusterPeerTimeoutMs",
    goDurationFlag,
    "Time to wait between peers to send notifications.",
    { default: "15s" },
  ),
  flag("cluster.peers-resolve-timeout", "clusterPeersResolveTimeoutMs", goDurationFlag, "Time to resolve peers.", {
    default: "15s",
  }),
  flag(
    "cluster.gossip-interval",
    "clusterGossipIntervalMs",
    goDurationFlag,
    "Interval between sending gossip messages. By lowering this value (more frequent) gossip messages are propagated across the cluster more quickly at the expense of increased bandwidth.",
    { default: "200ms" },
  ),
  flag(
    "cluster.pushpull-interval",
    "clusterPushPullIntervalMs",
    goDurationFlag,
    "Interval for gossip state syncs. Setting this interval lower (more frequent) will increase convergence speeds across larger clusters at the expense of increased bandwidth usage.",
    { default: "1m0s" },
  ),
  flag(
    "cluster.tcp-timeout",
    "clusterTcpTimeoutMs",
    goDurationFlag,
    "Timeout for establishing a stream connection with a remote node for a full state sync, and for stream read and write operations.",
    { default: "10s" },
  ),
  flag(
    "cluster.probe-timeout",
    "clusterProbeTimeoutMs",
    goDurationFlag,
    "Timeout to wait for an ack from a probed node before assuming it is unhealthy. This should be set to 99-percentile of RTT (round-trip time) on your network.",
    { default: "500ms" },
  ),
  flag(
    "cluster.probe-interval",
    "clusterProbeIntervalMs",
    goDurationFlag,
    "Interval between random node probes. Setting this lower (more frequent) will cause the cluster to detect failed nodes more quickly at the expense of increased bandwidth usage.",
    { default: "1s" },
  ),
  flag(
    "cluster.settle-timeout",
    "clusterSettleTimeoutMs",
    goDurationFlag,
    "Maximum time to wait for cluster connections to settle before evaluating notifications.",
    { default: "1m0s" },
  ),
  flag(
    "cluster.reconnect-interval",
    "clusterReconnectIntervalMs",
    goDurationFlag,
    "Interval between attempting to reconnect to lost peers.",
    { default: "10s" },
  ),
  flag(
    "cluster.reconnect-timeout",
    "clusterReconnectTimeoutMs",
    goDurationFlag,
    "Length of time to attempt to reconnect to a lost peer.",
    { default: "6h0m0s" },
  ),
  flag(
    "cluster.tls-config",
    "clusterTlsConfig",
    textFlag,
    "[EXPERIMENTAL] Path to config yaml file that can enable mutual TLS within the gossip protocol.",
    { default: "" },
  ),
  flag(
    "cluster.allow-insecure-public-advertise-address-discovery",
    "clusterAllowInsecureAdvertise",
    booleanFlag,
    "[EXPERIMENTAL] Allow alertmanager to discover and listen on a public IP address.",
  ),
  flag(
    "cluster.label",
    "clusterLabel",
    textFlag,
    "The cluster label is an optional string to include on each packet and stream. It uniquely identifies the cluster and prevents cross-communication issues when sending gossip messages.",
    { default: "" },
  ),
  flag(
    "enable-feature",
    "enableFeature",
    textFlag,
    `Comma-separated experimental features to enable. Valid options: ${FEATURE_NAMES.join(", ")}`,
    { default: "" },
  ),
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

/** Reads a command line. Never throws, never prints. */
export function parseAlertmanagerFlags(
  argv: readonly string[],
): FlagExit | { readonly kind: "run"; readonly flags: AlertmanagerFlags } {
  const parsed = parseFlags(
    {
      name: "narthex alertmanager",
      description: "The Alertmanager",
      version: versionText("alertmanager", COMPATIBLE_VERSION),
      flags: FLAGS,
    },
    argv,
  );
  return parsed.kind === "exit" ? parsed : { kind: "run", flags: parsed.values as unknown as AlertmanagerFlags };
}
