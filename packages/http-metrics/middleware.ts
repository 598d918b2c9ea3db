// What middleware of different frameworks has in common: its options, and what is made of them.
import { type Exposable, register as processRegister, Registry } from "@narthex/client";
import { pageOf } from "./exposition.ts";
import { HttpMetrics, type HttpMetricsOptions } from "./http-metrics.ts";
import { isIgnored, USUAL_IGNORED } from "./ignored-paths.ts";
import { labelOr, UNKNOWN_ROUTE } from "./request-labels.ts";

/** Options of a framework's middleware. `Context` is what the framework has of a request. */
export interface MiddlewareOptions<Context> extends Partial<Omit<HttpMetricsOptions, "registers">> {
  /** Where the metrics go. Standard: a registry of the middleware's own, shown together with the process's. */
  readonly register?: Registry;
  /** Where the page is; null for none. Standard: `/metrics`. */
  readonly endpoint?: string | null;
  /** Paths that are not measured. Standard: the usual ones of scrapes and health checks. */
  readonly ignore?: readonly (string | RegExp)[];
  /** The route's template. Standard: what the framework matched. */
  readonly route?: (context: Context) => string | undefined;
}

/** What middleware works with. */
export interface MiddlewareParts<Context> {
  readonly metrics: HttpMetrics;
  /** What the page shows. */
  readonly page: Exposable;
  /** Whether a path, without its query, is the page's. */
  isPage(path: string): boolean;
  /** Whether a path, without its query, is measured. */
  isMeasured(path: string): boolean;
  /** The value of the route's label. Never throws. */
  routeOf(context: Context): string;
}

/** `matchedRoute` says what the framework matched, undefined for nothing. */
export function middlewareParts<Context>(
  options: MiddlewareOptions<Context>,
  matchedRoute: (context: Context) => string | undefined,
): MiddlewareParts<Context> {
  const { register, endpoint = "/metrics", ignore = USUAL_IGNORED, route = matchedRoute, ...rest } = options;
  const { registry, registries } = registriesFor(register);
  const isPage = (path: string): boolean => path === endpoint;
  return {
    metrics: new HttpMetrics({ ...rest, registers: [registry] }),
    page: pageOf(() => registries),
    isPage,
    isMeasured: (path) => !isPage(path) && !isIgnored(path, ignore),
    routeOf: (context) => labelOr(() => route(context), undefined) ?? UNKNOWN_ROUTE,
  };
}

/** The registry that metrics go to, and those that the page shows: the given one, or a new one together with the process's. */
export function registriesFor(given: Registry | undefined): {
  readonly registry: Registry;
  readonly registries: readonly Registry[];
} {
  if (given !== undefined) return { registry: given, registries: [given] };
  const registry = new Registry();
  return { registry, registries: [registry, processRegister] };
}
