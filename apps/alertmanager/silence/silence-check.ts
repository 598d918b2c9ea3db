// What a silence must be, in the reference's words.
import { compileSearchRegex, isValidLabelValue, quote } from "@narthex/model";
import type { LabelMatcher } from "../matcher/matcher.ts";
import type { MatcherGrammar } from "../matcher/matcher-grammar.ts";
import type { Moment } from "../moment/moment.ts";
import { hasSameMatchers, type Silence, silenceState } from "./silence.ts";

/** A silence that is refused. */
export class SilenceError extends Error {
  override readonly name = "SilenceError";
  readonly code: "invalid" | "not_found" | "limit";

  constructor(code: "invalid" | "not_found" | "limit", message: string) {
    super(message);
    this.code = code;
  }
}

/** Throws a `SilenceError` for what must not be. */
export function checkSilence(silence: Silence, grammar: MatcherGrammar): void {
  const fail = (message: string): never => {
    throw new SilenceError("invalid", `invalid silence: ${message}`);
  };
  const { matcherSets, startsAt, endsAt } = silence;
  if (matcherSets.length === 0) fail("at least one matcher set required");
  for (const [i, set] of matcherSets.entries()) {
    if (set.length === 0) fail(`matcher set ${i} is empty`);
    for (const [j, matcher] of set.entries()) {
      const problem = matcherProblem(matcher, grammar);
      if (problem !== undefined) fail(`invalid label matcher ${j} in set ${i}: ${problem}`);
    }
    if (set.every(fitsEmpty)) fail(`matcher set ${i}: at least one matcher must not match the empty string`);
  }
  if (startsAt.isZero) fail("invalid zero start timestamp");
  if (endsAt.isZero) fail("invalid zero end timestamp");
  const badTime = timeProblem(silence);
  if (badTime !== undefined) fail(badTime);
  if (endsAt.isBefore(startsAt)) fail("end time must not be before start time");
}

/** One of its times that no answer could show, in one sentence: it would spoil every list of silences. */
export function timeProblem({ startsAt, endsAt, updatedAt }: Silence): string | undefined {
  for (const [name, moment] of Object.entries({ start: startsAt, end: endsAt, update: updatedAt }))
    if (!moment.isWritable) return `${name} time must be within the years 1 to 9999`;
  return undefined;
}

function matcherProblem({ name, value, isRegex }: LabelMatcher, grammar: MatcherGrammar): string | undefined {
  if (!grammar.isLabelName(name)) return `invalid label name ${quote(name)}`;
  if (!isRegex) return isValidLabelValue(value) ? undefined : `invalid label value ${quote(value)}`;
  return undefined;
}

/** Negative matchers never count as fitting nothing; patterns are searched for, not anchored, as the reference does here. */
function fitsEmpty({ type, value }: LabelMatcher): boolean {
  if (type === "=") return value === "";
  return type === "=~" && compileSearchRegex(value).find("");
}

/** Whether the change may be made in place, as it does not touch what has been. */
export function canUpdate(before: Silence, after: Silence, now: Moment): boolean {
  if (!hasSameMatchers(before, after)) return false;
  switch (silenceState(before, now)) {
    case "active":
      return before.startsAt.seconds === after.startsAt.seconds && !after.endsAt.isBefore(now);
    case "pending":
      return !after.startsAt.isBefore(now);
    case "expired":
      return false;
  }
}
