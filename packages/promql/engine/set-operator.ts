// and, or, unless: which points of one side have (no) partner on the other.
import type { Evaluation } from "./evaluation.ts";
import type { BinaryNode } from "./plan.ts";
import { elementsAtLastStep, mergeDuplicates, type Row, type RowSink, rowsWeight, rowWeight } from "./row.ts";
import { signatureOf } from "./signature.ts";

/** Streams the rows of a set operation. Only the side that asks is kept as a mask of steps per match group. */
export function streamSetOperation(ev: Evaluation, node: BinaryNode, keep: boolean, sink: RowSink): void {
  const { limits } = ev.session;
  const { matching } = node;
  const before = limits.samples;
  const signature = signatureOf(matching?.on ?? false, matching?.labels ?? []);
  if (node.op !== "or") {
    const left = keepLeft(ev, node);
    let right: Row[] = [];
    const later = limits.ahead(() => {
      right = ev.rows(node.rhs);
    });
    const masks = stepMasks(ev, right, signature);
    let elements = elementsAtLastStep(right);
    ev.release(node.rhs, right);
    const wanted = node.op === "and" ? 1 : 0;
    let out = 0;
    const filter = (row: Row): void => {
      elements += row.present[ev.steps - 1];
      const mask = masks.get(signature(row.labels));
      if (mask === undefined) {
        if (wanted === 1) return;
      } else {
        filterSteps(row, mask, wanted);
        if (row.points === 0) return;
      }
      out += rowWeight(row);
      sink(row);
    };
    if (left !== undefined) for (const row of left) filter(ev.copyRow(row));
    else ev.stream(node.lhs, keep, filter);
    limits.require(later.peak);
    limits.calledPerStep(before, out, elements + later.held);
    return;
  }
  const left = ev.rows(node.lhs);
  const right = ev.rows(node.rhs);
  const masks = stepMasks(ev, left, signature);
  const elements = elementsAtLastStep(left) + elementsAtLastStep(right);
  const rows: Row[] = left.map((row) => ev.copyRow(row));
  for (const source of right) {
    const mask = masks.get(signature(source.labels));
    const row = ev.copyRow(source);
    if (mask !== undefined) filterSteps(row, mask, 0);
    if (row.points > 0) rows.push(row);
  }
  ev.release(node.lhs, left);
  ev.release(node.rhs, right);
  limits.calledPerStep(before, rowsWeight(rows), elements);
  for (const row of mergeDuplicates(rows)) sink(row);
}

/** A left side that is shared is there already. */
function keepLeft(ev: Evaluation, node: BinaryNode): Row[] | undefined {
  return ev.session.shared.has(node.lhs.key) ? ev.rows(node.lhs) : undefined;
}

/** For each match group, 1 at the steps where any of its rows has a point. */
function stepMasks(
  ev: Evaluation,
  rows: readonly Row[],
  signature: (labels: Row["labels"]) => string,
): Map<string, Uint8Array> {
  const masks = new Map<string, Uint8Array>();
  for (const { labels, present } of rows) {
    const key = signature(labels);
    const mask = masks.get(key);
    if (mask === undefined) {
      ev.session.limits.allocate(ev.steps);
      masks.set(key, present.slice());
      continue;
    }
    for (let k = 0; k < mask.length; k++) mask[k] |= present[k];
  }
  return masks;
}

/** Takes out the points at steps where the mask is not `wanted`. */
function filterSteps(row: Row, mask: Uint8Array, wanted: number): void {
  const { present, histograms } = row;
  let points = 0;
  for (let k = 0; k < present.length; k++) {
    if (mask[k] !== wanted) {
      present[k] = 0;
      if (histograms !== undefined) histograms[k] = undefined;
    } else if (present[k] !== 0) {
      points++;
    }
  }
  row.points = points;
}
