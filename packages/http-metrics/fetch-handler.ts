// For servers that take a Request and give a Response: Bun, Deno, Workers, Next.js.
import { fetchHandler, type Registry } from "@narthex/client";
import { pageOf } from "./exposition.ts";
import { measureRequest } from "./fetch-request.ts";
import type { HttpMetrics } from "./http-metrics.ts";
import { isIgnored, pathOf, USUAL_IGNORED } from "./ignored-paths.ts";
import { labelOr, UNKNOWN_ROUTE } from "./request-labels.ts";

export type FetchHandler<Rest extends readonly unknown[] = readonly unknown[]> = (
  request: Request,
  ...rest: Rest
) => Response | Promise<Response>;

export interface FetchOptions {
  /** The route's template; unknown unless given. Never the path itself. */
  readonly route?: string | ((request: Request, response: Response | undefined) => string | undefined);
  readonly ignore?: readonly (string | RegExp)[];
}

/**
 * The handler with its requests measured, to the ends of their answers' bodies (see `measureRequest`). What it throws is counted as 500
 * and passed on.
 */
export function measureFetch<Rest extends readonly unknown[]>(
  metrics: HttpMetrics,
  handler: FetchHandler<Rest>,
  { route, ignore = USUAL_IGNORED }: FetchOptions = {},
): FetchHandler<Rest> {
  return async (request, ...rest) => {
    if (isIgnored(pathOf(request.url), ignore)) return handler(request, ...rest);
    const measured = measureRequest(
      metrics,
      request,
      (response) =>
        labelOr(() => (typeof route === "function" ? route(request, response) : route), undefined) ?? UNKNOWN_ROUTE,
    );
    try {
      return await measured.answered(await handler(request, ...rest));
    } catch (error) {
      measured.failed(error);
      measured.unanswered();
      throw error;
    }
  };
}

/** Answers a scraper in the format that it asks for; 500 with the reason when a collector fails. */
export async function metricsResponse(registries: readonly Registry[], request: Request): Promise<Response> {
  return fetchHandler({ registry: pageOf(() => registries) })(request);
}
