// Expressions: operators by strength, with what may hang behind an operand (brackets, offset, @, anchored).
// Follows the reference's grammar so closely that the first fault found in a wrong query is the same one.
import { FUNCTION_SIGNATURES } from "../functions/signatures.ts";
import type {
  AggregateExpr,
  AtModifier,
  BinaryExpr,
  BinaryOp,
  Call,
  Expr,
  FunctionSignature,
  MatrixSelector,
  NumberLiteral,
  Position,
  Subquery,
  VectorMatching,
  VectorSelector,
} from "./ast.ts";
import { DurationParser, type DurationValue, readLiteral } from "./duration-parser.ts";
import { formatFixed, isWellFormed, quote } from "./go-text.ts";
import type { ParserOptions } from "./options.ts";
import { readNamedSelector, readVectorSelector } from "./selector-parser.ts";
import {
  isAggregation,
  isLabelName,
  isMetricName,
  startsExpression,
  type Token,
  TokenName,
  tokenPosition,
} from "./token.ts";
import { MAX_TREE_DEPTH, type TokenStream } from "./token-stream.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const STRENGTH: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  "==": 3,
  "!=": 3,
  "<=": 3,
  "<": 3,
  ">=": 3,
  ">": 3,
  "</": 3,
  ">/": 3,
  "+": 4,
  "-": 4,
  "*": 5,
  "/": 5,
  "%": 5,
  atan2: 5,
  "^": 6,
};
const SIGN_STRENGTH = 5;

/** Words that name a function where a parenthesis follows them. */
const FUNCTION_WORDS: ReadonlySet<string> = new Set(["start", "end", "step", "range", "max_of", "min_of"]);
const PARAMETER_AGGREGATIONS: ReadonlySet<string> = new Set([
  "topk",
  "bottomk",
  "count_values",
  "quantile",
  "limitk",
  "limit_ratio",
]);
const EXPERIMENTAL_AGGREGATIONS: ReadonlySet<string> = new Set(["limitk", "limit_ratio"]);

/** Stands in for a function that does not exist; there is an issue then, and no result. */
const UNKNOWN_FUNCTION: FunctionSignature = {
  name: "",
  argTypes: [],
  variadic: -1,
  returnType: "none",
  experimental: false,
};

export class ExprParser {
  readonly #tokens: TokenStream;
  readonly #options: ParserOptions;
  readonly #durations: DurationParser;
  /** Where the first chain of operators begins that makes too deep a tree. */
  #tooLong: Position | undefined;

  constructor(tokens: TokenStream, options: ParserOptions) {
    this.#tokens = tokens;
    this.#options = options;
    this.#durations = new DurationParser(tokens, options);
  }

  /** The whole text as one expression. Throws a `ParseError` when it is none; other issues may have been added. */
  whole(): Expr {
    const tokens = this.#tokens;
    if (tokens.peek().kind === TokenName.endOfInput) {
      tokens.addIssue({ start: 0, end: 0 }, "no expression found in input");
      tokens.fail();
    }
    const expr = this.#expression(0);
    if (tokens.peek().kind !== TokenName.endOfInput) tokens.unexpected();
    if (this.#tooLong !== undefined) tokens.tooDeep(this.#tooLong, MAX_TREE_DEPTH);
    return expr;
  }

  #expression(strength: number): Expr {
    const tokens = this.#tokens;
    let lhs = this.#operand();
    for (let depth = 1; ; depth++) {
      const token = tokens.peek();
      const own = STRENGTH[token.kind];
      if (own === undefined || own < strength) return lhs;
      tokens.next();
      const modifiers = this.#binaryModifiers();
      const rhs = tokens.nested(() => this.#expression(token.kind === "^" ? own : own + 1));
      const joined = this.#binary(token, lhs, modifiers, rhs);
      // Each further link lies one deeper. What is too long is read to its end, for other faults come first, but not kept.
      if (depth <= MAX_TREE_DEPTH) lhs = joined;
      else this.#tooLong ??= lhs.pos;
    }
  }

  #binary(op: Token, lhs: Expr, modifiers: BinaryModifiers, rhs: Expr): BinaryExpr {
    const pos = { start: lhs.pos.start, end: rhs.pos.end };
    const { fill } = modifiers.matching;
    if (!this.#options.fillModifiers && (fill.lhs !== undefined || fill.rhs !== undefined)) {
      this.#tokens.addIssue(pos, "binop fill modifiers are experimental and not enabled");
    }
    const opPos = tokenPosition(op);
    return { kind: "binary", pos, opPos, op: op.kind as BinaryOp, lhs, rhs, ...modifiers };
  }

