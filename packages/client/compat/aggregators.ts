// How metrics of several processes become one.
import type { Aggregator, Exemplar, MetricObject, MetricValue } from "./types.ts";

/** Joins what several processes have of one metric; undefined leaves it out. */
export type AggregatorFunction = (metrics: readonly MetricObject[]) => MetricObject | undefined;

/** An aggregator that makes one value of those that have the same name and labels. */
export function AggregatorFactory(join: (values: readonly MetricValue[]) => number): AggregatorFunction {
  return (metrics) => {
    const [first] = metrics;
    if (first === undefined) return undefined;
    const { help, name, type, aggregator } = first;
    const groups = new Map<string, MetricValue[]>();
    for (const value of metrics.flatMap(({ values }) => values)) {
      const key = JSON.stringify([value.metricName ?? "", ...Object.entries(value.labels).sort()]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [value]);
      else group.push(value);
    }
    const values: MetricValue[] = [];
    for (const group of groups.values()) {
      const { labels, metricName } = group[0] as MetricValue;
      // Quantiles of several processes have no sum, nor anything else that would mean something.
      if (type === "summary" && labels["quantile"] !== undefined && group.length > 1) continue;
      const joined: MetricValue = { value: join(group), labels };
      if (metricName !== undefined) joined.metricName = metricName;
      const exemplar = latest(group);
      if (exemplar !== undefined) joined.exemplar = exemplar;
      values.push(joined);
    }
    return { help, name, type, values, aggregator };
  };
}

/** Aggregators by name. */
export const aggregators: Record<Aggregator, AggregatorFunction> = {
  sum: AggregatorFactory((values) => values.reduce((sum, { value }) => sum + value, 0)),
  first: AggregatorFactory((values) => values[0]?.value ?? NaN),
  omit: () => undefined,
  average: AggregatorFactory((values) => values.reduce((sum, { value }) => sum + value, 0) / values.length),
  min: AggregatorFactory((values) => values.reduce((least, { value }) => Math.min(least, value), Infinity)),
  max: AggregatorFactory((values) => values.reduce((most, { value }) => Math.max(most, value), -Infinity)),
};

function latest(values: readonly MetricValue[]): Exemplar | undefined {
  let found: Exemplar | undefined;
  for (const { exemplar } of values) {
    if (exemplar && !(found !== undefined && found.timestamp >= exemplar.timestamp)) found = exemplar;
  }
  return found;
}
