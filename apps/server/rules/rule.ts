// What recording and alerting rules have in common.
import type { Labels } from "@narthex/model";
import type { VectorElement } from "@narthex/promql";
import type { Span } from "@narthex/tracing";

export type RuleHealth = "unknown" | "ok" | "err";

/** A sample that a rule makes. */
export interface RuleSample {
  readonly labels: Labels;
  readonly value: VectorElement["value"];
  readonly histogram: VectorElement["histogram"];
}

/** Runs an instant query and resolves with its vector; a scalar counts as one element without labels. `span` is the rule's. */
export type Evaluate = (expr: string, t: number, span?: Span) => Promise<readonly VectorElement[]>;

export interface RuleContext {
  readonly evaluate: Evaluate;
  /** Milliseconds: the group's slot. */
  readonly t: number;
  readonly queryOffsetMs: number;
  /** More series or alerts than this fail the rule; 0 for no limit. */
  readonly limit: number;
}

export interface Rule {
  readonly kind: "record" | "alert";
  readonly name: string;
  /** The expression, as the reference prints it. */
  readonly query: string;
  readonly labels: Labels;
  /** Evaluates once; what it returns is written by the group. Rejects with the reason of a failure. */
  evaluate(context: RuleContext): Promise<readonly RuleSample[]>;
  /** Name and labels: by them a reload finds the state to carry over. */
  readonly identity: string;
  /** Equal for rules that mean the same in every respect. */
  readonly meaning: string;
  health: RuleHealth;
  lastError: string;
  evaluationSeconds: number;
  /** When the last evaluation began, in milliseconds; 0 before the first. */
  lastEvaluation: number;
}
