// Durations in brackets and after `offset`: literals, or arithmetic on them.
import type { DurationExpr, Position } from "./ast.ts";
import { DurationError, parseDuration } from "./duration.ts";
import { parseNumber } from "./number.ts";
import type { ParserOptions } from "./options.ts";
import { type Token, TokenName, tokenPosition } from "./token.ts";
import type { TokenStream } from "./token-stream.ts";

type DurationNumber = Extract<DurationExpr, { kind: "durationNumber" }>;
type DurationOp = Extract<DurationExpr, { kind: "durationOp" }>;

/** A number that was written as such or as a duration, then in seconds. */
export interface Literal {
  readonly pos: Position;
  readonly value: number;
  readonly duration: boolean;
}

const OPERATOR_STRENGTH: Readonly<Record<string, number>> = { "+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "^": 3 };
const SIGN_STRENGTH = 2;
/** What a count of nanoseconds in 64 bits can hold, in seconds. */
const MAX_SECONDS = 2 ** 63 / 1e9;

/** Reads a number or duration token. */
export function readLiteral(tokens: TokenStream): Literal {
  const { kind } = tokens.peek();
  if (kind !== TokenName.number && kind !== TokenName.duration) tokens.unexpected();
  return literalOf(tokens, tokens.next());
}

function literalOf(tokens: TokenStream, token: Token): Literal {
  const pos = tokenPosition(token);
  if (token.kind === TokenName.duration) {
    try {
      return { pos, value: parseDuration(token.text) / 1000, duration: true };
    } catch (error) {
      if (!(error instanceof DurationError)) throw error;
      tokens.addIssue(pos, error.message);
      return { pos, value: 0, duration: true };
    }
  }
  const value = parseNumber(token.text);
  if (typeof value === "number") return { pos, value, duration: false };
  tokens.addIssue(tokens.latestPosition, `error parsing number: ${value}`);
  return { pos, value: value.endsWith("out of range") ? Number.POSITIVE_INFINITY : 0, duration: false };
}

/** A duration as it stands in the tree: milliseconds if it is a plain literal, else the expression to resolve. */
export interface DurationValue {
  readonly milliseconds: number;
  readonly expr: DurationExpr | undefined;
}

export class DurationParser {
  readonly #tokens: TokenStream;
  readonly #enabled: boolean;

  constructor(tokens: TokenStream, options: ParserOptions) {
    this.#tokens = tokens;
    this.#enabled = options.durationExpressions ?? true;
  }

  /** The whole of what stands in brackets or on one side of their colon; must be positive where that is known yet. */
  positive(): DurationValue {
    const expr = this.#expression(0);
    if (expr.kind === "durationNumber" && !(expr.seconds > 0) && !Number.isNaN(expr.seconds)) {
      this.#tokens.addIssue(expr.pos, "duration must be greater than 0");
      return { milliseconds: 0, expr: undefined };
    }
    return durationValue(expr);
  }

  /** What follows `offset`: one signed literal or call; only parentheses and double signs open an expression. */
  offset(): DurationValue {
    const tokens = this.#tokens;
    const first = tokens.peek();
    if (first.kind === "(") return durationValue(this.#expression(0));
    if (first.kind !== "+" && first.kind !== "-") return durationValue(this.#operand());
    tokens.next();
    const { kind } = tokens.peek();
    if (kind === TokenName.number || kind === TokenName.duration) {
      return durationValue(this.#signed(first, this.#literal(false)));
    }
    if (kind === "(") {
      tokens.next();
      const inner = tokens.nested(() => this.#expression(0));
      tokens.expect(")");
      return durationValue(this.#signed(first, wrap(inner, inner.pos)));
    }
    if (kind === "+" || kind === "-") {
      const signed = this.#signed(
        first,
        tokens.nested(() => this.#expression(SIGN_STRENGTH + 1)),
      );
      return durationValue(this.#operators(signed, 0));
    }
    const operand = this.#operand();
    const end = operand.pos.end;
    return durationValue(signOf(first, operand, end));
  }

  #expression(strength: number): DurationExpr {
    return this.#operators(this.#operand(), strength);
  }

  /** Goes on while operators of at least this strength follow. */
  #operators(first: DurationExpr, strength: number): DurationExpr {
    const tokens = this.#tokens;
    let lhs = first;
    for (;;) {
      const token = tokens.peek();
      const own = OPERATOR_STRENGTH[token.kind];
      if (own === undefined || own < strength) return lhs;
      const op = token.kind as DurationOp["op"];
      tokens.next();
      // Powers group to the right.
      const rhs = tokens.nested(() => this.#expression(op === "^" ? own : own + 1));
      this.#checkEnabled(lhs.pos);
      const byZero = rhs.kind === "durationNumber" && rhs.seconds === 0;
      if (byZero && (op === "/" || op === "%")) {
        tokens.addIssue(tokenPosition(token), op === "/" ? "division by zero" : "modulo by zero");
        lhs = { kind: "durationNumber", pos: lhs.pos, seconds: 0, duration: false };
      } else {
        const pos = { start: lhs.pos.start, end: rhs.pos.end };
        lhs = { kind: "durationOp", pos, op, lhs, rhs, wrapped: false };
      }
    }
  }

  #operand(): DurationExpr {
    const tokens = this.#tokens;
    const token = tokens.peek();
    switch (token.kind) {
      case TokenName.number:
      case TokenName.duration:
        return this.#literal(true);
      case "+":
      case "-":
        tokens.next();
        return this.#signed(
          token,
          tokens.nested(() => this.#expression(SIGN_STRENGTH + 1)),
        );
      case "(": {
        tokens.next();
        const inner = tokens.nested(() => this.#expression(0));
        const close = tokens.expect(")");
        this.#checkEnabled(inner.pos);
        return wrap(inner, { start: token.start, end: close.start + 1 });
      }
      case "step":
      case "range": {
        tokens.next();
        tokens.expect("(");
        return this.#call(token, undefined, undefined);
      }
      case "min_of":
      case "max_of": {
        tokens.next();
        tokens.expect("(");
        const lhs = tokens.nested(() => this.#expression(0));
        tokens.expect(",");
        const rhs = tokens.nested(() => this.#expression(0));
        return this.#call(token, lhs, rhs);
      }
      default:
        return tokens.unexpected();
    }
  }

  #call(name: Token, lhs: DurationExpr | undefined, rhs: DurationExpr | undefined): DurationOp {
    const close = this.#tokens.expect(")");
    const pos = { start: name.start, end: close.start + 1 };
    this.#checkEnabled(pos);
    return { kind: "durationOp", pos, op: name.kind as DurationOp["op"], lhs, rhs, wrapped: false };
  }

  #literal(check: boolean): DurationNumber {
    const { pos, value, duration } = readLiteral(this.#tokens);
    const number: DurationNumber = { kind: "durationNumber", pos, seconds: value, duration };
    return check ? this.#inRange(number, pos) : number;
  }

  /** A sign in front of an operand: turns a number over, and makes an expression of everything else. */
  #signed(sign: Token, operand: DurationExpr): DurationExpr {
    if (operand.kind === "durationOp") {
      if (sign.kind === "+") return operand;
      return signOf(sign, operand, operand.pos.end);
    }
    const seconds = sign.kind === "-" ? operand.seconds * -1 : operand.seconds;
    const pos = { start: sign.start, end: operand.pos.end };
    return this.#inRange({ kind: "durationNumber", pos, seconds, duration: operand.duration }, tokenPosition(sign));
  }

  #inRange(number: DurationNumber, pos: Position): DurationNumber {
    if (!(Math.abs(number.seconds) > MAX_SECONDS)) return number;
    this.#tokens.addIssue(pos, "duration out of range");
    return { ...number, seconds: 0 };
  }

  #checkEnabled(pos: Position): void {
    if (!this.#enabled) this.#tokens.addIssue(pos, "experimental duration expression is not enabled");
  }
}

function signOf(sign: Token, operand: DurationExpr, end: number): DurationOp {
  const op = sign.kind as "+" | "-";
  return { kind: "durationOp", pos: { start: sign.start, end }, op, lhs: undefined, rhs: operand, wrapped: false };
}

/** Marks an expression as parenthesised; a number becomes an expression by that. */
function wrap(expr: DurationExpr, pos: Position): DurationOp {
  if (expr.kind === "durationOp") return { ...expr, wrapped: true };
  return { kind: "durationOp", pos, op: "+", lhs: undefined, rhs: expr, wrapped: true };
}

function durationValue(expr: DurationExpr): DurationValue {
  if (expr.kind === "durationOp") return { milliseconds: 0, expr };
  // Whole nanoseconds first, then milliseconds cut off, as the reference rounds.
  return { milliseconds: Math.trunc(Math.round(expr.seconds * 1e9) / 1e6) || 0, expr: undefined };
}
