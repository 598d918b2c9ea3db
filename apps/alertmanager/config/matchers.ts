// Matchers and label names as configurations write them.
import { compileSearchRegex } from "@narthex/model";
import { type Codec, yamlCodec } from "@narthex/toolkit";
import { LabelMatcher, sortedMatchers } from "../matcher/matcher.ts";
import type { MatcherGrammar } from "../matcher/matcher-grammar.ts";

const { list, map, text } = yamlCodec;

const CLASSIC_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** A list of texts, each with one matcher or several. */
export function matchersCodec(grammar: MatcherGrammar): Codec<readonly LabelMatcher[]> {
  const lines: Codec<readonly string[]> = list(text);
  return {
    type: "[]string",
    decode(node, reader) {
      const matchers: LabelMatcher[] = [];
      lines.decode(node, reader).forEach((line, i) => {
        try {
          matchers.push(...grammar.matchers(line, "config"));
        } catch (error) {
          const at = node.kind === "sequence" ? (node.items[i]?.at ?? node.at) : node.at;
          reader.invalid(at, (error as Error).message);
        }
      });
      return sortedMatchers(matchers);
    },
    zero: () => [],
    isZero: (value) => value.length === 0,
    encode: (value) => value.map(String),
  };
}

/** The old way to write equality: label by label. */
export const matchMap: Codec<ReadonlyMap<string, string>> = map(text, {
  type: "map[string]string",
  checkKey: (name) => (CLASSIC_NAME.test(name) ? undefined : `invalid label name ${JSON.stringify(name)}`),
});

/** The old way to write patterns. */
export const matchRegexMap: Codec<ReadonlyMap<string, string>> = map(
  {
    ...text,
    decode(node, reader) {
      const pattern = text.decode(node, reader);
      try {
        compileSearchRegex(`^(?:${pattern})$`);
      } catch (error) {
        reader.invalid(node.at, (error as Error).message);
      }
      return pattern;
    },
  },
  {
    type: "config.MatchRegexps",
    checkKey: (name) => (CLASSIC_NAME.test(name) ? undefined : `invalid label name ${JSON.stringify(name)}`),
  },
);

/** What the old keys mean, as matchers. */
export function oldMatchers(
  match: ReadonlyMap<string, string>,
  matchRegex: ReadonlyMap<string, string>,
): LabelMatcher[] {
  return [
    ...[...match].map(([name, value]) => new LabelMatcher("=", name, value)),
    ...[...matchRegex].map(([name, pattern]) => new LabelMatcher("=~", name, pattern)),
  ];
}
