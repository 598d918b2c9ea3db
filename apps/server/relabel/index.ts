export { LabelBuilder } from "./label-builder.ts";
export { isLabelName, isMetricName, isWellFormed } from "./names.ts";
export { Relabeler } from "./relabel.ts";
export {
  DEFAULT_RELABEL_CONFIG,
  type NameValidationScheme,
  type RelabelAction,
  type RelabelConfig,
} from "./rule.ts";
export { type RelabelPresence, relabelProblem } from "./validate.ts";
