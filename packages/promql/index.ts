export { Engine, type EngineOptions, type QueryOptions } from "./engine/engine.ts";
export type { ExplainEmpty, ExplainNode, Explanation } from "./engine/explain.ts";
export type { Selection } from "./engine/plan.ts";
export * from "./engine/result.ts";
export { labelsHash } from "./functions/labels-hash.ts";
export { FUNCTION_SIGNATURES } from "./functions/signatures.ts";
export type * from "./parser/ast.ts";
export { DurationError, formatDuration, parseDuration } from "./parser/duration.ts";
export { exprToJson, type JsonValue } from "./parser/expr-json.ts";
export { ALL_FEATURES, type ParserOptions } from "./parser/options.ts";
export { describePlace, ParseError, type ParseIssue } from "./parser/parse-error.ts";
export { parseExpr, parseMetricSelector } from "./parser/parser.ts";
export { prettify } from "./parser/prettifier.ts";
export { printExpr, printMatcher } from "./parser/printer.ts";
export { parseSeriesDescription, type SequenceValue, type SeriesDescription } from "./parser/series-parser.ts";
export { typeOf } from "./parser/type-check.ts";
export { type EvalCommand, type LoadCommand, type ScriptCommand, ScriptError } from "./script/script.ts";
export { parseScript } from "./script/script-parser.ts";
export {
  type CaseReport,
  loadScript,
  type NamedScript,
  runScript,
  runScripts,
  type ScriptEngine,
  type ScriptReport,
  type ScriptsReport,
} from "./script/script-runner.ts";
