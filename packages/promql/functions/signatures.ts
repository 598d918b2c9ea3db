// Which functions PromQL has, and what they take. Their evaluation stands beside this file.
import type { FunctionSignature, ValueType } from "../parser/ast.ts";

/** A function's arguments: s scalar, S string, v instant vector, m range vector; then its result. */
type Shape = readonly [args: string, variadic: number, result: "v" | "s"];

const V: Shape = ["v", 0, "v"];
const M: Shape = ["m", 0, "v"];
const TIME_PART: Shape = ["v", 1, "v"];
const CONSTANT: Shape = ["", 0, "s"];

const STABLE: Readonly<Record<string, Shape>> = {
  abs: V,
  absent: V,
  absent_over_time: M,
  acos: V,
  acosh: V,
  asin: V,
  asinh: V,
  atan: V,
  atanh: V,
  avg_over_time: M,
  ceil: V,
  changes: M,
  clamp: ["vss", 0, "v"],
  clamp_max: ["vs", 0, "v"],
  clamp_min: ["vs", 0, "v"],
  cos: V,
  cosh: V,
  count_over_time: M,
  day_of_month: TIME_PART,
  day_of_week: TIME_PART,
  day_of_year: TIME_PART,
  days_in_month: TIME_PART,
  deg: V,
  delta: M,
  deriv: M,
  exp: V,
  first_over_time: M,
  floor: V,
  histogram_avg: V,
  histogram_count: V,
  histogram_fraction: ["ssv", 0, "v"],
  histogram_quantile: ["sv", 0, "v"],
  histogram_stddev: V,
  histogram_stdvar: V,
  histogram_sum: V,
  hour: TIME_PART,
  idelta: M,
  increase: M,
  irate: M,
  label_join: ["vSSS", -1, "v"],
  label_replace: ["vSSSS", 0, "v"],
  last_over_time: M,
  ln: V,
  log10: V,
  log2: V,
  max_over_time: M,
  min_over_time: M,
  minute: TIME_PART,
  month: TIME_PART,
  pi: CONSTANT,
  predict_linear: ["ms", 0, "v"],
  present_over_time: M,
  quantile_over_time: ["sm", 0, "v"],
  rad: V,
  rate: M,
  resets: M,
  round: ["vs", 1, "v"],
  scalar: ["v", 0, "s"],
  sgn: V,
  sin: V,
  sinh: V,
  sort: V,
  sort_desc: V,
  sqrt: V,
  stddev_over_time: M,
  stdvar_over_time: M,
  sum_over_time: M,
  tan: V,
  tanh: V,
  time: CONSTANT,
  timestamp: V,
  vector: ["s", 0, "v"],
  year: TIME_PART,
};

const EXPERIMENTAL: Readonly<Record<string, Shape>> = {
  double_exponential_smoothing: ["mss", 0, "v"],
  end: CONSTANT,
  histogram_quantiles: ["vSss", 9, "v"],
  info: ["vv", 1, "v"],
  mad_over_time: M,
  max_of: ["ss", 0, "s"],
  min_of: ["ss", 0, "s"],
  range: CONSTANT,
  sort_by_label: ["vS", -1, "v"],
  sort_by_label_desc: ["vS", -1, "v"],
  start: CONSTANT,
  start_timestamp: V,
  step: CONSTANT,
  ts_of_first_over_time: M,
  ts_of_last_over_time: M,
  ts_of_max_over_time: M,
  ts_of_min_over_time: M,
};

const VALUE_TYPES: Readonly<Record<string, ValueType>> = { s: "scalar", S: "string", v: "vector", m: "matrix" };

function signature(name: string, [args, variadic, result]: Shape, experimental: boolean): FunctionSignature {
  const argTypes = [...args].map((letter) => VALUE_TYPES[letter] as ValueType);
  return { name, argTypes, variadic, returnType: VALUE_TYPES[result] as ValueType, experimental };
}

/** All functions by name, those behind `promql-experimental-functions` among them. */
export const FUNCTION_SIGNATURES: ReadonlyMap<string, FunctionSignature> = new Map(
  [
    ...Object.entries(STABLE).map(([name, shape]) => signature(name, shape, false)),
    ...Object.entries(EXPERIMENTAL).map(([name, shape]) => signature(name, shape, true)),
  ].map((entry) => [entry.name, entry]),
);
