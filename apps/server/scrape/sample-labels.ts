// From the labels a target exposes to those of the stored series: target labels, relabeling, checks.
// Runs once per new series text; scrapes of what is known never come here.
import { quoteText } from "@narthex/exposition";
import { compareStrings, Labels, METRIC_NAME, type MetricType } from "@narthex/model";
import { isLabelName, isMetricName, type NameValidationScheme, type Relabeler } from "../relabel/index.ts";
import { ScrapeError } from "./scrape-error.ts";

/** How a job wants its samples' labels. Limits of 0 mean none; lengths count bytes. */
export interface SampleLabelOptions {
  readonly honorLabels: boolean;
  readonly metricRelabeler: Relabeler;
  readonly labelLimit: number;
  readonly labelNameLengthLimit: number;
  readonly labelValueLengthLimit: number;
  readonly nameValidationScheme: NameValidationScheme;
}

const EXPORTED = "exported_";

/**
 * The labels under which a sample is stored, or undefined when relabeling drops it. `exposed` holds names and values
 * side by side, in any order. Throws a `ScrapeError` for what fails the scrape.
 */
export function storedLabels(
  exposed: readonly string[],
  target: Labels,
  options: SampleLabelOptions,
): Labels | undefined {
  checkDuplicates(exposed);
  const merged = options.honorLabels ? mergeHonoring(exposed, target) : mergeExporting(exposed, target);
  const labels = options.metricRelabeler.apply(merged);
  if (labels === undefined || labels.size === 0) return undefined;
  const name = labels.get(METRIC_NAME);
  if (name === "") throw new ScrapeError("missing metric name (__name__ label)");
  if (!isValid(labels, exposed, options.nameValidationScheme)) {
    throw new ScrapeError(`invalid metric name or label names: ${printLabels(labels, exposed)}`);
  }
  checkLimits(labels, name, options);
  return labels;
}

/** Adds `__type__` and `__unit__` to exposed labels, in place of any that were exposed under these names. */
export function addTypeAndUnit(exposed: string[], type: MetricType, unit: string): void {
  for (let i = exposed.length - 2; i >= 0; i -= 2) {
    if (exposed[i] === "__type__" || exposed[i] === "__unit__") exposed.splice(i, 2);
  }
  if (type !== "unknown") exposed.push("__type__", type);
  if (unit !== "") exposed.push("__unit__", unit);
}

/** The labels of a series that reports on the scrape itself: target labels win by moving no one but themselves. */
export function reportLabels(name: string, target: Labels): Labels {
  return mergeExporting([METRIC_NAME, name], target) as Labels;
}

/** `{a="b", __name__="c"}`: labels in messages. */
export function labelsText(labels: Labels): string {
  return printLabels(labels, []);
}

function checkDuplicates(exposed: readonly string[]): void {
  for (let i = 2; i < exposed.length; i += 2) {
    for (let j = 0; j < i; j += 2) {
      if (exposed[i] !== exposed[j]) continue;
      throw new ScrapeError(`label name ${quoteText(exposed[i] as string)} is not unique: invalid sample`);
    }
  }
}

/** Exposed labels win. One with an empty value still keeps the target's label away, and is itself absent. */
function mergeHonoring(exposed: readonly string[], target: Labels): Labels {
  const names = new Set<string>();
  for (let i = 0; i < exposed.length; i += 2) names.add(exposed[i] as string);
  const flat: string[] = [];
  pushNonEmpty(flat, exposed);
  for (let i = 0; i < target.pairs.length; i += 2) {
    const name = target.pairs[i] as string;
    if (!names.has(name)) flat.push(name, target.pairs[i + 1] as string);
  }
  return sorted(flat);
}

