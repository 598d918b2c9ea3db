// The metrics of one server: its registry and what is in it.
import { type Collector, Counter, DEFAULT_BUCKETS, Gauge, Registry } from "@narthex/client";
import { collectDefaultMetrics, type StopDefaultMetrics } from "@narthex/client/node";
import { HttpMetrics } from "@narthex/http-metrics";
import type { DefaultMetricsChoice, FastifyMetricsOptions, RouteMetricsChoice } from "./options.ts";
import { ProcessUsage } from "./process-usage.ts";

/** Buckets of `fastify-metrics`, in seconds; the tutorial has the usual ones. */
const PLAIN_BUCKETS = [0.05, 0.1, 0.5, 1, 3, 5, 10];

/** The metrics by the names of the tutorial. Gauges are there only with `legacyNames`. */
export interface InfrastructureMetrics {
  /** `http_requests_total`: requests by domain. */
  readonly requestCounter: Counter<readonly ["domain"]> | undefined;
  /** `http_request_duration_seconds` and whatever else is measured of requests. */
  readonly requestDuration: HttpMetrics;
  readonly cpuUsage: Gauge | undefined;
  readonly memoryUsage: Gauge | undefined;
  readonly heapTotal: Gauge | undefined;
  readonly heapUsed: Gauge | undefined;
}

/** A registry with its metrics. */
export interface MetricsSet {
  readonly register: Registry;
  readonly metrics: InfrastructureMetrics;
  /** Names of the extra labels of a request's record, in their order. */
  readonly extraLabels: readonly string[];
  /** Every registry that has some of the metrics, `register` first. */
  readonly registers: readonly Registry[];
  /** Begins, or begins again, the watching behind the default metrics. */
  readonly start: () => void;
  /** Ends it. The metrics stay as they are. */
  readonly close: () => void;
  /** Ends it, and takes the metrics out of their registries. */
  readonly remove: () => void;
}

/**
 * Makes everything anew, in a registry of its own unless one is given: two servers never meet in one by accident. Watching has begun;
 * `close` ends it.
 */
export function createInfrastructureMetrics(options?: FastifyMetricsOptions, register?: Registry): MetricsSet {
  const set = makeMetricsSet(options, register);
  set.start();
  return set;
}

/** As `createInfrastructureMetrics`, but nothing is watched before `start`. Where it throws, it leaves nothing in the registries. */
export function makeMetricsSet(
  options: FastifyMetricsOptions = { dropIn: true },
  register: Registry = options.promClient?.register ?? new Registry(),
): MetricsSet {
  const { histogram, summary } = options.routeMetrics?.overrides ?? {};
  const own = options.defaultMetrics?.register;
  const others = [...(histogram?.registers ?? []), ...(summary?.registers ?? []), ...(own === undefined ? [] : [own])];
  const registers = [...new Set([register, ...others])];
  const before = new Map(registers.map((each) => [each, new Set(each.collectors)]));
  const added = (): (readonly [Registry, Collector])[] =>
    registers.flatMap((each) =>
      each.collectors.filter((found) => before.get(each)?.has(found) !== true).map((found) => [each, found] as const),
    );
  const takeOut = (made: readonly (readonly [Registry, Collector])[]): void => {
    for (const [each, collector] of made) each.unregister(collector);
  };
  try {
    const set = fillRegistries(options, register);
    const made = added();
    return {
      ...set,
      register,
      registers,
      remove: () => {
        set.close();
        takeOut(made);
      },
    };
  } catch (error) {
    takeOut(added());
    throw error;
  }
}

