// What `--enable-feature` switches on in the query language.
import type { EngineOptions, ParserOptions } from "@narthex/promql";

export function parserFeatures(
  features: ReadonlySet<string>,
): ParserOptions & Pick<EngineOptions, "delayedNameRemoval"> {
  return {
    experimentalFunctions: features.has("promql-experimental-functions"),
    extendedRangeSelectors: features.has("promql-extended-range-selectors"),
    fillModifiers: features.has("promql-binop-fill-modifiers"),
    delayedNameRemoval: features.has("promql-delayed-name-removal"),
  };
}
