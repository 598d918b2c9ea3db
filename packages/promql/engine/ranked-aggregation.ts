// Aggregations that see all elements of a group at once: topk, bottomk, quantile, count_values, limitk, limit_ratio.
import { histogramToString, type Labels } from "@narthex/model";
import { labelsFraction } from "../functions/labels-hash.ts";
import { quantileOfSorted } from "../functions/quantile.ts";
import { ValueHeap } from "../functions/value-heap.ts";
import type { Evaluation } from "./evaluation.ts";
import { isLabelName, quoteLabelName } from "./label-name.ts";
import { formatGeneral, formatPlain } from "./number-format.ts";
import type { AggregateNode, PlanNode } from "./plan.ts";
import { QueryError } from "./result.ts";
import { mergeDuplicates, putFloat, type Row, type RowSink, rowsWeight } from "./row.ts";
import { groupKeyOf, groupLabelsOf } from "./signature.ts";

interface RankedGroup {
  readonly labels: Labels;
  readonly rows: Row[];
}

/** Streams the rows of one of these aggregations. */
export function streamRankedAggregate(ev: Evaluation, node: AggregateNode, _keep: boolean, sink: RowSink): void {
  const { limits } = ev.session;
  const before = limits.samples;
  if (node.op === "count_values") {
    const { rows, elements } = countValues(ev, node);
    limits.calledPerStep(before, rowsWeight(rows), elements);
    for (const row of rows) sink(row);
    return;
  }
  const param = ev.scalar(node.param as PlanNode);
  const input = ev.rows(node.expr);
  const check = checkParameter(ev, node, param);
  const groups = new Map<string, RankedGroup>();
  if (check) {
    const groupKey = groupKeyOf(node.without, node.grouping);
    const groupLabels = groupLabelsOf(node.without, node.grouping);
    for (const row of input) {
      const key = groupKey(row.labels);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { labels: groupLabels(row.labels), rows: [row] });
      else group.rows.push(row);
    }
  }
  const rows: Row[] = [];
  for (const group of groups.values()) {
    switch (node.op) {
      case "quantile":
        rows.push(quantileOf(ev, node, group, param));
        break;
      case "limit_ratio":
        rows.push(...ratioOf(ev, group, param));
        break;
      case "limitk":
        rows.push(...firstOf(ev, group, param, input.length));
        break;
      default:
        rows.push(...ranked(ev, node, group, param, input.length));
    }
  }
  ev.release(node.expr, input);
  const result = rows.filter(({ points }) => points > 0);
  limits.samples = before + rowsWeight(result);
  limits.require(0);
  for (const row of result) sink(row);
}

/** Checks and annotates the parameter. Returns whether there can be a result. */
function checkParameter(ev: Evaluation, { op, param }: AggregateNode, values: Float64Array): boolean {
  const { annotations } = ev.session;
  const pos = (param as PlanNode).pos;
  let max = -Infinity;
  let min = Infinity;
  let hasNan = false;
  for (const value of values) {
    if (Number.isNaN(value)) hasNan = true;
    if (value > max) max = value;
    if (value < min) min = value;
  }
  if (max === -Infinity && hasNan) max = min = NaN;
  switch (op) {
    case "quantile":
      if (hasNan) annotations.invalidQuantile(NaN, pos);
      if (max > 1) annotations.invalidQuantile(max, pos);
      if (min < 0) annotations.invalidQuantile(min, pos);
      return true;
    case "limit_ratio":
      if (max === 0 && min === 0) return false;
      if (hasNan) throw new QueryError("execution", "Ratio value is NaN");
      if (max > 1) annotations.invalidRatio(max, 1, pos);
      if (min < -1) annotations.invalidRatio(min, -1, pos);
      return true;
    default:
      if (max < 1) return false;
      if (hasNan) throw new QueryError("execution", "Parameter value is NaN");
      if (min <= -(2 ** 63)) {
        throw new QueryError("execution", `Scalar value ${formatGeneral(min)} underflows int64`);
      }
      if (max >= 2 ** 63) throw new QueryError("execution", `Scalar value ${formatGeneral(max)} overflows int64`);
      return true;
  }
}

/** `quantile`: between the floats of the group at each step. */
function quantileOf(ev: Evaluation, node: AggregateNode, { labels, rows }: RankedGroup, param: Float64Array): Row {
  const result = ev.newRow();
  result.labels = labels;
  const values = new Float64Array(rows.length);
  for (let k = 0; k < ev.steps; k++) {
    ev.session.limits.worked(rows.length);
    let n = 0;
    for (const row of rows) {
      if (row.present[k] === 0) continue;
      if (row.histograms?.[k] !== undefined) {
        ev.session.annotations.histogramIgnored("quantile", node.expr.pos);
        continue;
      }
      values[n++] = row.values[k];
    }
    if (n === 0) continue;
    const sorted = values.subarray(0, n).sort();
    // Typed arrays sort NaN last; here it comes first.
    let nans = 0;
    while (nans < n && Number.isNaN(sorted[n - 1 - nans])) nans++;
    if (nans > 0) {
      sorted.copyWithin(nans, 0, n - nans);
      sorted.fill(NaN, 0, nans);
    }
    putFloat(result, k, quantileOfSorted(param[k], sorted));
  }
  for (const row of rows) if (row.dropName) result.dropName = true;
  return result;
}

