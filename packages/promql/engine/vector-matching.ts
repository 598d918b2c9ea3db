// Binary operators between two vectors: partners are found once per pair of series, then combined step by step.
import type { FloatHistogramFields, Labels } from "@narthex/model";
import type { VectorMatching } from "../parser/ast.ts";
import { arithmetic, changesMetric, comparison, isComparison, isTrim } from "./binary.ts";
import type { Evaluation } from "./evaluation.ts";
import { type ElementResult, histogramOperator } from "./histogram-operator.ts";
import { labelsText } from "./labels-text.ts";
import type { BinaryNode } from "./plan.ts";
import { QueryError } from "./result.ts";
import {
  elementsAtLastStep,
  METADATA_LABELS,
  mergeDuplicates,
  putFloat,
  putHistogram,
  type Row,
  type RowSink,
  rowsWeight,
} from "./row.ts";
import { signatureOf } from "./signature.ts";

/** The rows of one match group. The "one" side is always on the right here. */
interface MatchGroup {
  readonly many: Row[];
  readonly one: Row[];
}

const ONE_TO_ONE: VectorMatching = {
  card: "one-to-one",
  labels: [],
  on: false,
  include: [],
  fill: { lhs: undefined, rhs: undefined },
};

/** Streams the rows of an arithmetic, comparison or trim operator between two vectors. */
export function streamVectorBinary(ev: Evaluation, node: BinaryNode, sink: RowSink): void {
  const { limits } = ev.session;
  const before = limits.samples;
  const left = ev.rows(node.lhs);
  const right = ev.rows(node.rhs);
  const rows = new Matcher(ev, node).match(left, right);
  ev.release(node.lhs, left);
  ev.release(node.rhs, right);
  limits.calledPerStep(before, rowsWeight(rows), elementsAtLastStep(left) + elementsAtLastStep(right));
  for (const row of mergeDuplicates(rows)) sink(row);
}

const element: ElementResult = { valid: false, keep: false, value: 0, histogram: undefined };

class Matcher {
  readonly #ev: Evaluation;
  readonly #node: BinaryNode;
  readonly #matching: VectorMatching;
  /** The left operand is the "one" side. */
  readonly #swapped: boolean;
  readonly #combine: (left: number, right: number) => number;
  readonly #holds: ((left: number, right: number) => boolean) | undefined;
  readonly #dropsName: boolean;
  /** Of the result's labels, one-to-one: those kept, or those that go with the name if that goes. */
  readonly #names: ReadonlySet<string>;
  /** Where a pair meets that nobody looks at later. */
  readonly #meets: Uint8Array;

