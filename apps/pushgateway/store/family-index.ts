// What is on the scrape page, by name: which groups contribute to a family, and which series they take.
import { compareStrings } from "@narthex/model";
import { type Family, type FamilyType, kindOf, labelsKey, type Metric } from "../family/family.ts";
import { goQuote, metricText } from "../family/go-text.ts";
import { MARKERS } from "./group.ts";

/** One name on the page. */
interface Entry {
  /** By the group's key, in the order in which they came. */
  readonly contributions: Map<string, Family>;
  /** How many metrics have these labels; more than one only where nothing is checked. */
  readonly series: Map<string, number>;
  /** All metrics in the page's order; undefined when it must be made anew. */
  sorted: readonly Metric[] | undefined;
}

/** A family of the gateway itself: nothing that is pushed may contradict it. */
export interface OwnFamily {
  readonly name: string;
  readonly type: FamilyType;
  readonly help: string;
}

/** Kept up to date with every change of a group. */
export class FamilyIndex {
  readonly #entries = new Map<string, Entry>();
  readonly #own: ReadonlyMap<string, OwnFamily>;

  constructor(own: readonly OwnFamily[]) {
    const markers = MARKERS.map(({ name, type, help }) => ({ name, type, help: help as string }));
    this.#own = new Map([...own, ...markers].map((family) => [family.name, family]));
  }

  add(groupKey: string, family: Family): void {
    let entry = this.#entries.get(family.name);
    if (entry === undefined) {
      entry = { contributions: new Map(), series: new Map(), sorted: undefined };
      this.#entries.set(family.name, entry);
    }
    entry.contributions.set(groupKey, family);
    entry.sorted = undefined;
    for (const metric of family.metrics) {
      const key = labelsKey(metric.labels);
      entry.series.set(key, (entry.series.get(key) ?? 0) + 1);
    }
  }

  remove(groupKey: string, family: Family): void {
    const entry = this.#entries.get(family.name);
    if (entry === undefined || !entry.contributions.delete(groupKey)) return;
    entry.sorted = undefined;
    for (const metric of family.metrics) {
      const key = labelsKey(metric.labels);
      const count = entry.series.get(key) ?? 0;
      if (count <= 1) entry.series.delete(key);
      else entry.series.set(key, count - 1);
    }
    if (entry.contributions.size === 0) this.#entries.delete(family.name);
  }

