// The keys of a relabeling rule.

import { compileReplaceRegex, RegexSyntaxError } from "@narthex/model";
import { type Codec, Flow, field, quote, reportMismatch, struct, type YamlReader, yamlCodec } from "@narthex/toolkit";
import {
  isLabelName,
  type NameValidationScheme,
  type RelabelAction,
  type RelabelConfig,
  relabelProblem,
} from "../../relabel/index.ts";

const { checkedText, list, text, uint64 } = yamlCodec;

/** A rule while it is read: writable, its name scheme still to be set by the block it stands in. */
export type RelabelDraft = { -readonly [K in keyof RelabelConfig]: RelabelConfig[K] };

const ACTIONS: ReadonlySet<string> = new Set([
  "replace",
  "keep",
  "drop",
  "keepequal",
  "dropequal",
  "hashmod",
  "labelmap",
  "labeldrop",
  "labelkeep",
  "lowercase",
  "uppercase",
]);

const action: Codec<RelabelAction> = {
  ...(text as Codec<RelabelAction>),
  type: "relabel.Action",
  decode(node, reader) {
    const written = text.decode(node, reader);
    const lower = written.toLowerCase();
    if (node.kind === "scalar" && !ACTIONS.has(lower))
      reader.invalid(node.at, `unknown relabel action ${quote(written)}`);
    return lower as RelabelAction;
  },
};

/** Patterns that are known to compile: files repeat a few of them over and over. */
const soundPatterns = new Set<string>();
const MAX_SOUND_PATTERNS = 1000;

/** Undefined when not written: the default `(.*)` then holds. */
const regex: Codec<string | undefined> = {
  type: "string",
  decode(node, reader) {
    if (node.kind !== "scalar") {
      reportMismatch(node, "string", reader);
      return undefined;
    }
    if (soundPatterns.has(node.text)) return node.text;
    try {
      compileReplaceRegex(node.text);
      if (soundPatterns.size < MAX_SOUND_PATTERNS) soundPatterns.add(node.text);
    } catch (error) {
      if (!(error instanceof RegexSyntaxError)) throw error;
      reader.invalid(node.at, error.message);
    }
    return node.text;
  },
  // A null means the empty pattern, not the default one.
  zero: () => "",
  isZero: () => false,
  encode: (value) => value ?? "",
};

/** Names of labels, any UTF-8. */
export const labelNames: Codec<readonly string[]> = {
  ...list(
    checkedText<string>("model.LabelName", (name) =>
      isLabelName(name, "utf8") ? undefined : `${quote(name)} is not a valid label name`,
    ),
    { type: "model.LabelNames" },
  ),
  encode: (names) => new Flow(names),
};

/** One rule. Complete only after `completeRelabeling`. */
export const relabelRule: Codec<RelabelDraft> = struct<RelabelDraft>("relabel.plain", [
  field<RelabelDraft>("source_labels", "sourceLabels", labelNames),
  field<RelabelDraft>("separator", "separator", text, { initial: () => ";", keep: true }),
  {
    key: "regex",
    name: "regex",
    codec: regex,
    initial: () => undefined,
    omit: (rule: RelabelConfig) => rule.regexIsDefault,
  },
  field<RelabelDraft>("modulus", "modulus", uint64),
  field<RelabelDraft>("target_label", "targetLabel", text),
  field<RelabelDraft>("replacement", "replacement", text, { initial: () => "$1", keep: true }),
  field<RelabelDraft>("action", "action", action, { initial: () => "replace" }),
]);

/** A list of rules; `nullItem` is what to say about an empty one. */
export function relabelRules(nullItem: string): Codec<readonly RelabelDraft[]> {
  return list(relabelRule, { type: "[]*relabel.Config", nullItem });
}

/** Sets the name scheme of rules, fills in the default pattern, and reports what is wrong with them. */
export function completeRelabeling(
  rules: readonly RelabelConfig[],
  scheme: NameValidationScheme,
  reader: YamlReader,
): void {
  for (const rule of rules as readonly RelabelDraft[]) {
    rule.nameValidationScheme = scheme;
    rule.regexIsDefault = (rule.regex as string | undefined) === undefined;
    if (rule.regexIsDefault) rule.regex = "(.*)";
    const problem = relabelProblem(rule, {
      hasAction: (rule.action as string) !== "",
      hasSourceLabels: reader.wasWritten(rule, "source_labels"),
    });
    if (problem !== undefined) reader.invalid(reader.place(rule, problem.key), problem.message);
  }
}
