// The gateway: its parts put together, and its routes.
import type { IncomingMessage, ServerResponse } from "node:http";
import { getHeapStatistics } from "node:v8";
import { negotiateFormat } from "@narthex/client";
import { Access, type Logger } from "@narthex/toolkit";
import { metricsJson, textJson, timeText } from "./api/metrics-json.ts";
import { BUILD_INFO } from "./build-info.ts";
import type { GatewayCommand } from "./flags/flags.ts";
import { OwnMetrics } from "./own-metrics.ts";
import { metricsPage, type PageContext, statusPage } from "./page/page.ts";
import { SCRIPT } from "./page/script.ts";
import { STYLE } from "./page/style.ts";
import { Persister } from "./persistence/persister.ts";
import { BodyReader } from "./push/intake.ts";
import { MetricStore, type WriteRequest, type WriteVerdict } from "./store/metric-store.ts";
import { PushRules } from "./store/push-rules.ts";
import { WriteQueue } from "./store/write-queue.ts";
import { Exchange } from "./web/answer.ts";
import { Listeners } from "./web/listeners.ts";
import { listed, PushHandlers } from "./web/push-handlers.ts";
import { dispatch, type Handler, type PushHandler, type RouteTable } from "./web/routes.ts";
import { pageFamilies, writePage } from "./web/scrape-page.ts";

/** Unfinished pushes may take a quarter of what the process may use. */
const PENDING_SHARE = 0.25;
/** How late an outlived group may go. */
const MAX_EXPIRY_DELAY_MS = 60_000;
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const API_HEADERS: Readonly<Record<string, string>> = {
  "Access-Control-Allow-Headers": "Accept, Authorization, Content-Type, Origin",
  "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
  "Access-Control-Allow-Origin": "*",
  "Access-Control-Expose-Headers": "Date",
  "Cache-Control": "no-cache, no-store, must-revalidate",
};

export class Gateway {
  readonly #command: GatewayCommand;
  readonly #logger: Logger;
  readonly #metrics: OwnMetrics;
  readonly #store: MetricStore;
  readonly #queue: WriteQueue<WriteRequest, WriteVerdict>;
  readonly #persister: Persister | undefined;
  readonly #listeners: Listeners;
  readonly #handlers: PushHandlers;
  readonly #startedMs = Date.now();
  #expiry: NodeJS.Timeout | undefined;
  #expiresAtMs = Number.POSITIVE_INFINITY;
  #quit: () => void = () => {};
  #isStopping = false;

  /** Reads what the flags name. Rejects with a `WebConfigError` or a `PushRulesError` for files that cannot be used. */
  static async create(command: GatewayCommand, logger: Logger): Promise<Gateway> {
    const { flags } = command;
    const access = new Access(flags.webConfigFile, logger);
    const rules =
      flags.rulesFile === "" ? PushRules.none(flags.groupTtlMs) : PushRules.load(flags.rulesFile, flags.groupTtlMs);
    const metrics = new OwnMetrics();
    const store = new MetricStore({
      own: await metrics.names(),
      checks: !flags.disableCheck,
      maxBytes: flags.maxStoreBytes,
      rules,
      logger,
    });
    return new Gateway(command, logger, access, metrics, store);
  }