function fillRegistries(
  options: FastifyMetricsOptions,
  register: Registry,
): Pick<MetricsSet, "metrics" | "extraLabels" | "start" | "close"> {
  const { dropIn = false, routeMetrics = {} } = options;
  const constLabels = options.defaultLabels ?? {};
  const hasDomain = dropIn || options.getDomain !== undefined;
  const extraLabels = [...(hasDomain ? ["domain"] : []), ...Object.keys(routeMetrics.customLabels ?? {})];
  const defaults: DefaultMetricsChoice = options.defaultMetrics ?? {};
  const watch = defaults.enabled === false ? undefined : registerDefaults(defaults, register, constLabels);
  const requestCounter = hasDomain
    ? new Counter({
        name: "http_requests_total",
        help: "Requests by domain, counted when their answers end.",
        labelNames: ["domain"],
        constLabels,
        registers: [register],
      })
    : undefined;
  const gauges =
    (options.legacyNames ?? dropIn)
      ? processGauges(register, constLabels)
      : ({} as Partial<ReturnType<typeof processGauges>>);
  const requestDuration = new HttpMetrics({
    registers: [register],
    extraLabels,
    constLabels,
    methodCase: options.methodCase ?? (dropIn ? "lower" : "upper"),
    ...labelNames(routeMetrics),
    ...kinds(routeMetrics, dropIn),
    groupStatusCodes: routeMetrics.groupStatusCodes ?? false,
    sizes: options.sizes ?? false,
    exemplars: options.exemplars ?? false,
    ...(options.maxLabelValues === undefined ? {} : { maxLabelValues: options.maxLabelValues }),
  });
  return {
    metrics: {
      requestCounter,
      requestDuration,
      cpuUsage: gauges.cpuUsage,
      memoryUsage: gauges.memoryUsage,
      heapTotal: gauges.heapTotal,
      heapUsed: gauges.heapUsed,
    },
    extraLabels,
    start: () => watch?.start(),
    close: () => watch?.(),
  };
}

function registerDefaults(
  choice: DefaultMetricsChoice,
  register: Registry,
  constLabels: Readonly<Record<string, string>>,
): StopDefaultMetrics {
  const { enabled: _, labels, register: own, ...rest } = choice;
  return collectDefaultMetrics({
    ...rest,
    register: own ?? register,
    labels: { ...constLabels, ...labels },
    paused: true,
  });
}

function labelNames({ overrides }: RouteMetricsChoice): { labels: { method: string; route: string; status: string } } {
  const { method = "method", route = "route", status = "status_code" } = overrides?.labels ?? {};
  return { labels: { method, route, status } };
}

/** Which of histogram and summary there are. */
function kinds(
  { enabled = true, overrides }: RouteMetricsChoice,
  dropIn: boolean,
): Pick<ConstructorParameters<typeof HttpMetrics>[0], "histogram" | "summary"> {
  const wants = typeof enabled === "boolean" ? { histogram: enabled, summary: enabled && !dropIn } : enabled;
  const help = dropIn
    ? "Time of requests by domain, route, method and status code, in seconds."
    : "request duration in seconds";
  return {
    histogram:
      wants.histogram === false
        ? false
        : { help, buckets: dropIn ? DEFAULT_BUCKETS : PLAIN_BUCKETS, ...overrides?.histogram },
    summary:
      (wants.summary ?? !dropIn)
        ? { help: "request duration in seconds summary", percentiles: [0.5, 0.9, 0.95, 0.99], ...overrides?.summary }
        : false,
  };
}

/** The process's gauges under the tutorial's names, and the shares that its text asks for. Read when somebody scrapes. */
function processGauges(register: Registry, constLabels: Readonly<Record<string, string>>) {
  const usage = new ProcessUsage();
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({ name, help, constLabels, registers: [register], collect: (each) => each.set(read()) });
  return {
    cpuUsage: gauge(
      "process_cpu_usage_percent",
      "CPU that the process used since the last scrape, user and system, in percent of one core.",
      () => usage.cpuPercent,
    ),
    cpuRatio: gauge(
      "process_cpu_usage_ratio",
      "CPU that the process used since the last scrape, as a share of all cores it may use.",
      () => usage.cpuRatio,
    ),
    memoryUsage: gauge("process_memory_usage_bytes", "Resident memory; also process_resident_memory_bytes.", () =>
      process.memoryUsage.rss(),
    ),
    memoryRatio: gauge(
      "process_memory_usage_ratio",
      "Resident memory as a share of the control group's limit, or of the machine's memory.",
      () => usage.memoryRatio,
    ),
    heapTotal: gauge(
      "nodejs_heap_total_bytes",
      "Size of the heap; also nodejs_heap_size_total_bytes.",
      () => process.memoryUsage().heapTotal,
    ),
    heapUsed: gauge(
      "nodejs_heap_used_bytes",
      "Heap in use; also nodejs_heap_size_used_bytes.",
      () => process.memoryUsage().heapUsed,
    ),
  };
}
