// The keys of `remote_write` and `remote_read`.
import {
  type Codec,
  type ConfigUrl,
  completeHttpClient,
  field,
  httpClientShape,
  isReservedHeader,
  quote,
  remoteWriteHttpShape,
  struct,
  type YamlReader,
  yamlCodec,
} from "@narthex/toolkit";
import { isLabelName, type NameValidationScheme } from "../../relabel/index.ts";
import type {
  AzureAdConfig,
  GoogleIamConfig,
  MetadataConfig,
  QueueConfig,
  RemoteReadConfig,
  RemoteWriteConfig,
  RemoteWriteMessage,
  Sigv4Config,
} from "../types.ts";
import { completeRelabeling, relabelRules } from "./relabel.ts";

const { bool, checkedText, duration, int, map, optional, secret, text, uint, url } = yamlCodec;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Signing of requests for AWS; also for Alertmanagers. */
export const sigv4: Codec<Sigv4Config> = struct<Sigv4Config>(
  "sigv4.plain",
  [
    field<Sigv4Config>("region", "region", text),
    field<Sigv4Config>("access_key", "accessKey", text),
    field<Sigv4Config>("secret_key", "secretKey", secret),
    field<Sigv4Config>("profile", "profile", text),
    field<Sigv4Config>("role_arn", "roleArn", text),
    field<Sigv4Config>("external_id", "externalId", text),
    field<Sigv4Config>("use_fips_sts_endpoint", "useFipsStsEndpoint", bool),
    field<Sigv4Config>("service_name", "serviceName", text),
  ],
  {
    check(config, reader) {
      if ((config.accessKey === "") !== config.secretKey.isEmpty) {
        reader.invalid(
          reader.place(config, "access_key"),
          "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config",
        );
      }
    },
  },
);

type Part = Record<string, unknown>;

function azurePart(
  type: string,
  keys: readonly (readonly [string, string, Codec<never> | Codec<string> | Codec<unknown>])[],
): Codec<Part> {
  return struct<Part>(
    type,
    keys.map(([key, name, codec]) => field<Part>(key, name, codec)),
  );
}

const clientId = ["client_id", "clientId", text] as const;
const tenantId = ["tenant_id", "tenantId", text] as const;

const azureAd: Codec<Writable<AzureAdConfig>> = struct<Writable<AzureAdConfig>>(
  "azuread.plain",
  [
    field<AzureAdConfig>(
      "managed_identity",
      "managedIdentity",
      optional(azurePart("azuread.ManagedIdentityConfig", [clientId])),
    ),
    field<AzureAdConfig>(
      "workload_identity",
      "workloadIdentity",
      optional(
        azurePart("azuread.WorkloadIdentityConfig", [clientId, tenantId, ["token_file_path", "tokenFilePath", text]]),
      ),
    ),
    field<AzureAdConfig>(
      "oauth",
      "oauth",
      optional(azurePart("azuread.OAuthConfig", [clientId, ["client_secret", "clientSecret", secret], tenantId])),
    ),
    field<AzureAdConfig>("sdk", "sdk", optional(azurePart("azuread.SDKConfig", [tenantId]))),
    field<AzureAdConfig>(
      "certificate",
      "certificate",
      optional(
        azurePart("azuread.CertificateConfig", [
          clientId,
          tenantId,
          ["certificate_path", "certificatePath", text],
          ["certificate_key_path", "certificateKeyPath", text],
          ["certificate_password", "certificatePassword", secret],
          ["send_certificate_chain", "sendCertificateChain", bool],
        ]),
      ),
    ),
    field<AzureAdConfig>("cloud", "cloud", text),
    field<AzureAdConfig>("scope", "scope", text),
  ],
  {
    check(config, reader) {
      config.cloud ||= "AzurePublic";
      const problem = azureProblem(config);
      if (problem !== undefined) reader.invalid(reader.place(config, problem[1]), problem[0]);
    },
  },
);

const UUID = /^(?:urn:uuid:)?\{?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\}?$/i;

function azureProblem(config: AzureAdConfig): readonly [message: string, key?: string] | undefined {
  const { managedIdentity, workloadIdentity, oauth, sdk, certificate, cloud, scope } = config;
  if (!["AzurePublic", "AzureChina", "AzureGovernment"].includes(cloud)) {
    return ["must provide a cloud in the Azure AD config", "cloud"];
  }
  const given = [managedIdentity, workloadIdentity, oauth, sdk, certificate].filter((way) => way !== undefined);
  if (given.length === 0) {
    return [
      "must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth, Azure Certificate or Azure SDK in the Azure AD config",
    ];
  }
  if (given.length > 1) return ["cannot provide multiple authentication methods in the Azure AD config"];
  const ways = [
    [managedIdentity, "Azure Managed Identity", "managed_identity", []],
    [workloadIdentity, "Azure Workload Identity", "workload_identity", ["client_id", "tenant_id"]],
    [oauth, "Azure OAuth", "oauth", ["client_id", "client_secret", "tenant_id"]],
    [certificate, "Azure Certificate", "certificate", ["client_id", "tenant_id", "certificate_path"]],
  ] as const;
  for (const [part, title, key, required] of ways) {
    if (part === undefined) continue;
    for (const name of required) {
      const value = part[name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())];
      if (String(value) === "") return [`must provide an ${title} ${name} in the Azure AD config`, key];
    }
    const id = part["clientId"] as string;
    if (id !== "" && !UUID.test(id)) return [`the provided ${title} client_id is invalid`, key];
    if (part === workloadIdentity && !UUID.test(part["tenantId"] as string)) {
      return [`the provided ${title} tenant_id is invalid`, key];
    }
  }
  return scope === "" || /^[\w\s:/.-]+$/.test(scope)
    ? undefined
    : ["the provided scope contains invalid characters", "scope"];
}

