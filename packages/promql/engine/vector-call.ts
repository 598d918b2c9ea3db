// Functions that change each float of an instant vector by itself.

import { calendar } from "../functions/calendar.ts";
import {
  acosh,
  asinh,
  atanh,
  cosh,
  exponential,
  logarithm,
  logarithm2,
  logarithm10,
  maximum,
  minimum,
  sinh,
  tanh,
} from "../functions/go-math.ts";
import { acos, asin, atan, cos, sin, tan } from "../functions/trigonometry.ts";
import type { Evaluation } from "./evaluation.ts";
import type { Ahead } from "./limits.ts";
import type { CallNode, PlanNode } from "./plan.ts";
import type { RowSink } from "./row.ts";

/** What a function makes of one float; undefined takes the element out. */
export type FloatFunction = (value: number, step: number) => number | undefined;

const SIMPLE: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  floor: Math.floor,
  exp: exponential,
  sqrt: Math.sqrt,
  ln: logarithm,
  log2: logarithm2,
  log10: logarithm10,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  rad: (value) => (value * Math.PI) / 180,
  deg: (value) => (value * 180) / Math.PI,
  sgn: (value) => (value < 0 ? -1 : value > 0 ? 1 : value),
};

/** The evaluation of a function on floats, its scalar arguments bound; undefined when there is no such function. */
export function floatFunction(ev: Evaluation, { name, args }: CallNode): FloatFunction | undefined {
  const scalar = (index: number): Float64Array => ev.scalar(args[index] as PlanNode);
  switch (name) {
    case "clamp":
      return clamp(scalar(1), scalar(2));
    case "clamp_min":
      return clamp(scalar(1), ev.fill(Infinity));
    case "clamp_max":
      return clamp(ev.fill(-Infinity), scalar(1));
    case "round": {
      const nearest = args.length > 1 ? scalar(1) : ev.fill(1);
      return (value, k) => {
        const inverse = 1 / nearest[k];
        return Math.floor(value * inverse + 0.5) / inverse;
      };
    }
  }
  return Object.hasOwn(SIMPLE, name) ? SIMPLE[name] : undefined;
}

function clamp(low: Float64Array, high: Float64Array): FloatFunction {
  return (value, k) => (high[k] < low[k] ? undefined : maximum(low[k], minimum(high[k], value)));
}

/** The calendar function of that name: takes whole seconds since the epoch. */
export function calendarFunction(name: string): ((seconds: number) => number) | undefined {
  return Object.hasOwn(calendar, name) ? calendar[name] : undefined;
}

/** Streams the first argument of a call with a function applied to each float; histograms go. */
export function streamFloatCall(
  ev: Evaluation,
  node: CallNode,
  apply: FloatFunction,
  scalars: Ahead,
  keep: boolean,
  sink: RowSink,
): void {
  ev.map(
    node.args[0] as PlanNode,
    keep,
    sink,
    true,
    (row) => {
      const { values, present, histograms } = row;
      let points = 0;
      for (let k = 0; k < values.length; k++) {
        if (present[k] === 0) continue;
        const result = histograms?.[k] === undefined ? apply(values[k], k) : undefined;
        if (result === undefined) {
          present[k] = 0;
          continue;
        }
        values[k] = result;
        points++;
      }
      row.histograms = undefined;
      row.points = points;
    },
    { scalars: node.args.length - 1, later: scalars },
  );
}