  /** Names and families in the page's order. What is returned never changes. */
  families(): Family[] {
    const names = [...this.#entries.keys()].sort(compareStrings);
    return names.map((name) => {
      const { contributions } = this.#entries.get(name) as Entry;
      const [first] = contributions.values() as Iterable<Family> as [Family];
      const help = this.#own.get(name)?.help ?? first.help;
      return { name, help, unit: first.unit, type: first.type, metrics: this.#sorted(name) };
    });
  }

  /** The HELP text that is shown for a name, and the one just pushed if it differs. */
  otherHelp(name: string, newest: string | undefined): { readonly shown: string; readonly other: string } | undefined {
    const [first] = this.#entries.get(name)?.contributions.values() ?? [];
    const shown = this.#own.get(name)?.help ?? first?.help ?? "";
    return shown === (newest ?? "") ? undefined : { shown, other: newest ?? "" };
  }

  #sorted(name: string): readonly Metric[] {
    const entry = this.#entries.get(name) as Entry;
    if (entry.sorted === undefined) {
      const metrics: Metric[] = [];
      for (const family of entry.contributions.values()) for (const metric of family.metrics) metrics.push(metric);
      entry.sorted = metrics.sort(comparePageOrder);
    }
    return entry.sorted;
  }

  /**
   * What would be wrong with the page if these families, of one group, were added: messages in the reference's words. Whatever they
   * replace must have been removed before.
   */
  problemsWith(families: Iterable<Family>): string[] {
    const problems: string[] = [];
    const added = new Map<string, FamilyType>();
    for (const family of families) {
      this.#checkFamily(family, added, problems);
      added.set(family.name, family.type);
    }
    return problems;
  }

  /** What is wrong with the page as it is. Walks over everything. */
  problems(): string[] {
    const checked = new FamilyIndex([...this.#own.values()]);
    const problems: string[] = [];
    for (const { contributions } of this.#entries.values()) {
      for (const [groupKey, family] of contributions) {
        problems.push(...checked.problemsWith([family]));
        checked.add(groupKey, family);
      }
    }
    return problems;
  }

  #checkFamily(family: Family, added: ReadonlyMap<string, FamilyType>, problems: string[]): void {
    const { name } = family;
    const own = this.#own.get(name);
    if (own !== undefined && own.type !== family.type) {
      const [has, wants] = [family.type, own.type].map((type) => type.toUpperCase());
      problems.push(`gathered metric family ${name} has type ${has} but should have ${wants}`);
      return;
    }
    const entry = this.#entries.get(name);
    const [existing] = entry?.contributions.values() ?? [];
    const type = existing?.type ?? family.type;
    if (existing === undefined) {
      const collision = this.#collision(name, type, added);
      if (collision !== undefined) {
        problems.push(collision);
        return;
      }
    }
    const seen = new Set<string>();
    for (const metric of family.metrics) {
      const problem = metricProblem(name, type, metric);
      if (problem !== undefined) {
        problems.push(problem);
        continue;
      }
      const key = labelsKey(metric.labels);
      if (seen.has(key) || entry?.series.has(key))
        problems.push(
          `collected metric ${goQuote(name)} { ${metricText(metric)}} was collected before with the same name and label values`,
        );
      seen.add(key);
    }
  }

  /** Summaries and histograms take names with suffixes as well as their own. */
  #collision(name: string, type: FamilyType, added: ReadonlyMap<string, FamilyType>): string | undefined {
    const typeOf = (other: string): FamilyType | undefined => {
      const [existing] = this.#entries.get(other)?.contributions.values() ?? [];
      return this.#own.get(other)?.type ?? existing?.type ?? added.get(other);
    };
    const [, stem, suffix] = /^(.+)_(count|sum|bucket)$/s.exec(name) ?? [];
    if (stem !== undefined) {
      const owner = typeOf(stem);
      if (owner === "histogram" || (owner === "summary" && suffix !== "bucket"))
        return `collected metric named ${goQuote(name)} collides with previously collected ${owner} named ${goQuote(stem)}`;
    }
    if (type !== "summary" && type !== "histogram") return undefined;
    const suffixes = type === "histogram" ? ["_count", "_sum", "_bucket"] : ["_count", "_sum"];
    const taken = suffixes.find((each) => typeOf(name + each) !== undefined);
    if (taken === undefined) return undefined;
    const what = taken === "_bucket" ? "histogram" : "histogram or summary";
    return `collected ${what} named ${goQuote(name)} collides with previously collected metric named ${goQuote(name + taken)}`;
  }
}

/** What is wrong with a metric by itself. */
function metricProblem(name: string, type: FamilyType, metric: Metric): string | undefined {
  const about = (): string => `collected metric ${goQuote(name)} { ${metricText(metric)}}`;
  if (type !== "gauge_histogram" && metric.kind !== kindOf(type)) return `${about()} is not a ${type.toUpperCase()}`;
  const { labels } = metric;
  for (let i = 0; i < labels.length; i += 2) {
    const label = labels[i] as string;
    if (i > 0 && label === labels[i - 2]) return `${about()} has two or more labels with the same name: ${label}`;
    if (label === "" || label.startsWith("__")) return `${about()} has a label with an invalid name: ${label}`;
    if (metric.kind === "summary" && label === "quantile")
      return `${about()} must not have an explicit "quantile" label`;
  }
  return undefined;
}

/** As the reference sorts metrics of a family: fewer labels first, then by values, in the order of the labels' names. */
export function comparePageOrder(a: Metric, b: Metric): number {
  if (a.labels.length !== b.labels.length) return a.labels.length - b.labels.length;
  for (let i = 1; i < a.labels.length; i += 2) {
    const order = compareStrings(a.labels[i] as string, b.labels[i] as string);
    if (order !== 0) return order;
  }
  return 0;
}
