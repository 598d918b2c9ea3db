// The HTTP server: listeners, routes, and what holds for every answer (CORS, readiness, metrics, unknown paths).
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Regex } from "@narthex/model";
import { type Access, type Logger, listen, parseListenAddress, portsOf, tidyPath } from "@narthex/toolkit";
import { nameServerSpan, SILENT_TRACER, type Span, startServerSpan, type Tracer } from "@narthex/tracing";
import { ApiError } from "../api/api-error.ts";
import { ByteBudget } from "../care/byte-budget.ts";
import { Call, isForm } from "./call.ts";
import { ConnectionGate } from "./connection-gate.ts";
import { BodyMemoryError, BodyTooLargeError, RETRY_AFTER_SECONDS, readBody } from "./request-body.ts";
import { Router } from "./router.ts";
import type { WebMetrics } from "./web-metrics.ts";

/** Request bodies larger than this are refused with 413. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** The same for forms, whose decoding holds the main thread: some 10 ms for so much. */
const MAX_FORM_BYTES = 4 * 1024 * 1024;
/** All request bodies together, and what they are unpacked to, may take so much memory: beyond it, more is refused with 503. */
const ALL_BODIES_BYTES = 512 * 1024 * 1024;
const USUAL_PORT = 9090;

export type Handler = (call: Call) => void | Promise<void>;

export interface Route {
  readonly methods: readonly string[];
  /** Below the route prefix; see `Router` for `:name` and a trailing `*`. */
  readonly path: string;
  readonly handler: Handler;
  /** Answered only once the storage is open; before, and while stopping, with 503. */
  readonly needsReady: boolean;
  /** Whether pages of other origins may read the answer, as far as `--web.cors.origin` lets them. */
  readonly isShared: boolean;
}

export interface WebServerOptions {
  /** As `host:port`, `:port` or `[host]:port`. */
  readonly listenAddresses: readonly string[];
  /** "" or `/prefix`. */
  readonly routePrefix: string;
  readonly corsOrigin: Regex;
  readonly readTimeoutMs: number;
  readonly maxConnections: number;
  /** Guards every request and connection. */
  readonly access: Access;
  readonly logger: Logger;
  readonly metrics: WebMetrics;
  /** Traces requests; nothing is traced unless given. */
  readonly tracer?: Tracer;
  /** Standard: `ALL_BODIES_BYTES`. */
  readonly allBodiesBytes?: number;
}

export type Readiness = "starting" | "ready" | "stopping";

export class WebServer {
  readonly #options: WebServerOptions;
  readonly #servers: Server[] = [];
  readonly #routes: Route[] = [];
  readonly #gate: ConnectionGate;
  readonly #bodies: ByteBudget;
  readiness: Readiness = "starting";

