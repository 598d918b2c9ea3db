// Label sets of alerts, groups and receivers. They are the model's, with what only the Alertmanager needs of them.
import { compareStrings, Labels, quote } from "@narthex/model";

/** A sorted set of pairs that may have empty values, as annotations do. Later entries win. */
export function pairsOf(entries: Iterable<readonly [string, string]>): Labels {
  const byName = new Map(entries);
  const names = [...byName.keys()].sort(compareStrings);
  return names.length === 0 ? Labels.empty : new Labels(names.flatMap((name) => [name, byName.get(name) as string]));
}

/** As group keys hold it: `{alertname="A", job="b"}`. */
export function labelSetText(labels: Labels): string {
  const parts: string[] = [];
  for (const [name, value] of labels) parts.push(`${name}=${quote(value)}`);
  return `{${parts.join(", ")}}`;
}

/**
 * The order of label sets in lists: the one with fewer labels first; else, name by name, the one that
 * lacks the name, then the one with the smaller value. Source: `LabelSet.Before` of the reference's model.
 */
export function compareLabelSets(a: Labels, b: Labels): number {
  if (a.size !== b.size) return a.size - b.size;
  const names = [...new Set([...a, ...b].map(([name]) => name))].sort(compareStrings);
  for (const name of names) {
    if (!a.has(name)) return -1;
    if (!b.has(name)) return 1;
    const order = compareStrings(a.get(name), b.get(name));
    if (order !== 0) return order;
  }
  return 0;
}