  #binaryModifiers(): BinaryModifiers {
    const tokens = this.#tokens;
    const returnBool = tokens.accept("bool") !== undefined;
    const matching: Mutable<VectorMatching> = {
      card: "one-to-one",
      labels: [],
      on: false,
      include: [],
      fill: { lhs: undefined, rhs: undefined },
    };
    const { kind } = tokens.peek();
    if (kind === "on" || kind === "ignoring") {
      tokens.next();
      matching.on = kind === "on";
      matching.labels = this.#labels();
      const group = tokens.peek().kind;
      if (group === "group_left" || group === "group_right") {
        tokens.next();
        matching.card = group === "group_left" ? "many-to-one" : "one-to-many";
        const { kind: next } = tokens.peek();
        if (next === "(") matching.include = this.#labels();
        else if (!startsExpression(next)) tokens.unexpected('grouping opts, expected "("');
      }
    }
    matching.fill = this.#fill();
    return { matching, returnBool };
  }

  #fill(): VectorMatching["fill"] {
    const tokens = this.#tokens;
    const first = tokens.peek().kind;
    if (first === "fill") {
      tokens.next();
      const value = this.#fillValue();
      return { lhs: value, rhs: value };
    }
    const fill: Mutable<VectorMatching["fill"]> = { lhs: undefined, rhs: undefined };
    if (first !== "fill_left" && first !== "fill_right") return fill;
    tokens.next();
    fill[first === "fill_left" ? "lhs" : "rhs"] = this.#fillValue();
    const second = first === "fill_left" ? "fill_right" : "fill_left";
    if (tokens.accept(second)) fill[second === "fill_left" ? "lhs" : "rhs"] = this.#fillValue();
    return fill;
  }

  #fillValue(): number {
    const tokens = this.#tokens;
    tokens.expect("(");
    const sign = tokens.accept("-") ?? tokens.accept("+");
    const { value } = readLiteral(tokens);
    tokens.expect(")");
    return sign?.kind === "-" ? value * -1 : value;
  }

  /** A list of labels in parentheses. */
  #labels(): readonly string[] {
    const tokens = this.#tokens;
    tokens.expecting('grouping opts, expected "("', () => tokens.expect("("));
    const labels: string[] = [];
    while (!tokens.accept(")")) {
      labels.push(tokens.expecting("grouping opts, expected label", () => this.#label()));
      if (tokens.accept(")")) break;
      tokens.expecting('grouping opts, expected "," or ")"', () => tokens.expect(","));
    }
    return labels;
  }

  #label(): string {
    const tokens = this.#tokens;
    const token = tokens.peek();
    if (token.kind !== TokenName.string && !isLabelName(token.kind)) tokens.unexpected();
    tokens.next();
    const name = token.kind === TokenName.string ? tokens.unquote(token) : token.text;
    if (name === "" || !isWellFormed(name)) {
      tokens.addIssue(tokenPosition(token), `invalid label name for grouping: ${quote(name)}`);
    }
    return name;
  }

  #operand(): Expr {
    let expr = this.#primary();
    for (;;) {
      switch (this.#tokens.peek().kind) {
        case "[":
          expr = this.#bracket(expr);
          break;
        case "offset":
          expr = this.#offset(expr);
          break;
        case "@":
          expr = this.#at(expr);
          break;
        case "anchored":
        case "smoothed":
          expr = this.#extend(expr, this.#tokens.next().kind as "anchored" | "smoothed");
          break;
        default:
          return expr;
      }
    }
  }

  #primary(): Expr {
    const tokens = this.#tokens;
    const token = tokens.peek();
    switch (token.kind) {
      case TokenName.number:
      case TokenName.duration:
        return { kind: "number", ...readLiteral(tokens) };
      case TokenName.string:
        tokens.next();
        return { kind: "string", pos: tokenPosition(token), value: tokens.unquote(token) };
      case "(": {
        tokens.next();
        const expr = tokens.nested(() => this.#expression(0));
        const close = tokens.expect(")");
        return { kind: "paren", pos: { start: token.start, end: close.start + 1 }, expr };
      }
      case "+":
      case "-":
        tokens.next();
        return this.#signed(token, token.kind);
      case "{":
        return readVectorSelector(tokens);
    }
    if (!isMetricName(token.kind)) tokens.unexpected();
    tokens.next();
    const following = tokens.peek().kind;
    if (isAggregation(token.kind) && (following === "(" || following === "by" || following === "without")) {
      return tokens.expecting("aggregation", () => this.#aggregate(token));
    }
    if (following === "(" && (token.kind === TokenName.identifier || FUNCTION_WORDS.has(token.kind))) {
      return this.#call(token);
    }
    return readNamedSelector(tokens, token);
  }

  #signed(sign: Token, op: "+" | "-"): Expr {
    const operand = this.#tokens.nested(() => this.#expression(SIGN_STRENGTH + 1));
    const pos = { start: sign.start, end: operand.pos.end };
    if (operand.kind !== "number") return { kind: "unary", pos, op, expr: operand };
    return { ...operand, pos, value: op === "-" ? operand.value * -1 : operand.value };
  }

  #call(name: Token): Call {
    const tokens = this.#tokens;
    const args = this.#args();
    const func = FUNCTION_SIGNATURES.get(name.text);
    if (func === undefined) {
      tokens.addIssue(tokenPosition(name), `unknown function with name ${quote(name.text)}`);
    } else if (func.experimental && !this.#options.experimentalFunctions) {
      tokens.addIssue(tokenPosition(name), `function ${quote(name.text)} is not enabled`);
    }
    const pos = { start: name.start, end: tokens.lastClosing };
    return { kind: "call", pos, func: func ?? UNKNOWN_FUNCTION, args };
  }

  #args(): readonly Expr[] {
    const tokens = this.#tokens;
    tokens.expect("(");
    if (tokens.accept(")")) return [];
    const args = [tokens.nested(() => this.#expression(0))];
    while (!tokens.accept(")")) {
      const comma = tokens.expect(",");
      if (startsExpression(tokens.peek().kind)) args.push(tokens.nested(() => this.#expression(0)));
      else tokens.addIssue(tokenPosition(comma), "trailing commas not allowed in function call args");
    }
    return args;
  }

  #aggregate(op: Token): AggregateExpr {
    const tokens = this.#tokens;
    let grouping = this.#grouping();
    const args = this.#args();
    let end = tokens.lastClosing;
    if (grouping === undefined) {
      grouping = this.#grouping();
      end = grouping === undefined ? tokens.endBeforeLookahead() : tokens.lastClosing;
    }
    return this.#newAggregate(op, args, grouping ?? { grouping: [], without: false }, { start: op.start, end });
  }

  #grouping(): Pick<AggregateExpr, "grouping" | "without"> | undefined {
    const tokens = this.#tokens;
    const { kind } = tokens.peek();
    if (kind !== "by" && kind !== "without") return undefined;
    tokens.next();
    return { grouping: this.#labels(), without: kind === "without" };
  }

  #newAggregate(
    token: Token,
    args: readonly Expr[],
    grouping: Pick<AggregateExpr, "grouping" | "without">,
    pos: Position,
  ): AggregateExpr {
    const tokens = this.#tokens;
    const op = token.kind as AggregateExpr["op"];
    const hasParam = PARAMETER_AGGREGATIONS.has(op);
    const wanted = hasParam ? 2 : 1;
    if (args.length === 0) tokens.addIssue(pos, "no arguments for aggregate expression provided");
    else if (EXPERIMENTAL_AGGREGATIONS.has(op) && !this.#options.experimentalFunctions) {
      tokens.addIssue(
        pos,
        `${op}() is experimental and must be enabled with --enable-feature=promql-experimental-functions`,
      );
    } else if (args.length !== wanted) {
      const message = "wrong number of arguments for aggregate expression provided";
      tokens.addIssue(pos, `${message}, expected ${wanted}, got ${args.length}`);
    }
    // After an issue there is no result, so what stands in for a missing argument never shows.
    const missing: NumberLiteral = { kind: "number", pos, value: 0, duration: false };
    const expr = args[wanted - 1] ?? missing;
    return { kind: "aggregate", pos, op, expr, param: hasParam ? args[0] : undefined, ...grouping };
  }

  #bracket(expr: Expr): Expr {
    const tokens = this.#tokens;
    const open = tokens.next();
    const range = tokens.expecting("subquery or range selector, expected number, duration, step(), or range()", () =>
      this.#durations.positive(),
    );
    const close = tokens.accept("]");
    if (close !== undefined) return this.#range(expr, range, { start: open.start, end: close.start + 1 });
    tokens.expecting('subquery or range, expected ":" or "]"', () => tokens.expect(":"));
    let end = tokens.accept("]");
    let step: DurationValue = { milliseconds: 0, expr: undefined };
    if (end === undefined) {
      step = tokens.expecting('subquery selector, expected number, duration, step(), range(), or "]"', () =>
        this.#durations.positive(),
      );
      end = tokens.expecting('subquery selector, expected "]"', () => tokens.expect("]"));
    }
    return {
      kind: "subquery",
      pos: { start: expr.pos.start, end: end.start + 1 },
      expr,
      rangeMs: range.milliseconds,
      rangeExpr: range.expr,
      stepMs: step.milliseconds,
      stepExpr: step.expr,
      offsetMs: 0,
      offsetExpr: undefined,
      at: undefined,
    };
  }

  #range(expr: Expr, range: DurationValue, bracketPos: Position): Expr {
    const tokens = this.#tokens;
    const refuse = (message: string): Expr => {
      tokens.addIssue(bracketPos, message);
      return { ...expr, pos: { start: expr.pos.start, end: bracketPos.end } };
    };
    if (expr.kind !== "vectorSelector") return refuse("ranges only allowed for vector selectors");
    if (hasOffset(expr)) refuse("no offset modifiers allowed before range");
    else if (expr.at !== undefined) refuse("no @ modifiers allowed before range");
    return {
      kind: "matrixSelector",
      pos: { start: expr.pos.start, end: bracketPos.end },
      selector: expr,
      rangeMs: range.milliseconds,
      rangeExpr: range.expr,
    };
  }

  #offset(expr: Expr): Expr {
    const tokens = this.#tokens;
    tokens.next();
    const { milliseconds, expr: offsetExpr } = tokens.expecting("offset, expected number or duration", () =>
      this.#durations.offset(),
    );
    const target = shiftable(expr);
    if (target === undefined) {
      const message =
        "offset modifier must be preceded by an instant vector selector or range vector selector or a subquery";
      tokens.addIssue(expr.pos, message);
      return expr;
    }
    if (hasOffset(target)) tokens.addIssue(expr.pos, "offset may not be set multiple times");
    return withShift(expr, { offsetMs: milliseconds, offsetExpr }, tokens.lastClosing);
  }

  #at(expr: Expr): Expr {
    const tokens = this.#tokens;
    tokens.next();
    const at = tokens.expecting("@, expected timestamp", () => this.#timestamp(expr));
    const target = shiftable(expr);
    if (target === undefined) {
      const message =
        "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery";
      tokens.addIssue(expr.pos, message);
      return expr;
    }
    if (target.at !== undefined) {
      tokens.addIssue(expr.pos, "@ <timestamp> may not be set multiple times");
      return expr;
    }
    return withShift(expr, { at }, tokens.lastClosing);
  }

  #timestamp(expr: Expr): AtModifier {
    const tokens = this.#tokens;
    const word = tokens.accept("start") ?? tokens.accept("end");
    if (word !== undefined) {
      tokens.expect("(");
      tokens.expect(")");
      return { kind: word.kind as "start" | "end" };
    }
    const sign = tokens.accept("-") ?? tokens.accept("+");
    const { value } = readLiteral(tokens);
    const seconds = sign?.kind === "-" ? -value : value;
    if (!(Math.abs(seconds) < 2 ** 63)) {
      tokens.addIssue(expr.pos, `timestamp out of bounds for @ modifier: ${formatFixed(seconds, 6)}`);
    }
    const rounded = Math.round(Math.abs(seconds) * 1000);
    return { kind: "timestamp", t: seconds < 0 ? -rounded : rounded };
  }

  #extend(expr: Expr, word: "anchored" | "smoothed"): Expr {
    const tokens = this.#tokens;
    const refuse = (message: string): Expr => {
      tokens.addIssue(expr.pos, message);
      return expr;
    };
    if (!this.#options.extendedRangeSelectors) return refuse(`${word} modifier is experimental and not enabled`);
    if (expr.kind === "subquery") return refuse(`${word} modifier is not supported for subqueries`);
    const target = shiftable(expr);
    if (target === undefined || target.kind === "subquery") return refuse(`${word} modifier not implemented`);
    if (word === "anchored" ? target.smoothed : target.anchored) {
      refuse("anchored and smoothed modifiers cannot be used together");
    }
    const selector: VectorSelector = { ...target, [word]: true };
    return expr.kind === "matrixSelector" ? { ...expr, selector } : selector;
  }
}

interface BinaryModifiers {
  readonly matching: VectorMatching;
  readonly returnBool: boolean;
}

/** What of an expression `offset` and `@` would change. */
function shiftable(expr: Expr): VectorSelector | Subquery | undefined {
  if (expr.kind === "vectorSelector" || expr.kind === "subquery") return expr;
  return expr.kind === "matrixSelector" ? expr.selector : undefined;
}

function hasOffset(node: VectorSelector | Subquery): boolean {
  return node.offsetMs !== 0 || node.offsetExpr !== undefined;
}

function withShift(
  expr: Expr,
  shift: Partial<Pick<VectorSelector, "offsetMs" | "offsetExpr" | "at">>,
  end: number,
): Expr {
  const pos = { start: expr.pos.start, end };
  if (expr.kind === "matrixSelector") {
    const matrix: MatrixSelector = { ...expr, pos, selector: { ...expr.selector, ...shift } };
    return matrix;
  }
  return { ...(expr as VectorSelector | Subquery), ...shift, pos };
}
