// What each rule of a scrape pool makes of a label set: for finding the rule that drops or renames too much.
import { Labels } from "@narthex/model";
import { LabelBuilder, type RelabelConfig, Relabeler } from "../../relabel/index.ts";
import { ApiError } from "../api-error.ts";

/** The label set behind one rule. */
export interface RelabelStep {
  readonly rule: object;
  readonly output: Readonly<Record<string, string>>;
  readonly keep: boolean;
}

/** Runs the rules one by one. Behind a rule that drops, nothing is left. */
export function relabelSteps(rules: readonly RelabelConfig[], labels: Labels): RelabelStep[] {
  const builder = new LabelBuilder(labels);
  let keep = true;
  return rules.map((rule) => {
    keep = keep && new Relabeler([rule]).applyTo(builder);
    return { rule: ruleJson(rule), output: keep ? builder.labels().toObject() : {}, keep };
  });
}

/** Reads a JSON object of texts. Throws an `ApiError`. */
export function labelsFromJson(text: string): Labels {
  if (text === "") throw new ApiError("bad_data", "no labels parameter provided");
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new ApiError("bad_data", `error parsing labels: ${(error as Error).message}`);
  }
  const isMap = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
  const entries = isMap ? Object.entries(parsed as object) : [];
  if (!isMap || entries.some(([, value]) => typeof value !== "string"))
    throw new ApiError("bad_data", "error parsing labels: an object of texts is needed");
  return Labels.fromUnsorted(entries as [string, string][]);
}

function ruleJson(rule: RelabelConfig): object {
  return {
    ...(rule.sourceLabels.length === 0 ? {} : { source_labels: rule.sourceLabels }),
    separator: rule.separator,
    regex: rule.regex,
    ...(rule.modulus === 0n ? {} : { modulus: Number(rule.modulus) }),
    ...(rule.targetLabel === "" ? {} : { target_label: rule.targetLabel }),
    ...(rule.replacement === "" ? {} : { replacement: rule.replacement }),
    action: rule.action,
  };
}
