// Which parts of the language are switched on.

/** Parts of the language that can be switched; experimental ones are off unless said otherwise. */
export interface ParserOptions {
  /** Functions and aggregations behind `promql-experimental-functions`. */
  readonly experimentalFunctions?: boolean;
  /** `anchored` and `smoothed`, behind `promql-extended-range-selectors`. */
  readonly extendedRangeSelectors?: boolean;
  /** `fill`, `fill_left` and `fill_right`, behind `promql-binop-fill-modifiers`. */
  readonly fillModifiers?: boolean;
  /** Arithmetic on durations; on unless switched off. */
  readonly durationExpressions?: boolean;
}

/** Everything switched on. */
export const ALL_FEATURES: ParserOptions = {
  experimentalFunctions: true,
  extendedRangeSelectors: true,
  fillModifiers: true,
  durationExpressions: true,
};
