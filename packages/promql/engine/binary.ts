// Binary operators: scalars, vectors with scalars, and (in vector-matching.ts and set-operator.ts) two vectors.
import { Labels } from "@narthex/model";
import { power } from "../functions/go-math.ts";
import { atan2 } from "../functions/trigonometry.ts";
import type { BinaryOp } from "../parser/ast.ts";
import type { Evaluation } from "./evaluation.ts";
import { type ElementResult, histogramOperator } from "./histogram-operator.ts";
import type { Ahead } from "./limits.ts";
import type { BinaryNode, PlanNode } from "./plan.ts";
import type { Row, RowSink } from "./row.ts";
import { streamSetOperation } from "./set-operator.ts";
import { streamVectorBinary } from "./vector-matching.ts";

const NO_VALUES = new Float64Array(0);

/** Streams the rows of a binary expression. */
export function streamBinary(ev: Evaluation, node: BinaryNode, keep: boolean, sink: RowSink): void {
  if (node.op === "and" || node.op === "or" || node.op === "unless") {
    streamSetOperation(ev, node, keep, sink);
    return;
  }
  if (node.lhs.type === "vector" && node.rhs.type === "vector") {
    streamVectorBinary(ev, node, sink);
    return;
  }
  if (node.lhs.type === "scalar" && node.rhs.type === "scalar") {
    scalars(ev, node, sink);
    return;
  }
  const swapped = node.lhs.type === "scalar";
  const { limits } = ev.session;
  if (swapped) {
    const before = limits.samples;
    const scalar = ev.scalar(node.lhs);
    const held = limits.samples - before;
    vectorScalar(ev, node, node.rhs, scalar, true, keep, sink);
    limits.samples -= held;
    return;
  }
  let scalar: Float64Array = NO_VALUES;
  const later = limits.ahead(() => {
    scalar = ev.scalar(node.rhs);
  });
  vectorScalar(ev, node, node.lhs, scalar, false, keep, sink, later);
}

/** Whether the operator compares. */
export function isComparison(op: BinaryOp): boolean {
  return op === "==" || op === "!=" || op === ">" || op === "<" || op === ">=" || op === "<=";
}

/** Whether the operator trims histograms. */
export function isTrim(op: BinaryOp): boolean {
  return op === "</" || op === ">/";
}

/** Whether the result is another quantity than the operands, so that the metric name goes. */
export function changesMetric(op: BinaryOp): boolean {
  return !isComparison(op) && !isTrim(op);
}

/** The arithmetic of two floats. */
export function arithmetic(op: BinaryOp): (left: number, right: number) => number {
  switch (op) {
    case "+":
      return (a, b) => a + b;
    case "-":
      return (a, b) => a - b;
    case "*":
      return (a, b) => a * b;
    case "/":
      return (a, b) => a / b;
    case "%":
      return (a, b) => a % b;
    case "^":
      return power;
    case "atan2":
      return atan2;
    default:
      throw new RangeError(`operator ${op} does no arithmetic`);
  }
}

/** The comparison of two floats. */
export function comparison(op: BinaryOp): (left: number, right: number) => boolean {
  switch (op) {
    case "==":
      return (a, b) => a === b;
    case "!=":
      return (a, b) => a !== b;
    case ">":
      return (a, b) => a > b;
    case "<":
      return (a, b) => a < b;
    case ">=":
      return (a, b) => a >= b;
    case "<=":
      return (a, b) => a <= b;
    default:
      throw new RangeError(`operator ${op} compares nothing`);
  }
}

function scalars(ev: Evaluation, node: BinaryNode, sink: RowSink): void {
  const { limits } = ev.session;
  const before = limits.samples;
  const left = ev.scalar(node.lhs);
  const right = ev.scalar(node.rhs);
  const row = ev.newRow();
  const { values } = row;
  if (isComparison(node.op)) {
    const holds = comparison(node.op);
    for (let k = 0; k < values.length; k++) values[k] = holds(left[k], right[k]) ? 1 : 0;
  } else {
    const apply = arithmetic(node.op);
    for (let k = 0; k < values.length; k++) values[k] = apply(left[k], right[k]);
  }
  row.labels = Labels.empty;
  row.present.fill(1);
  row.points = ev.steps;
  limits.calledPerStep(before, row.points, 2);
  sink(row);
}