  constructor(ev: Evaluation, node: BinaryNode) {
    this.#ev = ev;
    this.#node = node;
    this.#matching = node.matching ?? ONE_TO_ONE;
    this.#meets = new Uint8Array(ev.steps);
    this.#swapped = this.#matching.card === "one-to-many";
    const { op } = node;
    this.#holds = isComparison(op) ? comparison(op) : undefined;
    this.#combine = isComparison(op) || isTrim(op) ? () => 0 : arithmetic(op);
    this.#dropsName = changesMetric(op) || (node.returnBool && !ev.session.delayedNameRemoval);
    const { on, labels } = this.#matching;
    if (!on && this.#dropsName && labels.length === 0) this.#names = METADATA_LABELS;
    else this.#names = new Set(on || !this.#dropsName ? labels : [...labels, ...METADATA_LABELS]);
  }

  match(left: readonly Row[], right: readonly Row[]): Row[] {
    const many = this.#swapped ? right : left;
    const one = this.#swapped ? left : right;
    const { lhs: fillMany, rhs: fillOne } = this.#matching.fill;
    if (fillMany === undefined && fillOne === undefined && (many.length === 0 || one.length === 0)) return [];
    const signature = signatureOf(this.#matching.on, this.#matching.labels);
    const groups = new Map<string, MatchGroup>();
    const groupOf = (row: Row): MatchGroup => {
      const key = signature(row.labels);
      let group = groups.get(key);
      if (group === undefined) {
        group = { many: [], one: [] };
        groups.set(key, group);
      }
      return group;
    };
    for (const row of one) groupOf(row).one.push(row);
    const groupsOfMany = many.map((row) => {
      const group = groupOf(row);
      group.many.push(row);
      return group;
    });
    for (const group of groups.values()) {
      if (group.one.length > 1) this.#refuseSeveral(group.one, many, one);
    }
    const rows: Row[] = [];
    const inserted = new Map<MatchGroup, Map<string, Uint8Array>>();
    const matchedIn = (group: MatchGroup): Map<string, Uint8Array> => {
      let matched = inserted.get(group);
      if (matched === undefined) {
        matched = new Map();
        inserted.set(group, matched);
      }
      return matched;
    };
    const isOneToOne = this.#matching.card === "one-to-one" && fillMany === undefined && fillOne === undefined;
    for (let i = 0; i < many.length; i++) {
      const row = many[i] as Row;
      const group = groupsOfMany[i] as MatchGroup;
      this.#ev.session.limits.worked(this.#ev.steps * (group.one.length + 1));
      // Two that are alone with one another meet nobody twice.
      const isPair = isOneToOne && group.many.length === 1 && group.one.length === 1;
      const matched = isPair ? undefined : matchedIn(group);
      for (const partner of group.one) this.#pair(row, partner, undefined, rows, matched);
      if (fillOne !== undefined) {
        const partner = this.#filler(row.labels, fillOne);
        this.#pair(row, partner, otherSteps(group.one, this.#ev.steps), rows, matched);
      }
    }
    if (fillMany !== undefined) {
      for (const row of one) {
        const group = groupOf(row);
        const matched = matchedIn(group);
        const partner = this.#filler(row.labels, fillMany);
        this.#pair(partner, row, otherSteps(group.many, this.#ev.steps), rows, matched);
      }
    }
    return rows;
  }

  /** Combines a row of the "many" side with one of the "one" side, at the given steps (undefined: all). */
  #pair(
    many: Row,
    one: Row,
    steps: Uint8Array | undefined,
    rows: Row[],
    matched: Map<string, Uint8Array> | undefined,
  ): void {
    const { steps: count } = this.#ev;
    // Where both have a point there is a match, whatever the operator makes of it.
    const meets = matched === undefined ? this.#meets : new Uint8Array(count);
    let meetings = 0;
    for (let k = 0; k < count; k++) {
      const met = many.present[k] !== 0 && one.present[k] !== 0 && (steps === undefined || steps[k] !== 0);
      meets[k] = met ? 1 : 0;
      if (met) meetings++;
    }
    if (meetings === 0) return;
    const row = this.#ev.newRow();
    row.labels = this.#resultLabels(many.labels, one.labels);
    row.dropName = this.#node.returnBool;
    const left = this.#swapped ? one : many;
    const right = this.#swapped ? many : one;
    if (left.histograms === undefined && right.histograms === undefined) this.#floats(left, right, meets, row);
    else this.#elements(left, right, meets, row);
    if (matched !== undefined) this.#refuseRepeated(row, meets, matched);
    if (row.points > 0) rows.push(row);
  }

  #floats(left: Row, right: Row, meets: Uint8Array, row: Row): void {
    const { op, returnBool, pos } = this.#node;
    const { values, present } = row;
    const a = left.values;
    const b = right.values;
    const holds = this.#holds;
    let points = 0;
    if (holds !== undefined) {
      for (let k = 0; k < meets.length; k++) {
        if (meets[k] === 0) continue;
        const kept = holds(a[k], b[k]);
        if (!kept && !returnBool) continue;
        values[k] = returnBool ? (kept ? 1 : 0) : a[k];
        present[k] = 1;
        points++;
      }
    } else if (isTrim(op)) {
      this.#ev.session.annotations.incompatibleTypes("float", op, "float", pos);
      meets.fill(0);
    } else {
      const combine = this.#combine;
      for (let k = 0; k < meets.length; k++) {
        if (meets[k] === 0) continue;
        values[k] = combine(a[k], b[k]);
        present[k] = 1;
        points++;
      }
    }
    row.points = points;
  }

