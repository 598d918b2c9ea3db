// Middleware for Express; the options of express-prom-bundle are kept.
import { IncomingMessage, ServerResponse } from "node:http";
import * as client from "@narthex/client";
import { collectDefaultMetrics, type DefaultMetricsOptions } from "@narthex/client/node";
import {
  HttpMetrics,
  isIgnored,
  labelOr,
  pathOf,
  registriesFor,
  replaceUrlValues,
  UNKNOWN_ROUTE,
  type UrlValueOptions,
} from "@narthex/http-metrics";
import { answerMetrics, measureResponse } from "@narthex/http-metrics/node";
import type { Application, NextFunction, Request, RequestHandler, Response } from "express";

/** A pattern of paths and what to put in place of what it matches. */
export type PathReplacement = readonly [pattern: RegExp | string, replacement: string];

/** Labels of one request, before they are counted. */
export type MetricLabels = Record<string, string | number>;

export interface BundleOptions {
  /** Label `status_code`. Standard: true. */
  readonly includeStatusCode?: boolean;
  /** Label `method`. Standard: false. */
  readonly includeMethod?: boolean;
  /** Label `path`. Standard: false. */
  readonly includePath?: boolean;
  /** Gauge `up`, always 1. Standard: true. */
  readonly includeUp?: boolean;
  /** Names of further labels with their values, which `transformLabels` may change. */
  readonly customLabels?: Readonly<Record<string, string | number | null>>;
  /** Where the page is. Standard: `/metrics`. */
  readonly metricsPath?: string | RegExp;
  /** Standard: histogram. */
  readonly metricType?: "histogram" | "summary";
  /** Standard: `http_request_duration_seconds`. */
  readonly httpDurationMetricName?: string;
  /** Of the histogram, in seconds. */
  readonly buckets?: readonly number[];
  /** Of the summary. */
  readonly percentiles?: readonly number[];
  readonly maxAgeSeconds?: number;
  readonly ageBuckets?: number;
  /** Accepted; a window of ours forgets by itself. */
  readonly pruneAgedBuckets?: boolean;
  /** The path label: a function, or replacements. Standard: the route's template. */
  readonly normalizePath?: ((request: Request, options: BundleOptions) => string) | readonly PathReplacement[];
  /** Which segments of a path are values, where there is no template. */
  readonly urlValueParser?: UrlValueOptions;
  /** Standard: `#val`. */
  readonly urlPathReplacement?: string;
  readonly formatStatusCode?: (response: Response) => string | number;
  readonly transformLabels?: (labels: MetricLabels, request: Request, response: Response) => void;
  /** Whether the middleware serves the page. Standard: true. */
  readonly autoregister?: boolean;
  /** `collectDefaultMetrics: {}` adds the metrics of the process. */
  readonly promClient?: { readonly collectDefaultMetrics?: DefaultMetricsOptions };
  /** Standard: a registry of the middleware's own, shown together with the process's. */
  readonly promRegistry?: client.Registry;
  /** Serves the page instead of the middleware. */
  readonly metricsApp?: Application;
  /** Requests that are not measured: asked when they come, or when they end. */
  readonly bypass?:
    | ((request: Request) => boolean)
    | {
        readonly onRequest?: (request: Request) => boolean;
        readonly onFinish?: (request: Request, response: Response) => boolean;
      };
  readonly excludeRoutes?: readonly (string | RegExp)[];
  /** Sizes of bodies. Standard: false. */
  readonly sizes?: boolean;
  /** Whether durations carry the trace that a request's `traceparent` header names, if it is sampled. Standard: false. */
  readonly exemplars?: boolean;
  /** How many values a label may have; further ones become `other`. Standard: 200. */
  readonly maxLabelValues?: number;
}

/** The middleware, and what applications want of it. */
export interface ExpressMetrics extends RequestHandler {
  readonly metrics: Readonly<Record<string, unknown>>;
  readonly promClient: typeof client & { readonly register: client.Registry };
  /** Serves the page alone. */
  readonly metricsMiddleware: RequestHandler;
}