/** A vector with a scalar; `swapped` when the scalar stands on the left. */
function vectorScalar(
  ev: Evaluation,
  node: BinaryNode,
  vector: PlanNode,
  scalar: Float64Array,
  swapped: boolean,
  keep: boolean,
  sink: RowSink,
  later?: Ahead,
): void {
  const { op, returnBool } = node;
  const apply = floatChange(ev, node, scalar, swapped);
  const change = (row: Row): void => {
    if (row.histograms === undefined) apply(row);
    else mixedChange(ev, node, row, scalar, swapped);
  };
  ev.map(vector, keep, sink, changesMetric(op) || returnBool, change, { scalars: 1, ...(later && { later }) });
}

/** Makes the in-place change of a row of floats. */
function floatChange(
  ev: Evaluation,
  { op, returnBool, pos }: BinaryNode,
  scalar: Float64Array,
  swapped: boolean,
): (row: Row) => void {
  if (isTrim(op)) {
    return (row) => {
      if (row.points > 0) ev.session.annotations.incompatibleTypes("float", op, "float", pos);
      row.present.fill(0);
      row.points = 0;
    };
  }
  if (isComparison(op)) {
    const holds = comparison(op);
    if (returnBool) {
      return ({ values }) => {
        for (let k = 0; k < values.length; k++) {
          values[k] = (swapped ? holds(scalar[k], values[k]) : holds(values[k], scalar[k])) ? 1 : 0;
        }
      };
    }
    return (row) => {
      const { values, present } = row;
      let points = 0;
      for (let k = 0; k < values.length; k++) {
        if (present[k] === 0) continue;
        if (swapped ? holds(scalar[k], values[k]) : holds(values[k], scalar[k])) points++;
        else present[k] = 0;
      }
      row.points = points;
    };
  }
  switch (op) {
    case "*":
      return ({ values }) => {
        for (let k = 0; k < values.length; k++) values[k] *= scalar[k];
      };
    case "+":
      return ({ values }) => {
        for (let k = 0; k < values.length; k++) values[k] += scalar[k];
      };
    case "/":
      if (swapped) break;
      return ({ values }) => {
        for (let k = 0; k < values.length; k++) values[k] /= scalar[k];
      };
    case "-":
      if (swapped) break;
      return ({ values }) => {
        for (let k = 0; k < values.length; k++) values[k] -= scalar[k];
      };
  }
  const apply = arithmetic(op);
  return ({ values, present }) => {
    for (let k = 0; k < values.length; k++) {
      if (present[k] !== 0) values[k] = swapped ? apply(scalar[k], values[k]) : apply(values[k], scalar[k]);
    }
  };
}

const element: ElementResult = { valid: false, keep: false, value: 0, histogram: undefined };

/** The in-place change of a row that holds histograms, point by point. */
function mixedChange(
  ev: Evaluation,
  { op, returnBool, pos }: BinaryNode,
  row: Row,
  scalar: Float64Array,
  swapped: boolean,
): void {
  const { annotations } = ev.session;
  const { values, present } = row;
  const histograms = row.histograms as NonNullable<Row["histograms"]>;
  const compares = isComparison(op);
  const calculate = compares || isTrim(op) ? undefined : arithmetic(op);
  const holds = compares ? comparison(op) : undefined;
  let points = 0;
  for (let k = 0; k < values.length; k++) {
    if (present[k] === 0) continue;
    const histogram = histograms[k];
    let valid = true;
    let kept = true;
    if (histogram !== undefined) {
      if (swapped) histogramOperator(op, scalar[k], undefined, 0, histogram, pos, annotations, element);
      else histogramOperator(op, 0, histogram, scalar[k], undefined, pos, annotations, element);
      valid = element.valid;
      kept = element.keep;
      histograms[k] = element.histogram;
      if (returnBool) {
        values[k] = kept ? 1 : 0;
        histograms[k] = undefined;
      }
    } else if (holds !== undefined) {
      kept = swapped ? holds(scalar[k], values[k]) : holds(values[k], scalar[k]);
      if (returnBool) values[k] = kept ? 1 : 0;
    } else if (calculate !== undefined) {
      values[k] = swapped ? calculate(scalar[k], values[k]) : calculate(values[k], scalar[k]);
    } else {
      annotations.incompatibleTypes("float", op, "float", pos);
      valid = false;
    }
    if (valid && (kept || returnBool)) {
      points++;
    } else {
      present[k] = 0;
      histograms[k] = undefined;
    }
  }
  row.points = points;
}
