// Middleware for Hono. Nothing in it is of Node, so that it runs wherever Hono does.
import { fetchHandler } from "@narthex/client";
import { type MiddlewareOptions, measureRequest, middlewareParts } from "@narthex/http-metrics";
import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";

/** Routes are what Hono matched, unless `route` says something else. */
export type HonoMetricsOptions = MiddlewareOptions<Context>;

/** Makes the middleware: `app.use(honoMetrics())` before the routes. */
export function honoMetrics(options: HonoMetricsOptions = {}): MiddlewareHandler {
  const { metrics, page, isPage, isMeasured, routeOf } = middlewareParts(options, matchedRoute);
  const answer = fetchHandler({ registry: page, errorHandling: "throw" });
  return async (context, next) => {
    const { path, method } = context.req;
    if (isPage(path) && method === "GET") return answer(context.req.raw);
    if (!isMeasured(path)) {
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
