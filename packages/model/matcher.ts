// Matchers: tests of one label, the way every query picks its series.
import { isValidLabelName } from "./name.ts";
import { quote } from "./quote.ts";
import { compileRegex, type Regex } from "./regex/regex.ts";

export type MatchType = "=" | "!=" | "=~" | "!~";

/** Test of one label's value. An absent label counts as "". */
export class Matcher {
  readonly type: MatchType;
  readonly name: string;
  readonly value: string;
  /** The compiled pattern of `=~` and `!~`: fully anchored, RE2 syntax, linear time; the dot matches newlines. */
  readonly regex: Regex | undefined;

  /** Throws a `RegexSyntaxError` when `value` is no valid pattern. */
  constructor(type: MatchType, name: string, value: string) {
    this.type = type;
    this.name = name;
    this.value = value;
    this.regex = type === "=~" || type === "!~" ? compileRegex(value) : undefined;
  }

  matches(value: string): boolean {
    switch (this.type) {
      case "=":
        return value === this.value;
      case "!=":
        return value !== this.value;
      case "=~":
        return (this.regex as Regex).matches(value);
      case "!~":
        return !(this.regex as Regex).matches(value);
    }
  }

  /** As in a selector: `job=~"a.*"`. */
  toString(): string {
    const name = isValidLabelName(this.name, "legacy") ? this.name : quote(this.name);
    return `${name}${this.type}${quote(this.value)}`;
  }

  /** Whether a series without this label passes. */
  get matchesEmpty(): boolean {
    return this.matches("");
  }
}
