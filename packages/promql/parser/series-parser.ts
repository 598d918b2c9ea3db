// Series descriptions: a metric and a sequence of its samples, the notation of test scripts and of rule tests
// (`requests{path="/a"} 0+10x20 _x3 stale {{schema:1 sum:3 count:2 buckets:[1 1]}}`).
import {
  addHistogram,
  CounterResetHint,
  copyHistogram,
  type FloatHistogramFields,
  Labels,
  METRIC_NAME,
  subtractHistogram,
} from "@narthex/model";
import { readLiteral } from "./duration-parser.ts";
import { isMetricName, type Token, TokenName, tokenPosition } from "./token.ts";
import { TokenStream } from "./token-stream.ts";

/** One place in time of a sequence. */
export type SequenceValue =
  | { readonly kind: "omitted" }
  | { readonly kind: "stale" }
  | { readonly kind: "float"; readonly value: number }
  | {
      readonly kind: "histogram";
      readonly histogram: FloatHistogramFields;
      /** Whether the description spelled the counter reset hint out. */
      readonly hintSet: boolean;
    };

export interface SeriesDescription {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
}

/** Places that one description may have. */
export const MAX_SEQUENCE_LENGTH = 1_000_000;

/** Parses a series description. Throws a `ParseError`. */
export function parseSeriesDescription(text: string): SeriesDescription {
  const tokens = new TokenStream(text, true);
  const parser = new SeriesParser(tokens);
  const labels = parser.labels();
  const values = parser.values();
  if (tokens.issues.length > 0) tokens.fail();
  return { labels, values };
}

class SeriesParser {
  readonly #tokens: TokenStream;
  readonly #values: SequenceValue[] = [];

  constructor(tokens: TokenStream) {
    this.#tokens = tokens;
  }

  labels(): Labels {
    const tokens = this.#tokens;
    const entries: [string, string][] = [];
    const name = isMetricName(tokens.peek().kind) ? tokens.next().text : undefined;
    if (tokens.accept("{")) {
      while (!tokens.accept("}")) {
        entries.push(this.#label());
        if (tokens.accept("}")) break;
        tokens.expecting('label set, expected "," or "}"', () => tokens.expect(","));
      }
    }
    if (name !== undefined) entries.push([METRIC_NAME, name]);
    return Labels.fromUnsorted(entries);
  }

  #label(): [string, string] {
    const tokens = this.#tokens;
    const token = tokens.peek();
    const quoted = token.kind === TokenName.string;
    if (!quoted && token.kind !== TokenName.identifier) tokens.unexpected('label set, expected identifier or "}"');
    tokens.next();
    const name = quoted ? tokens.unquote(token) : token.text;
    if (quoted && tokens.peek().kind !== "=") return [METRIC_NAME, name];
    tokens.expecting('label set, expected "="', () => tokens.expect("="));
    const value = tokens.expecting("label set, expected string", () => tokens.expect(TokenName.string));
    return [name, tokens.unquote(value)];
  }

  values(): readonly SequenceValue[] {
    const tokens = this.#tokens;
    tokens.expecting("series values", () => {
      while (tokens.accept(TokenName.space)) {
        const { kind } = tokens.peek();
        if (kind !== TokenName.space && kind !== TokenName.endOfInput) this.#item();
      }
      tokens.expect(TokenName.endOfInput);
    });
    return this.#values;
  }

