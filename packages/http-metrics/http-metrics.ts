// What is measured of each request, whatever framework serves it.
import { Counter, DEFAULT_BUCKETS, Gauge, Histogram, type Registry, Summary } from "@narthex/client";
import { LabelCap } from "./label-cap.ts";
import { type MethodCase, methodLabel, statusLabel } from "./request-labels.ts";

/** Bytes, 256 to 16 MiB. */
export const SIZE_BUCKETS: readonly number[] = [
  256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
];
/** Values per label. */
export const MAX_LABEL_VALUES = 200;

/** Quantiles over a sliding window. */
export interface SummaryOptions {
  readonly name?: string;
  readonly help?: string;
  /** Quantiles, each between 0 and 1; known within a tenth of their distance from 1, at most 0.05. */
  readonly percentiles?: readonly number[];
  readonly maxAgeSeconds?: number;
  readonly ageBuckets?: number;
  readonly registers?: readonly Registry[];
}

export interface HistogramOptions {
  readonly name?: string;
  readonly help?: string;
  /** Seconds, ascending. Standard: `DEFAULT_BUCKETS` of the client. */
  readonly buckets?: readonly number[];
  readonly registers?: readonly Registry[];
}

/** What to measure, and by which labels. */
export interface HttpMetricsOptions {
  /** Where the metrics are registered. */
  readonly registers: readonly Registry[];
  /** Names of the labels; false leaves one out. Standard: `method`, `route`, `status_code`. */
  readonly labels?: {
    readonly method?: string | false;
    readonly route?: string | false;
    readonly status?: string | false;
  };
  /** Names of further labels, whose values come with each request. */
  readonly extraLabels?: readonly string[];
  /** Borne by every series. */
  readonly constLabels?: Readonly<Record<string, string>>;
  /** The histogram of durations; false for none. */
  readonly histogram?: HistogramOptions | false;
  /** The summary of durations; none unless asked for. */
  readonly summary?: SummaryOptions | false;
  /** Put before the names of the metrics below. Standard: `http`. */
  readonly prefix?: string;
  /** `PREFIX_requests_in_flight`. Standard: true. */
  readonly inFlight?: boolean;
  /** `PREFIX_request_size_bytes` and `PREFIX_response_size_bytes`. Standard: false. */
  readonly sizes?: boolean;
  /** `PREFIX_request_errors_total` by `type`. Standard: true. */
  readonly errors?: boolean;
  /** `2xx` in place of `200`. */
  readonly groupStatusCodes?: boolean;
  /** Whether durations carry the trace that a request's `traceparent` header names, if it is sampled. Standard: false. */
  readonly exemplars?: boolean;
  readonly methodCase?: MethodCase;
  /** How many values a label may have; further ones become `other`. Standard: 200. */
  readonly maxLabelValues?: number;
}

/** One request, when it is over. */
export interface RequestRecord {
  readonly method: string | undefined;
  /** The route's template, never the path itself. */
  readonly route: string;
  readonly status: number | string;
  readonly seconds: number;
  /** Values of the extra labels, in their order. */
  readonly extra?: readonly string[];
  readonly requestBytes?: number | undefined;
  readonly responseBytes?: number | undefined;
  /** The header of that name. */
  readonly traceparent?: string | undefined;
}

/** A request under way. Only the first call of either function counts. */
export interface OpenRequest {
  /** It is over; without `seconds`, the time since it came counts. */
  end(record: Omit<RequestRecord, "seconds"> & { readonly seconds?: number | undefined }): void;
  /** It is not to be measured after all. */
  cancel(): void;
}

type Labels = readonly string[];

/** The metrics of one server. */
export class HttpMetrics {
  readonly histogram: Histogram<Labels> | undefined;
  readonly summary: Summary<Labels> | undefined;
  readonly inFlight: Gauge | undefined;
  readonly errors: Counter<readonly ["method", "route", "type"]> | undefined;
  readonly requestSizes: Histogram<Labels> | undefined;
  readonly responseSizes: Histogram<Labels> | undefined;
  readonly #methodCase: MethodCase;
  readonly #grouped: boolean;
  readonly #hasExemplars: boolean;
  readonly #shown: { readonly method: boolean; readonly route: boolean; readonly status: boolean };
  readonly #caps: { readonly route: LabelCap; readonly type: LabelCap; readonly extra: readonly LabelCap[] };

