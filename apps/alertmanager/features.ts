// The names that `--enable-feature` knows.
import type { Logger } from "@narthex/toolkit";
import type { MatcherMode } from "./matcher/matcher-grammar.ts";

/** Feature names and what the log says when one is on. */
const FEATURES: ReadonlyMap<string, string> = new Map([
  ["alert-names-in-metrics", "Alert names in metrics enabled"],
  ["receiver-name-in-metrics", "Experimental receiver name in metrics enabled"],
  ["group-key-in-metrics", "Experimental group key in metrics enabled"],
  ["classic-mode", "Classic mode enabled"],
  ["utf8-strict-mode", "UTF-8 strict mode enabled"],
  ["auto-gomemlimit", "auto-gomemlimit has no effect here: Node keeps to the limit of its own flags"],
  ["event-recorder", "Experimental event recorder enabled"],
]);

export const FEATURE_NAMES: readonly string[] = [...FEATURES.keys()];

export type Features = ReadonlySet<string>;

/** Reads a comma list. Throws an error in the reference's words. */
export function parseFeatures(list: string): Features {
  const names = list === "" ? [] : list.split(",");
  const unknown = names.find((name) => !FEATURES.has(name));
  if (unknown !== undefined) throw new Error(`unknown option '${unknown}' for --enable-feature`);
  const features = new Set(names);
  if (features.has("classic-mode") && features.has("utf8-strict-mode"))
    throw new Error("cannot have both classic and UTF-8 modes enabled");
  return features;
}

export function logFeatures(features: Features, logger: Logger): void {
  for (const name of features) logger.warn(FEATURES.get(name) as string);
}

export function matcherMode(features: Features): MatcherMode {
  if (features.has("classic-mode")) return "classic";
  return features.has("utf8-strict-mode") ? "utf8" : "fallback";
}
