// Middleware for Koa.
import { register as processRegister, Registry } from "@narthex/client";
import { streamHandler } from "@narthex/client/node";
import {
  HttpMetrics,
  type HttpMetricsOptions,
  isIgnored,
  labelOr,
  pageOf,
  pathOf,
  UNKNOWN_ROUTE,
  USUAL_IGNORED,
} from "@narthex/http-metrics";
import { measureResponse } from "@narthex/http-metrics/node";
import type { Context, Middleware } from "koa";

export interface KoaMetricsOptions extends Partial<Omit<HttpMetricsOptions, "registers">> {
  /** Where the metrics go. Standard: a registry of the middleware's own, shown together with the process's. */
  readonly register?: Registry;
  /** Where the page is; null for none. Standard: `/metrics`. */
  readonly endpoint?: string | null;
  /** Paths that are not measured. Standard: the usual ones of scrapes and health checks. */
  readonly ignore?: readonly (string | RegExp)[];
  /** The route's template. Standard: what `@koa/router` matched. */
  readonly route?: (context: Context) => string | undefined;
}

/** Makes the middleware. To be used first. */
export function koaMetrics(options: KoaMetricsOptions = {}): Middleware {
  const { register, endpoint = "/metrics", ignore = USUAL_IGNORED, route = matchedRoute, ...rest } = options;
  const registry = register ?? new Registry();
  const pages = register === undefined ? [registry, processRegister] : [registry];
  const answer = streamHandler({ registry: pageOf(() => pages), errorHandling: "throw" });
  const metrics = new HttpMetrics({ ...rest, registers: [registry] });
  const routeOf = (context: Context): string => labelOr(() => route(context), undefined) ?? UNKNOWN_ROUTE;
  return async (context, next) => {
    const path = pathOf(context.req.url);
    if (path === endpoint && context.method === "GET") {
      const { status, headers, body } = await answer(context.req);
      context.status = status;
      context.set(headers);
      context.body = body;
      return;
    }
    if (path === endpoint || isIgnored(path, ignore)) {
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