const BUCKETS = [0.003, 0.03, 0.1, 0.3, 1.5, 10];
const PERCENTILES = [0.5, 0.75, 0.95, 0.98, 0.99, 0.999];
const OBSOLETE: Readonly<Record<string, string>> = {
  prefix: "put it into httpDurationMetricName and promClient.collectDefaultMetrics.prefix",
  blacklist: "use excludeRoutes",
  whitelist: "use excludeRoutes",
  keepDefaultMetrics: "use promClient.collectDefaultMetrics",
};
const MISUSE = `<h1>500 Error</h1>
<p>This middleware is made by a call: write <code>app.use(expressMetrics())</code>, not <code>app.use(expressMetrics)</code>.</p>
`;

interface Factory {
  (options?: BundleOptions): ExpressMetrics;
  /** The path label of a request. What is put in its place holds for middleware that exists already, too. */
  normalizePath: (request: Request, options: BundleOptions) => string;
  normalizeStatusCode: (response: Response) => string | number;
}

/** Makes the middleware. To be used before the routes. Throws for options that are no more. */
export const expressMetrics: Factory = Object.assign(makeMiddleware, { normalizePath, normalizeStatusCode });

function makeMiddleware(options: BundleOptions = {}, ...rest: unknown[]): ExpressMetrics {
  if (isMisuse(options, rest)) return undefined as never;
  refuseObsolete(options);
  const { registry, registries } = registriesFor(options.promRegistry);
  const custom = options.customLabels ?? {};
  const customNames = Object.keys(custom);
  const measured = new HttpMetrics({
    registers: [registry],
    labels: {
      method: (options.includeMethod ?? false) && "method",
      route: (options.includePath ?? false) && "path",
      status: (options.includeStatusCode ?? true) && "status_code",
    },
    extraLabels: customNames,
    ...durations(options),
    sizes: options.sizes ?? false,
    exemplars: options.exemplars ?? false,
    // Express keeps errors from middleware: they are seen by their status codes.
    errors: false,
    ...(options.maxLabelValues === undefined ? {} : { maxLabelValues: options.maxLabelValues }),
  });
  const metrics: Record<string, unknown> = {
    [options.httpDurationMetricName ?? "http_request_duration_seconds"]: measured.histogram ?? measured.summary,
  };
  if (options.includeUp ?? true) {
    const up = new client.Gauge({ name: "up", help: "1 = up, 0 = not up", registers: [registry] });
    up.set(1);
    metrics["up"] = up;
  }
  const defaults = options.promClient?.collectDefaultMetrics;
  if (defaults !== undefined) collectDefaultMetrics({ register: registry, ...defaults });

  const metricsMiddleware: RequestHandler = (request, response) => void answerMetrics(registries, request, response);
  const path = options.metricsPath ?? "/metrics";
  options.metricsApp?.get(path, metricsMiddleware);
  const servesPage = (options.autoregister ?? true) && options.metricsApp === undefined;
  const excluded = options.excludeRoutes ?? [];
  const onRequest = typeof options.bypass === "function" ? options.bypass : options.bypass?.onRequest;
  const onFinish = typeof options.bypass === "function" ? undefined : options.bypass?.onFinish;

  const middleware = (request: Request, response: Response, next: NextFunction): void => {
    const asked = pathOf(request.originalUrl);
    if (isPage(asked, path)) {
      if (servesPage && request.method === "GET") metricsMiddleware(request, response, next);
      else next();
      return;
    }
    if (isIgnored(asked, excluded) || onRequest?.(request) === true) {
      next();
      return;
    }
    watchRoutes(request);
    measureResponse(measured, request, response, () => {
      if (onFinish?.(request, response) === true) return { route: "", isIgnored: true };
      const labels: MetricLabels = {
        status_code: (options.formatStatusCode ?? expressMetrics.normalizeStatusCode)(response),
        method: request.method,
        path: options.includePath === true ? pathLabel(request, options) : "",
      };
      for (const name of customNames) labels[name] = custom[name] ?? "";
      options.transformLabels?.(labels, request, response);
      return {
        route: String(labels["path"]),
        status: labels["status_code"] as string | number,
        extra: customNames.map((name) => String(labels[name] ?? "")),
      };
    });
    next();
  };
  return Object.assign(middleware, { metrics, promClient: { ...client, register: registry }, metricsMiddleware });
}

