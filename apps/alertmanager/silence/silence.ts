// A silence, and the state it is in.
import type { Labels } from "@narthex/model";
import { type LabelMatcher, matchesAll, sameMatcher } from "../matcher/matcher.ts";
import type { Moment } from "../moment/moment.ts";

export type SilenceState = "active" | "pending" | "expired";

/** Immutable: a change makes a new one. */
export interface Silence {
  /** A UUID; "" before it has one. */
  readonly id: string;
  /** An alert is silenced when all matchers of one of the sets fit. */
  readonly matcherSets: readonly (readonly LabelMatcher[])[];
  readonly startsAt: Moment;
  readonly endsAt: Moment;
  readonly updatedAt: Moment;
  readonly createdBy: string;
  readonly comment: string;
  readonly annotations: ReadonlyMap<string, string>;
}

/** A silence as it is kept and told to others: with the moment at which it may be forgotten. */
export interface KeptSilence {
  readonly silence: Silence;
  readonly expiresAt: Moment;
}

/** Both ends belong to the silence. */
export function silenceState({ startsAt, endsAt }: Silence, now: Moment): SilenceState {
  if (now.isBefore(startsAt)) return "pending";
  return now.isAfter(endsAt) ? "expired" : "active";
}

export function silenceMatches({ matcherSets }: Silence, labels: Labels): boolean {
  return matcherSets.some((matchers) => matchesAll(matchers, labels));
}

/** Whether both have the same matchers in the same order. */
export function hasSameMatchers(a: Silence, b: Silence): boolean {
  return (
    a.matcherSets.length === b.matcherSets.length &&
    a.matcherSets.every((set, i) => {
      const other = b.matcherSets[i] as readonly LabelMatcher[];
      return set.length === other.length && set.every((matcher, j) => sameMatcher(matcher, other[j] as LabelMatcher));
    })
  );
}
