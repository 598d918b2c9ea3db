// Middleware for Hono. Nothing in it is of Node, so that it runs wherever Hono does.
import { fetchHandler, register as processRegister, Registry } from "@narthex/client";
import {
  HttpMetrics,
  type HttpMetricsOptions,
  isIgnored,
  labelOr,
  measureRequest,
  pageOf,
  UNKNOWN_ROUTE,
  USUAL_IGNORED,
} from "@narthex/http-metrics";
import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";

export interface HonoMetricsOptions extends Partial<Omit<HttpMetricsOptions, "registers">> {
  /** Where the metrics go. Standard: a registry of the middleware's own, shown together with the process's. */
  readonly register?: Registry;
  /** Where the page is; null for none. Standard: `/metrics`. */
  readonly endpoint?: string | null;
  /** Paths that are not measured. Standard: the usual ones of scrapes and health checks. */
  readonly ignore?: readonly (string | RegExp)[];
  /** The route's template. Standard: what Hono matched. */
  readonly route?: (context: Context) => string | undefined;
}

/** Makes the middleware: `app.use(honoMetrics())` before the routes. */
export function honoMetrics(options: HonoMetricsOptions = {}): MiddlewareHandler {
  const { register, endpoint = "/metrics", ignore = USUAL_IGNORED, route = matchedRoute, ...rest } = options;
  const registry = register ?? new Registry();
  const pages = register === undefined ? [registry, processRegister] : [registry];
  const answer = fetchHandler({ registry: pageOf(() => pages), errorHandling: "throw" });
  const metrics = new HttpMetrics({ ...rest, registers: [registry] });
  const routeOf = (context: Context): string => labelOr(() => route(context), undefined) ?? UNKNOWN_ROUTE;
  return async (context, next) => {
    const { path, method } = context.req;
    if (path === endpoint && method === "GET") return answer(context.req.raw);
    if (path === endpoint || isIgnored(path, ignore)) {
      await next();
      return undefined;
    }
    const measured = measureRequest(metrics, context.req.raw, () => routeOf(context));
    try {
      await next();
    } catch (error) {
      // Hono itself answers most errors; these are of those who put a handler of their own around it.
      measured.failed(error);
      measured.unanswered();
      throw error;
    }
    if (context.error !== undefined) measured.failed(context.error);
    const given = context.res;
    const watched = await measured.answered(given);
    if (watched !== given) {
      // Else the headers of both would be joined.
      context.res = undefined;
      context.res = watched;
    }
    return undefined;
  };
}

/** The last route that matched; those for everything are middleware. */
function matchedRoute(context: Context): string | undefined {
  const last = matchedRoutes(context).at(-1)?.path;
  return last === undefined || last === "*" || last === "/*" ? undefined : last;
}
