// Measuring requests of node:http, for frameworks that stand on it.
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { declaredBytes, type HttpMetrics } from "../http-metrics.ts";
import { isIgnored, pathOf, USUAL_IGNORED } from "../ignored-paths.ts";
import { STATUS_ABORTED, UNKNOWN_ROUTE } from "../request-labels.ts";

/** What is known of a request only at its end. */
export interface RequestEnd {
  readonly route: string;
  readonly status?: number | string;
  readonly extra?: readonly string[];
  /** True leaves the request out. */
  readonly isIgnored?: boolean;
}

/**
 * Measures one request from now to the end of its answer: sent, or broken off, which counts as status 499. `describe` is asked then,
 * when routing is over.
 */
export function measureResponse(
  metrics: HttpMetrics,
  request: IncomingMessage,
  response: ServerResponse,
  describe: () => RequestEnd,
): void {
  const open = metrics.begin();
  const requestBytes = declaredBytes(request.headers["content-length"]);
  response.once("close", () => {
    const { route, status, extra, isIgnored } = describe();
    if (isIgnored === true) {
      open.cancel();
      return;
    }
    open.end({
      method: request.method,
      route,
      status: response.writableFinished ? (status ?? response.statusCode) : STATUS_ABORTED,
      ...(extra === undefined ? {} : { extra }),
      requestBytes,
      traceparent: textOf(request.headers["traceparent"]),
      responseBytes: declaredBytes(response.getHeader("content-length")),
    });
  });
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}

export interface ListenerOptions {
  /** The route's template; unknown unless given. Never the path itself. */
  readonly route?: (request: IncomingMessage) => string | undefined;
  readonly ignore?: readonly (string | RegExp)[];
}

/** A listener of node:http with its requests measured. */
export function measureListener(
  metrics: HttpMetrics,
  listener: RequestListener,
  { route, ignore = USUAL_IGNORED }: ListenerOptions = {},
): RequestListener {
  return (request, response) => {
    if (!isIgnored(pathOf(request.url), ignore))
      measureResponse(metrics, request, response, () => ({ route: route?.(request) ?? UNKNOWN_ROUTE }));
    listener(request, response);
  };
}
