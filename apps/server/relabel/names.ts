// Which names are legal under which scheme.
import type { NameValidationScheme } from "./rule.ts";

const LEGACY_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LEGACY_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** True for a legal label name: any non-empty well-formed text, or the old alphabet. */
export function isLabelName(name: string, scheme: NameValidationScheme): boolean {
  return scheme === "legacy" ? LEGACY_LABEL.test(name) : name !== "" && isWellFormed(name);
}

/** True for a legal metric name: any non-empty well-formed text, or the old alphabet with `:`. */
export function isMetricName(name: string, scheme: NameValidationScheme): boolean {
  return scheme === "legacy" ? LEGACY_METRIC.test(name) : name !== "" && isWellFormed(name);
}

/** False for text with lone surrogates, which has no UTF-8 form. */
export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
