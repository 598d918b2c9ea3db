// What is wrong with a relabeling rule, in the reference's words.
import { quote } from "@narthex/toolkit";
import { isLabelName } from "./names.ts";
import type { RelabelConfig } from "./rule.ts";

/** What the checks need to know of a rule beyond its values: which keys were written. */
export interface RelabelPresence {
  /** `action:` held a value, or was left out. False when it was there and empty. */
  readonly hasAction: boolean;
  readonly hasSourceLabels: boolean;
}

const DEFAULT_SEPARATOR = ";";
const DEFAULT_REPLACEMENT = "$1";

/**
 * Template targets under the old alphabet: letters, digits and `_` around `$name` and `${name}`; no digit first.
 * Each text has one way through the pattern, so that no text makes it slow.
 */
const LEGACY_TEMPLATE = /^(?:[a-zA-Z_]|\$(?:\{\w+\}|\w))(?:\w|\$(?:\{\w+\}|\w))*$/;

/** The first thing wrong with `rule`: its text and the key at fault, or undefined for a good rule. */
export function relabelProblem(
  rule: RelabelConfig,
  presence: RelabelPresence,
): { readonly message: string; readonly key: string } | undefined {
  const { action, targetLabel, replacement, nameValidationScheme: scheme } = rule;
  if (!presence.hasAction) return { message: "relabel action cannot be empty", key: "action" };
  if (action === "hashmod" && rule.modulus === 0n) {
    return { message: "relabel configuration for hashmod requires non-zero modulus", key: "modulus" };
  }
  if (WRITES_OR_COMPARES_TARGET.has(action) && targetLabel === "") {
    return { message: `relabel configuration for ${action} action requires 'target_label' value`, key: "target_label" };
  }
  const isTemplate = targetLabel.includes("$");
  if (WRITES_OR_COMPARES_TARGET.has(action)) {
    const mayBeTemplate = action === "replace" && isTemplate;
    const legal = mayBeTemplate ? isTemplateName(targetLabel, scheme) : isLabelName(targetLabel, scheme);
    if (!legal) {
      return { message: `${quote(targetLabel)} is invalid 'target_label' for ${action} action`, key: "target_label" };
    }
  }
  if (FIXED_REPLACEMENT.has(action) && replacement !== DEFAULT_REPLACEMENT) {
    return { message: `'replacement' can not be set for ${action} action`, key: "replacement" };
  }
  if (action === "labelmap" && !isTemplateName(replacement, scheme)) {
    return { message: `${quote(replacement)} is invalid 'replacement' for ${action} action`, key: "replacement" };
  }
  const rest =
    rule.modulus !== 0n
      ? "modulus"
      : rule.separator !== DEFAULT_SEPARATOR
        ? "separator"
        : replacement !== DEFAULT_REPLACEMENT
          ? "replacement"
          : undefined;
  if (action === "dropequal" || action === "keepequal") {
    const key = rule.regexIsDefault ? rest : "regex";
    if (key !== undefined) {
      return {
        message: `${action} action requires only 'source_labels' and \`target_label\`, and no other fields`,
        key,
      };
    }
  }
  if (action === "labeldrop" || action === "labelkeep") {
    const key = presence.hasSourceLabels ? "source_labels" : targetLabel !== "" ? "target_label" : rest;
    if (key !== undefined) return { message: `${action} action requires only 'regex', and no other fields`, key };
  }
  return undefined;
}

const WRITES_OR_COMPARES_TARGET: ReadonlySet<string> = new Set([
  "replace",
  "hashmod",
  "lowercase",
  "uppercase",
  "keepequal",
  "dropequal",
]);

const FIXED_REPLACEMENT: ReadonlySet<string> = new Set(["lowercase", "uppercase", "keepequal", "dropequal"]);

function isTemplateName(name: string, scheme: RelabelConfig["nameValidationScheme"]): boolean {
  return scheme === "utf8" ? isLabelName(name, scheme) : LEGACY_TEMPLATE.test(name);
}
