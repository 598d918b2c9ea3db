// Registries: what is exposed together.
import type { Collector, FamilyHeader } from "./family-writer.ts";
import { type ExpositionFormat, type NegotiatedFormat, negotiateFormat } from "./negotiation.ts";
import { OPENMETRICS_END, OpenMetricsWriter } from "./openmetrics-writer.ts";
import { TextWriter } from "./text-writer.ts";

/** How a registry behaves. */
export interface RegistryOptions {
  /** Families by name (as the reference's, the default) or as they were registered. */
  readonly order?: "name" | "registration";
  /** Whether OpenMetrics shows `_created` samples; not unless asked. */
  readonly created?: boolean;
  /**
   * Told of each collector that failed; its families are left out and all others served. Without it, one failing
   * collector fails the exposition.
   */
  readonly onCollectError?: (error: unknown, collector: Collector) => void;
}

/** An exposition and the Content-Type header that announces it. */
export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** A set of collectors that are exposed together. Metrics register themselves when they are made. */
export class Registry {
  readonly #collectors = new Set<Collector>();
  readonly #owners = new Map<string, Collector>();
  readonly #options: RegistryOptions;

  constructor(options: RegistryOptions = {}) {
    this.#options = options;
  }

  /** Throws when another collector has a family, or a sample, of the same name. Adding one twice is fine. */
  registerMetric(collector: Collector): void {
    if (this.#collectors.has(collector)) return;
    const names = collector.describe().flatMap(reservedNames);
    for (const name of names) {
      if (this.#owners.has(name)) throw new Error(`A metric with the name ${name} has already been registered.`);
    }
    for (const name of names) this.#owners.set(name, collector);
    this.#collectors.add(collector);
  }

  /** Takes a collector out again. Tells whether it was in. */
  unregister(collector: Collector): boolean {
    if (!this.#collectors.delete(collector)) return false;
    for (const [name, owner] of this.#owners) if (owner === collector) this.#owners.delete(name);
    return true;
  }

  /** The collector that has a family of this name. */
  getSingleMetric(name: string): Collector | undefined {
    return this.#owners.get(name);
  }

  /** Takes all collectors out. */
  clear(): void {
    this.#collectors.clear();
    this.#owners.clear();
  }

  /** Everything in the format that an Accept header asks for. */
  async expose(accept?: string): Promise<Exposition> {
    const { format, contentType }: NegotiatedFormat = negotiateFormat(accept);
    return { contentType, body: await this.metrics(format) };
  }

  /** Everything in one format. Collectors that must wait do so at the same time. */
  async metrics(format: ExpositionFormat = "text"): Promise<string> {
    const collectors = [...this.#collectors];
    const failed = new Set<Collector>();
    const fail = (error: unknown, collector: Collector): void => {
      if (this.#options.onCollectError === undefined) throw error;
      failed.add(collector);
      this.#options.onCollectError(error, collector);
    };
    const waiting: Promise<void>[] = [];
    for (const collector of collectors) {
      try {
        const refreshed = collector.refresh?.();
        if (refreshed !== undefined) waiting.push(refreshed.catch((error: unknown) => fail(error, collector)));
      } catch (error) {
        fail(error, collector);
      }
    }
    if (waiting.length > 0) await Promise.all(waiting);
    const openMetrics = format === "openmetrics";
    const writer = openMetrics ? new OpenMetricsWriter({ created: this.#options.created ?? false }) : new TextWriter();
    for (const collector of collectors) {
      if (failed.has(collector)) continue;
      const mark = writer.texts.mark();
      try {
        collector.collect(writer);
      } catch (error) {
        writer.texts.rewind(mark);
        fail(error, collector);
      }
    }
    const text = writer.texts.join(this.#options.order !== "registration");
    return openMetrics ? text + OPENMETRICS_END : text;
  }
}

/** The registry of the process, where metrics go that were not told otherwise. */
export const register: Registry = new Registry();

/** All names that samples of a family may bear, in any format. */
function reservedNames(header: FamilyHeader): string[] {
  const { name } = header;
  switch (header.type) {
    case "histogram":
    case "gaugehistogram":
      return [name, `${name}_bucket`, `${name}_sum`, `${name}_count`];
    case "summary":
      return [name, `${name}_sum`, `${name}_count`];
    default:
      return [name];
  }
}