  constructor(options: WebServerOptions) {
    this.#options = options;
    this.#bodies = new ByteBudget(options.allBodiesBytes ?? ALL_BODIES_BYTES);
    this.#gate = new ConnectionGate(options.maxConnections);
    options.metrics.countConnections(this.#gate.counts);
  }

  route(
    path: string,
    methods: readonly string[],
    handler: Handler,
    {
      needsReady = true,
      isShared = path.startsWith("/api/"),
    }: { readonly needsReady?: boolean; readonly isShared?: boolean } = {},
  ): void {
    this.#routes.push({ path, methods, handler, needsReady, isShared });
    this.#options.metrics.register(handlerName(path));
  }

  /** Opens every listen address. Rejects with one clear sentence when one cannot be had. */
  async listen(): Promise<void> {
    const router = new Router<readonly Route[]>();
    for (const [path, routes] of groupByPath(this.#routes)) router.add(`${this.#options.routePrefix}${path}`, routes);
    for (const name of this.#options.listenAddresses) {
      const server = this.#makeServer(router);
      const { isSecure } = this;
      await listen(server, parseListenAddress(name, USUAL_PORT), { name, isSecure, logger: this.#options.logger });
      this.#servers.push(server);
    }
  }

  /** Ports that are open, in the order of the addresses. */
  get ports(): number[] {
    return portsOf(this.#servers);
  }

  /** Whether the listeners speak TLS. */
  get isSecure(): boolean {
    return this.#options.access.tls !== undefined;
  }

  async close(): Promise<void> {
    this.#gate.close();
    this.#options.access.close();
    await Promise.all(
      this.#servers.map((server) => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        return closed;
      }),
    );
  }

  #makeServer(router: Router<readonly Route[]>): Server {
    const { access, readTimeoutMs } = this.#options;
    const server = access.createServer((request, response) => void this.#dispatch(router, request, response));
    server.requestTimeout = readTimeoutMs;
    server.keepAliveTimeout = readTimeoutMs;
    // The gate stands in front of everything: what waits there has not even begun a handshake.
    this.#gate.guard(server);
    return server;
  }

  /** Never rejects. */
  async #dispatch(router: Router<readonly Route[]>, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const span = startServerSpan(this.#options.tracer ?? SILENT_TRACER, request, response);
    const url = request.url ?? "";
    const mark = url.indexOf("?");
    const path = mark < 0 ? url : url.slice(0, mark);
    const bare = (): Call => new Call(request, response, {}, Buffer.alloc(0));
    let found: ReturnType<typeof router.find>;
    try {
      found = router.find(path);
    } catch {
      this.#refuseEncoding(bare(), path);
      return;
    }
    if (found === undefined) {
      this.#notFound(bare());
      return;
    }
    const memory = this.#bodies.lease();
    try {
      const reading = readBody(request, isForm(request) ? MAX_FORM_BYTES : MAX_BODY_BYTES, memory);
      const body = Buffer.isBuffer(reading) ? reading : await reading;
      await this.#serve(new Call(request, response, found.params, body, memory), found.value, span);
    } catch (error) {
      const isMemory = error instanceof BodyMemoryError;
      if (response.headersSent || !(isMemory || error instanceof BodyTooLargeError)) {
        response.destroy();
        return;
      }
      // What is left of the body is not read, so the connection cannot serve another request.
      response.setHeader("Connection", "close");
      if (isMemory) response.setHeader("Retry-After", RETRY_AFTER_SECONDS);
      bare().refuse(isMemory ? 503 : 413, error.message);
    } finally {
      memory.release();
    }
  }

  /** Percent-encoded bytes that are no UTF-8 name nothing; in a label's name they are the name's fault. */
  #refuseEncoding(call: Call, path: string): void {
    const label = /\/api\/v1\/label\/([^/]*)\/values$/.exec(path)?.[1];
    if (label === undefined) {
      this.#notFound(call);
      return;
    }
    this.#allowOrigin(call);
    const shown = label.replace(/%([0-9A-F]{2})/gi, (_, hex: string) => `\\x${hex.toLowerCase()}`);
    call.fail(new ApiError("bad_data", `invalid label name: "${shown}"`));
  }

  async #serve(call: Call, routes: readonly Route[], span: Span | undefined): Promise<void> {
    const { logger, metrics, routePrefix } = this.#options;
    const method = call.request.method ?? "GET";
    const route = routes.find(({ methods }) => methods.includes(method));
    const { path } = route ?? (routes[0] as Route);
    const name = handlerName(path);
    const finish = metrics.start(name, call.response);
    call.span = span;
    if (span !== undefined) nameServerSpan(span, method, `${routePrefix}${name}`);
    try {
      if (isUntidy(call.request.url ?? "")) {
        this.#notFound(call);
      } else if (method === "OPTIONS" && path.startsWith("/api/")) {
        this.#allowOrigin(call);
        call.noContent();
      } else if (route === undefined && routes.every(({ path }) => path.endsWith("*"))) {
        this.#notFound(call);
      } else if (route === undefined) {
        const allowed = [...new Set(["OPTIONS", ...routes.flatMap(({ methods }) => methods)])].sort().join(", ");
        call.response.setHeader("Allow", allowed);
        if (method === "OPTIONS") call.bare(200);
        else call.refuse(405, "Method Not Allowed");
      } else if (route.needsReady && this.readiness !== "ready") {
        this.#unavailable(call);
      } else {
        if (route.isShared) this.#allowOrigin(call);
        await route.handler(call);
      }
    } catch (error) {
      logger.error("panic while serving request", { err: error as Error, url: call.request.url ?? "" });
      span?.fail(error);
      if (call.response.headersSent) call.response.destroy();
      else call.refuse(500, "internal server error");
    }
    finish();
  }

  #unavailable(call: Call): void {
    call.response.setHeader("X-Prometheus-Stopping", String(this.readiness === "stopping"));
    call.text(503, "Service Unavailable");
  }

