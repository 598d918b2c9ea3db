// Labels of pushed metrics: sorting them, and laying those of the group over them.
import { compareStrings } from "@narthex/model";

/** Whether names are in order and each stands once. */
function isSorted(labels: readonly string[]): boolean {
  for (let i = 2; i < labels.length; i += 2)
    if (compareStrings(labels[i - 2] as string, labels[i] as string) >= 0) return false;
  return true;
}

/** Names and values in turn, sorted by name; a repeated name stays repeated. */
export function sortLabels(labels: readonly string[]): readonly string[] {
  if (isSorted(labels)) return labels;
  const pairs: (readonly [string, string])[] = [];
  for (let i = 0; i < labels.length; i += 2) pairs.push([labels[i] as string, labels[i + 1] as string]);
  pairs.sort(([a], [b]) => compareStrings(a, b));
  return pairs.flat();
}

/**
 * The labels that a metric is kept under: those of its group win over its own, and `instance` is there in any case, empty if nobody
 * gave it, so that no scraper adds its own.
 */
export function groupedLabels(own: readonly string[], group: readonly string[]): readonly string[] {
  const labels: string[] = [];
  let hasInstance = false;
  for (let i = 0; i < own.length; i += 2) {
    const name = own[i] as string;
    if (name === "instance") hasInstance = true;
    if (labelValue(group, name) === undefined) labels.push(name, own[i + 1] as string);
  }
  for (let i = 0; i < group.length; i += 2) {
    if (group[i] === "instance") hasInstance = true;
    labels.push(group[i] as string, group[i + 1] as string);
  }
  if (!hasInstance) labels.push("instance", "");
  return sortLabels(labels);
}

/** The value of a label; undefined where there is none. */
export function labelValue(labels: readonly string[], name: string): string | undefined {
  for (let i = 0; i < labels.length; i += 2) if (labels[i] === name) return labels[i + 1];
  return undefined;
}
