// What is wrong with a metric's name, help and labels, in the words of promlint, so that `promtool check metrics` agrees.
// Source: client_golang, prometheus/testutil/promlint.
import type { FamilyHeader } from "./format/family-writer.ts";

const BASE_UNITS: ReadonlyMap<string, string> = new Map([
  ...["amperes", "bytes", "celsius", "grams", "joules", "kelvin", "meters", "metres", "seconds", "volts"].map(
    (unit) => [unit, unit] as const,
  ),
  ...["minutes", "hours", "days", "weeks"].map((unit) => [unit, "seconds"] as const),
  ["kelvins", "kelvin"],
  ["fahrenheit", "celsius"],
  ["rankine", "celsius"],
  ["inches", "meters"],
  ["yards", "meters"],
  ["miles", "meters"],
  ["bits", "bytes"],
  ["calories", "joules"],
  ["pounds", "grams"],
  ["ounces", "grams"],
]);
const PREFIXES = "pico nano micro milli centi deci deca hecto kilo kibi mega mibi giga gibi tera tebi peta pebi".split(
  " ",
);
const ABBREVIATIONS = "s ms us ns sec b kb mb gb tb pb m h d".split(" ");
const CAMEL_CASE = /[a-z][A-Z]/;

/** All complaints about a family, none for one that is fine. */
export function lintFamily(header: FamilyHeader, labelNames: readonly string[]): string[] {
  const { name, type } = header;
  const found: string[] = [];
  if (header.help === "") found.push("no help text");
  const unit = unitOf(name);
  if (unit !== undefined && unit.unit !== unit.base)
    found.push(`use base unit "${unit.base}" instead of "${unit.unit}"`);
  if (type !== "unknown") found.push(...lintType(header, labelNames));
  if (name.includes(":")) found.push("metric names should not contain ':'");
  if (CAMEL_CASE.test(name)) found.push("metric names should be written in 'snake_case' not 'camelCase'");
  for (const label of labelNames) {
    if (CAMEL_CASE.test(label)) found.push("label names should be written in 'snake_case' not 'camelCase'");
  }
  const lower = name.toLowerCase();
  for (const abbreviation of ABBREVIATIONS) {
    if (hasPart(lower, abbreviation)) found.push("metric names should not contain abbreviated units");
  }
  return found;
}

function lintType({ name, type }: FamilyHeader, labelNames: readonly string[]): string[] {
  const found: string[] = [];
  const isTotal = name.endsWith("_total");
  if (type === "counter" && !isTotal) found.push('counter metrics should have "_total" suffix');
  if (type !== "counter" && isTotal) found.push('non-counter metrics should not have "_total" suffix');
  const isHistogram = type === "histogram" || type === "gaugehistogram";
  const isSummary = type === "summary";
  if (!isHistogram && name.endsWith("_bucket")) {
    found.push('non-histogram metrics should not have "_bucket" suffix');
  }
  for (const suffix of isHistogram || isSummary ? [] : ["_count", "_sum"]) {
    if (name.endsWith(suffix)) found.push(`non-histogram and non-summary metrics should not have "${suffix}" suffix`);
  }
  if (!isHistogram && labelNames.includes("le")) found.push('non-histogram metrics should not have "le" label');
  if (!isSummary && labelNames.includes("quantile")) {
    found.push('non-summary metrics should not have "quantile" label');
  }
  // Infos and state sets are gauges to those who only know the text format.
  const word = type === "info" || type === "stateset" ? "gauge" : type;
  if (hasPart(name.toLowerCase(), word)) found.push(`metric name should not include type '${word}'`);
  return found;
}

function hasPart(name: string, part: string): boolean {
  return name.includes(`_${part}_`) || name.endsWith(`_${part}`);
}

function unitOf(name: string): { unit: string; base: string } | undefined {
  for (const part of name.split("_")) {
    const base = BASE_UNITS.get(part);
    if (base !== undefined) return { unit: part, base };
    for (const prefix of PREFIXES) {
      const scaled = part.startsWith(prefix) ? BASE_UNITS.get(part.slice(prefix.length)) : undefined;
      if (scaled !== undefined) return { unit: part, base: scaled };
    }
  }
  return undefined;
}
