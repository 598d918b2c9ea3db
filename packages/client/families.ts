// Families whose samples are known when they are asked for, for collectors that show what others count.
import type {
  Collector,
  FamilyHeader,
  FamilyType,
  FamilyWriter,
  NativeBuckets,
  SampleExemplar,
} from "./format/family-writer.ts";
import { isValidLabelName, isValidMetricName, renderLabels } from "./format/names.ts";

/** What a sample may carry besides its value. Times in seconds since the epoch. */
export interface FamilySample {
  readonly created?: number;
  readonly timestamp?: number;
  readonly exemplar?: SampleExemplar;
}

/** A histogram's numbers: bounds ascend, with +Inf left out; counts are cumulative, one per bound. */
export interface HistogramSample {
  readonly bounds: readonly number[];
  readonly cumulative: readonly number[];
  readonly count: number;
  readonly sum: number;
  readonly created?: number;
  readonly exemplars?: readonly (SampleExemplar | undefined)[];
  readonly native?: NativeBuckets;
}

/** A summary's numbers. */
export interface SummarySample {
  readonly quantiles?: readonly number[];
  readonly values?: readonly number[];
  readonly count: number;
  readonly sum: number;
  readonly created?: number;
}

type Labels = Readonly<Record<string, string>>;

/** A family under construction. Names are checked when it is made, labels when they are added. */
export class Family {
  readonly header: FamilyHeader;
  readonly #samples: ((writer: FamilyWriter) => void)[] = [];

  constructor(type: FamilyType, name: string, help: string, unit: string = "") {
    if (!isValidMetricName(name)) throw new Error(`Invalid metric name: ${name}`);
    this.header = { type, name, help, unit };
  }

  /** Adds a sample of a counter, gauge, info or a family of unknown type; of a state set, one of its states. */
  add(labels: Labels, value: number, more: FamilySample = {}): this {
    const text = render(labels);
    const extras = {
      ...(more.timestamp === undefined ? {} : { timestamp: more.timestamp }),
      ...(more.exemplar === undefined ? {} : { exemplar: more.exemplar }),
    };
    this.#samples.push((writer) => writer.value(text, value, more.created ?? 0, extras));
    return this;
  }

  addHistogram(labels: Labels, sample: HistogramSample): this {
    const text = render(labels);
    if (sample.cumulative.length !== sample.bounds.length) throw new Error("a histogram needs one count per bound");
    const cumulative = [...sample.cumulative, sample.count];
    this.#samples.push((writer) =>
      writer.histogram(
        text,
        sample.bounds,
        cumulative,
        sample.sum,
        sample.created ?? 0,
        sample.exemplars,
        sample.native,
      ),
    );
    return this;
  }

  addSummary(labels: Labels, sample: SummarySample): this {
    const text = render(labels);
    const { quantiles = [], values = [] } = sample;
    if (values.length !== quantiles.length) throw new Error("a summary needs one value per quantile");
    this.#samples.push((writer) =>
      writer.summary(text, quantiles, values, sample.sum, sample.count, sample.created ?? 0),
    );
    return this;
  }

  write(writer: FamilyWriter): void {
    writer.family(this.header);
    for (const sample of this.#samples) sample(writer);
  }
}

/**
 * A collector of what `read` returns each time it is asked. `described` are the families' names and types, so that clashes are refused at
 * registration.
 */
export function collector(
  read: () => Iterable<Family> | Promise<Iterable<Family>>,
  described: readonly FamilyHeader[] = [],
): Collector {
  let families: Iterable<Family> = [];
  return {
    describe: () => described,
    refresh: () => {
      const found = read();
      if (!(found instanceof Promise)) {
        families = found;
        return undefined;
      }
      return found.then((waited) => {
        families = waited;
      });
    },
    collect: (writer) => {
      for (const family of families) family.write(writer);
    },
  };
}

/** A collector's families under other names, and with more labels. */
export function wrapped(inner: Collector, wrap: { readonly prefix?: string; readonly labels?: Labels }): Collector {
  const prefix = wrap.prefix ?? "";
  const more = render(wrap.labels ?? {});
  const renamed = (header: FamilyHeader): FamilyHeader => ({
    name: prefix + header.name,
    help: header.help,
    type: header.type,
    unit: header.unit,
    ...(header.utf8 === undefined ? {} : { utf8: header.utf8 }),
  });
  const labelled = (labels: string): string => (labels === "" || more === "" ? labels + more : `${labels},${more}`);
  return {
    describe: () => inner.describe().map(renamed),
    ...(inner.refresh === undefined ? {} : { refresh: () => inner.refresh?.() }),
    collect: (writer) =>
      inner.collect({
        family: (header) => writer.family(renamed(header)),
        value: (labels, ...rest) => writer.value(labelled(labels), ...rest),
        histogram: (labels, ...rest) => writer.histogram(labelled(labels), ...rest),
        summary: (labels, ...rest) => writer.summary(labelled(labels), ...rest),
      }),
  };
}

function render(labels: Labels): string {
  const names = Object.keys(labels).sort();
  const invalid = names.filter((name) => !isValidLabelName(name));
  if (invalid.length > 0) throw new Error(`At least one label name is invalid: ${invalid.join(",")}`);
  return renderLabels(
    names,
    names.map((name) => String(labels[name])),
  );
}
