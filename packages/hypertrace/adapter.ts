// Counts traces as metrics. Source of options and names: hypertrace-prometheus 1.0.
import { createServer, type Server } from "node:http";
import { type Registry as CoreRegistry, Counter, parseLabels } from "@narthex/client";
import { collectDefaultMetrics, type MetricObject, type MetricValue, Registry } from "@narthex/client/compat";
import { collectDefaultMetrics as collectCoreMetrics } from "@narthex/client/node";
import type { Props, TracedObject, TraceFunction } from "./tracer.ts";

/** Anything that takes metrics as prom-client's registries do. */
export interface PromClientRegistry {
  readonly contentType: string;
  registerMetric(metric: never): void;
  removeSingleMetric(name: string): void;
  metrics(): Promise<string>;
}

/** How traces are counted and shown. */
export interface HypertracePrometheusOptions {
  /** Serves `/metrics` there; no server unless given. */
  readonly port?: number;
  /** Where the counter goes; a registry of its own unless given. */
  readonly register?: PromClientRegistry | CoreRegistry | null;
  /** Whether metrics of the process go there, too; yes unless said otherwise. */
  readonly collectDefaults?: boolean;
  /** Props that become labels. */
  readonly allowedProps?: readonly string[] | null;
  /** "trace_counter" unless given. */
  readonly metricName?: string;
  /** Shows the counter under this name as well; "function_counter" is what older texts call it. */
  readonly legacyName?: string;
  /** Labels to leave out, such as `object_id` and `caller_filename`, of which there may be many values. */
  readonly omitLabels?: readonly string[];
  /** Told when the server cannot listen, e.g. as its port is taken; a warning of the process unless given. */
  readonly onError?: (error: Error) => void;
  /** More label sets than these count in one series, all of whose labels are `__overflow__`; 10,000 unless given. */
  readonly maxSeries?: number;
}

/** A trace function, with its metrics. */
export interface HypertracePrometheus extends TraceFunction {
  /** Everything in its registry, as text. */
  metrics(): Promise<string>;
  /** Takes the metrics out of their registry and ends what watches the process, and the server. Resolves when that is done; a second call does nothing. */
  stop(): Promise<void>;
}

const HELP = "Counts how many times a function has been traced";

/** Makes a trace function that counts: `setTraceFunction(HypertracePrometheus({ port: 4343 }))`. */
export function HypertracePrometheus(options: HypertracePrometheusOptions = {}): HypertracePrometheus {
  const { port, metricName = "trace_counter", legacyName, omitLabels = [], maxSeries = 10_000 } = options;
  const props = (options.allowedProps ?? []).map((name) => ({ name, label: name.replace(/[^a-zA-Z0-9_]/g, "_") }));
  const register = options.register ?? new Registry();
  const all = [
    "id",
    "object_classname",
    "object_id",
    "parent_object_classname",
    "parent_object_id",
    "caller_functionname",
    "caller_filename",
    ...props.flatMap(({ label }) => [`object_props_${label}`, `parent_object_props_${label}`, `caller_props_${label}`]),
  ];
  const labelNames = all.filter((name, i) => !omitLabels.includes(name) && all.indexOf(name) === i);
  const shown = new Shown(register, labelNames, maxSeries);
  let removeDefaults = (): void => {};
  try {
    shown.add(metricName);
    if (legacyName !== undefined) shown.add(legacyName);
    if (options.collectDefaults ?? true) removeDefaults = addDefaults(register);
  } catch (error) {
    shown.remove();
    throw error;
  }
  const { onError = (error: Error) => process.emitWarning(error) } = options;
  const server = port === undefined || port === null ? undefined : serve(register, port).on("error", onError);

  const trace: TraceFunction = ({ id, object, parentObject, caller }) => {
    const labels: Record<string, string> = {};
    const set = (name: string, value: unknown): void => {
      if (value !== undefined && value !== null && value !== "") labels[name] = String(value);
    };
    set("id", id);
    set("object_classname", object.className);
    set("object_id", object.id);
    set("parent_object_classname", parentObject?.className);
    set("parent_object_id", parentObject?.id);
    set("caller_functionname", caller.functionName);
    set("caller_filename", caller.filename);
    for (const { name, label } of props) {
      set(`object_props_${label}`, propOf(object, name));
      set(`parent_object_props_${label}`, propOf(parentObject, name));
      set(`caller_props_${label}`, propOf(caller, name));
    }
    shown.count(labels);
  };
  let stopped: Promise<void> | undefined;
  return Object.assign(trace, {
    metrics: () => register.metrics(),
    stop: () => {
      stopped ??= (async () => {
        shown.remove();
        removeDefaults();
        if (server !== undefined) await closed(server);
      })();
      return stopped;
    },
  });
}

