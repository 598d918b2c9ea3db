// Listeners, limits, and which part of the program answers which path.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { availableParallelism } from "node:os";
import {
  type Access,
  goDuration,
  type Logger,
  listen,
  parseListenAddress,
  portsOf,
  systemdSockets,
  tidyPath,
} from "@narthex/toolkit";
import { SILENT_TRACER, startServerSpan, type Tracer } from "@narthex/tracing";
import { Exchange } from "./exchange.ts";
import type { WebMetrics } from "./web-metrics.ts";

/** Larger bodies are refused. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** A client that is silent for so long is let go. */
const IDLE_MS = 5 * 60 * 1000;
export const USUAL_PORT = 9093;

export interface WebServerOptions {
  /** `host:port`, `:port` or `[host]:port`. */
  readonly listenAddresses: readonly string[];
  /** "" or `/prefix`. */
  readonly routePrefix: string;
  /** 0 or less: as many as there are processors, at least eight. */
  readonly getConcurrency: number;
  /** 0 or less: none. */
  readonly timeoutMs: number;
  /** Take the sockets that systemd hands over instead. */
  readonly systemdSocket: boolean;
  readonly access: Access;
  readonly logger: Logger;
  readonly metrics: WebMetrics;
  /** Traces requests; nothing is traced unless given. */
  readonly tracer?: Tracer;
}

/** One path and what answers it. */
export interface Page {
  readonly methods: readonly string[];
  readonly path: string;
  /** As metrics name it; the path unless given. */
  readonly handlerName?: string;
  readonly serve: (exchange: Exchange, rest: string) => void | Promise<void>;
  /** Everything below the path, too; `rest` is what follows it. */
  readonly takesAllBelow?: boolean;
  /** Its duration is not counted here: it counts by itself. */
  readonly isApi?: boolean;
}

export class WebServer {
  readonly #options: WebServerOptions;
  readonly #pages: Page[] = [];
  readonly #servers: Server[] = [];
  readonly #getLimit: number;
  #gets = 0;

  constructor(options: WebServerOptions) {
    this.#options = options;
    this.#getLimit = options.getConcurrency > 0 ? options.getConcurrency : Math.max(availableParallelism(), 8);
  }

  add(page: Page): void {
    this.#pages.push(page);
  }

  /** Opens every address. Rejects with one clear sentence when one cannot be had. */
  async listen(): Promise<void> {
    const { systemdSocket, listenAddresses, access, logger } = this.#options;
    const places = systemdSocket
      ? systemdSockets().map((fd) => ({ name: `descriptor ${fd}`, where: { fd } }))
      : listenAddresses.map((name) => ({ name, where: parseListenAddress(name, USUAL_PORT) }));
    for (const { name, where } of places) {
      const server = this.#makeServer();
      await listen(server, where, { name, isSecure: access.tls !== undefined, logger });
      this.#servers.push(server);
    }
  }

  get ports(): number[] {
    return portsOf(this.#servers);
  }

  async close(): Promise<void> {
    this.#options.access.close();
    await Promise.all(
      this.#servers.map((server) => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        return closed;
      }),
    );
  }

  #makeServer(): Server {
    const { access } = this.#options;
    const server = access.createServer((request, response) => void this.#dispatch(request, response));
    server.requestTimeout = IDLE_MS;
    server.keepAliveTimeout = IDLE_MS;
    return server;
  }

  /** Never rejects. */
  async #dispatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response);
    const { metrics, logger, tracer = SILENT_TRACER } = this.#options;
    exchange.span = startServerSpan(tracer, request, response);
    const isGet = exchange.method === "GET";
    if (isGet && this.#gets >= this.#getLimit) {
      metrics.limitReached();
      exchange.refuse(503, `Limit of concurrent GET requests reached (${this.#getLimit}), try again later.\n`);
      return;
    }
    if (isGet) {
      this.#gets++;
      metrics.beginGet();
      response.once("close", () => {
        this.#gets--;
        metrics.endGet();
      });
    }
    const timer = this.#startTimeout(exchange);
    try {
      if (await this.#readBody(exchange)) await this.#route(exchange);
    } catch (error) {
      logger.error("panic while serving request", { err: error as Error, url: request.url ?? "" });
      exchange.span?.fail(error);
      if (response.headersSent) response.destroy();
      else exchange.refuse(500, "internal server error");
    }
    clearTimeout(timer);
  }

  #startTimeout(exchange: Exchange): NodeJS.Timeout | undefined {
    const { timeoutMs } = this.#options;
    if (timeoutMs <= 0) return undefined;
    return setTimeout(() => {
      if (exchange.response.headersSent) exchange.response.destroy();
      else exchange.text(503, `Exceeded configured timeout of ${goDuration(timeoutMs)}.\n`);
    }, timeoutMs).unref();
  }

  /** False when the body was refused, or nobody waits for an answer any more. */
  async #readBody(exchange: Exchange): Promise<boolean> {
    const { request } = exchange;
    if (["GET", "HEAD"].includes(exchange.method)) return true;
    const parts: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const part of request as AsyncIterable<Buffer>) {
        bytes += part.length;
        if (bytes > MAX_BODY_BYTES) {
          exchange.setHeader("Connection", "close");
          exchange.refuse(413, "request body too large");
          return false;
        }
        parts.push(part);
      }
    } catch {
      return false;
    }
    exchange.body = Buffer.concat(parts).toString("utf8");
    return !exchange.response.destroyed;
  }

  async #route(exchange: Exchange): Promise<void> {
    const { routePrefix, metrics } = this.#options;
    const { path } = exchange;
    const tidy = tidyPath(path);
    const query = exchange.request.url?.slice(path.length) ?? "";
    if (tidy !== path) {
      exchange.redirect(301, tidy + query, "Moved Permanently");
      return;
    }
    if (routePrefix !== "" && path === "/") {
      exchange.redirect(302, routePrefix, "Found");
      return;
    }
    if (!path.startsWith(routePrefix)) {
      exchange.refuse(404, "404 page not found");
      return;
    }
    const local = path.slice(routePrefix.length) || "/";
    const fitting = this.#pages.filter((page) => fits(page, local));
    const page = fitting.find(({ methods }) => methods.includes(exchange.method) || methods.includes("*"));
    if (page !== undefined) {
      const started = performance.now();
      exchange.nameSpan(page.handlerName ?? page.path);
      await page.serve(exchange, local.slice(page.path.length));
      if (page.isApi === true) return;
      const size = Number(exchange.response.getHeader("content-length") ?? 0);
      const seconds = (performance.now() - started) / 1000;
      metrics.answered(page.handlerName ?? page.path, exchange.method, exchange.response.statusCode, seconds, size);
      return;
    }
    if (fitting.length === 0) {
      if (local === "/api/v2") exchange.redirect(301, `${path}/${query}`, "Moved Permanently");
      else exchange.refuse(404, "404 page not found");
      return;
    }
    const allowed = [...new Set([...fitting.flatMap(({ methods }) => methods), "OPTIONS"])].sort().join(", ");
    exchange.setHeader("Allow", allowed);
    if (exchange.method === "OPTIONS") exchange.empty(200);
    else exchange.refuse(405, "Method Not Allowed");
  }
}

function fits({ path, takesAllBelow }: Page, local: string): boolean {
  return takesAllBelow === true ? local.startsWith(path) : local === path;
}
