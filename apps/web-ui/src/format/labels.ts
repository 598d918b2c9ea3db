/** Label sets as PromQL writes them. */

/** Label names to values, as the API sends them. */
export type LabelMap = Readonly<Record<string, string>>;

const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const PLAIN_METRIC = /^[A-Za-z_:][A-Za-z0-9_:]*$/;

/** A quoted PromQL string: backslashes, quotes and line ends escaped. */
export function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;
}

/** The labels of a series other than its name, sorted by name. */
export function labelPairs(labels: LabelMap): [name: string, value: string][] {
  return Object.entries(labels)
    .filter(([name]) => name !== "__name__")
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** `name="value"`, the name quoted where PromQL asks for it. */
export function formatPair(name: string, value: string): string {
  return `${PLAIN_NAME.test(name) ? name : quote(name)}=${quote(value)}`;
}

/** A series as a selector that can be pasted back: `up{instance="a:1", job="b"}`; `{}` when there are no labels at all. */
export function formatSeries(labels: LabelMap): string {
  const name = labels["__name__"];
  const pairs = labelPairs(labels).map(([label, value]) => formatPair(label, value));
  if (name === undefined) return `{${pairs.join(", ")}}`;
  if (!PLAIN_METRIC.test(name)) return `{${[quote(name), ...pairs].join(", ")}}`;
  return pairs.length > 0 ? `${name}{${pairs.join(", ")}}` : name;
}

/** Labels whose value is the same in every one of `sets`; what is left over is what tells the sets apart. */
export function commonLabels(sets: readonly LabelMap[]): Map<string, string> {
  const common = new Map(Object.entries(sets[0] ?? {}));
  for (const labels of sets) {
    for (const [name, value] of common) if (labels[name] !== value) common.delete(name);
    if (common.size === 0) break;
  }
  return common;
}

/** True when every space-separated word of `search` occurs in some `name=value` of `labels` or in `extra`, case ignored. */
export function matchesSearch(search: string, labels: LabelMap, extra = ""): boolean {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const haystack = `${Object.entries(labels)
    .map(([name, value]) => `${name}=${value} ${name}="${value}"`)
    .join(" ")} ${extra}`.toLowerCase();
  return words.every((word) => haystack.includes(word));
}