/** Adds the metrics of the process. Returns what takes them out again. */
function addDefaults(register: PromClientRegistry | CoreRegistry): () => void {
  if (isCore(register)) return collectCoreMetrics({ register }).remove;
  const names: string[] = [];
  const takeOut = (): void => {
    for (const name of names) register.removeSingleMetric(name);
  };
  const noting = {
    registerMetric: (metric: { readonly name: string }) => {
      register.registerMetric(metric as never);
      names.push(metric.name);
    },
  };
  try {
    const close = collectDefaultMetrics({ register: noting as unknown as Registry });
    return () => {
      close();
      takeOut();
    };
  } catch (error) {
    takeOut();
    throw error;
  }
}

/** The counter, in one registry under one or two names. */
class Shown {
  readonly #register: PromClientRegistry | CoreRegistry;
  readonly #labelNames: readonly string[];
  readonly #maxSeries: number;
  readonly #counters: Counter<readonly string[]>[] = [];

  constructor(register: PromClientRegistry | CoreRegistry, labelNames: readonly string[], maxSeries: number) {
    this.#register = register;
    this.#labelNames = labelNames;
    this.#maxSeries = maxSeries;
  }

  add(name: string): void {
    const counter = new Counter({
      name,
      help: HELP,
      labelNames: this.#labelNames,
      maxSeries: this.#maxSeries,
      registers: [],
    });
    if (isCore(this.#register)) this.#register.registerMetric(counter);
    else this.#register.registerMetric(promClientView(counter, this.#labelNames) as never);
    this.#counters.push(counter);
  }

  /** Labels that were left out are not among those that are known. */
  count(labels: Readonly<Record<string, string>>): void {
    const known: Record<string, string> = {};
    for (const name of this.#labelNames) known[name] = labels[name] ?? "";
    for (const counter of this.#counters) counter.inc(known);
  }

  remove(): void {
    for (const counter of this.#counters) {
      if (isCore(this.#register)) this.#register.unregister(counter);
      else this.#register.removeSingleMetric(counter.name);
    }
  }
}

/** The counter as registries of prom-client's kind take metrics. Labels without a value are left out. */
function promClientView(counter: Counter<readonly string[]>, labelNames: readonly string[]): object {
  const { name, help } = counter;
  const values = (): MetricValue[] => {
    const found: MetricValue[] = [];
    counter.collect({
      family: () => undefined,
      value: (rendered, value) => {
        const pairs = parseLabels(rendered);
        const byName = new Map<string, string>();
        for (let i = 0; i < pairs.length; i += 2) byName.set(pairs[i] as string, pairs[i + 1] as string);
        const labels: Record<string, string> = {};
        for (const label of labelNames) {
          const text = byName.get(label);
          if (text) labels[label] = text;
        }
        found.push({ value, labels });
      },
      histogram: () => undefined,
      summary: () => undefined,
    });
    return found;
  };
  return {
    name,
    help,
    type: "counter",
    aggregator: "sum",
    reset: () => counter.reset(),
    get: async (): Promise<MetricObject> => ({ name, help, type: "counter", aggregator: "sum", values: values() }),
  };
}

function isCore(register: PromClientRegistry | CoreRegistry): register is CoreRegistry {
  return typeof (register as Partial<CoreRegistry>).collectInto === "function";
}

function propOf(holder: TracedObject | { readonly props: Props | null } | null, name: string): unknown {
  const props = holder?.props;
  return props && Object.hasOwn(props, name) ? props[name] : undefined;
}

function serve(register: PromClientRegistry | CoreRegistry, port: number): Server {
  const server = createServer((request, response) => {
    if (request.url?.split("?")[0] !== "/metrics") {
      response.writeHead(404, { "Content-Type": "text/plain; charset=utf-8" }).end("Metrics are at /metrics\n");
      return;
    }
    const exposed = isCore(register)
      ? register.expose()
      : register.metrics().then((body) => ({ contentType: register.contentType, body }));
    exposed.then(
      ({ contentType, body }) => response.writeHead(200, { "Content-Type": contentType }).end(body),
      (error: Error) =>
        response.writeHead(500, { "Content-Type": "text/plain; charset=utf-8" }).end(`${error.message}\n`),
    );
  });
  return server.listen(port);
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
