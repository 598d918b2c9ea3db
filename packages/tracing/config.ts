// How spans are sent, as configuration files say it.
import type { TlsConfig } from "@narthex/toolkit";

export interface TracingConfig {
  readonly clientType: "http" | "grpc";
  /** `host:port` of a collector; without a port that of TLS or HTTP. */
  readonly endpoint: string;
  /** Share of the traces that begin here and are recorded, 0 to 1. */
  readonly samplingFraction: number;
  /** Plain text instead of TLS; then `tls` counts for nothing. */
  readonly insecure: boolean;
  readonly tls: TlsConfig;
  readonly headers: ReadonlyMap<string, string>;
  readonly compression: "" | "gzip";
  /** Of one attempt; 0 stands for `STANDARD_TIMEOUT_MS`. */
  readonly timeoutMs: number;
}

/** Source: the OTLP exporter's specification. */
export const STANDARD_TIMEOUT_MS = 10_000;

/** Where a collector is. Throws for whatever is more than a host and a port. */
export function collectorUrl({ endpoint, insecure }: Pick<TracingConfig, "endpoint" | "insecure">): URL {
  let url: URL | undefined;
  try {
    // How the reference's gRPC writes a name that is to be looked up.
    url = new URL(`${insecure ? "http" : "https"}://${endpoint.replace(/^dns:\/\/\//, "")}`);
  } catch {
    url = undefined;
  }
  if (url === undefined || url.pathname !== "/" || url.search !== "" || url.hash !== "" || url.username !== "") {
    throw new Error(`tracing endpoint ${JSON.stringify(endpoint)} is no host:port`);
  }
  return url;
}

/** Equal for configurations that mean the same. Holds secrets: for comparing only. */
export function configKey(config: TracingConfig): string {
  const { tls, headers, ...rest } = config;
  return JSON.stringify([rest, [...headers], { ...tls, key: tls.key.reveal() }]);
}

/** Whether files are named whose contents may change while the configuration stays the same. */
export function namesFiles({ tls, insecure }: TracingConfig): boolean {
  return !insecure && (tls.caFile !== "" || tls.certFile !== "" || tls.keyFile !== "");
}
