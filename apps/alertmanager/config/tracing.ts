// The keys of `tracing`.
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

const { bool, checkedText, duration, float, optional, text } = yamlCodec;

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