  #item(): void {
    const tokens = this.#tokens;
    if (tokens.peek().kind === "{{") {
      this.#histograms();
      return;
    }
    if (tokens.accept("_")) {
      this.#repeat({ kind: "omitted" }, tokens.accept("x") ? this.#count() : 1);
      return;
    }
    const word = tokens.accept(TokenName.identifier);
    if (word !== undefined && word.text !== "stale") {
      tokens.addIssue(
        tokenPosition(word),
        `unexpected identifier ${JSON.stringify(word.text)} in series values, expected number or "stale"`,
      );
    }
    let value = word === undefined ? this.#signedNumber() : 0;
    const sign = tokens.peek().kind;
    const step = sign === "+" || sign === "-" ? this.#signedNumber() : 0;
    const count = step !== 0 || sign === "x" || sign === "+" || sign === "-" ? this.#times() : 0;
    if (word !== undefined) {
      this.#repeat({ kind: "stale" }, count + 1);
      return;
    }
    this.#checkLength(count + 1);
    for (let i = 0; i <= count; i++) {
      this.#values.push({ kind: "float", value });
      value += step;
    }
  }

  #repeat(value: SequenceValue, count: number): void {
    this.#checkLength(count);
    for (let i = 0; i < count; i++) this.#values.push(value);
  }

  #checkLength(extra: number): void {
    if (this.#values.length + extra <= MAX_SEQUENCE_LENGTH) return;
    this.#tokens.addIssue(this.#tokens.latestPosition, `more than ${MAX_SEQUENCE_LENGTH} values in a series`);
    this.#tokens.fail();
  }

  #times(): number {
    this.#tokens.expect("x");
    return this.#count();
  }

  /** A repetition: a plain whole number. */
  #count(): number {
    const token = this.#tokens.expect(TokenName.number);
    if (!/^\d+$/.test(token.text)) {
      const message = `invalid repetition in series values: strconv.ParseUint: parsing ${JSON.stringify(token.text)}: invalid syntax`;
      this.#tokens.addIssue(tokenPosition(token), message);
      return 0;
    }
    return Number(token.text);
  }

  #signedNumber(): number {
    const sign = this.#tokens.accept("-") ?? this.#tokens.accept("+");
    const { value } = readLiteral(this.#tokens);
    return sign?.kind === "-" ? -value : value;
  }

  #histograms(): void {
    const tokens = this.#tokens;
    const first = this.#histogram();
    const sign = tokens.accept("+") ?? tokens.accept("-");
    if (sign === undefined) {
      this.#repeat({ kind: "histogram", ...first }, tokens.accept("x") ? this.#count() + 1 : 1);
      return;
    }
    const step = this.#histogram();
    const count = this.#times();
    this.#checkLength(count + 1);
    const { hintSet } = step;
    let current = first.histogram;
    this.#values.push({ kind: "histogram", histogram: current, hintSet });
    for (let i = 0; i < count; i++) {
      const next = this.#combine(sign, current, step.histogram);
      if (next === undefined) return;
      current = next;
      this.#values.push({ kind: "histogram", histogram: current, hintSet });
    }
  }

  #combine(sign: Token, current: FloatHistogramFields, step: FloatHistogramFields): FloatHistogramFields | undefined {
    const tokens = this.#tokens;
    if (current.schema > step.schema) {
      const message = `error combining histograms: cannot merge from schema ${step.schema} to ${current.schema}`;
      tokens.addIssue(tokens.latestPosition, message);
      return undefined;
    }
    const next = copyHistogram(current);
    const combined = sign.kind === "+" ? addHistogram(next, step) : subtractHistogram(next, step);
    if (combined !== undefined) return next;
    tokens.addIssue(tokens.latestPosition, "cannot combine histograms with exponential and custom buckets");
    return undefined;
  }

  #histogram(): { histogram: FloatHistogramFields; hintSet: boolean } {
    const tokens = this.#tokens;
    tokens.expect("{{");
    const fields = new HistogramFields();
    tokens.accept(TokenName.space);
    while (!tokens.accept("}}")) {
      tokens.expecting("histogram description, expected histogram description key, e.g. buckets:[5 10 7]", () =>
        this.#histogramField(fields),
      );
      if (tokens.accept("}}")) break;
      tokens.expecting("histogram description, expected histogram description key, e.g. buckets:[5 10 7]", () =>
        tokens.expect(TokenName.space),
      );
    }
    return { histogram: fields.build(), hintSet: fields.hint !== undefined };
  }

  #histogramField(fields: HistogramFields): void {
    const tokens = this.#tokens;
    const token = tokens.expect(TokenName.histogramField);
    tokens.expect(":");
    const name = token.text.toLowerCase();
    if (fields.seen.has(name)) tokens.addIssue({ start: 0, end: 0 }, `duplicate key "${name}" in histogram`);
    fields.seen.add(name);
    switch (name) {
      case "schema":
      case "offset":
      case "n_offset":
        fields.numbers.set(name, this.#whole());
        break;
      case "buckets":
      case "n_buckets":
      case "custom_values":
        fields.lists.set(name, this.#list());
        break;
      case "counter_reset_hint":
        fields.hint = tokens.expect(TokenName.resetHint).text.toLowerCase();
        break;
      default:
        fields.numbers.set(name, this.#signedNumber());
    }
  }

  #whole(): number {
    const negative = this.#tokens.accept("-") !== undefined;
    const count = this.#count();
    return negative ? -count : count;
  }

  #list(): number[] {
    const tokens = this.#tokens;
    tokens.expect("[");
    const list = [this.#signedNumber()];
    while (!tokens.accept("]")) {
      tokens.expect(TokenName.space);
      if (tokens.accept("]")) break;
      list.push(this.#signedNumber());
    }
    return list;
  }
}

const RESET_HINTS: Readonly<Record<string, CounterResetHint>> = {
  unknown: CounterResetHint.unknown,
  reset: CounterResetHint.reset,
  not_reset: CounterResetHint.notReset,
  gauge: CounterResetHint.gauge,
};

/** Fields of a histogram literal as they come in. */
class HistogramFields {
  readonly seen = new Set<string>();
  readonly numbers = new Map<string, number>();
  readonly lists = new Map<string, number[]>();
  hint: string | undefined = undefined;

  build(): FloatHistogramFields {
    const number = (name: string): number => this.numbers.get(name) ?? 0;
    const positive = this.lists.get("buckets") ?? [];
    const negative = this.lists.get("n_buckets") ?? [];
    return {
      counterResetHint: RESET_HINTS[this.hint ?? "unknown"] as CounterResetHint,
      schema: number("schema"),
      zeroThreshold: number("z_bucket_w"),
      zeroCount: number("z_bucket"),
      count: number("count"),
      sum: number("sum"),
      positiveSpans: positive.length > 0 ? [{ offset: number("offset"), length: positive.length }] : [],
      negativeSpans: negative.length > 0 ? [{ offset: number("n_offset"), length: negative.length }] : [],
      positiveBuckets: Float64Array.from(positive),
      negativeBuckets: Float64Array.from(negative),
      customValues: this.lists.get("custom_values") ?? [],
    };
  }
}
