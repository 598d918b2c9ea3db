// What the API answers, as far as the tool reads it. Any Alertmanager may have answered: nothing is taken for granted.
import type { MatchType } from "../matcher/matcher.ts";

export type Texts = Readonly<Record<string, string>>;

export interface AlertAnswer {
  readonly annotations?: Texts;
  readonly endsAt: string;
  readonly fingerprint?: string;
  readonly receivers?: readonly { readonly name: string }[];
  readonly startsAt: string;
  readonly status: {
    readonly inhibitedBy: readonly string[];
    readonly mutedBy?: readonly string[];
    readonly silencedBy: readonly string[];
    readonly state: string;
  };
  readonly updatedAt: string;
  readonly generatorURL?: string;
  readonly labels?: Texts;
}

export interface MatcherAnswer {
  readonly isEqual?: boolean;
  readonly isRegex: boolean;
  readonly name: string;
  readonly value: string;
}

export interface SilenceAnswer {
  readonly id: string;
  readonly status: { readonly state: string };
  readonly updatedAt: string;
  readonly annotations?: Texts;
  readonly comment: string;
  readonly createdBy: string;
  readonly endsAt: string;
  readonly matchers: readonly MatcherAnswer[];
  readonly startsAt: string;
}

export interface ClusterAnswer {
  readonly name?: string;
  readonly peers: readonly { readonly address: string; readonly name: string }[];
  readonly status: string;
}

export interface StatusAnswer {
  readonly cluster: ClusterAnswer;
  readonly config: { readonly original: string };
  readonly uptime: string;
  readonly versionInfo: {
    readonly branch: string;
    readonly buildDate: string;
    readonly buildUser: string;
    readonly goVersion: string;
    readonly revision: string;
    readonly version: string;
  };
}

/** Servers of old did not know of negative matchers. */
export function matchTypeOf({ isEqual = true, isRegex }: MatcherAnswer): MatchType {
  if (isRegex) return isEqual ? "=~" : "!~";
  return isEqual ? "=" : "!=";
}
