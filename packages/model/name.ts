// What metrics and labels may be called: by the classic rules, or anything that is valid UTF-8.

const LEGACY_METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LEGACY_LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Which names are allowed: `legacy` for ASCII letters, digits and underscores, `utf8` for any text. */
export type NameScheme = "legacy" | "utf8";

/** Whether a metric may have this name. */
export function isValidMetricName(name: string, scheme: NameScheme = "utf8"): boolean {
  return scheme === "legacy" ? LEGACY_METRIC_NAME.test(name) : name !== "" && isValidText(name);
}

/** Whether a label may have this name. */
export function isValidLabelName(name: string, scheme: NameScheme = "utf8"): boolean {
  return scheme === "legacy" ? LEGACY_LABEL_NAME.test(name) : name !== "" && isValidText(name);
}

/** Whether a label may have this value: any text without lone surrogates, which UTF-8 cannot hold. */
export function isValidLabelValue(value: string): boolean {
  return isValidText(value);
}

function isValidText(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}