/** Somebody gave the maker itself to `app.use`: it is called with a request. Answers what went wrong. */
function isMisuse(first: unknown, [second]: unknown[]): boolean {
  if (!(first instanceof IncomingMessage) || !(second instanceof ServerResponse)) return false;
  second.writeHead(500, { "Content-Type": "text/html; charset=utf-8" });
  second.end(MISUSE);
  return true;
}

function refuseObsolete(options: BundleOptions): void {
  for (const name of Object.keys(options))
    if (name in OBSOLETE) throw new Error(`the option ${name} is no more: ${OBSOLETE[name]}`);
}

function durations(
  options: BundleOptions,
): Pick<ConstructorParameters<typeof HttpMetrics>[0], "histogram" | "summary"> {
  const { metricType = "histogram", maxAgeSeconds, ageBuckets } = options;
  const name = options.httpDurationMetricName ?? "http_request_duration_seconds";
  const labels = ["status_code", "method", "path"].filter(
    (_, i) => [options.includeStatusCode ?? true, options.includeMethod, options.includePath][i] === true,
  );
  const help = `duration ${metricType} of http responses labeled with: ${[...labels, ...Object.keys(options.customLabels ?? {})].join(", ")}`;
  if (metricType === "histogram") return { histogram: { name, help, buckets: options.buckets ?? BUCKETS } };
  if (metricType !== "summary")
    throw new Error(`metricType must be histogram or summary, not ${JSON.stringify(metricType)}`);
  const window = {
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    ...(ageBuckets === undefined ? {} : { ageBuckets }),
  };
  return { histogram: false, summary: { name, help, percentiles: options.percentiles ?? PERCENTILES, ...window } };
}

function isPage(path: string, page: string | RegExp): boolean {
  const bare = path.length > 1 ? path.replace(/\/$/, "") : path;
  return typeof page === "string" ? bare === page : isIgnored(path, [page]);
}

function pathLabel(request: Request, options: BundleOptions): string {
  const { normalizePath: own } = options;
  return labelOr(
    () => (typeof own === "function" ? own(request, options) : expressMetrics.normalizePath(request, options)),
    UNKNOWN_ROUTE,
  );
}

/** Which route a request came to, and below what; on the request itself, where a symbol is in nobody's way. */
const MATCHED = Symbol("matched route");

interface Matched {
  readonly route: { readonly path?: unknown } | undefined;
  readonly baseUrl: string;
}

type Watched = Request & { [MATCHED]?: Matched };

const watched = new WeakSet<object>();

/**
 * Express sets `route` on a request when it has found one. By the end of an answer it may have taken back what the route was mounted
 * under, as it does after an error: so both are kept when they are set. Once for all requests of an app, on what they inherit from, since
 * to change each of them would cost more than all else that is measured.
 */
function watchRoutes(request: Request): void {
  const prototype = Object.getPrototypeOf(request) as object;
  if (watched.has(prototype)) return;
  watched.add(prototype);
  Object.defineProperty(prototype, "route", {
    configurable: true,
    get(this: Watched) {
      return this[MATCHED]?.route;
    },
    set(this: Watched, route: Matched["route"]) {
      this[MATCHED] = { route, baseUrl: this.baseUrl ?? "" };
    },
  });
}

/**
 * The template of the route that answered, with what it is mounted under. Where there is none, the path itself if the options say
 * how to make it one of few, and else one value for all.
 */
function normalizePath(request: Request, options: BundleOptions): string {
  // A route of an app that this one is mounted in is not watched, but there as ever.
  const { route, baseUrl }: Matched = (request as Watched)[MATCHED] ?? request;
  const template = route?.path;
  if (typeof template === "string") {
    return replaced(`${baseUrl}${template === "/" && baseUrl !== "" ? "" : template}`, options);
  }
  if (options.urlValueParser === undefined && !Array.isArray(options.normalizePath)) return UNKNOWN_ROUTE;
  const path = replaced(pathOf(request.originalUrl), options);
  return replaceUrlValues(path, options.urlPathReplacement, options.urlValueParser);
}

function replaced(path: string, { normalizePath: replacements }: BundleOptions): string {
  if (!Array.isArray(replacements)) return path;
  return (replacements as readonly PathReplacement[]).reduce(
    (text, [pattern, replacement]) =>
      text.replace(typeof pattern === "string" ? new RegExp(pattern) : pattern, replacement),
    path,
  );
}

function normalizeStatusCode(response: Response): string | number {
  return response.statusCode;
}
