// The syntax tree of PromQL. Plain readonly objects told apart by `kind`; positions are offsets into the query text
// in UTF-16 code units (error messages turn them into line and column).
import type { Matcher } from "@narthex/model";

export type ValueType = "scalar" | "string" | "vector" | "matrix" | "none";

/** Half-open range of the query text. */
export interface Position {
  readonly start: number;
  readonly end: number;
}

export type Expr =
  | NumberLiteral
  | StringLiteral
  | VectorSelector
  | MatrixSelector
  | Subquery
  | ParenExpr
  | UnaryExpr
  | BinaryExpr
  | AggregateExpr
  | Call;

export interface NumberLiteral {
  readonly kind: "number";
  readonly pos: Position;
  readonly value: number;
  /** Written as a duration (`5m`): printed back as one. */
  readonly duration: boolean;
}

export interface StringLiteral {
  readonly kind: "string";
  readonly pos: Position;
  readonly value: string;
}

/** Where a selector or subquery is pinned in time. */
export type AtModifier = { readonly kind: "timestamp"; readonly t: number } | { readonly kind: "start" | "end" };

/** A duration that is an expression of its own (`5m * 2`, `step()`), resolved once start, end and step are known. */
export type DurationExpr =
  | { readonly kind: "durationNumber"; readonly pos: Position; readonly seconds: number; readonly duration: boolean }
  | {
      readonly kind: "durationOp";
      readonly pos: Position;
      readonly op: "+" | "-" | "*" | "/" | "%" | "^" | "step" | "range" | "min_of" | "max_of";
      readonly lhs: DurationExpr | undefined;
      readonly rhs: DurationExpr | undefined;
      /** Written in parentheses. */
      readonly wrapped: boolean;
    };

export interface VectorSelector {
  readonly kind: "vectorSelector";
  readonly pos: Position;
  /** The metric name written outside the braces, or "" when there was none. */
  readonly name: string;
  /** In the order written; the name's own `__name__` matcher comes last, as the reference has it. */
  readonly matchers: readonly Matcher[];
  /** Milliseconds; 0 while `offsetExpr` is unresolved. */
  readonly offsetMs: number;
  readonly offsetExpr: DurationExpr | undefined;
  readonly at: AtModifier | undefined;
  readonly anchored: boolean;
  readonly smoothed: boolean;
}

export interface MatrixSelector {
  readonly kind: "matrixSelector";
  readonly pos: Position;
  readonly selector: VectorSelector;
  /** Milliseconds; 0 while `rangeExpr` is unresolved. */
  readonly rangeMs: number;
  readonly rangeExpr: DurationExpr | undefined;
}

export interface Subquery {
  readonly kind: "subquery";
  readonly pos: Position;
  readonly expr: Expr;
  readonly rangeMs: number;
  readonly rangeExpr: DurationExpr | undefined;
  /** 0 means the default resolution. */
  readonly stepMs: number;
  readonly stepExpr: DurationExpr | undefined;
  readonly offsetMs: number;
  readonly offsetExpr: DurationExpr | undefined;
  readonly at: AtModifier | undefined;
}

export interface ParenExpr {
  readonly kind: "paren";
  readonly pos: Position;
  readonly expr: Expr;
}

export interface UnaryExpr {
  readonly kind: "unary";
  readonly pos: Position;
  readonly op: "+" | "-";
  readonly expr: Expr;
}

export type ArithmeticOp = "+" | "-" | "*" | "/" | "%" | "^" | "atan2";
export type ComparisonOp = "==" | "!=" | ">" | "<" | ">=" | "<=";
export type TrimOp = "</" | ">/";
export type SetOp = "and" | "or" | "unless";
export type BinaryOp = ArithmeticOp | ComparisonOp | TrimOp | SetOp;

export type Cardinality = "one-to-one" | "many-to-one" | "one-to-many" | "many-to-many";

export interface VectorMatching {
  readonly card: Cardinality;
  readonly labels: readonly string[];
  /** `on` when true, else `ignoring`. */
  readonly on: boolean;
  /** Labels of group_left or group_right. */
  readonly include: readonly string[];
  /** Values that stand in for a missing partner. */
  readonly fill: { readonly lhs: number | undefined; readonly rhs: number | undefined };
}

export interface BinaryExpr {
  readonly kind: "binary";
  readonly pos: Position;
  /** Where the operator stands. */
  readonly opPos: Position;
  readonly op: BinaryOp;
  readonly lhs: Expr;
  readonly rhs: Expr;
  /** Set when both sides are vectors. */
  readonly matching: VectorMatching | undefined;
  readonly returnBool: boolean;
}

export type AggregateOp =
  | "sum"
  | "avg"
  | "min"
  | "max"
  | "group"
  | "count"
  | "stddev"
  | "stdvar"
  | "topk"
  | "bottomk"
  | "quantile"
  | "count_values"
  | "limitk"
  | "limit_ratio";

export interface AggregateExpr {
  readonly kind: "aggregate";
  readonly pos: Position;
  readonly op: AggregateOp;
  readonly expr: Expr;
  readonly param: Expr | undefined;
  readonly grouping: readonly string[];
  readonly without: boolean;
}

/** A function's signature, as the table of functions has it. */
export interface FunctionSignature {
  readonly name: string;
  readonly argTypes: readonly ValueType[];
  /** 0: exactly `argTypes`; n > 0: the last type may be left out or repeated up to n times; -1: any number of times. */
  readonly variadic: number;
  readonly returnType: ValueType;
  readonly experimental: boolean;
}

export interface Call {
  readonly kind: "call";
  readonly pos: Position;
  readonly func: FunctionSignature;
  readonly args: readonly Expr[];
}
