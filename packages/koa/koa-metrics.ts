// Middleware for Koa.
import { streamHandler } from "@narthex/client/node";
import { type MiddlewareOptions, middlewareParts, pathOf } from "@narthex/http-metrics";
import { measureResponse } from "@narthex/http-metrics/node";
import type { Context, Middleware } from "koa";

/** Routes are what `@koa/router` matched, unless `route` says something else. */
export type KoaMetricsOptions = MiddlewareOptions<Context>;

/** Makes the middleware. To be used first. */
export function koaMetrics(options: KoaMetricsOptions = {}): Middleware {
  const { metrics, page, isPage, isMeasured, routeOf } = middlewareParts(options, matchedRoute);
  const answer = streamHandler({ registry: page, errorHandling: "throw" });
  return async (context, next) => {
    const path = pathOf(context.req.url);
    if (isPage(path) && context.method === "GET") {
      const { status, headers, body } = await answer(context.req);
      context.status = status;
      context.set(headers);
      context.body = body;
      return;
    }
    if (!isMeasured(path)) {
      await next();
      return;
    }
    measureResponse(metrics, context.req, context.res, () => ({ route: routeOf(context) }));
    try {
      await next();
    } catch (error) {
      metrics.fail(context.method, routeOf(context), error);
      throw error;
    }
  };
}

/** `@koa/router` leaves it here. */
function matchedRoute(context: Context): string | undefined {
  const { _matchedRoute: route } = context as Context & { _matchedRoute?: string | RegExp };
  return route === undefined ? undefined : String(route);
}
