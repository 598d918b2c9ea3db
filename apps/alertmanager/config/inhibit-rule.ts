// `inhibit_rules`.
import { type Codec, field, struct, yamlCodec } from "@narthex/toolkit";
import type { LabelMatcher } from "../matcher/matcher.ts";
import type { MatcherGrammar } from "../matcher/matcher-grammar.ts";
import { matchersCodec, matchMap, matchRegexMap } from "./matchers.ts";

const { list, text } = yamlCodec;

/** Alerts that match the target's side are muted while one that matches the source's side fires. */
export interface InhibitRuleConfig {
  readonly name: string;
  readonly sourceMatch: ReadonlyMap<string, string>;
  readonly sourceMatchRe: ReadonlyMap<string, string>;
  readonly sourceMatchers: readonly LabelMatcher[];
  readonly targetMatch: ReadonlyMap<string, string>;
  readonly targetMatchRe: ReadonlyMap<string, string>;
  readonly targetMatchers: readonly LabelMatcher[];
  /** Labels in which both must be equal. */
  readonly equal: readonly string[];
}

export function inhibitRuleCodec(grammar: MatcherGrammar): Codec<InhibitRuleConfig> {
  const matchers = matchersCodec(grammar);
  return struct<InhibitRuleConfig>(
    "common.plain",
    [
      field<InhibitRuleConfig>("name", "name", text),
      field<InhibitRuleConfig>("source_match", "sourceMatch", matchMap),
      field<InhibitRuleConfig>("source_match_re", "sourceMatchRe", matchRegexMap),
      field<InhibitRuleConfig>("source_matchers", "sourceMatchers", matchers),
      field<InhibitRuleConfig>("target_match", "targetMatch", matchMap),
      field<InhibitRuleConfig>("target_match_re", "targetMatchRe", matchRegexMap),
      field<InhibitRuleConfig>("target_matchers", "targetMatchers", matchers),
      field<InhibitRuleConfig>("equal", "equal", list(text)),
    ],
    {
      check(rule, reader) {
        for (const name of rule.equal)
          if (!grammar.isLabelName(name))
            reader.invalid(reader.place(rule, "equal"), `invalid label name ${JSON.stringify(name)} in equal list`);
      },
    },
  );
}
