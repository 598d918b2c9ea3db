// Metrics that parts of the application hold themselves: asked for at each scrape, and shown as they are.
import { type Collector, type FamilyHeader, type FamilyWriter, renderLabels } from "@narthex/client";

/** A number that somebody holds. A counter's is its total so far: it is shown, never added up. */
export interface MonitoringMetric {
  readonly name: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly type: "counter" | "gauge";
  readonly value: number;
}

export interface MonitoringProvider {
  collectMonitoringMetrics(): readonly MonitoringMetric[];
}

/** Shows what its providers hold. Counters are named with the `_total` that the formats want. */
export class MonitoringCollector implements Collector {
  readonly #providers = new Set<MonitoringProvider>();

  /** Providers of the same metric must differ in its labels. */
  registerAsProvider(provider: MonitoringProvider): void {
    this.#providers.add(provider);
  }

  describe(): readonly FamilyHeader[] {
    return [...this.#families().values()].map(({ header }) => header);
  }

  collect(writer: FamilyWriter): void {
    for (const { header, metrics } of this.#families().values()) {
      writer.family(header);
      for (const { labels, value } of metrics)
        writer.value(renderLabels(Object.keys(labels), Object.values(labels)), value, 0);
    }
  }

  #families(): Map<string, { header: FamilyHeader; metrics: MonitoringMetric[] }> {
    const families = new Map<string, { header: FamilyHeader; metrics: MonitoringMetric[] }>();
    for (const provider of this.#providers) {
      for (const metric of provider.collectMonitoringMetrics()) {
        const name =
          metric.type === "counter" && !metric.name.endsWith("_total") ? `${metric.name}_total` : metric.name;
        const family = families.get(name) ?? {
          header: { name, help: metric.description, type: metric.type, unit: "" },
          metrics: [],
        };
        family.metrics.push(metric);
        families.set(name, family);
      }
    }
    return families;
  }
}
