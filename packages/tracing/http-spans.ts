// Spans of HTTP requests that a program answers. Source of the attributes: OpenTelemetry's semantic conventions, HTTP spans.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Span } from "./span.ts";
import { spanContextFrom } from "./span-context.ts";
import type { Tracer } from "./tracer.ts";

const FIRST_ERROR_STATUS = 500;
/** Of a `Host` header; brackets of IPv6 stay. */
const HOST_AND_PORT = /^(.*?)(?::(\d{1,5}))?$/;

/**
 * Begins the span of a request, a part of the caller's where its headers name one. It ends with the answer, or when the client leaves.
 * Until its name is set, the method alone is its name: paths that nobody serves may be anything. Undefined where it is not recorded.
 */
export function startServerSpan(tracer: Tracer, request: IncomingMessage, response: ServerResponse): Span | undefined {
  if (!tracer.isOn) return undefined;
  const { method = "GET", url = "/", headers, socket, httpVersion } = request;
  const span = tracer.start(method, { kind: "server", parent: spanContextFrom(headers) });
  if (span === undefined) return undefined;
  const mark = url.indexOf("?");
  span.set("http.request.method", method);
  span.set("url.path", mark < 0 ? url : url.slice(0, mark));
  span.set("url.scheme", "encrypted" in socket ? "https" : "http");
  span.set("network.protocol.version", httpVersion);
  const [, address, port] = HOST_AND_PORT.exec(headers.host ?? "") ?? [];
  if (address) span.set("server.address", address);
  if (port !== undefined) span.set("server.port", Number(port));
  if (socket.remoteAddress !== undefined) {
    span.set("network.peer.address", socket.remoteAddress);
    span.set("network.peer.port", socket.remotePort ?? 0);
  }
  if (headers["user-agent"] !== undefined) span.set("user_agent.original", headers["user-agent"]);
  response.once("close", () => {
    const { statusCode, writableFinished } = response;
    if (response.headersSent) span.set("http.response.status_code", statusCode);
    if (statusCode >= FIRST_ERROR_STATUS) span.error ??= "";
    else if (!writableFinished) span.set("error.type", "client disconnected");
    span.end();
  });
  return span;
}

/** Names a request's span after its route, as `/api/v1/label/:name/values`. */
export function nameServerSpan(span: Span, method: string, route: string): void {
  span.name = `${method} ${route}`;
  span.set("http.route", route);
}
