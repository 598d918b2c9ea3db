// Random queries made from the grammar, and damaged ones: printing is stable, and nothing but a ParseError is thrown.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FUNCTION_SIGNATURES } from "../functions/signatures.ts";
import type { ValueType } from "./ast.ts";
import { exprToJson } from "./expr-json.ts";
import { ALL_FEATURES } from "./options.ts";
import { ParseError } from "./parse-error.ts";
import { parseExpr, parseMetricSelector } from "./parser.ts";
import { prettify } from "./prettifier.ts";
import { printExpr } from "./printer.ts";
import { parseSeriesDescription } from "./series-parser.ts";
import { typeOf } from "./type-check.ts";

const seed = Number(process.env["NARTHEX_FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const rounds = Number(process.env["NARTHEX_FUZZ_ROUNDS"] ?? 4000);

/** A small generator of random numbers (mulberry32), so that a seed gives the same run anywhere. */
class Random {
  #state: number;

  constructor(start: number) {
    this.#state = start;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }
}

const NAMES = ["a", "up", "http_requests_total", "x:y", "sum", "offset", "by", "step", "fill", "and"];
const LABELS = ["job", "instance", "le", "on", "bool", "start", '"a.b"', '"日本"', '"with \\"quote"'];
const STRINGS = ['"x"', "'it\\'s'", "`raw\\n`", '"\\xff"', '"\\u00e9🔥"', '""', '"a\\nb"'];
const NUMBERS = ["0", "1", "0.5", "1e3", "0x1F", "1_000", "Inf", "NaN", "5m", "1h30m", "2w", "1e300", "1e-9"];
const DURATIONS = ["5m", "90", "1h30m", "1d", "0.5", "150ms", "2y"];

/** Writes queries that are right by type. */
class Writer {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  query(): string {
    return this.#expr(this.#random.pick(["vector", "vector", "vector", "scalar", "matrix", "string"] as const), 5);
  }

  #space(): string {
    return this.#random.pick(["", "", " ", "  ", "\n", " # note\n"]);
  }

  #expr(type: ValueType, depth: number): string {
    const random = this.#random;
    if (type === "string") return random.pick(STRINGS);
    if (type === "matrix") return this.#matrix(depth);
    if (depth <= 0) return type === "scalar" ? random.pick(NUMBERS) : this.#selector();
    if (random.chance(0.1)) return `(${this.#space()}${this.#expr(type, depth - 1)})`;
    if (random.chance(0.1)) return `${random.pick(["-", "+"])}${this.#expr(type, depth - 1)}`;
    if (random.chance(0.3)) return this.#call(type, depth);
    if (random.chance(0.3)) return this.#binary(type, depth);
    if (type === "scalar") return random.pick(NUMBERS);
    return random.chance(0.3) ? this.#aggregate(depth) : this.#selector();
  }

  #selector(): string {
    const random = this.#random;
    const matcher = () => `${random.pick(LABELS)}${random.pick(["=", "!="])}${random.pick(STRINGS)}`;
    const braces = random.chance(0.4) ? `{${Array.from({ length: random.below(3) }, matcher).join(",")}}` : "";
    const series = random.chance(0.1) ? `{"${random.pick(["m.n", "ü"])}"}` : random.pick(NAMES) + braces;
    return series + (random.chance(0.1) ? random.pick([" anchored", " smoothed"]) : "") + this.#shift();
  }

  #shift(): string {
    const random = this.#random;
    const offset = random.chance(0.2) ? ` offset ${this.#offset()}` : "";
    const at = random.chance(0.2) ? ` @ ${random.pick(["0", "-1.5", "1e9", "start()", "end()"])}` : "";
    return random.chance(0.5) ? offset + at : at + offset;
  }

  #offset(): string {
    const random = this.#random;
    if (random.chance(0.6)) return random.pick(["", "-", "+"]) + random.pick(DURATIONS);
    return random.pick([
      `(${this.#duration(2)})`,
      `-(${this.#duration(2)})`,
      "step()",
      "-range()",
      "min_of(1m, step())",
    ]);
  }

  #duration(depth: number): string {
    const random = this.#random;
    if (depth <= 0 || random.chance(0.4)) return random.pick(DURATIONS);
    if (random.chance(0.2)) return random.pick(["step()", "range()", "max_of(1m, range())"]);
    if (random.chance(0.3)) return `(${this.#duration(depth - 1)})`;
    if (random.chance(0.2)) return `-(${this.#duration(depth - 1)})`;
    const op = random.pick(["+", "-", "*", "/", "%", "^"]);
    return `${this.#duration(depth - 1)}${this.#blank()}${op}${this.#blank()}${this.#duration(depth - 1)}`;
  }

  #blank(): string {
    return this.#random.pick(["", " "]);
  }

  #matrix(depth: number): string {
    const range = this.#duration(2).replace(/^-/, "");
    if (depth > 0 && this.#random.chance(0.3)) {
      const step = this.#random.chance(0.5) ? this.#duration(1).replace(/^-/, "") : "";
      return `(${this.#expr("vector", depth - 1)})[${range}:${step}]${this.#shift()}`;
    }
    return `${this.#random.pick(NAMES)}[${range}]${this.#shift()}`;
  }

  #call(type: ValueType, depth: number): string {
    const candidates = [...FUNCTION_SIGNATURES.values()].filter(
      ({ returnType, name }) => returnType === type && name !== "info",
    );
    const { name, argTypes, variadic } = this.#random.pick(candidates);
    const left = variadic !== 0 && this.#random.chance(0.5) ? argTypes.slice(0, -1) : argTypes;
    return `${name}(${left.map((arg) => this.#space() + this.#expr(arg, depth - 1)).join(",")})`;
  }

  #aggregate(depth: number): string {
    const random = this.#random;
    const op = random.pick(["sum", "avg", "group", "topk", "quantile", "count_values", "limit_ratio"]);
    const param = op === "count_values" ? "string" : "scalar";
    const args = ["sum", "avg", "group"].includes(op) ? "" : `${this.#expr(param, depth - 1)}, `;
    const body = `(${args}${this.#expr("vector", depth - 1)})`;
    if (random.chance(0.4)) return `${op}${body}`;
    const labels = Array.from({ length: random.below(3) }, () => random.pick(LABELS)).join(",");
    const grouping = ` ${random.pick(["by", "without"])} (${labels}) `;
    return random.chance(0.5) ? `${op}${grouping}${body}` : `${op}${body}${grouping}`;
  }

  #binary(type: ValueType, depth: number): string {
    const random = this.#random;
    const side = (of: ValueType) => `(${this.#expr(of, depth - 1)})`;
    const arithmetic = random.pick(["+", "-", "*", "/", "%", "^", "atan2"]);
    if (type === "scalar") {
      const op = random.chance(0.3) ? `${random.pick([">", "==", "!="])} bool` : arithmetic;
      return `${side("scalar")} ${op} ${side("scalar")}`;
    }
    if (random.chance(0.3)) return `${side("vector")} ${random.pick(["and", "or", "unless"])} ${side("vector")}`;
    if (random.chance(0.3)) return `${side("vector")} ${arithmetic} ${this.#expr("scalar", depth - 1)}`;
    const matching = random.pick([
      "",
      "on (job)",
      "ignoring (le, job)",
      "on (job) group_left (le)",
      "on () group_right ()",
    ]);
    const fill = random.pick(["", "", "fill (0)", "fill_left(-1) fill_right(5m)"]);
    const op = random.pick([arithmetic, ">", "<= bool", "</"]);
    return `${side("vector")} ${op} ${matching} ${fill} ${side("vector")}`;
  }
}