  private constructor(
    command: GatewayCommand,
    logger: Logger,
    access: Access,
    metrics: OwnMetrics,
    store: MetricStore,
  ) {
    const { flags } = command;
    this.#command = command;
    this.#logger = logger;
    this.#metrics = metrics;
    this.#store = store;
    this.#queue = new WriteQueue((request) => this.#write(request));
    this.#listeners = new Listeners(access, logger);
    const scheme = flags.enableUtf8Names ? "utf8" : "legacy";
    const maxPendingBytes = getHeapStatistics().heap_size_limit * PENDING_SHARE;
    this.#handlers = new PushHandlers({
      bodies: new BodyReader({ maxBodyBytes: flags.maxBodyBytes, maxPendingBytes }, scheme),
      submit: (request) => this.#queue.submit(request),
      keyRules: { scheme, unescapes: flags.enableUtf8Names },
      checks: !flags.disableCheck,
      allowsTtl: flags.enableTtl,
      metrics,
      logger,
      now: Date.now,
    });
    if (flags.persistenceFile !== "") {
      this.#persister = new Persister({
        file: flags.persistenceFile,
        intervalMs: flags.persistenceIntervalMs,
        store,
        logger,
      });
    }
  }

  /** Loads what was persisted and opens the listeners. */
  async start(): Promise<void> {
    this.#persister?.load();
    this.#planExpiry();
    const table = this.#routes();
    const { systemdSocket, listenAddresses } = this.#command.flags;
    const where = systemdSocket ? ({ systemd: true } as const) : { addresses: listenAddresses };
    await this.#listeners.open(where, (request, response) => void this.#serve(table, request, response));
  }

  get ports(): number[] {
    return this.#listeners.ports;
  }

  /** Resolves when somebody asks for the end over HTTP. */
  untilQuit(): Promise<void> {
    return new Promise((resolve) => {
      this.#quit = resolve;
    });
  }

  /** Answers what is under way, writes what is queued, and keeps it in the file. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#listeners.close();
    await this.#queue.idle();
    clearTimeout(this.#expiry);
    this.#metrics.close();
    await this.#persister?.close();
  }

  #write(request: WriteRequest): WriteVerdict {
    const verdict = this.#store.write(request);
    this.#persister?.changed();
    this.#planExpiry();
    return verdict;
  }

  #planExpiry(): void {
    const atMs = this.#store.earliestExpiryMs;
    if (atMs >= this.#expiresAtMs) return;
    clearTimeout(this.#expiry);
    this.#expiresAtMs = atMs;
    const delayMs = Math.min(MAX_EXPIRY_DELAY_MS, Math.max(1, atMs - Date.now()));
    this.#expiry = setTimeout(() => {
      this.#expiresAtMs = Number.POSITIVE_INFINITY;
      // A full queue has its own urgent business; the next look comes soon.
      this.#queue.submit({ kind: "expire", nowMs: Date.now() }).catch(() => this.#planExpiry());
    }, delayMs).unref();
  }

  async #serve(table: RouteTable, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response);
    if (this.#isStopping) response.setHeader("Connection", "close");
    try {
      await dispatch(table, exchange);
    } catch (error) {
      this.#logger.error("panic while serving request", { err: error as Error, url: request.url ?? "" });
      if (response.headersSent) response.destroy();
      else exchange.refuse(500, "internal server error");
    }
  }

  #routes(): RouteTable {
    const { flags, routePrefix: prefix } = this.#command;
    const fixed = new Map<string, Map<string, Handler>>();
    const add = (path: string, methods: readonly string[], handler: Handler): void => {
      const byMethod = fixed.get(path) ?? new Map<string, Handler>();
      for (const method of methods) byMethod.set(method, handler);
      fixed.set(path, byMethod);
    };
    const counted =
      (name: string, handler: Handler): Handler =>
      async (exchange) => {
        await handler(exchange);
        this.#metrics.countRequest(name, exchange.response.statusCode, exchange.method);
      };
    add(
      "/-/healthy",
      ["GET"],
      counted("healthy", (exchange) => this.#health(exchange)),
    );
    add(
      "/-/ready",
      ["GET"],
      counted("ready", (exchange) => this.#health(exchange)),
    );
    add(`/${flags.telemetryPath.replace(/^\/+|\/+$/g, "")}`, ["GET"], (exchange) => this.#scrape(exchange));
    add(
      "/",
      ["GET"],
      counted("status", (exchange) => this.#page(exchange, "metrics")),
    );
    add(
      "/status",
      ["GET"],
      counted("status", (exchange) => this.#page(exchange, "status")),
    );
    add("/-/quit", ["PUT", "POST"], (exchange) => this.#quitRequest(exchange));
    add("/-/quit", ["GET"], (exchange) => exchange.text(405, "Only POST or PUT requests allowed."));
    const asset = (contentType: string, text: string): Handler =>
      counted("static", (exchange) => {
        exchange.response.setHeader("Cache-Control", "no-cache");
        exchange.send(200, contentType, text);
      });
    const api = new Map<string, Map<string, Handler>>([
      ["/status", new Map([["GET", counted("api/v1/status", (exchange) => this.#apiStatus(exchange))]])],
      ["/metrics", new Map([["GET", counted("api/v1/metrics", (exchange) => this.#apiMetrics(exchange))]])],
    ]);
    if (flags.enableAdminApi)
      api.set("/admin/wipe", new Map([["PUT", counted("wipe", (exchange) => this.#wipe(exchange))]]));
    return {
      prefix,
      fixed,
      pushes: new Map<string, PushHandler>([
        ["PUT", (exchange, target) => this.#handlers.push(exchange, target, true)],
        ["POST", (exchange, target) => this.#handlers.push(exchange, target, false)],
        ["DELETE", (exchange, target) => this.#handlers.delete(exchange, target)],
      ]),
      api,
      apiOptions: counted("api/v1/options", (exchange) => {
        setApiHeaders(exchange);
        exchange.status(200);
      }),
      assets: new Map([
        ["page.css", asset("text/css; charset=utf-8", STYLE)],
        ["page.js", asset("text/javascript; charset=utf-8", SCRIPT)],
      ]),
    };
  }

  #health(exchange: Exchange): void {
    if (!this.#queue.isFull) exchange.text(200, "OK");
    else {
      this.#logger.warn("write queue is full");
      exchange.refuse(500, "write queue is full");
    }
  }

  async #scrape(exchange: Exchange): Promise<void> {
    const problems = this.#store.pageProblems();
    if (problems.length > 0) {
      const text = listed(problems);
      this.#logger.error("error gathering metrics", { err: text });
      exchange.refuse(500, `An error has occurred while serving metrics:\n\n${text}`);
      return;
    }
    const format = negotiateFormat(exchange.request.headers.accept);
    const families = pageFamilies(await this.#metrics.families(), this.#store);
    await exchange.stream(format.contentType, writePage(families, format));
  }

  #page(exchange: Exchange, name: "metrics" | "status"): void {
    const { flags, texts } = this.#command;
    const context: PageContext = {
      startedMs: this.#startedMs,
      flags: texts,
      allowsWipe: flags.enableAdminApi,
      escapesNames: flags.enableUtf8Names,
    };
    const filter = new URL(exchange.request.url ?? "/", "http://gateway").searchParams.get("q") ?? "";
    const page = name === "status" ? statusPage(context) : metricsPage(this.#store.groups(), filter, context);
    exchange.response.setHeader("Content-Security-Policy", PAGE_POLICY);
    exchange.response.setHeader("X-Content-Type-Options", "nosniff");
    exchange.response.setHeader("Cache-Control", "no-store");
    exchange.send(200, "text/html; charset=utf-8", page);
  }

  #quitRequest(exchange: Exchange): void {
    if (!this.#command.flags.enableLifecycle) {
      exchange.text(403, "Lifecycle API is not enabled.");
      return;
    }
    // The answer first: the end closes the connections.
    exchange.response.once("close", () => this.#quit());
    exchange.text(200, "Requesting termination... Goodbye!");
  }

  #apiStatus(exchange: Exchange): void {
    const { texts } = this.#command;
    const sorted = Object.fromEntries(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
    const data = `{"build_information":${JSON.stringify(BUILD_INFO)},"flags":${JSON.stringify(sorted)},"start_time":${textJson(timeText(this.#startedMs))}}`;
    setApiHeaders(exchange);
    exchange.send(200, "application/json", `{"status":"success","data":${data}}`);
  }

  async #apiMetrics(exchange: Exchange): Promise<void> {
    setApiHeaders(exchange);
    await exchange.stream("application/json", metricsJson(this.#store.groups()));
  }

  /** Answers when all are gone, so that whoever looks then sees none; the reference answers before. */
  async #wipe(exchange: Exchange): Promise<void> {
    for (const grouping of this.#store.groups()) {
      // Each waits for its turn, so that a wipe of many never fills the queue; nor does it fail where others have filled it.
      if (this.#queue.isFull) await this.#queue.idle();
      await this.#queue.submit({ kind: "delete", grouping });
    }
    exchange.status(202);
  }
}

function setApiHeaders({ response }: Exchange): void {
  for (const [name, value] of Object.entries(API_HEADERS)) response.setHeader(name, value);
}
