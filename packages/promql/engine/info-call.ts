// info(): adds the labels of info series (target_info and the like) to the series they describe.
import { type Labels, Matcher, METRIC_NAME } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import type { Evaluation } from "./evaluation.ts";
import { labelsText } from "./labels-text.ts";
import { type CallNode, operands, type PlanNode, type SelectorNode } from "./plan.ts";
import { QueryError } from "./result.ts";
import { elementsAtLastStep, putFloat, putHistogram, type Row, type RowSink, rowsWeight } from "./row.ts";
import { newestSamples } from "./selector.ts";

const IDENTIFYING: readonly string[] = ["instance", "job"];

/** An info series: at which steps it is there, and how new its sample is. */
interface InfoSeries {
  readonly labels: Labels;
  readonly name: string;
  /** Time of the sample at each step, NaN where there is none. */
  readonly times: Float64Array;
}

/** Streams the rows of `info(v, {selector})`. */
export function streamInfo(ev: Evaluation, node: CallNode, sink: RowSink): void {
  const { limits } = ev.session;
  const before = limits.samples;
  const base = ev.rows(node.args[0] as PlanNode);
  const selector = node.args[1];
  const inner = selector?.kind === "invariant" ? selector.expr : selector;
  const given = inner?.kind === "selector" ? inner.matchers : [];
  const nameMatchers = effectiveNameMatchers(given.filter(({ name }) => name === METRIC_NAME));
  const dataMatchers = given.filter(({ name }) => name !== METRIC_NAME);
  const isInfo = (labels: Labels): boolean => nameMatchers.every((matcher) => matcher.matches(labels.get(METRIC_NAME)));
  const described = base.filter(({ labels }) => !isInfo(labels));
  const series = selectInfoSeries(ev, node.args[0] as PlanNode, described, nameMatchers, dataMatchers);
  const bySignature = new Map<string, InfoSeries[]>();
  for (const info of series) {
    const key = signature(info.labels);
    const list = bySignature.get(key);
    if (list === undefined) bySignature.set(key, [info]);
    else list.push(info);
  }
  refuseTies(ev, bySignature);
  const rows = new Map<string, Row>();
  for (const row of base) {
    if (isInfo(row.labels)) {
      rows.set(row.labels.key, ev.copyRow(row));
      continue;
    }
    enrich(ev, row, bySignature.get(signature(row.labels)) ?? [], dataMatchers, rows);
  }
  let elements = elementsAtLastStep(base);
  for (const { times } of series) if (!Number.isNaN(times[ev.steps - 1])) elements++;
  ev.release(node.args[0] as PlanNode, base);
  const result = [...rows.values()];
  limits.calledPerStep(before, rowsWeight(result), elements);
  for (const row of result) sink(row);
}

/** Without a positive matcher of the name: `target_info`, or everything that ends in `_info` but what is excluded. */
function effectiveNameMatchers(matchers: readonly Matcher[]): readonly Matcher[] {
  if (matchers.some(({ type }) => type === "=" || type === "=~")) return matchers;
  if (matchers.length > 0) return [new Matcher("=~", METRIC_NAME, ".+_info"), ...matchers];
  return [new Matcher("=", METRIC_NAME, "target_info")];
}

function signature(labels: Labels): string {
  return IDENTIFYING.map((name) => labels.get(name)).join("\xff\x00");
}

/** Reads the info series of the targets that the base series name. */
function selectInfoSeries(
  ev: Evaluation,
  source: PlanNode,
  base: readonly Row[],
  nameMatchers: readonly Matcher[],
  dataMatchers: readonly Matcher[],
): InfoSeries[] {
  const matchers: Matcher[] = [];
  for (const label of IDENTIFYING) {
    const values = new Set<string>();
    for (const { labels } of base) if (labels.get(label) !== "") values.add(labels.get(label));
    if (values.size > 0) matchers.push(new Matcher("=~", label, [...values].map(quoteRegex).join("|")));
  }
  if (matchers.length === 0) return [];
  matchers.push(...dataMatchers, ...nameMatchers);
  const { at, offsetMs } = infoTime(source);
  const { first, stepMs } = ev.reference({ at, offsetMs });
  const { lookbackMs, limits } = ev.session;
  const minTime = first - lookbackMs + 1;
  const maxTime = first + stepMs * (ev.steps - 1);
  const set = ev.selectMatching(matchers, minTime, maxTime, 0, "info");
  const samples = new SampleBuffer();
  const chosen = new Int32Array(ev.steps);
  const found: InfoSeries[] = [];
  for (let i = 0; i < set.count; i++) {
    samples.clear();
    set.read(i, minTime, maxTime, samples);
    limits.worked(samples.count + ev.steps);
    const points = newestSamples(samples, first, stepMs, lookbackMs, chosen);
    if (points === 0) continue;
    limits.add(points);
    const labels = set.labels(i);
    const times = new Float64Array(ev.steps).fill(NaN);
    for (let k = 0; k < ev.steps; k++) {
      if (chosen[k] < 0) continue;
      if (samples.histograms?.[chosen[k]] !== undefined) {
        throw new QueryError("execution", `this should be an info metric, with float samples: ${labelsText(labels)}`);
      }
      times[k] = samples.times[chosen[k]];
      ev.statistics.addAtStep(k, 1);
    }
    found.push({ labels, name: labels.get(METRIC_NAME), times });
  }
  return found;
}

