// What the plugin can be told. The names of `fastify-metrics` are kept.
import type { Registry } from "@narthex/client";
import type { MethodCase } from "@narthex/http-metrics";
import type { FastifyReply, FastifyRequest, RouteOptions } from "fastify";

/** A label's value: fixed, or made from the request when its answer is sent. */
export type CustomLabel = string | ((request: FastifyRequest, reply: FastifyReply) => string);

/** Default metrics of the process, as `collectDefaultMetrics` takes them. */
export interface DefaultMetricsChoice {
  /** Standard: true. */
  readonly enabled?: boolean;
  readonly register?: Registry;
  readonly prefix?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly gcDurationBuckets?: readonly number[];
  /** Milliseconds. */
  readonly eventLoopMonitoringPrecision?: number;
}

export interface RouteOverrides {
  /** Names of the labels, and how a route is named. */
  readonly labels?: {
    readonly method?: string;
    readonly route?: string;
    readonly status?: string;
    readonly getRouteLabel?: (request: FastifyRequest) => string;
  };
  readonly histogram?: {
    readonly name?: string;
    readonly help?: string;
    readonly buckets?: readonly number[];
    readonly registers?: readonly Registry[];
  };
  readonly summary?: {
    readonly name?: string;
    readonly help?: string;
    readonly percentiles?: readonly number[];
    readonly maxAgeSeconds?: number;
    readonly ageBuckets?: number;
    readonly registers?: readonly Registry[];
  };
}

export interface RouteMetricsChoice {
  /** Standard: true. */
  readonly enabled?: boolean | { readonly histogram?: boolean; readonly summary?: boolean };
  /** Whether requests that no route matched are left out; else they count as `invalidRouteGroup`. */
  readonly registeredRoutesOnly?: boolean;
  /** `2xx` in place of `200`. */
  readonly groupStatusCodes?: boolean;
  readonly routeBlacklist?: readonly (string | RegExp)[];
  readonly methodBlacklist?: readonly string[];
  /** Standard: `__unknown__`. */
  readonly invalidRouteGroup?: string;
  readonly customLabels?: Readonly<Record<string, CustomLabel>>;
  readonly overrides?: RouteOverrides;
}

/** All options. Where the two ways of using the plugin have other standards, both are named: plain, and `dropIn`. */
export interface FastifyMetricsOptions {
  /** Path of the page, or a whole route; null for none. Standard: `/metrics`; null for `dropIn`. */
  readonly endpoint?: string | null | Partial<RouteOptions>;
  /** Name of the decorator. Standard: `metrics`. */
  readonly name?: string;
  /** Whether the registry is emptied first. */
  readonly clearRegisterOnInit?: boolean;
  /** What has the registry to use; a new registry of the instance's own unless given. */
  readonly promClient?: { readonly register: Registry };
  readonly defaultMetrics?: DefaultMetricsChoice;
  readonly routeMetrics?: RouteMetricsChoice;

  /**
   * The metrics of the tutorial, by name, label and bucket: `http_requests_total{domain}`, `http_request_duration_seconds{domain,
   * route, method, status_code}`, the process gauges of old names, labels `jobName` and `instance`. Standard: false.
   */
  readonly dropIn?: boolean;
  /** Which part of the users sends a request. Standard: none; `getRequestDomain` for `dropIn`. */
  readonly getDomain?: (request: FastifyRequest) => string;
  /** How many domains there may be; further ones count as `other`. Standard: 20. */
  readonly maxDomains?: number;
  /** Gauges `process_cpu_usage_percent`, `process_memory_usage_bytes`, `nodejs_heap_*_bytes` besides those of default. Standard: as `dropIn`. */
  readonly legacyNames?: boolean;
  /** Labels of every series. Standard: none; `jobName` and `instance` from the environment for `dropIn`. */
  readonly defaultLabels?: Readonly<Record<string, string>>;
  /** Standard: `upper`; `lower` for `dropIn`. */
  readonly methodCase?: MethodCase;
  /** Paths that are not measured. Standard: the page, and the usual ones of scrapes and health checks. */
  readonly ignore?: readonly (string | RegExp)[];
  /** How many values a label may have; further ones become `other`. Standard: 200. */
  readonly maxLabelValues?: number;
  /** Adds the name of a GraphQL operation to its route: `/graphql#Name`. Standard: false. */
  readonly graphqlOperation?: boolean;
  /** Sizes of bodies. Standard: false. */
  readonly sizes?: boolean;
  /** Whether durations carry the trace that a request's `traceparent` header names, if it is sampled. Standard: false. */
  readonly exemplars?: boolean;
  /** Who may see the page; everybody unless given. Others get 401. */
  readonly authorize?: (request: FastifyRequest) => boolean | Promise<boolean>;
}

/** Which part of the users: a closed set, since clients choose the headers that it comes from. */
export type Domain = "web" | "mobile" | "unknown";

/** From `X-Client-Type`, or else from the User-Agent. */
export function getRequestDomain({ headers }: FastifyRequest): Domain {
  const type = String(headers["x-client-type"] ?? "").toLowerCase();
  if (type === "web" || type === "mobile") return type;
  const agent = headers["user-agent"] ?? "";
  if (agent === "") return "unknown";
  if (/Android|iPhone|iPad|iPod|Mobile|okhttp|CFNetwork|Dart\//i.test(agent)) return "mobile";
  return /Mozilla\/|Opera|Chrome|Safari|Firefox|Edg\//.test(agent) ? "web" : "unknown";
}

/** The route's template as it was registered; `unknown` for a request that none matched. */
export function getEndpointRoute(request: FastifyRequest, unknown: string = "__unknown__"): string {
  const found = request as FastifyRequest & { readonly routerPath?: string };
  // Fastify before 4.10 has it elsewhere; later ones complain about who looks there.
  const url = found.is404 ? undefined : found.routeOptions === undefined ? found.routerPath : found.routeOptions.url;
  return url ?? unknown;
}