  #elements(left: Row, right: Row, meets: Uint8Array, row: Row): void {
    const { op, returnBool, pos } = this.#node;
    const { annotations } = this.#ev.session;
    for (let k = 0; k < meets.length; k++) {
      if (meets[k] === 0) continue;
      const leftHistogram = left.histograms?.[k];
      const rightHistogram = right.histograms?.[k];
      const a = left.values[k];
      const b = right.values[k];
      let kept = true;
      let value = 0;
      let histogram: FloatHistogramFields | undefined;
      if (leftHistogram !== undefined || rightHistogram !== undefined) {
        histogramOperator(op, a, leftHistogram, b, rightHistogram, pos, annotations, element);
        if (!element.valid) {
          meets[k] = 0;
          continue;
        }
        kept = element.keep;
        value = element.value;
        histogram = element.histogram;
      } else if (this.#holds !== undefined) {
        kept = this.#holds(a, b);
        value = a;
      } else if (isTrim(op)) {
        annotations.incompatibleTypes("float", op, "float", pos);
        meets[k] = 0;
        continue;
      } else {
        value = this.#combine(a, b);
      }
      if (returnBool) putFloat(row, k, kept ? 1 : 0);
      else if (!kept) continue;
      else if (histogram !== undefined) putHistogram(row, k, histogram);
      else putFloat(row, k, value);
    }
  }

  /** Refuses a second match at a step: of the whole group, or for grouped matches of the same result labels. */
  #refuseRepeated(row: Row, meets: Uint8Array, matched: Map<string, Uint8Array>): void {
    const oneToOne = this.#matching.card === "one-to-one";
    const key = oneToOne ? "" : row.labels.key;
    const earlier = matched.get(key);
    if (earlier === undefined) {
      matched.set(key, meets);
      return;
    }
    for (let k = 0; k < meets.length; k++) {
      if (meets[k] === 0) continue;
      if (earlier[k] === 0) {
        earlier[k] = 1;
        continue;
      }
      throw new QueryError(
        "execution",
        oneToOne
          ? "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
          : "multiple matches for labels: grouping labels must ensure unique matches",
      );
    }
  }

  /** Refuses two rows of the "one" side that have a point at the same step, if the other side has any there. */
  #refuseSeveral(group: readonly Row[], many: readonly Row[], one: readonly Row[]): void {
    const { lhs, rhs } = this.#matching.fill;
    const fills = lhs !== undefined || rhs !== undefined;
    for (let k = 0; k < this.#ev.steps; k++) {
      let first: Row | undefined;
      for (const row of group) {
        if (row.present[k] === 0) continue;
        if (first === undefined) {
          first = row;
          continue;
        }
        if (!fills && !(anyPresent(many, k) && anyPresent(one, k))) break;
        const { on, labels } = this.#matching;
        const names = new Set(labels);
        const shown = on ? row.labels.keep(names) : row.labels.without(new Set(["__name__", ...labels]));
        const texts = [labelsText(first.labels), labelsText(row.labels)].sort();
        throw new QueryError(
          "execution",
          `found duplicate series for the match group ${labelsText(shown)} on the ` +
            `${this.#swapped ? "left" : "right"} hand-side of the operation: [${texts[0]}, ${texts[1]}];` +
            "many-to-many matching not allowed: matching labels must be unique on one side",
        );
      }
    }
  }

  #resultLabels(many: Labels, one: Labels): Labels {
    const { card, on, include } = this.#matching;
    let labels = many;
    if (card === "one-to-one" && !on) labels = labels.without(this.#names);
    else {
      if (this.#dropsName) labels = labels.without(METADATA_LABELS);
      if (card === "one-to-one") labels = labels.keep(this.#names);
    }
    for (const name of include) labels = labels.with(name, one.get(name));
    return labels;
  }

  /** What stands in for a missing partner: the fill value at every step. */
  #filler(labels: Labels, value: number): Row {
    const { on, labels: names } = this.#matching;
    const row = this.#ev.newRow();
    row.labels = on ? labels.keep(new Set(names)) : labels.without(new Set(["__name__", ...names]));
    row.values.fill(value);
    row.present.fill(1);
    row.points = this.#ev.steps;
    return row;
  }
}

/** 1 at the steps where none of the rows has a point. */
function otherSteps(rows: readonly Row[], steps: number): Uint8Array {
  const others = new Uint8Array(steps).fill(1);
  for (const { present } of rows) {
    for (let k = 0; k < steps; k++) if (present[k] !== 0) others[k] = 0;
  }
  return others;
}

function anyPresent(rows: readonly Row[], step: number): boolean {
  return rows.some(({ present }) => present[step] !== 0);
}