/** Rows that take over single points of others. */
class Selection {
  readonly #ev: Evaluation;
  readonly #chosen = new Map<Row, Row>();

  constructor(ev: Evaluation) {
    this.#ev = ev;
  }

  take(source: Row, step: number): void {
    let row = this.#chosen.get(source);
    if (row === undefined) {
      row = this.#ev.newRow();
      row.labels = source.labels;
      row.dropName = source.dropName;
      this.#chosen.set(source, row);
    }
    const histogram = source.histograms?.[step];
    if (histogram !== undefined) {
      row.histograms ??= new Array(this.#ev.steps).fill(undefined);
      row.histograms[step] = histogram;
    }
    row.values[step] = source.values[step];
    row.present[step] = 1;
    row.points++;
  }

  get rows(): Row[] {
    return [...this.#chosen.values()];
  }
}

/** `topk` and `bottomk`: a heap of the best k of each step, filled in the order of the series. */
function ranked(
  ev: Evaluation,
  node: AggregateNode,
  { rows }: RankedGroup,
  param: Float64Array,
  inputCount: number,
): Row[] {
  const top = node.op === "topk";
  const selection = new Selection(ev);
  for (let k = 0; k < ev.steps; k++) {
    const limit = Math.min(Math.trunc(param[k]), inputCount);
    if (limit < 1) continue;
    ev.session.limits.worked(rows.length);
    const heap = new ValueHeap<Row>(top);
    for (const row of rows) {
      if (row.present[k] === 0) continue;
      if (row.histograms?.[k] !== undefined) {
        ev.session.annotations.histogramIgnored(node.op, node.pos);
        continue;
      }
      heap.offer(row.values[k], row, limit);
    }
    for (const row of heap.bestFirst()) selection.take(row, k);
  }
  return selection.rows;
}

/** `limitk`: the first k of each step. */
function firstOf(ev: Evaluation, { rows }: RankedGroup, param: Float64Array, inputCount: number): Row[] {
  const selection = new Selection(ev);
  for (let k = 0; k < ev.steps; k++) {
    ev.session.limits.worked(rows.length);
    let left = Math.min(Math.trunc(param[k]), inputCount);
    for (const row of rows) {
      if (left < 1) break;
      if (row.present[k] === 0) continue;
      selection.take(row, k);
      left--;
    }
  }
  return heapOrder(ev, selection.rows);
}

/** `limit_ratio`: the series whose hash falls under the ratio, or for a negative one the others. */
function ratioOf(ev: Evaluation, { rows }: RankedGroup, param: Float64Array): Row[] {
  const selection = new Selection(ev);
  for (const row of rows) {
    ev.session.limits.worked(ev.steps);
    const offset = labelsFraction(row.labels);
    for (let k = 0; k < ev.steps; k++) {
      if (row.present[k] === 0 || param[k] === 0) continue;
      const ratio = Math.max(-1, Math.min(1, param[k]));
      if (ratio >= 0 ? offset < ratio : offset >= 1 + ratio) selection.take(row, k);
    }
  }
  return heapOrder(ev, selection.rows);
}

/** The reference collects what it chose in a heap, and at a single step it shows in the order of the result. */
function heapOrder(ev: Evaluation, rows: Row[]): Row[] {
  if (ev.steps > 1) return rows;
  const heap = new ValueHeap<Row>(true);
  for (const row of rows) heap.push(row.histograms?.[0] === undefined ? row.values[0] : 0, row);
  return heap.items();
}

/** `count_values`: how often each value occurs, the value as a label; and the elements counted at the last step. */
function countValues(ev: Evaluation, node: AggregateNode): { rows: Row[]; elements: number } {
  const label = node.param?.kind === "string" ? node.param.value : "";
  if (!isLabelName(label)) throw new QueryError("execution", `invalid label name ${quoteLabelName(label)}`);
  const grouping = node.without || node.grouping.includes(label) ? node.grouping : [...node.grouping, label].sort();
  const groupLabels = groupLabelsOf(node.without, grouping);
  const groups = new Map<string, Row>();
  let elements = 0;
  ev.stream(node.expr, false, (row) => {
    elements += row.present[ev.steps - 1];
    ev.session.limits.worked(ev.steps);
    for (let k = 0; k < ev.steps; k++) {
      if (row.present[k] === 0) continue;
      const histogram = row.histograms?.[k];
      const text = histogram === undefined ? formatPlain(row.values[k]) : histogramToString(histogram);
      const labels = groupLabels(row.labels.with(label, text));
      let group = groups.get(labels.key);
      if (group === undefined) {
        group = ev.newRow();
        group.labels = labels;
        groups.set(labels.key, group);
      }
      putFloat(group, k, group.present[k] === 0 ? 1 : group.values[k] + 1);
    }
  });
  return { rows: mergeDuplicates([...groups.values()]), elements };
}
