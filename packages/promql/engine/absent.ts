// The labels of absent() and absent_over_time().
import { Labels, METRIC_NAME } from "@narthex/model";
import type { PlanNode } from "./plan.ts";

/**
 * The labels that every series of a selector would have: those of its `=` matchers, except where a label is matched
 * twice or also in another way. No labels for anything but a selector.
 */
export function absentLabels(node: PlanNode): Labels {
  const inner = node.kind === "invariant" ? node.expr : node;
  const selector = inner.kind === "range" ? inner.selector : inner;
  if (selector.kind !== "selector") return Labels.empty;
  const values = new Map<string, string>();
  const matched = new Set<string>();
  for (const { name, type, value } of selector.matchers) {
    if (name === METRIC_NAME) continue;
    if (type === "=" && !matched.has(name)) {
      values.set(name, value);
      matched.add(name);
    } else {
      values.delete(name);
    }
  }
  return Labels.fromUnsorted(values);
}
