// The whole of prometheus.yml as typed values: defaults filled in, globals inherited, paths resolved, nothing unchecked.
//
// Durations are integer milliseconds, sizes are bytes, limits of 0 mean "no limit". Optional blocks that are absent are
// `undefined`. Every value is complete: whoever holds a `Config` never looks for a default again.
import type { Labels } from "@narthex/model";
import type { ConfigUrl, HttpClientConfig, Secret, TlsConfig } from "@narthex/toolkit";
import type { NameValidationScheme, RelabelConfig } from "../relabel/rule.ts";

export type {
  AuthorizationConfig,
  BasicAuthConfig,
  HttpClientConfig,
  HttpHeaderConfig,
  OAuth2Config,
  ProxyConfig,
  TlsConfig,
  TlsVersion,
} from "@narthex/toolkit";
export type { NameValidationScheme, RelabelAction, RelabelConfig } from "../relabel/rule.ts";

/** An exposition format to ask for, most wanted first. Names are case-sensitive. */
export type ScrapeProtocol =
  | "PrometheusProto"
  | "OpenMetricsText1.0.0"
  | "OpenMetricsText0.0.1"
  | "PrometheusText1.0.0"
  | "PrometheusText0.0.4";

/** How names outside the old alphabet are to be escaped by a target. */
export type NameEscapingScheme = "allow-utf-8" | "underscores" | "dots" | "values";

/** The whole configuration. `scrapeConfigs` holds the main file's jobs; `allScrapeConfigs` also those of other files. */
export interface Config {
  /** The path the configuration was read from, as it was given; "" for one from memory. */
  readonly file: string;
  readonly global: GlobalConfig;
  readonly runtime: RuntimeConfig;
  readonly alerting: AlertingConfig;
  /** Globs, resolved against the directory of the file. */
  readonly ruleFiles: readonly string[];
  /** Globs, resolved against the directory of the file. */
  readonly scrapeConfigFiles: readonly string[];
  readonly scrapeConfigs: readonly ScrapeConfig[];
  /** The main file's jobs, then those of `scrape_config_files` in glob order: what is to be scraped. */
  readonly allScrapeConfigs: readonly ScrapeConfig[];
  readonly storage: StorageConfig;
  /** Undefined when there is no `tracing` block. */
  readonly tracing: TracingConfig | undefined;
  readonly remoteWrite: readonly RemoteWriteConfig[];
  readonly remoteRead: readonly RemoteReadConfig[];
  readonly otlp: OtlpConfig;
}

/** Settings that jobs and rule groups inherit. */
export interface GlobalConfig {
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  /** Undefined when not set: the default then depends on whether a job scrapes native histograms. */
  readonly scrapeProtocols: readonly ScrapeProtocol[] | undefined;
  readonly evaluationIntervalMs: number;
  readonly ruleQueryOffsetMs: number;
  /** "" for none. */
  readonly queryLogFile: string;
  /** "" for none. */
  readonly scrapeFailureLogFile: string;
  /** Environment variables already expanded; a label that expanded to nothing is gone. */
  readonly externalLabels: Labels;
  readonly bodySizeLimitBytes: number;
  readonly sampleLimit: number;
  readonly targetLimit: number;
  readonly labelLimit: number;
  readonly labelNameLengthLimit: number;
  readonly labelValueLengthLimit: number;
  readonly keepDroppedTargets: number;
  readonly metricNameValidationScheme: NameValidationScheme;
  /** "" when not set: jobs then derive it from their validation scheme. */
  readonly metricNameEscapingScheme: NameEscapingScheme | "";
  readonly scrapeNativeHistograms: boolean;
  readonly convertClassicHistogramsToNhcb: boolean;
  readonly alwaysScrapeClassicHistograms: boolean;
  readonly extraScrapeMetrics: boolean;
}

/** Tuning of the process. */
export interface RuntimeConfig {
  /** The reference's garbage collector target in percent, -1 for off. Reported, otherwise without effect here. */
  readonly gogc: number;
}

