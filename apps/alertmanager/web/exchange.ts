// One HTTP request and its answer.
import type { IncomingMessage, ServerResponse } from "node:http";
import { nameServerSpan, type Span } from "@narthex/tracing";

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** As it was sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The whole body as text; "" until it was read. */
  body = "";
  /** Of the request, where it is traced. */
  span: Span | undefined;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
    this.method = request.method ?? "GET";
    const url = request.url ?? "/";
    const mark = url.indexOf("?");
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
  }

  /** Names the request's span after what answers it, below the route prefix. */
  nameSpan(route: string): void {
    if (this.span !== undefined) nameServerSpan(this.span, this.method, route);
  }

  /** A header of the request; "" for none. */
  header(name: string): string {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(", ") : (value ?? "");
  }

  setHeader(name: string, value: string): void {
    this.response.setHeader(name, value);
  }

  send(status: number, contentType: string, body: string | Uint8Array): void {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    this.response.statusCode = status;
    this.response.setHeader("Content-Type", contentType);
    this.response.setHeader("Content-Length", bytes.length);
    if (this.method === "HEAD") this.response.end();
    else this.response.end(bytes);
  }

  /** A body that is JSON already. */
  json(status: number, body: string): void {
    this.send(status, "application/json", body);
  }

  text(status: number, body: string): void {
    this.send(status, "text/plain; charset=utf-8", body);
  }

  /** A refusal in plain text, as Go's own handlers write it. */
  refuse(status: number, message: string): void {
    this.response.setHeader("X-Content-Type-Options", "nosniff");
    this.text(status, `${message}\n`);
  }

  empty(status: number): void {
    this.response.statusCode = status;
    if (status !== 204) this.response.setHeader("Content-Length", 0);
    this.response.end();
  }

  redirect(status: number, location: string, word: string): void {
    this.response.setHeader("Location", location);
    const shown = location.replaceAll("&", "&amp;").replaceAll('"', "&#34;").replaceAll("<", "&lt;");
    this.send(status, "text/html; charset=utf-8", `<a href="${shown}">${word}</a>.\n\n`);
  }
}
