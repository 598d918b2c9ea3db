// Which of the two grammars reads matchers: the new one, the classic one, or the new one with the classic one behind it.
import { isValidLabelName } from "@narthex/model";
import type { Logger } from "@narthex/toolkit";
import { MatcherSyntaxError, parseClassicMatcher, parseClassicMatchers } from "./classic-parser.ts";
import { type LabelMatcher, sameMatcher } from "./matcher.ts";
import { parseUtf8Matcher, parseUtf8Matchers } from "./utf8-parser.ts";

/** `fallback` unless a feature flag says otherwise. */
export type MatcherMode = "fallback" | "classic" | "utf8";

const INCOMPATIBLE =
  "Alertmanager is moving to a new parser for labels and matchers, and this input is incompatible. Alertmanager has instead parsed the input using the classic matchers parser as a fallback. To make this input compatible with the UTF-8 matchers parser please make sure all regular expressions and values are double-quoted and backslashes are escaped. If you are still seeing this message please open an issue.";

/** Reads matchers and judges label names in one mode. */
export class MatcherGrammar {
  readonly mode: MatcherMode;
  readonly #logger: Logger;

  constructor(mode: MatcherMode, logger: Logger) {
    this.mode = mode;
    this.#logger = logger;
  }

  /** A list of matchers. `origin` names in warnings where it stood. Throws an error in the reference's words. */
  matchers(text: string, origin: string): LabelMatcher[] {
    return this.#read(text, origin, parseUtf8Matchers, parseClassicMatchers);
  }

  /** Exactly one matcher, as filters have it. */
  matcher(text: string, origin: string): LabelMatcher {
    if (this.mode !== "classic" && (text.startsWith("{") || text.endsWith("}")))
      throw new MatcherSyntaxError(`unexpected open or close brace: ${text}`);
    const one = (parse: (text: string) => LabelMatcher) => (input: string) => [parse(input)];
    return this.#read(text, origin, one(parseUtf8Matcher), one(parseClassicMatcher))[0] as LabelMatcher;
  }

  isLabelName(name: string): boolean {
    return isValidLabelName(name, this.mode === "classic" ? "legacy" : "utf8");
  }

  #read(
    text: string,
    origin: string,
    parseNew: (text: string) => LabelMatcher[],
    parseClassic: (text: string) => LabelMatcher[],
  ): LabelMatcher[] {
    if (this.mode === "classic") return parseClassic(text);
    if (this.mode === "utf8") return parseNew(text);
    const classic = attempt(parseClassic, text);
    const modern = attempt(parseNew, text);
    if (modern instanceof Error) {
      // What neither reads is refused in the classic grammar's words.
      if (classic instanceof Error) throw classic;
      this.#logger.warn(INCOMPATIBLE, { input: text, origin, err: modern.message, suggestion: classic.join(",") });
      return classic;
    }
    if (classic instanceof Error) return modern;
    const agree = classic.length === modern.length && classic.every((each, i) => sameMatcher(each, modern[i] as never));
    if (!agree) this.#logger.warn("Matchers input has disagreement", { input: text, origin });
    return classic;
  }
}

function attempt(parse: (text: string) => LabelMatcher[], text: string): LabelMatcher[] | Error {
  try {
    return parse(text);
  } catch (error) {
    return error as Error;
  }
}