/** One job. Everything is inherited from `global` already. */
export interface ScrapeConfig {
  readonly jobName: string;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly trackTimestampsStaleness: boolean;
  /** Query parameters of the scrape, each with its values in order. */
  readonly params: ReadonlyMap<string, readonly string[]>;
  readonly scrapeIntervalMs: number;
  /** Never above `scrapeIntervalMs`. */
  readonly scrapeTimeoutMs: number;
  /** Never empty, no duplicates, most wanted first. */
  readonly scrapeProtocols: readonly ScrapeProtocol[];
  /** What to take a body for when its Content-Type says nothing useful; "" for refusing it. */
  readonly fallbackScrapeProtocol: ScrapeProtocol | "";
  readonly scrapeNativeHistograms: boolean;
  readonly alwaysScrapeClassicHistograms: boolean;
  readonly convertClassicHistogramsToNhcb: boolean;
  /** "" for none. */
  readonly scrapeFailureLogFile: string;
  readonly metricsPath: string;
  readonly scheme: string;
  readonly enableCompression: boolean;
  /** Counted after decompression. */
  readonly bodySizeLimitBytes: number;
  /** Counted after metric relabeling. */
  readonly sampleLimit: number;
  /** Counted after target relabeling. */
  readonly targetLimit: number;
  readonly labelLimit: number;
  readonly labelNameLengthLimit: number;
  readonly labelValueLengthLimit: number;
  readonly nativeHistogramBucketLimit: number;
  readonly nativeHistogramMinBucketFactor: number;
  readonly keepDroppedTargets: number;
  readonly metricNameValidationScheme: NameValidationScheme;
  readonly metricNameEscapingScheme: NameEscapingScheme;
  readonly extraScrapeMetrics: boolean;
  /** All `*_sd_configs` and `static_configs` of the job. May be empty: then it has no targets. */
  readonly discovery: readonly DiscoveryConfig[];
  readonly http: HttpClientConfig;
  readonly relabelConfigs: readonly RelabelConfig[];
  readonly metricRelabelConfigs: readonly RelabelConfig[];
}

/** One source of targets, told apart by `kind` (the key without `_sd_configs`). */
export type DiscoveryConfig = StaticDiscoveryConfig | FileDiscoveryConfig | HttpDiscoveryConfig | OtherDiscoveryConfig;

/** All groups of one `static_configs` list. */
export interface StaticDiscoveryConfig {
  readonly kind: "static";
  readonly groups: readonly StaticTargetGroup[];
}

/** Targets written down, and the labels they share. */
export interface StaticTargetGroup {
  /** Addresses, `host:port`. */
  readonly targets: readonly string[];
  readonly labels: ReadonlyMap<string, string>;
  /** Number of the group in its list, from "0". */
  readonly source: string;
}

/** Targets read from files and watched there. */
export interface FileDiscoveryConfig {
  readonly kind: "file";
  /** Paths whose last element may hold one `*`; resolved against the directory of the configuration file. */
  readonly files: readonly string[];
  readonly refreshIntervalMs: number;
}

/** Targets fetched as JSON. */
export interface HttpDiscoveryConfig {
  readonly kind: "http";
  readonly url: ConfigUrl;
  readonly refreshIntervalMs: number;
  readonly http: HttpClientConfig;
}

/** Every other mechanism: checked key by key; `body` holds its keys in camel case with the defaults filled in. */
export interface OtherDiscoveryConfig {
  readonly kind: Exclude<DiscoveryKind, "static" | "file" | "http">;
  readonly body: Readonly<Record<string, unknown>>;
  /** Undefined for the mechanisms that take no HTTP client keys. */
  readonly http: HttpClientConfig | undefined;
}

/** Names of the mechanisms, as in `<kind>_sd_configs`. */
export type DiscoveryKind =
  | "static"
  | "file"
  | "http"
  | "aws"
  | "azure"
  | "consul"
  | "digitalocean"
  | "dns"
  | "docker"
  | "dockerswarm"
  | "ec2"
  | "eureka"
  | "gce"
  | "hetzner"
  | "ionos"
  | "kubernetes"
  | "kuma"
  | "lightsail"
  | "linode"
  | "marathon"
  | "nerve"
  | "nomad"
  | "oci"
  | "openstack"
  | "outscale"
  | "ovhcloud"
  | "puppetdb"
  | "scaleway"
  | "serverset"
  | "stackit"
  | "triton"
  | "uyuni"
  | "vultr";

/** Where alerts go. */
export interface AlertingConfig {
  readonly alertRelabelConfigs: readonly RelabelConfig[];
  /** Known elsewhere as `config-0`, `config-1`, … in this order. */
  readonly alertmanagers: readonly AlertmanagerConfig[];
}

/** One set of Alertmanagers. */
export interface AlertmanagerConfig {
  readonly discovery: readonly DiscoveryConfig[];
  readonly http: HttpClientConfig;
  readonly sigv4: Sigv4Config | undefined;
  readonly scheme: string;
  readonly pathPrefix: string;
  readonly timeoutMs: number;
  readonly apiVersion: "v2";
  readonly relabelConfigs: readonly RelabelConfig[];
  readonly alertRelabelConfigs: readonly RelabelConfig[];
}

/** AWS Signature Version 4. */
export interface Sigv4Config {
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: Secret;
  readonly profile: string;
  readonly roleArn: string;
  readonly externalId: string;
  readonly useFipsStsEndpoint: boolean;
  readonly serviceName: string;
}

/** Azure AD for remote write: exactly one way of the five is there. */
export interface AzureAdConfig {
  readonly cloud: string;
  readonly managedIdentity: Readonly<Record<string, unknown>> | undefined;
  readonly workloadIdentity: Readonly<Record<string, unknown>> | undefined;
  readonly oauth: Readonly<Record<string, unknown>> | undefined;
  readonly certificate: Readonly<Record<string, unknown>> | undefined;
  readonly sdk: Readonly<Record<string, unknown>> | undefined;
  readonly scope: string;
}

