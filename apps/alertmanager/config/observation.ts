// `tracing` and `event_recorder`. The latter is read in full, so that no file is refused for it; what it asks for is not done yet, and
// the log says so.
import {
  type Codec,
  field,
  type HttpHeaderConfig,
  httpClientShape,
  struct,
  type TlsConfig,
  tlsClientConfig,
  yamlCodec,
} from "@narthex/toolkit";
import { goTime, httpUrl } from "./codecs.ts";
import { httpConfig } from "./http.ts";

const { anything, bool, checkedText, duration, filePath, float, int, list, optional, text } = yamlCodec;

export interface TracingConfig {
  readonly clientType: "http" | "grpc";
  readonly endpoint: string;
  readonly samplingFraction: number;
  readonly insecure: boolean;
  readonly tlsConfig: TlsConfig | undefined;
  /** Undefined when there is no `headers` block. */
  readonly headers: ReadonlyMap<string, HttpHeaderConfig> | undefined;
  readonly compression: string;
  /** Milliseconds; 0 leaves it to the exporter. */
  readonly timeout: number;
}

const clientType: Codec<TracingConfig["clientType"]> = checkedText("string", (name) =>
  name === "http" || name === "grpc"
    ? undefined
    : `expected tracing client type to be to be http or grpc, but got ${name}`,
);

export const tracing: Codec<TracingConfig> = struct<TracingConfig>(
  "tracing.plain",
  [
    field<TracingConfig>("client_type", "clientType", clientType, { initial: () => "grpc" }),
    field<TracingConfig>("endpoint", "endpoint", text),
    field<TracingConfig>("sampling_fraction", "samplingFraction", float),
    field<TracingConfig>("insecure", "insecure", bool),
    field<TracingConfig>("tls_config", "tlsConfig", optional(tlsClientConfig)),
    field<TracingConfig>("headers", "headers", headers()),
    field<TracingConfig>("compression", "compression", text),
    field<TracingConfig>("timeout", "timeout", duration),
  ],
  {
    check(config, reader) {
      if (config.endpoint === "") reader.invalid(reader.place(config), "tracing endpoint must be set");
      else if (config.compression !== "" && config.compression !== "gzip") {
        const message = `invalid compression type ${config.compression} provided, valid options: gzip`;
        reader.invalid(reader.place(config, "compression"), message);
      }
    },
  },
);

/** `http_headers` of the HTTP client, which tracing has under another name. */
function headers(): Codec<TracingConfig["headers"]> {
  const member = httpClientShape.members.find((each) => "key" in each && each.key === "http_headers");
  return (member as { readonly codec: Codec<TracingConfig["headers"]> }).codec;
}

interface FileOutput {
  readonly path: string;
}

interface WebhookOutput {
  readonly url: unknown;
  readonly httpConfig: unknown;
  readonly timeout: number;
  readonly workers: number;
  readonly maxRetries: number;
  readonly retryBackoff: number;
  readonly batch: boolean;
  readonly batchMaxEvents: number;
  readonly batchMaxBytes: number;
  readonly batchFlushInterval: number;
}

export interface EventRecorderConfig {
  readonly fileOutputs: readonly FileOutput[];
  readonly webhookOutputs: readonly WebhookOutput[];
  readonly kafkaOutputs: readonly unknown[];
  readonly stdoutOutputs: readonly unknown[];
}

const fileOutput: Codec<FileOutput> = struct<FileOutput>("eventrecorder.FileOutputConfig", [
  field<FileOutput>("path", "path", filePath()),
]);

const webhookOutput: Codec<WebhookOutput> = struct<WebhookOutput>("eventrecorder.WebhookOutputConfig", [
  field<WebhookOutput>("url", "url", httpUrl),
  field<WebhookOutput>("http_config", "httpConfig", optional(httpConfig)),
  field<WebhookOutput>("timeout", "timeout", goTime, { initial: () => 10_000 }),
  field<WebhookOutput>("workers", "workers", int, { initial: () => 4 }),
  field<WebhookOutput>("max_retries", "maxRetries", int, { initial: () => 3 }),
  field<WebhookOutput>("retry_backoff", "retryBackoff", goTime, { initial: () => 500 }),
  field<WebhookOutput>("batch", "batch", bool),
  field<WebhookOutput>("batch_max_events", "batchMaxEvents", int, { initial: () => 100 }),
  field<WebhookOutput>("batch_max_bytes", "batchMaxBytes", int, { initial: () => 1_048_576 }),
  field<WebhookOutput>("batch_flush_interval", "batchFlushInterval", goTime, { initial: () => 100 }),
]);

export const eventRecorder: Codec<EventRecorderConfig> = struct<EventRecorderConfig>("eventrecorder.Config", [
  field<EventRecorderConfig>("file_outputs", "fileOutputs", list(fileOutput)),
  field<EventRecorderConfig>("webhook_outputs", "webhookOutputs", list(webhookOutput)),
  field<EventRecorderConfig>("kafka_outputs", "kafkaOutputs", list(anything)),
  field<EventRecorderConfig>("stdout_outputs", "stdoutOutputs", list(anything)),
]);
