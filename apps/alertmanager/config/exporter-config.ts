// From the `tracing` block to what an exporter needs.
import { type HttpHeaderConfig, PLAIN_HTTP } from "@narthex/toolkit";
import type { TracingConfig as ExporterConfig } from "@narthex/tracing";
import type { TracingConfig } from "./tracing.ts";

/** Throws for headers that stand in files: as in the reference, an exporter reads none. */
export function exporterConfig({ tlsConfig, headers, compression, timeout, ...rest }: TracingConfig): ExporterConfig {
  return {
    ...rest,
    tls: tlsConfig ?? PLAIN_HTTP.tls,
    headers: new Map([...(headers ?? [])].flatMap(([name, header]) => firstValue(name, header))),
    compression: compression === "gzip" ? "gzip" : "",
    timeoutMs: timeout,
  };
}

/** Of several values the first is sent; a header without any is left out. */
function firstValue(name: string, { values, secrets, files }: HttpHeaderConfig): (readonly [string, string])[] {
  const value = values[0] ?? secrets[0]?.reveal();
  if (value !== undefined) return [[name, value]];
  if (files.length > 0) throw new Error("header files are not supported for tracing configuration");
  return [];
}