  #allowOrigin({ request, response }: Call): void {
    response.setHeader("Vary", "Origin");
    const { origin } = request.headers;
    if (origin === undefined || !this.#options.corsOrigin.matches(origin)) return;
    response.setHeader("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin");
    response.setHeader("Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    response.setHeader("Access-Control-Expose-Headers", "Date");
    response.setHeader("Access-Control-Allow-Origin", origin);
  }

  /**
   * Untidy paths are sent on to the tidy one, and the bare root to the route prefix, as the reference's routers do; all
   * others are unknown.
   */
  #notFound(call: Call): void {
    const [path = "", query] = (call.request.url ?? "").split("?");
    if (path === "/") {
      call.response.setHeader("Location", this.#options.routePrefix);
      call.send(302, "text/html; charset=utf-8", `<a href="${this.#options.routePrefix}">Found</a>.\n\n`);
      return;
    }
    const tidy = tidyPath(path);
    if (tidy !== path) {
      this.#moved(call, query === undefined ? tidy : `${tidy}?${query}`);
      return;
    }
    const api = `${this.#options.routePrefix}/api/v1`;
    if (path === api) {
      this.#moved(call, `${api}/`);
      return;
    }
    // A slash too many or too few: as the reference's router, to the path that is there.
    const other = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
    if (!path.startsWith(`${api}/`) && this.#routes.some((route) => this.#options.routePrefix + route.path === other)) {
      this.#moved(call, query === undefined ? other : `${other}?${query}`);
      return;
    }
    const untrailed = path.slice(this.#options.routePrefix.length, -1);
    // The reference's API router does not know the path it is mounted on, which shows here.
    if (path.endsWith("/") && path.startsWith(`${api}/`) && this.#routes.some((route) => route.path === untrailed)) {
      this.#moved(call, untrailed.slice("/api/v1".length));
      return;
    }
    call.refuse(404, "404 page not found");
  }

  #moved(call: Call, location: string): void {
    call.response.setHeader("Location", location);
    const shown = location.replaceAll("&", "&amp;").replaceAll('"', "&#34;").replaceAll("<", "&lt;");
    call.send(301, "text/html; charset=utf-8", `<a href="${shown}">Moved Permanently</a>.\n\n`);
  }
}

/** The route as the reference's metrics name it. */
function handlerName(path: string): string {
  if (path.startsWith("/assets/")) return "/assets/*filepath";
  return path === "/api/v1/*" ? "/api/v1/*path" : path.replace(/\*$/, "*filepath");
}

function isUntidy(url: string): boolean {
  return url.includes("//") || url.includes("/.") ? tidyPath(url.split("?")[0] ?? "") !== url.split("?")[0] : false;
}

function groupByPath(routes: readonly Route[]): Map<string, Route[]> {
  const groups = new Map<string, Route[]>();
  for (const route of routes) {
    const group = groups.get(route.path);
    if (group === undefined) groups.set(route.path, [route]);
    else group.push(route);
  }
  return groups;
}
