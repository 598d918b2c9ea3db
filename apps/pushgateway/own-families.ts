// The gateway's own metrics as families of its page: what the client library collects, in the data model of what is pushed.
import {
  type FamilyHeader,
  type FamilyWriter,
  type FamilyType as HeaderType,
  parseLabels,
  type Registry,
} from "@narthex/client";
import { type Family, type FamilyType, type Metric, numberMetric } from "./family/family.ts";
import { sortLabels } from "./family/labels.ts";
import { comparePageOrder } from "./store/family-index.ts";

/** What stands for types that the schema of pushed metrics does not have. */
const TYPES: Readonly<Record<HeaderType, FamilyType>> = {
  counter: "counter",
  gauge: "gauge",
  histogram: "histogram",
  gaugehistogram: "gauge_histogram",
  summary: "summary",
  info: "gauge",
  stateset: "gauge",
  unknown: "untyped",
};

/** A header as the families here have it. */
export function familyType({ type }: FamilyHeader): FamilyType {
  return TYPES[type];
}

/** Everything in a registry as it is now, without families that hold nothing; metrics in the page's order. */
export async function familiesOf(registry: Registry): Promise<Family[]> {
  const writer = new FamiliesWriter();
  await registry.collectInto(writer);
  return writer.families
    .filter(({ metrics }) => metrics.length > 0)
    .map((family) => ({ ...family, metrics: family.metrics.sort(comparePageOrder) }));
}

/** Keeps values, classic buckets and quantiles; nothing of the gateway's own has more. */
class FamiliesWriter implements FamilyWriter {
  readonly families: (Family & { readonly metrics: Metric[] })[] = [];
  #type: FamilyType = "untyped";
  #metrics: Metric[] = [];

  family(header: FamilyHeader): void {
    this.#type = familyType(header);
    this.#metrics = [];
    const { name, help } = header;
    this.families.push({ name, help, unit: undefined, type: this.#type, metrics: this.#metrics });
  }

  value(labels: string, value: number): void {
    const kind = this.#type === "counter" || this.#type === "gauge" ? this.#type : "untyped";
    this.#metrics.push(numberMetric(kind, labelsOf(labels), value));
  }

  histogram(labels: string, bounds: readonly number[], cumulative: ArrayLike<number>, sum: number): void {
    const count = cumulative[bounds.length] as number;
    const buckets = [...bounds, Number.POSITIVE_INFINITY].map((bound, i) => ({
      bound,
      count: cumulative[i] as number,
      floatCount: undefined,
      exemplar: undefined,
    }));
    const histogram = { count, floatCount: undefined, sum, buckets, created: undefined, native: undefined };
    this.#metrics.push({ ...numberMetric("gauge", labelsOf(labels), 0), kind: "histogram", histogram });
  }

  summary(labels: string, quantiles: readonly number[], values: ArrayLike<number>, sum: number, count: number): void {
    const summary = {
      count,
      sum,
      quantiles: quantiles.map((quantile, i) => ({ quantile, value: values[i] as number })),
      created: undefined,
    };
    this.#metrics.push({ ...numberMetric("gauge", labelsOf(labels), 0), kind: "summary", summary });
  }
}

function labelsOf(rendered: string): readonly string[] {
  return sortLabels(parseLabels(rendered));
}