/** The target's labels win; an exposed one of the same name becomes `exported_<name>`, again and again until it is free. */
function mergeExporting(exposed: readonly string[], target: Labels): Labels {
  const flat: string[] = [];
  const conflicting: [string, string][] = [];
  for (let i = 0; i < exposed.length; i += 2) {
    const name = exposed[i] as string;
    const value = exposed[i + 1] as string;
    if (value === "") continue;
    if (target.has(name)) conflicting.push([name, value]);
    else flat.push(name, value);
  }
  flat.push(...target.pairs);
  if (conflicting.length > 0) {
    const taken = new Set<string>();
    for (let i = 0; i < flat.length; i += 2) taken.add(flat[i] as string);
    for (const [name] of conflicting) taken.add(name);
    conflicting.sort((a, b) => a[0].length - b[0].length);
    for (const [name, value] of conflicting) {
      let free = EXPORTED + name;
      while (taken.has(free)) free = EXPORTED + free;
      taken.add(free);
      flat.push(free, value);
    }
  }
  return sorted(flat);
}

function pushNonEmpty(flat: string[], pairs: readonly string[]): void {
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i + 1] !== "") flat.push(pairs[i] as string, pairs[i + 1] as string);
  }
}

/** Insertion sort by name: a few labels, mostly in order. Names are unique already. */
function sorted(flat: string[]): Labels {
  for (let i = 2; i < flat.length; i += 2) {
    const name = flat[i] as string;
    const value = flat[i + 1] as string;
    let j = i;
    while (j > 0 && compareStrings(flat[j - 2] as string, name) > 0) {
      flat[j] = flat[j - 2] as string;
      flat[j + 1] = flat[j - 1] as string;
      j -= 2;
    }
    flat[j] = name;
    flat[j + 1] = value;
  }
  return new Labels(flat);
}

function isValid(labels: Labels, exposed: readonly string[], scheme: NameValidationScheme): boolean {
  const { pairs } = labels;
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    if (name === METRIC_NAME) {
      if (!isMetricName(pairs[i + 1] as string, scheme)) return false;
    } else if (!isLabelName(name, scheme)) {
      return false;
    }
  }
  for (let i = 0; i < exposed.length; i += 2) if (exposed[i] === "") return false;
  return true;
}

function checkLimits(labels: Labels, metric: string, options: SampleLabelOptions): void {
  const { labelLimit, labelNameLengthLimit, labelValueLengthLimit } = options;
  if (labelLimit === 0 && labelNameLengthLimit === 0 && labelValueLengthLimit === 0) return;
  const shown = firstBytes(metric, 50);
  if (labelLimit > 0 && labels.size > labelLimit) {
    throw new ScrapeError(
      `label_limit exceeded (metric: ${shown}, number of labels: ${labels.size}, limit: ${labelLimit})`,
      "label_limit",
    );
  }
  if (labelNameLengthLimit === 0 && labelValueLengthLimit === 0) return;
  for (const [name, value] of labels) {
    const nameBytes = Buffer.byteLength(name);
    if (labelNameLengthLimit > 0 && nameBytes > labelNameLengthLimit) {
      throw new ScrapeError(
        `label_name_length_limit exceeded (metric: ${shown}, label name: ${firstBytes(name, 50)}, length: ${nameBytes}, limit: ${labelNameLengthLimit})`,
        "label_limit",
      );
    }
    const valueBytes = Buffer.byteLength(value);
    if (labelValueLengthLimit > 0 && valueBytes > labelValueLengthLimit) {
      throw new ScrapeError(
        `label_value_length_limit exceeded (metric: ${shown}, label name: ${firstBytes(name, 50)}, value: ${quoteText(firstBytes(value, 50))}, length: ${valueBytes}, limit: ${labelValueLengthLimit})`,
        "label_limit",
      );
    }
  }
}

function firstBytes(text: string, count: number): string {
  return [...text].slice(0, count).join("");
}

function printLabels(labels: Labels, exposed: readonly string[]): string {
  const pairs: string[] = [];
  for (let i = 0; i < exposed.length; i += 2)
    if (exposed[i] === "") pairs.push(`""=${quoteText(exposed[i + 1] as string)}`);
  for (const [name, value] of labels) {
    if (name === "") continue;
    const shown = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quoteText(name);
    pairs.push(`${shown}=${quoteText(value)}`);
  }
  return `{${pairs.join(", ")}}`;
}
