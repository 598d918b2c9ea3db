// The monitor: what application code sees of the metrics, by the tutorial's names.

import { register as processRegister, type Registry } from "@narthex/client";
import { exposeAll, LabelCap, type OpenRequest } from "@narthex/http-metrics";
import type { FastifyMetricsOptions } from "./options.ts";
import { type MetricsSet, makeMetricsSet } from "./register.ts";

const MAX_DOMAINS = 20;

/** What a request was, in the tutorial's words. */
export interface RequestDescription {
  readonly domain: string;
  /** The route's template. */
  readonly route: string;
  readonly method: string;
  readonly statusCode: number | string;
}

/** A page for a scraper; in bytes only if the scraper asks for protobuf. */
export interface MetricsPage<Body extends string | Buffer = string> {
  readonly body: Body;
  readonly contentType: string;
}

/** Everything that one server measures. Each server has its own. */
export class InfrastructureMonitor {
  static #shared: InfrastructureMonitor | undefined;
  readonly #sets: MetricsSet[];
  readonly #options: FastifyMetricsOptions;
  readonly #domains: LabelCap;
  #isMonitoring = false;

  private constructor(options: FastifyMetricsOptions) {
    this.#options = options;
    this.#domains = new LabelCap(options.maxDomains ?? MAX_DOMAINS);
    this.#sets = [makeMetricsSet(options)];
  }

  /** Without options, the one monitor of the process, the tutorial's metrics in it; with options, a new one. */
  static init(options?: FastifyMetricsOptions): InfrastructureMonitor {
    if (options !== undefined) return new InfrastructureMonitor(options);
    InfrastructureMonitor.#shared ??= new InfrastructureMonitor({ dropIn: true });
    return InfrastructureMonitor.#shared;
  }

  get register(): Registry {
    return (this.#sets[0] as MetricsSet).register;
  }

  /** The metrics themselves. */
  get metrics(): MetricsSet["metrics"] {
    return (this.#sets[0] as MetricsSet).metrics;
  }

  get isMonitoring(): boolean {
    return this.#isMonitoring;
  }

  /**
   * Begins, or begins again, to watch the event loop and garbage collection. Nothing else runs between scrapes: processor and memory are
   * read when somebody asks.
   */
  startMonitoring(): void {
    this.#isMonitoring = true;
    for (const { start } of this.#sets) start();
  }

  /** Ends what watches the event loop and garbage collection. The metrics stay as they are. */
  stopMonitoring(): void {
    this.#isMonitoring = false;
    for (const { close } of this.#sets) close();
  }

  /**
   * Makes the same metrics in a further registry, which measures from now on too; or makes them anew in one that has or had them, in place
   * of the old ones. Throws when a metric of another has one of their names.
   */
  initMetricsInRegistry(register: Registry): MetricsSet {
    const at = this.#sets.findIndex((each) => each.register === register);
    this.#sets[at]?.remove();
    const set = makeMetricsSet(this.#options, register);
    if (this.#isMonitoring) set.start();
    this.#sets[at < 0 ? this.#sets.length : at] = set;
    return set;
  }

  registerRequest({ domain }: { readonly domain: string }): void {
    const value = this.#domains.pass(domain);
    for (const { metrics } of this.#sets) metrics.requestCounter?.labels(value).inc();
  }

  registerRequestDuration({ domain, route, method, statusCode }: RequestDescription, seconds: number): void {
    const value = this.#domains.pass(domain);
    for (const { metrics, extraLabels } of this.#sets) {
      const extra = extraLabels.map((name) => (name === "domain" ? value : ""));
      metrics.requestDuration.record({ route, method, status: statusCode, seconds, extra });
    }
  }

  /** A request has come; see `HttpMetrics.begin`. For the plugin. */
  begin(): OpenRequest {
    const open = this.#sets.map(({ metrics }) => metrics.requestDuration.begin());
    const { extraLabels } = this.#sets[0] as MetricsSet;
    const at = extraLabels.indexOf("domain");
    return {
      end: (record) => {
        let { extra } = record;
        if (at >= 0) {
          const domain = this.#domains.pass(extra?.[at] ?? "unknown");
          extra = extra?.with(at, domain) ?? [domain];
          for (const { metrics } of this.#sets) metrics.requestCounter?.labels(domain).inc();
        }
        for (const each of open) each.end({ ...record, ...(extra === undefined ? {} : { extra }) });
      },
      cancel: () => {
        for (const each of open) each.cancel();
      },
    };
  }

  /** A handler failed. For the plugin. */
  fail(method: string, route: string, error: unknown): void {
    for (const { metrics } of this.#sets) metrics.requestDuration.fail(method, route, error);
  }

  /** Values of the extra labels are asked for in this order. For the plugin. */
  get extraLabels(): readonly string[] {
    return (this.#sets[0] as MetricsSet).extraLabels;
  }

  /** What the page shows: every registry that has some of the metrics, and the process's own, where applications put theirs. */
  get registers(): readonly Registry[] {
    const own = this.#sets.flatMap(({ registers }) => registers);
    const isAlone = this.#options.dropIn === true || this.#options.promClient !== undefined;
    return [...new Set(isAlone ? own : [...own, processRegister])];
  }

  /** The page, in the format that an Accept header asks for; text without one. Rejects when a collector fails. */
  async getMetrics(accept?: ""): Promise<MetricsPage>;
  async getMetrics(accept: string | undefined): Promise<MetricsPage<string | Buffer>>;
  async getMetrics(accept?: string): Promise<MetricsPage<string | Buffer>> {
    const { contentType, body } = await exposeAll(this.registers, accept);
    return {
      contentType,
      body: typeof body === "string" ? body : Buffer.from(body.buffer, body.byteOffset, body.length),
    };
  }
}
