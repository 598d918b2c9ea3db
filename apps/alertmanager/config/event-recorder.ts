// `event_recorder`: where events go, one list for each kind of output.
import {
  type Codec,
  type ConfigUrl,
  field,
  type HttpClientConfig,
  struct,
  type TlsConfig,
  tlsClientConfig,
  yamlCodec,
} from "@narthex/toolkit";
import { secretUrl } from "./codecs.ts";
import { httpConfig } from "./http.ts";
import { kept, keysOf } from "./keys.ts";

const { bool, duration, filePath, int, list, optional, text } = yamlCodec;

export interface FileOutputConfig {
  readonly path: string;
}

/** Numbers are 0 where nothing was written. Times in milliseconds. */
export interface WebhookOutputConfig {
  readonly url: ConfigUrl;
  readonly httpConfig: HttpClientConfig | undefined;
  /** Of one request. */
  readonly timeout: number;
  /** Requests under way at a time. */
  readonly workers: number;
  /** Attempts in all, the first included. */
  readonly maxRetries: number;
  /** Before the second attempt; doubled with each further one. */
  readonly retryBackoff: number;
  /** Several events in a request, as an array. */
  readonly batch: boolean;
  readonly batchMaxEvents: number;
  readonly batchMaxBytes: number;
  readonly batchFlushInterval: number;
}

export interface KafkaOutputConfig {
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly clientId: string;
  readonly format: string;
  readonly acks: string;
  readonly compression: string;
  readonly bufferSize: number;
  readonly tlsConfig: TlsConfig | undefined;
}

export interface EventRecorderConfig {
  readonly fileOutputs: readonly FileOutputConfig[];
  readonly webhookOutputs: readonly WebhookOutputConfig[];
  readonly kafkaOutputs: readonly KafkaOutputConfig[];
  readonly stdoutOutputs: readonly object[];
}

const fileOutput: Codec<FileOutputConfig> = struct<FileOutputConfig>(
  "eventrecorder.plain",
  keysOf<FileOutputConfig>({ path: kept(filePath()) }),
  {
    check(config, reader) {
      if (config.path === "") reader.invalid(reader.place(config), "event_recorder file output requires a path");
    },
  },
);

const webhookOutput: Codec<WebhookOutputConfig> = struct<WebhookOutputConfig>(
  "eventrecorder.plain",
  keysOf<WebhookOutputConfig>({
    url: kept(secretUrl),
    http_config: optional(httpConfig),
    timeout: duration,
    workers: int,
    max_retries: int,
    retry_backoff: duration,
    batch: bool,
    batch_max_events: int,
    batch_max_bytes: int,
    batch_flush_interval: duration,
  }),
  {
    check(config, reader) {
      const { batch, batchMaxEvents, batchMaxBytes, batchFlushInterval } = config;
      const invalid = (message: string): void =>
        reader.invalid(reader.place(config), `event_recorder webhook ${message}`);
      const url = config.url as ConfigUrl | undefined;
      if (url === undefined) invalid("output requires a url");
      else if (url.reveal() === "") invalid("output requires an absolute http(s) url");
      else if (batchMaxEvents < 0 || batchMaxBytes < 0) invalid("batch settings cannot be negative");
      else if (!batch && (batchMaxEvents !== 0 || batchMaxBytes !== 0 || batchFlushInterval !== 0))
        invalid("batch settings require batch: true");
    },
  },
);

const kafkaOutput: Codec<KafkaOutputConfig> = struct<KafkaOutputConfig>(
  "eventrecorder.plain",
  keysOf<KafkaOutputConfig>({
    brokers: kept(list(text)),
    topic: kept(text),
    client_id: text,
    format: text,
    acks: text,
    compression: text,
    buffer_size: int,
    tls_config: optional(tlsClientConfig),
  }),
  {
    check(config, reader) {
      const problem = kafkaProblem(config);
      if (problem !== undefined) reader.invalid(reader.place(config), `event_recorder ${problem}`);
      // As the API shows it.
      else if (config.format === "") Object.assign(config, { format: "json" });
    },
  },
);

function kafkaProblem({ brokers, acks, compression, topic, format }: KafkaOutputConfig): string | undefined {
  if (brokers.length === 0) return "kafka: at least one broker is required";
  if (brokers.includes("")) return "kafka: broker entries must be non-empty";
  if (!["", "none", "leader", "all"].includes(acks))
    return `kafka: unknown acks ${JSON.stringify(acks)}, must be "none", "leader", or "all"`;
  if (!["", "none", "gzip", "snappy", "lz4", "zstd"].includes(compression))
    return `kafka: unknown compression ${JSON.stringify(compression)}`;
  if (topic === "") return "kafka output requires a topic";
  if (!["", "json", "protobuf"].includes(format))
    return `kafka: unknown format ${JSON.stringify(format)}, must be "json" or "protobuf"`;
  return undefined;
}

export const eventRecorder: Codec<EventRecorderConfig> = struct<EventRecorderConfig>("eventrecorder.Config", [
  field<EventRecorderConfig>("file_outputs", "fileOutputs", list(fileOutput)),
  field<EventRecorderConfig>("webhook_outputs", "webhookOutputs", list(webhookOutput)),
  field<EventRecorderConfig>("kafka_outputs", "kafkaOutputs", list(kafkaOutput)),
  field<EventRecorderConfig>(
    "stdout_outputs",
    "stdoutOutputs",
    list(struct<object>("eventrecorder.StdoutOutputConfig", [])),
  ),
]);
