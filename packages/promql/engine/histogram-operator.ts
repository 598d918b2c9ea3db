// Binary operators where at least one side is a native histogram.
import {
  addHistogram,
  CounterResetHint,
  compactHistogram,
  copyHistogram,
  divideHistogram,
  type FloatHistogramFields,
  histogramsEqual,
  multiplyHistogram,
  subtractHistogram,
  trimHistogram,
} from "@narthex/model";
import type { BinaryOp, Position } from "../parser/ast.ts";
import type { Annotations } from "./annotations.ts";

/** The result of an operator on elements of which one may be a histogram. Reused from call to call. */
export interface ElementResult {
  /** Whether there is a result at all: false leaves the element out. */
  valid: boolean;
  /** For comparisons: whether they hold; else true. */
  keep: boolean;
  value: number;
  histogram: FloatHistogramFields | undefined;
}

/** Unary minus of a histogram; its argument stays as it is. */
export function negateHistogram(histogram: FloatHistogramFields): FloatHistogramFields {
  return multiplyHistogram(copyHistogram(histogram), -1);
}

/**
 * Applies an operator where at least one of the histograms is set. Combinations that make no sense leave the element
 * out with an info. `quietWarnings` leaves out warnings that come with a result.
 */
export function histogramOperator(
  op: BinaryOp,
  left: number,
  leftHistogram: FloatHistogramFields | undefined,
  right: number,
  rightHistogram: FloatHistogramFields | undefined,
  pos: Position,
  annotations: Annotations,
  result: ElementResult,
): void {
  result.valid = true;
  result.keep = true;
  result.value = 0;
  result.histogram = undefined;
  if (leftHistogram !== undefined && rightHistogram !== undefined) {
    switch (op) {
      case "+":
      case "-": {
        const sum = copyHistogram(leftHistogram);
        const done = op === "+" ? addHistogram(sum, rightHistogram) : subtractHistogram(sum, rightHistogram);
        if (done === undefined) {
          result.valid = false;
          annotations.incompatibleBuckets(op, pos);
          return;
        }
        if (op === "-") sum.counterResetHint = CounterResetHint.gauge;
        const operation = op === "+" ? "addition" : "subtraction";
        // The reference keeps only one of both, and of a warning and an info the info.
        if (done.boundsReconciled) annotations.mismatchedCustomBuckets(operation, pos);
        if (done.counterResetConflict) annotations.counterResetCollision(operation, pos);
        result.histogram = compactHistogram(sum, 0);
        return;
      }
      case "==":
        result.histogram = leftHistogram;
        result.keep = histogramsEqual(leftHistogram, rightHistogram);
        return;
      case "!=":
        result.histogram = leftHistogram;
        result.keep = !histogramsEqual(leftHistogram, rightHistogram);
        return;
      default:
        result.valid = false;
        annotations.incompatibleTypes("histogram", op, "histogram", pos);
        return;
    }
  }
  if (leftHistogram !== undefined) {
    switch (op) {
      case "*":
        result.histogram = compactHistogram(multiplyHistogram(copyHistogram(leftHistogram), right), 0);
        return;
      case "/":
        result.histogram = compactHistogram(divideHistogram(copyHistogram(leftHistogram), right), 0);
        return;
      case "</":
        result.histogram = trimHistogram(copyHistogram(leftHistogram), right, true);
        return;
      case ">/":
        result.histogram = trimHistogram(copyHistogram(leftHistogram), right, false);
        return;
      default:
        result.valid = false;
        annotations.incompatibleTypes("histogram", op, "float", pos);
        return;
    }
  }
  if (op === "*" && rightHistogram !== undefined) {
    result.histogram = compactHistogram(multiplyHistogram(copyHistogram(rightHistogram), left), 0);
    return;
  }
  result.valid = false;
  annotations.incompatibleTypes("float", op, "histogram", pos);
}
