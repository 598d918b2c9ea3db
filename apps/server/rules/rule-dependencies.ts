// Which rules of a group need what others write, and so which of them may be evaluated at the same time.
// Source: rules specification, "concurrent-rule-eval", and the reference's fixtures.
import { METRIC_NAME } from "@narthex/model";
import { ALL_FEATURES, parseExpr, type VectorSelector } from "@narthex/promql";

/** What has to be known of a rule. */
export interface RuleOutline {
  readonly kind: "record" | "alert";
  readonly name: string;
  readonly query: string;
}

const ALERT_SERIES = ["ALERTS", "ALERTS_FOR_STATE"];
const ALERT_NAME = "alertname";

/**
 * For each rule, the indexes of those before it whose series it reads; undefined when some selector names no metric, so
 * that nothing can be said. Throws a `ParseError` for a query that does not parse.
 */
export function ruleDependencies(rules: readonly RuleOutline[]): readonly ReadonlySet<number>[] | undefined {
  const dependencies: Set<number>[] = [];
  if (rules.length === 1) return [new Set()];
  for (const [index, rule] of rules.entries()) {
    const needed = new Set<number>();
    for (const { matchers } of selectorsOf(rule.query)) {
      const name = matchers.find((matcher) => matcher.name === METRIC_NAME);
      if (name === undefined) return undefined;
      const readsAlerts = ALERT_SERIES.some((series) => name.matches(series));
      const alertName = matchers.find((matcher) => matcher.name === ALERT_NAME);
      // Rules see what those before them wrote; what those after them write is read one round later in any order.
      for (let other = 0; other < index; other++) {
        const { kind, name: otherName } = rules[other] as RuleOutline;
        const readsIt = readsAlerts && kind === "alert" && (alertName === undefined || alertName.matches(otherName));
        if (readsIt || name.matches(otherName)) needed.add(other);
      }
    }
    dependencies.push(needed);
  }
  return dependencies;
}

/**
 * The order of evaluation, as batches of indexes; the rules of one batch may run at the same time. First those that need no
 * other, then one by one those that stand between others, at last those that nothing needs.
 */
export function evaluationBatches(rules: readonly RuleOutline[]): readonly (readonly number[])[] {
  const dependencies = ruleDependencies(rules);
  if (dependencies === undefined) return rules.map((_, index) => [index]);
  const needed = new Set(dependencies.flatMap((set) => [...set]));
  const first: number[] = [];
  const between: number[][] = [];
  const last: number[] = [];
  for (const [index, { size }] of dependencies.entries()) {
    if (size === 0) first.push(index);
    else if (needed.has(index)) between.push([index]);
    else last.push(index);
  }
  return [first, ...between, last].filter((batch) => batch.length > 0);
}

/** Slots for rules that are evaluated beside others, all groups together. */
export class EvaluationSlots {
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a slot; false when there is none: then the rule waits for its turn in its group. */
  take(): boolean {
    if (this.#free <= 0) return false;
    this.#free--;
    return true;
  }

  give(): void {
    this.#free++;
  }
}

function selectorsOf(query: string): VectorSelector[] {
  const found: VectorSelector[] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if (Array.isArray(node)) {
      for (const item of node) walk(item);
      return;
    }
    if ((node as { kind?: unknown }).kind === "vectorSelector") {
      found.push(node as VectorSelector);
      return;
    }
    for (const child of Object.values(node)) walk(child);
  };
  walk(parseExpr(query, ALL_FEATURES));
  return found;
}
