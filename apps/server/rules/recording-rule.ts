// A query whose result is stored under a name of its own.
import { type Labels, METRIC_NAME } from "@narthex/model";
import type { Rule, RuleContext, RuleHealth, RuleSample } from "./rule.ts";

export class RecordingRule implements Rule {
  readonly kind = "record";
  readonly name: string;
  readonly query: string;
  readonly labels: Labels;
  health: RuleHealth = "unknown";
  lastError = "";
  evaluationSeconds = 0;
  lastEvaluation = 0;

  constructor(name: string, query: string, labels: Labels) {
    this.name = name;
    this.query = query;
    this.labels = labels;
  }

  get meaning(): string {
    return `${this.identity}\0${this.query}`;
  }

  get identity(): string {
    return `${this.name}\0${this.labels.key}`;
  }

  async evaluate({ evaluate, t, queryOffsetMs, limit }: RuleContext): Promise<readonly RuleSample[]> {
    const elements = await evaluate(this.query, t - queryOffsetMs);
    const seen = new Set<string>();
    const samples = elements.map(({ labels, value, histogram }): RuleSample => {
      const named = recordedLabels(this, labels);
      if (seen.has(named.key))
        throw new Error("vector contains metrics with the same labelset after applying rule labels");
      seen.add(named.key);
      return { labels: named, value, histogram };
    });
    if (limit > 0 && samples.length > limit)
      throw new Error(`exceeded limit of ${limit} with ${samples.length} series`);
    return samples;
  }
}

/** The labels of the series that a recording rule makes of one element of its query's result. */
export function recordedLabels({ name, labels }: { name: string; labels: Labels }, found: Labels): Labels {
  let named = found.with(METRIC_NAME, name);
  for (const [label, text] of labels) named = named.with(label, text);
  return named;
}
