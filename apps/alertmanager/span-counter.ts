// What becomes of the program's own traces.
import { Counter, type Registry } from "@narthex/client";
import type { OnOutcome } from "@narthex/tracing";

const OUTCOMES = ["outcome"] as const;

/** Counts what becomes of spans. */
export function spanCounter(registry: Registry): OnOutcome {
  const spans = new Counter({
    name: "narthex_tracing_spans_total",
    help: "Spans by what became of them: sent to the tracing collector, or lost because too many waited or it did not take them.",
    labelNames: OUTCOMES,
    registers: [registry],
  });
  return (outcome, count) => spans.labels(outcome).inc(count);
}
