// Listeners, limits, and which part of the program answers which path.
import http, { type IncomingMessage, type Server, type ServerResponse } from "node:http";
import https from "node:https";
import { availableParallelism } from "node:os";
import { goDuration, type Logger } from "@narthex/toolkit";
import type { Access } from "./access.ts";
import { Exchange } from "./exchange.ts";
import type { WebMetrics } from "./web-metrics.ts";

/** Larger bodies are refused. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** A client that is silent for so long is let go. */
const IDLE_MS = 5 * 60 * 1000;

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
    if (this.#options.systemdSocket) {
      await this.#listenOnDescriptors();
      return;
    }
    for (const address of this.#options.listenAddresses) {
      const { host, port } = parseAddress(address);
      await this.#open({ port, ...(host === "" ? {} : { host }) }, address);
    }
  }

  get ports(): number[] {
    return this.#servers.map((server) => (server.address() as { port: number }).port);
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#servers.map((server) => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        return closed;
      }),
    );
  }

  /** Source: `sd_listen_fds(3)`: descriptors from 3 on, as many as the variable says. */
  async #listenOnDescriptors(): Promise<void> {
    const count = process.env["LISTEN_PID"] === String(process.pid) ? Number(process.env["LISTEN_FDS"] ?? 0) : 0;
    if (!(count >= 1)) throw new Error("no socket activation file descriptors found");
    for (let fd = 3; fd < 3 + count; fd++) await this.#open({ fd }, `descriptor ${fd}`);
  }

  async #open(where: { port?: number; host?: string; fd?: number }, address: string): Promise<void> {
    const server = this.#makeServer();
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(where, () => {
          server.off("error", reject);
          resolve();
        });
      });
    } catch (error) {
      throw new Error(listenFailure(address, error as NodeJS.ErrnoException), { cause: error });
    }
    this.#servers.push(server);
    const bound = server.address();
    const shown =
      typeof bound === "object" && bound !== null
        ? `${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`
        : address;
    const isSecure = this.#options.access.tls !== undefined;
    this.#options.logger.info("Listening on", { address: shown });
    this.#options.logger.info(isSecure ? "TLS is enabled." : "TLS is disabled.", { http2: false, address: shown });
  }

  #makeServer(): Server {
    const { access } = this.#options;
    const { tls } = access;
    const listener: http.RequestListener = (request, response) =>
      access.admit(request, response, () => void this.#dispatch(request, response));
    const server =
      tls === undefined
        ? http.createServer(listener)
        : https.createServer(
            { ...tls.context, requestCert: tls.requestCert, rejectUnauthorized: tls.rejectUnauthorized },
            listener,
          );
    server.requestTimeout = IDLE_MS;
    server.keepAliveTimeout = IDLE_MS;
    if (server instanceof https.Server) access.guard(server);
    return server;
  }

  /** Never rejects. */
  async #dispatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response);
    const { metrics, logger } = this.#options;
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

/** A path without doubled slashes and without `.` and `..`. */
function tidyPath(path: string): string {
  if (!/\/\/|\/\./.test(path)) return path;
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return `/${kept.join("/")}${/\/\.{0,2}$/.test(path) && kept.length > 0 ? "/" : ""}`;
}

/** Splits `host:port`; an empty host means every interface. Throws for what is no address. */
export function parseAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  const text = address.slice(colon + 1);
  const port = Number(text);
  if (colon < 0 || text === "" || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`invalid listen address ${JSON.stringify(address)}: expected host:port, for instance 0.0.0.0:9093`);
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port };
}

function listenFailure(address: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "EADDRINUSE":
      return `listen tcp ${address}: bind: address already in use (another process has this port; choose one with --web.listen-address)`;
    case "EACCES":
      return `listen tcp ${address}: bind: permission denied (ports below 1024 need special rights; choose one with --web.listen-address)`;
    default:
      return `listen tcp ${address}: ${error.message}`;
  }
}