  constructor(options: HttpMetricsOptions) {
    const { registers, prefix = "http", labels = {}, extraLabels = [], constLabels = {} } = options;
    const { method = "method", route = "route", status = "status_code" } = labels;
    const max = options.maxLabelValues ?? MAX_LABEL_VALUES;
    this.#methodCase = options.methodCase ?? "upper";
    this.#grouped = options.groupStatusCodes ?? false;
    this.#hasExemplars = options.exemplars ?? false;
    this.#shown = { method: method !== false, route: route !== false, status: status !== false };
    this.#caps = { route: new LabelCap(max), type: new LabelCap(max), extra: extraLabels.map(() => new LabelCap(max)) };
    const labelNames = [...extraLabels, ...[route, method, status].filter((name) => name !== false)];
    const shared = { labelNames, constLabels, registers };
    if (options.histogram !== false) {
      const { name, help, buckets, registers: own } = options.histogram ?? {};
      this.histogram = new Histogram<Labels>({
        ...shared,
        name: name ?? `${prefix}_request_duration_seconds`,
        help: help ?? "Time from a request to the end of its answer, in seconds.",
        buckets: buckets ?? DEFAULT_BUCKETS,
        registers: own ?? registers,
      });
    }
    if (options.summary !== undefined && options.summary !== false) {
      const {
        name,
        help,
        percentiles = [0.5, 0.9, 0.95, 0.99],
        maxAgeSeconds,
        ageBuckets,
        registers: own,
      } = options.summary;
      this.summary = new Summary<Labels>({
        ...shared,
        name: name ?? `${prefix}_request_summary_seconds`,
        help: help ?? "Time from a request to the end of its answer, in seconds.",
        objectives: Object.fromEntries(percentiles.map((q) => [q, Math.min(0.05, Math.max(0.0001, (1 - q) / 10))])),
        ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
        ...(ageBuckets === undefined ? {} : { ageBuckets }),
        registers: own ?? registers,
      });
    }
    if (options.inFlight ?? true) {
      this.inFlight = new Gauge({
        name: `${prefix}_requests_in_flight`,
        help: "Requests that have come and are not answered yet.",
        constLabels,
        registers,
      });
    }
    if (options.errors ?? true) {
      this.errors = new Counter({
        name: `${prefix}_request_errors_total`,
        help: "Requests whose handler failed, by the kind of error.",
        labelNames: ["method", "route", "type"],
        constLabels,
        registers,
      });
    }
    if (options.sizes ?? false) {
      const sizes = { ...shared, buckets: SIZE_BUCKETS };
      this.requestSizes = new Histogram<Labels>({
        ...sizes,
        name: `${prefix}_request_size_bytes`,
        help: "Size of the bodies of requests, as far as they declare it.",
      });
      this.responseSizes = new Histogram<Labels>({
        ...sizes,
        name: `${prefix}_response_size_bytes`,
        help: "Size of the bodies of answers, as far as they declare it.",
      });
    }
  }

  /** A request has come. */
  begin(): OpenRequest {
    this.inFlight?.inc();
    const started = performance.now();
    let isOver = false;
    const finish = (): boolean => {
      if (isOver) return false;
      isOver = true;
      this.inFlight?.dec();
      return true;
    };
    return {
      end: (record) => {
        if (finish()) this.record({ ...record, seconds: record.seconds ?? (performance.now() - started) / 1000 });
      },
      cancel: () => void finish(),
    };
  }

  /** Measures a request that is over. */
  record({
    method,
    route,
    status,
    seconds,
    extra = [],
    requestBytes,
    responseBytes,
    traceparent,
  }: RequestRecord): void {
    const values: string[] = this.#caps.extra.map((cap, i) => cap.pass(extra[i] ?? ""));
    if (this.#shown.route) values.push(this.#caps.route.pass(route));
    if (this.#shown.method) values.push(methodLabel(method, this.#methodCase));
    if (this.#shown.status) values.push(statusLabel(status, this.#grouped));
    if (Number.isFinite(seconds)) {
      const exemplar = this.#hasExemplars ? traceOf(traceparent) : undefined;
      this.histogram?.labels(...values).observe(seconds, exemplar);
      this.summary?.labels(...values).observe(seconds);
    }
    if (requestBytes !== undefined && requestBytes >= 0) this.requestSizes?.labels(...values).observe(requestBytes);
    if (responseBytes !== undefined && responseBytes >= 0) this.responseSizes?.labels(...values).observe(responseBytes);
  }

  /** A handler failed. */
  fail(method: string | undefined, route: string, error: unknown): void {
    const type = this.#caps.type.pass(errorType(error));
    this.errors?.labels(methodLabel(method, this.#methodCase), this.#caps.route.pass(route), type).inc();
  }
}

/** The trace of a sampled request. Source: W3C Trace Context, "traceparent header". */
export function traceOf(traceparent: string | undefined): { trace_id: string; span_id: string } | undefined {
  const [, trace, span, flags] =
    /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/.exec(traceparent ?? "") ?? [];
  if (trace === undefined || /^0+$/.test(trace) || (Number.parseInt(flags as string, 16) & 1) === 0) return undefined;
  return { trace_id: trace, span_id: span as string };
}

/** An error's code, or else its class: never its message, which says something new each time. */
function errorType(error: unknown): string {
  if (typeof error !== "object" || error === null) return typeof error;
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (typeof code === "string" && /^[A-Z0-9_]{1,64}$/.test(code)) return code;
  return typeof name === "string" && name !== "" ? name.slice(0, 64) : "Error";
}

/** The number that a Content-Length header declares; undefined for none. */
export function declaredBytes(header: unknown): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (typeof text !== "string" && typeof text !== "number") return undefined;
  const bytes = Number(text);
  return Number.isFinite(bytes) && bytes >= 0 ? bytes : undefined;
}
