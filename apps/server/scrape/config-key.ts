// Telling whether a reload changed a job.
import { Labels } from "@narthex/model";
import { ConfigUrl, Secret } from "@narthex/toolkit";
import type { ScrapeConfig } from "../config/types.ts";

/** What may change without a job's caches being lost, on top of where its targets come from. */
const HARMLESS: ReadonlySet<string> = new Set(["scrapeIntervalMs", "scrapeTimeoutMs", "sampleLimit", "http"]);

/** Equal for jobs that scrape alike. Holds secrets in clear: not for logs. */
export function jobKey(config: ScrapeConfig): string {
  return canonical(Object.entries(config).filter(([key]) => key !== "discovery"));
}

/** Equal for jobs between which a target's cache can be handed over. */
export function cacheKey(config: ScrapeConfig): string {
  return canonical(Object.entries(config).filter(([key]) => key !== "discovery" && !HARMLESS.has(key)));
}

/** A text that is equal for deeply equal values and for no others; keys in order. Holds secrets in clear. */
export function canonical(value: unknown): string {
  if (value instanceof Secret || value instanceof ConfigUrl) return JSON.stringify(["secret", value.reveal()]);
  if (value instanceof Labels) return JSON.stringify(value.pairs);
  if (value instanceof Map) return `map(${[...value].map(canonical).join()})`;
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join()}}`;
}
