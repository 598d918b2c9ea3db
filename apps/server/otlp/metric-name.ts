// From an OpenTelemetry metric's name, unit and type to the name of its series.
import { quote } from "@narthex/model";
import { cleanUnit, unitParts } from "./unit-name.ts";

/** What of a metric's type its name depends on. */
export type NamedKind = "gauge" | "counter" | "other";

/** How names are made: see `otlp.translation_strategy`. */
export interface NameOptions {
  /** Whether names keep all characters they have. */
  readonly allowsUtf8: boolean;
  /** Whether unit and type show in the name. */
  readonly addsSuffixes: boolean;
}

/** Either the name, or why there is none. */
export type NameResult = { readonly name: string } | { readonly fault: string };

const PLAIN = /[a-zA-Z0-9:]+/g;
const PLAIN_OR_UNDERSCORE = /[a-zA-Z0-9:_]+/g;

export function metricName(name: string, unit: string, kind: NamedKind, options: NameOptions): NameResult {
  if (options.allowsUtf8) return { name: options.addsSuffixes ? withSuffixes(name, unit, kind) : name };
  const made = options.addsSuffixes
    ? fromTokens(name, unit, kind)
    : guardDigit((name.match(PLAIN_OR_UNDERSCORE) ?? []).join("_"));
  if (made === "") return { fault: `normalization for metric ${quote(name)} resulted in empty name` };
  if (made !== name && /^_+$/.test(made)) {
    return { fault: `normalization for metric ${quote(name)} resulted in invalid name ${quote(made)}` };
  }
  return { name: made };
}

/** In the old alphabet: whatever is not of it parts words, and words of unit and type that are there already are not repeated. */
function fromTokens(name: string, unit: string, kind: NamedKind): string {
  let tokens: string[] = name.match(PLAIN) ?? [];
  const parts = unitParts(unit);
  let main = cleanUnit(parts.main);
  let per = cleanUnit(parts.per);
  if (tokens.includes(main)) main = "";
  per = per === "per_" ? "" : per.replace(/_$/, "");
  if (tokens.includes(per)) per = "";
  if (per !== "") main = main.replace(/_$/, "");
  tokens = tokens.concat([main, per].filter((part) => part !== ""));
  const moveToEnd = (word: string): void => {
    tokens = tokens.filter((token) => token !== word).concat(word);
  };
  if (kind === "counter") moveToEnd("total");
  if (unit === "1" && kind === "gauge") moveToEnd("ratio");
  return guardDigit(tokens.join("_"));
}

/** With all characters kept: suffixes go behind the name, in the order unit, per unit, `_total`, `_ratio`. */
function withSuffixes(name: string, unit: string, kind: NamedKind): string {
  const { main, per } = unitParts(unit);
  let suffixes = "";
  let stem = name;
  const move = (suffix: string): void => {
    stem = withoutSuffix(stem, suffix);
    suffixes = `_${suffix}${suffixes}`;
  };
  if (unit === "1" && kind === "gauge") move("ratio");
  if (kind === "counter") move("total");
  if (per !== "") move(per);
  if (main !== "" && !stem.endsWith(main)) suffixes = `_${main}${suffixes}`;
  return stem + suffixes;
}

/** Takes the suffix off together with the byte before it, which is taken for a delimiter. */
function withoutSuffix(name: string, suffix: string): string {
  return name.endsWith(suffix) && name.length > suffix.length + 1 ? name.slice(0, -(suffix.length + 1)) : name;
}

function guardDigit(name: string): string {
  return /^[0-9]/.test(name) ? `_${name}` : name;
}
