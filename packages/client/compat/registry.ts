// A registry as prom-client has it: one content type at a time, default labels, JSON.
import { AlreadyRegisteredError } from "../errors.ts";
import { escapeHelp, escapeLabelValue } from "../format/names.ts";
import type {
  MetricObject,
  MetricValue,
  OpenMetricsContentType,
  PrometheusContentType,
  RegistrableMetric,
  RegistryContentType,
} from "./types.ts";

const PROMETHEUS: PrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: OpenMetricsContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** Metrics by name, in the order of their registration. */
export class Registry<T extends RegistryContentType = RegistryContentType> {
  readonly #metrics = new Map<string | undefined, RegistrableMetric>();
  #defaultLabels: Readonly<Record<string, string | number>> = {};
  #contentType: RegistryContentType;

  static get PROMETHEUS_CONTENT_TYPE(): PrometheusContentType {
    return PROMETHEUS;
  }

  static get OPENMETRICS_CONTENT_TYPE(): OpenMetricsContentType {
    return OPENMETRICS;
  }

  constructor(contentType: T = PROMETHEUS as T) {
    if (!isSupported(contentType)) throw new TypeError(`Content type ${contentType} is unsupported`);
    this.#contentType = contentType;
  }

  get contentType(): T {
    return this.#contentType as T;
  }

  /** The format of `metrics` from now on. */
  setContentType(contentType: RegistryContentType): void {
    if (!isSupported(contentType)) throw new Error(`Content type ${contentType} is unsupported`);
    this.#contentType = contentType;
  }

  /** Everything in the format of the content type. */
  async metrics(): Promise<string> {
    const families = await Promise.all(this.getMetricsAsArray().map((metric) => this.getMetricsAsString(metric)));
    return this.#isOpenMetrics ? `${families.join("\n")}\n# EOF\n` : `${families.join("\n\n")}\n`;
  }

  /** One metric's text, without a line break at its end. */
  async getMetricsAsString(metric: RegistrableMetric): Promise<string> {
    const object = await (metric.getForPromString?.() ?? metric.get());
    const isOpenMetrics = this.#isOpenMetrics;
    // Samples of an OpenMetrics counter bear a suffix that their family does not.
    const isCounter = isOpenMetrics && object.type === "counter";
    const name = escapeHelp(isCounter ? object.name.replace(/_total$/, "") : object.name, false);
    const lines = [`# HELP ${name} ${escapeHelp(object.help, isOpenMetrics)}`, `# TYPE ${name} ${object.type}`];
    const defaults = Object.entries(this.#defaultLabels);
    for (const sample of object.values ?? []) {
      const sampleName = isCounter ? `${name}_total` : (sample.metricName ?? name);
      let line = `${sampleName}${renderedLabels(sample, defaults)} ${formatted(sample.value)}`;
      const { exemplar } = sample;
      if (isOpenMetrics && exemplar) {
        line += ` # {${pairs(exemplar.labelSet).join(",")}} ${formatted(exemplar.value)} ${exemplar.timestamp}`;
      }
      lines.push(line);
    }
    return lines.join("\n");
  }

  async getMetricsAsJSON(): Promise<MetricObject[]> {
    const objects = await Promise.all(this.getMetricsAsArray().map((metric) => metric.get()));
    const defaults = Object.entries(this.#defaultLabels);
    for (const { values } of defaults.length === 0 ? [] : objects) {
      for (const sample of values ?? []) {
        sample.labels = { ...sample.labels };
        for (const [name, value] of defaults) sample.labels[name] ??= value;
      }
    }
    return objects;
  }

  getMetricsAsArray(): RegistrableMetric[] {
    return [...this.#metrics.values()];
  }

  getSingleMetric(name: string): RegistrableMetric | undefined {
    return this.#metrics.get(name);
  }

  getSingleMetricAsString(name: string): Promise<string> {
    const metric = this.#metrics.get(name);
    return metric === undefined
      ? Promise.reject(new Error(`no metric with the name ${name} is registered`))
      : this.getMetricsAsString(metric);
  }

  /** Adding a metric twice is fine; throws for another one of the same name. */
  registerMetric(metric: RegistrableMetric): void {
    const existing = this.#metrics.get(metric.name);
    if (existing !== undefined && existing !== metric)
      throw new AlreadyRegisteredError(String(metric.name), existing as never);
    this.#metrics.set(metric.name, metric);
  }

  removeSingleMetric(name: string): void {
    this.#metrics.delete(name);
  }

  /** Forgets all metrics, and the default labels. */
  clear(): void {
    this.#metrics.clear();
    this.#defaultLabels = {};
  }

  resetMetrics(): void {
    for (const metric of this.#metrics.values()) metric.reset?.();
  }

  /** Labels for every sample that does not bear them itself. */
  setDefaultLabels(labels: object): void {
    this.#defaultLabels = { ...labels } as Record<string, string | number>;
  }

  /** One registry with the metrics of all. Throws for a name that comes twice, and for different content types. */
  static merge(registers: readonly Registry[]): Registry {
    const contentType = registers[0]?.contentType;
    if (registers.some((registry) => registry.contentType !== contentType)) {
      throw new Error("Registers can only be merged if they have the same content type");
    }
    const merged = new Registry(contentType);
    for (const registry of registers) for (const metric of registry.getMetricsAsArray()) merged.registerMetric(metric);
    return merged;
  }

  get #isOpenMetrics(): boolean {
    return this.#contentType === OPENMETRICS;
  }
}

// There is one per process, even if the library is loaded more than once, as an ES module and by `require`.
const shared = globalThis as { [key: symbol]: Registry | undefined };
const KEY = Symbol.for("@narthex/client/compat.register.v1");

/** The registry where metrics go that were not told otherwise. */
export const globalRegistry: Registry = (shared[KEY] ??= new Registry());

function isSupported(contentType: string): boolean {
  return contentType === PROMETHEUS || contentType === OPENMETRICS;
}

function renderedLabels(
  { labels = {}, sharedLabels }: MetricValue,
  defaults: readonly (readonly [string, string | number])[],
): string {
  const own = { ...labels };
  for (const [name, value] of defaults) own[name] ??= value;
  let found = pairs(own);
  if (sharedLabels !== undefined) {
    found = [...pairs(own, sharedLabels), ...pairs(sharedLabels)];
  }
  return found.length === 0 ? "" : `{${found.join(",")}}`;
}

function pairs(labels: Readonly<Record<string, unknown>>, without?: object): string[] {
  const found: string[] = [];
  for (const name of Object.keys(labels)) {
    if (without !== undefined && Object.hasOwn(without, name)) continue;
    found.push(`${name}="${escapeLabelValue(String(labels[name]))}"`);
  }
  return found;
}

function formatted(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