test(`fuzz: printing what was parsed and parsing that again changes nothing (seed ${seed})`, () => {
  const random = new Random(seed);
  const writer = new Writer(random);
  let parsed = 0;
  for (let i = 0; i < rounds; i++) {
    const query = writer.query();
    try {
      const expr = parseExpr(query, ALL_FEATURES);
      parsed++;
      const printed = printExpr(expr);
      const again = parseExpr(printed, ALL_FEATURES);
      assert.equal(printExpr(again), printed);
      assert.equal(typeOf(again), typeOf(expr));
      assert.equal(printExpr(parseExpr(prettify(expr), ALL_FEATURES)), printed);
      JSON.stringify(exprToJson(expr));
    } catch (error) {
      // What no grammar tells: durations out of bounds, and a colon after calls only, as the reference has it.
      const refused =
        /duration must be greater than 0|duration out of range|division by zero|modulo by zero|unexpected colon before/;
      const alone = /vector selector must contain|anchored and smoothed|label ".*" must not occur/;
      if (error instanceof ParseError && (refused.test(error.message) || alone.test(error.message))) continue;
      throw new Error(`seed ${seed}, round ${i}: ${JSON.stringify(query)}`, { cause: error });
    }
  }
  assert.ok(parsed > rounds / 2, `only ${parsed} of ${rounds} queries parsed`);
});

test(`fuzz: damaged queries are refused with a ParseError or parse (seed ${seed})`, () => {
  const random = new Random(seed ^ 0x5bd1e995);
  const writer = new Writer(random);
  const pieces = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "'",
    '"',
    "`",
    "\\",
    "#",
    "@",
    "5m",
    "by",
    "on",
    "\0",
    "é",
    "\ud800",
    "{{",
    "x",
    "_",
  ];
  for (let i = 0; i < rounds; i++) {
    let query = writer.query();
    for (let edits = 1 + random.below(4); edits > 0; edits--) {
      const at = random.below(query.length + 1);
      const cut = random.chance(0.5) ? random.below(4) : 0;
      query = query.slice(0, at) + (random.chance(0.7) ? random.pick(pieces) : "") + query.slice(at + cut);
    }
    for (const read of [
      () => printExpr(parseExpr(query, ALL_FEATURES)),
      () => parseExpr(query),
      () => parseMetricSelector(query),
      () => parseSeriesDescription(query),
    ]) {
      try {
        read();
      } catch (error) {
        if (error instanceof ParseError && /^(\d+:\d+|unknown position): parse error: ./s.test(error.message)) continue;
        throw new Error(`seed ${seed}, round ${i}: ${JSON.stringify(query)}`, { cause: error });
      }
    }
  }
});
