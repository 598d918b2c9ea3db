// What a back-test found, as the API answers it.
import type { BacktestResult, BacktestRule, BacktestSpan } from "../../rules/backtest.ts";
import { exponentText } from "./exponent-text.ts";

export function backtestJson(
  rule: BacktestRule,
  { startMs, endMs, stepMs }: BacktestSpan,
  result: BacktestResult,
): object {
  const { firings, firingCount, firingMs, pendingOnly, alertCount, failedSteps } = result;
  return {
    rule: {
      name: rule.name,
      query: rule.query,
      duration: rule.forMs / 1000,
      keepFiringFor: rule.keepFiringForMs / 1000,
    },
    start: timeText(startMs),
    end: timeText(endMs),
    step: stepMs / 1000,
    totals: {
      firings: firingCount,
      firingSeconds: firingMs / 1000,
      alerts: alertCount,
      pendingOnly,
      failedEvaluations: failedSteps,
    },
    firings: firings.map(({ labels, annotations, value, activeAt, firedAt, resolvedAt }) => ({
      labels: labels.toObject(),
      annotations: annotations.toObject(),
      value: exponentText(value),
      activeAt: timeText(activeAt),
      firedAt: timeText(firedAt),
      ...(resolvedAt === undefined ? {} : { resolvedAt: timeText(resolvedAt) }),
      seconds: ((resolvedAt ?? endMs) - firedAt) / 1000,
    })),
    truncated: firingCount > firings.length,
  };
}

function timeText(t: number): string {
  return new Date(t).toISOString();
}
