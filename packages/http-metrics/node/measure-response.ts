// Measuring requests of node:http, for frameworks that stand on it.
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { declaredBytes, type HttpMetrics, type OpenRequest } from "../http-metrics.ts";
import { isIgnored, pathOf, USUAL_IGNORED } from "../ignored-paths.ts";
import { labelOr, STATUS_ABORTED, UNKNOWN_ROUTE } from "../request-labels.ts";

/** What is known of a request only at its end. */
export interface RequestEnd {
  readonly route: string;
  readonly status?: number | string;
  /** The status of an answer that was broken off; 499 unless given. */
  readonly brokenOffStatus?: number | undefined;
  readonly extra?: readonly string[];
  /** True leaves the request out. */
  readonly isIgnored?: boolean;
}

const UNDESCRIBED: RequestEnd = { route: UNKNOWN_ROUTE };

/** What requests are told to: `HttpMetrics`, or several of them at once. */
export interface RequestMeter {
  begin(): OpenRequest;
}

/**
 * Measures one request from now to the end of its answer: sent, or broken off, which counts as status 499. `describe` is asked then,
 * when routing is over; what it throws goes nowhere, as nobody stands above it who could answer, and the request counts as one of an
 * unknown route.
 */
export function measureResponse(
  meter: RequestMeter,
  request: IncomingMessage,
  response: ServerResponse,
  describe: () => RequestEnd,
): void {
  const open = meter.begin();
  const requestBytes = declaredBytes(request.headers["content-length"]);
  const finish = (isSent: boolean): void => {
    response.off("finish", sent).off("close", brokenOff);
    const { route, status, brokenOffStatus = STATUS_ABORTED, extra, isIgnored } = labelOr(describe, UNDESCRIBED);
    if (isIgnored === true) {
      open.cancel();
      return;
    }
    open.end({
      method: request.method,
      route,
      status: isSent ? (status ?? response.statusCode) : brokenOffStatus,
      ...(extra === undefined ? {} : { extra }),
      requestBytes,
      traceparent: textOf(request.headers["traceparent"]),
      responseBytes: declaredBytes(response.getHeader("content-length")),
    });
  };
  const sent = (): void => finish(true);
  const brokenOff = (): void => finish(false);
  // The answer's end, not the request's: a request whose body was read closes long before, and then tells of no client that goes.
  response.once("finish", sent).once("close", brokenOff);
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