/** Google IAM for remote write. */
export interface GoogleIamConfig {
  readonly credentialsFile: string;
}

/** Message format of remote write. */
export type RemoteWriteMessage = "prometheus.WriteRequest" | "io.prometheus.write.v2.Request";

/** One receiver of samples. */
export interface RemoteWriteConfig {
  readonly url: ConfigUrl;
  readonly remoteTimeoutMs: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly writeRelabelConfigs: readonly RelabelConfig[];
  /** "" when not given; the remote part then names it by a hash of the configuration. */
  readonly name: string;
  readonly sendExemplars: boolean;
  readonly sendNativeHistograms: boolean;
  readonly roundRobinDns: boolean;
  readonly protobufMessage: RemoteWriteMessage;
  readonly failedRequestLogging: boolean;
  readonly http: HttpClientConfig;
  readonly queue: QueueConfig;
  readonly metadata: MetadataConfig;
  /** At most one of these and of the authentications in `http` is there. */
  readonly sigv4: Sigv4Config | undefined;
  readonly azureAd: AzureAdConfig | undefined;
  readonly googleIam: GoogleIamConfig | undefined;
}

/** The queue before one receiver. */
export interface QueueConfig {
  /** Samples held per shard. */
  readonly capacity: number;
  readonly maxShards: number;
  readonly minShards: number;
  readonly maxSamplesPerSend: number;
  readonly batchSendDeadlineMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly retryOnHttp429: boolean;
  /** Older samples are dropped; 0 keeps all. */
  readonly sampleAgeLimitMs: number;
}

/** Sending of metric metadata. */
export interface MetadataConfig {
  readonly send: boolean;
  readonly sendIntervalMs: number;
  readonly maxSamplesPerSend: number;
}

/** One remote store to read from. */
export interface RemoteReadConfig {
  readonly url: ConfigUrl;
  readonly remoteTimeoutMs: number;
  readonly chunkedReadLimitBytes: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly readRecent: boolean;
  readonly name: string;
  readonly http: HttpClientConfig;
  readonly requiredMatchers: ReadonlyMap<string, string>;
  readonly filterExternalLabels: boolean;
}

/** Settings of the storage that a reload may change. */
export interface StorageConfig {
  readonly tsdb: TsdbConfig;
  readonly exemplars: ExemplarsConfig | undefined;
}

/** `storage.tsdb`. */
export interface TsdbConfig {
  /** How late a sample may come. */
  readonly outOfOrderTimeWindowMs: number;
  /** Share of stale series in the head, 0 to 1, above which they are compacted away; 0 is off. */
  readonly staleSeriesCompactionThreshold: number;
  /** "" follows the feature flag `xor2-encoding`. */
  readonly floatChunkEncoding: "" | "xor" | "xor2";
  /** The flags' values (or 15 days) when the section is absent; a section overrides the flags wholly. */
  readonly retention: RetentionConfig;
}

/** When blocks are deleted. */
export interface RetentionConfig {
  /** 0 sets no limit. */
  readonly timeMs: number;
  readonly sizeBytes: number;
  /** Share of the disk, 0 to 100; above 0 it replaces `sizeBytes`. */
  readonly percentage: number;
}

/** `storage.exemplars`. */
export interface ExemplarsConfig {
  /** Slots of the circular buffer; 0 or less switches it off. */
  readonly maxExemplars: number;
}

/** Export of the server's own spans. */
export interface TracingConfig {
  readonly clientType: "http" | "grpc";
  readonly endpoint: string;
  readonly samplingFraction: number;
  readonly insecure: boolean;
  readonly tls: TlsConfig;
  readonly headers: ReadonlyMap<string, string>;
  readonly compression: "" | "gzip";
  /** 0 leaves it to the exporter. */
  readonly timeoutMs: number;
}

/** How names and attributes of OpenTelemetry are translated. */
export type OtlpTranslationStrategy =
  | "UnderscoreEscapingWithSuffixes"
  | "UnderscoreEscapingWithoutSuffixes"
  | "NoUTF8EscapingWithSuffixes"
  | "NoTranslation"
  | "";

/** How samples that come by OpenTelemetry's protocol are named and labelled. */
export interface OtlpConfig {
  readonly promoteAllResourceAttributes: boolean;
  readonly promoteResourceAttributes: readonly string[];
  readonly ignoreResourceAttributes: readonly string[];
  readonly translationStrategy: OtlpTranslationStrategy;
  readonly keepIdentifyingResourceAttributes: boolean;
  readonly convertHistogramsToNhcb: boolean;
  readonly promoteScopeMetadata: boolean;
  readonly labelNameUnderscoreSanitization: boolean;
  readonly labelNamePreserveMultipleUnderscores: boolean;
}