const googleIam: Codec<GoogleIamConfig> = struct<GoogleIamConfig>("googleiam.Config", [
  field<GoogleIamConfig>("credentials_file", "credentialsFile", text),
]);

const queueConfig: Codec<QueueConfig> = struct<QueueConfig>("config.QueueConfig", [
  field<QueueConfig>("capacity", "capacity", int, { initial: () => 10_000 }),
  field<QueueConfig>("max_shards", "maxShards", int, { initial: () => 50 }),
  field<QueueConfig>("min_shards", "minShards", int, { initial: () => 1 }),
  field<QueueConfig>("max_samples_per_send", "maxSamplesPerSend", int, { initial: () => 2000 }),
  field<QueueConfig>("batch_send_deadline", "batchSendDeadlineMs", duration, { initial: () => 5000 }),
  field<QueueConfig>("min_backoff", "minBackoffMs", duration, { initial: () => 30 }),
  field<QueueConfig>("max_backoff", "maxBackoffMs", duration, { initial: () => 5000 }),
  field<QueueConfig>("retry_on_http_429", "retryOnHttp429", bool),
  field<QueueConfig>("sample_age_limit", "sampleAgeLimitMs", duration),
]);

const defaultQueue = (): QueueConfig => ({
  capacity: 10_000,
  maxShards: 50,
  minShards: 1,
  maxSamplesPerSend: 2000,
  batchSendDeadlineMs: 5000,
  minBackoffMs: 30,
  maxBackoffMs: 5000,
  retryOnHttp429: false,
  sampleAgeLimitMs: 0,
});

function queueProblem(queue: QueueConfig): readonly [message: string, key: string] | undefined {
  const problem = (key: string, words: string): [string, string] => [`remote write queue ${key} ${words}`, key];
  if (queue.maxShards <= 0) return problem("max_shards", "must be positive");
  if (queue.minShards <= 0) return problem("min_shards", "must be positive");
  if (queue.minShards > queue.maxShards) return problem("min_shards", "must not be greater than max_shards");
  if (queue.maxSamplesPerSend <= 0) return problem("max_samples_per_send", "must be positive");
  if (queue.capacity <= 0) return problem("capacity", "must be positive");
  if (queue.maxBackoffMs < queue.minBackoffMs) return problem("max_backoff", "must not be less than min_backoff");
  return undefined;
}

const metadataConfig: Codec<MetadataConfig> = struct<MetadataConfig>("config.MetadataConfig", [
  field<MetadataConfig>("send", "send", bool, { initial: () => true, keep: true }),
  field<MetadataConfig>("send_interval", "sendIntervalMs", duration, { initial: () => 60_000, keep: true }),
  field<MetadataConfig>("max_samples_per_send", "maxSamplesPerSend", int, { initial: () => 2000 }),
]);

const defaultMetadata = (): MetadataConfig => ({ send: true, sendIntervalMs: 60_000, maxSamplesPerSend: 2000 });

/** Headers of remote requests: those that carry credentials or the protocol are not free. */
const remoteHeaders = map(text, {
  checkKey(name) {
    if (name.toLowerCase() === "authorization") {
      return "authorization header must be changed via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter";
    }
    return isReservedRemoteHeader(name) ? `${name} is a reserved header. It must not be changed` : undefined;
  },
});

/** Headers of the tracing exporter. */
export const tracingHeaders: Codec<ReadonlyMap<string, string>> = map(text, {
  checkKey(name) {
    if (name.toLowerCase() === "authorization") return "custom authorization header configuration is not yet supported";
    return isReservedRemoteHeader(name) ? `${name} is a reserved header. It must not be changed` : undefined;
  },
});

function isReservedRemoteHeader(name: string): boolean {
  return isReservedHeader(name) && name.toLowerCase() !== "x-prometheus-scrape-timeout-seconds";
}

const MESSAGES: readonly string[] = ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"];

const message: Codec<RemoteWriteMessage> = checkedText("string", (name) =>
  MESSAGES.includes(name)
    ? undefined
    : `invalid protobuf_message value: unknown type for remote write protobuf message ${name}, supported: ${MESSAGES.join(", ")}`,
);

type WriteDraft = Writable<Omit<RemoteWriteConfig, "url">> & { url: ConfigUrl | undefined };