/** Of the first selector in the expression: its own time modifiers and those of the subqueries around it. */
function infoTime(node: PlanNode): { at: number | undefined; offsetMs: number } {
  const path: PlanNode[] = [];
  const find = (current: PlanNode): SelectorNode | undefined => {
    if (current.kind === "selector") return current;
    path.push(current);
    for (const operand of operands(current)) {
      const selector = find(operand);
      if (selector !== undefined) return selector;
    }
    path.pop();
    return undefined;
  };
  const selector = find(node);
  if (selector === undefined) return { at: undefined, offsetMs: 0 };
  let { at, offsetMs } = selector;
  for (const outer of path.reverse()) {
    if (at !== undefined || outer.kind !== "subquery") continue;
    offsetMs += outer.offsetMs;
    at = outer.at;
  }
  return { at, offsetMs };
}

function quoteRegex(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, "\\$&");
}

/** Refuses two info series of one metric and target that are equally new. */
function refuseTies(ev: Evaluation, bySignature: ReadonlyMap<string, readonly InfoSeries[]>): void {
  for (const list of bySignature.values()) {
    for (let i = 0; i < list.length; i++) {
      for (let j = i + 1; j < list.length; j++) {
        const a = list[i];
        const b = list[j];
        if (a.name !== b.name) continue;
        for (let k = 0; k < ev.steps; k++) {
          if (a.times[k] !== b.times[k]) continue;
          throw new QueryError(
            "execution",
            `found duplicate series for info metric: existing ${labelsText(a.labels)} @ ${a.times[k]}, ` +
              `new ${labelsText(b.labels)} @ ${b.times[k]}`,
          );
        }
      }
    }
  }
}

/** Puts each point of a row into the row with the labels that it has at that step. */
function enrich(
  ev: Evaluation,
  row: Row,
  candidates: readonly InfoSeries[],
  dataMatchers: readonly Matcher[],
  rows: Map<string, Row>,
): void {
  const wanted = dataMatchers.length === 0 ? undefined : new Set(dataMatchers.map(({ name }) => name));
  const needsMatch = dataMatchers.some((matcher) => !matcher.matchesEmpty);
  const made = new Map<string, Labels>();
  for (let k = 0; k < ev.steps; k++) {
    if (row.present[k] === 0) continue;
    const newest = new Map<string, InfoSeries>();
    for (const info of candidates) {
      if (Number.isNaN(info.times[k])) continue;
      const known = newest.get(info.name);
      if (known === undefined || info.times[k] > known.times[k]) newest.set(info.name, info);
    }
    if (newest.size === 0 && needsMatch) continue;
    const which = [...newest.values()].map((info) => info.labels.key).join("\n");
    let labels = made.get(which);
    if (labels === undefined) {
      labels = withInfoLabels(row.labels, newest.values(), wanted);
      made.set(which, labels);
    }
    let target = rows.get(labels.key);
    if (target === undefined) {
      target = ev.newRow();
      target.labels = labels;
      target.dropName = row.dropName;
      rows.set(labels.key, target);
    } else if (target.present[k] !== 0) {
      throw new QueryError("execution", "vector cannot contain metrics with the same labelset");
    }
    const histogram = row.histograms?.[k];
    if (histogram !== undefined) putHistogram(target, k, histogram);
    else putFloat(target, k, row.values[k]);
  }
}

function withInfoLabels(base: Labels, infos: Iterable<InfoSeries>, wanted: ReadonlySet<string> | undefined): Labels {
  const added = new Map<string, string>();
  for (const { labels } of infos) {
    for (const [name, value] of labels) {
      if (name === METRIC_NAME || (wanted !== undefined && !wanted.has(name))) continue;
      const known = added.get(name);
      if (known !== undefined && known !== value) throw new QueryError("execution", `conflicting label: ${name}`);
      if (!base.has(name)) added.set(name, value);
    }
  }
  let result = base;
  for (const [name, value] of added) result = result.with(name, value);
  return result;
}