/** One `remote_write`. Complete only after `completeRemoteWrite`. */
export const remoteWrite: Codec<WriteDraft> = struct<WriteDraft>(
  "config.plain",
  [
    field<WriteDraft>("url", "url", url, { keep: true }),
    field<WriteDraft>("remote_timeout", "remoteTimeoutMs", duration, { initial: () => 30_000 }),
    field<WriteDraft>("headers", "headers", remoteHeaders),
    field<WriteDraft>(
      "write_relabel_configs",
      "writeRelabelConfigs",
      relabelRules("empty or null relabeling rule in remote write config"),
    ),
    field<WriteDraft>("name", "name", text),
    field<WriteDraft>("send_exemplars", "sendExemplars", bool),
    field<WriteDraft>("send_native_histograms", "sendNativeHistograms", bool),
    field<WriteDraft>("round_robin_dns", "roundRobinDns", bool),
    field<WriteDraft>("protobuf_message", "protobufMessage", message, { initial: () => "prometheus.WriteRequest" }),
    field<WriteDraft>("failed_request_logging", "failedRequestLogging", bool),
    { name: "http", inline: remoteWriteHttpShape },
    field<WriteDraft>("queue_config", "queue", queueConfig, { initial: defaultQueue }),
    field<WriteDraft>("metadata_config", "metadata", metadataConfig, { initial: defaultMetadata }),
    field<WriteDraft>("sigv4", "sigv4", optional(sigv4)),
    field<WriteDraft>("azuread", "azureAd", optional(azureAd)),
    field<WriteDraft>("google_iam", "googleIam", optional(googleIam)),
  ],
  { check: checkRemoteWrite },
);

function checkRemoteWrite(draft: WriteDraft, reader: YamlReader): void {
  if (draft.url === undefined) {
    reader.invalid(reader.place(draft, "url"), "url for remote_write is empty");
    return;
  }
  const before = reader.problemCount;
  completeHttpClient(draft.http, reader);
  const problem = queueProblem(draft.queue);
  if (problem !== undefined) {
    const place = reader.wasWritten(draft, "queue_config")
      ? reader.place(draft.queue, problem[1])
      : reader.place(draft, "queue_config");
    reader.invalid(place, problem[0]);
  }
  if (reader.problemCount > before) return;
  const ways = [
    ["basic_auth", draft.http.basicAuth],
    ["authorization", draft.http.authorization],
    ["oauth2", draft.http.oauth2],
    ["sigv4", draft.sigv4],
    ["azuread", draft.azureAd],
    ["google_iam", draft.googleIam],
  ].flatMap(([name, value]) => (value === undefined ? [] : [name as string]));
  if (ways.length > 1) {
    reader.invalid(
      reader.place(draft, ways.at(-1)),
      `at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be configured. Currently configured: [${ways.join(" ")}]`,
    );
  }
}

/** Checks what depends on the other receivers and on the names that are legal. */
export function completeRemoteWrites(
  drafts: readonly WriteDraft[],
  scheme: NameValidationScheme,
  reader: YamlReader,
): void {
  reportRepeatedNames(drafts, "write", reader);
  for (const draft of drafts) completeRelabeling(draft.writeRelabelConfigs, scheme, reader);
}

type ReadDraft = Writable<Omit<RemoteReadConfig, "url">> & { url: ConfigUrl | undefined };

/** One `remote_read`. */
export const remoteRead: Codec<ReadDraft> = struct<ReadDraft>(
  "config.plain",
  [
    field<ReadDraft>("url", "url", url, { keep: true }),
    field<ReadDraft>("remote_timeout", "remoteTimeoutMs", duration, { initial: () => 60_000 }),
    field<ReadDraft>("chunked_read_limit", "chunkedReadLimitBytes", uint, { initial: () => 50_000_000 }),
    field<ReadDraft>("headers", "headers", remoteHeaders),
    field<ReadDraft>("read_recent", "readRecent", bool),
    field<ReadDraft>("name", "name", text),
    { name: "http", inline: httpClientShape },
    field<ReadDraft>(
      "required_matchers",
      "requiredMatchers",
      map(text, {
        type: "model.LabelSet",
        checkKey: (name) => (isLabelName(name, "utf8") ? undefined : `${quote(name)} is not a valid label name`),
      }),
    ),
    field<ReadDraft>("filter_external_labels", "filterExternalLabels", bool, { initial: () => true }),
  ],
  {
    check(draft, reader) {
      if (draft.url === undefined) reader.invalid(reader.place(draft, "url"), "url for remote_read is empty");
      completeHttpClient(draft.http, reader);
    },
  },
);

/** Reports names that several `remote_read` or `remote_write` blocks share. */
export function reportRepeatedNames(
  drafts: readonly { readonly name: string }[],
  what: "read" | "write",
  reader: YamlReader,
): void {
  const seen = new Set<string>();
  for (const draft of drafts) {
    if (draft.name !== "" && seen.has(draft.name)) {
      reader.invalid(
        reader.place(draft, "name"),
        `found multiple remote ${what} configs with job name ${quote(draft.name)}`,
      );
    }
    seen.add(draft.name);
  }
}
