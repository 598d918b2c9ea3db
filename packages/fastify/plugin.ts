// The plugin: hooks that measure, decorators for application code, and the page.
import * as client from "@narthex/client";
import { streamHandler } from "@narthex/client/node";
import { isIgnored, labelOr, pageOf, pathOf, UNKNOWN_ROUTE, USUAL_IGNORED } from "@narthex/http-metrics";
import { measureResponse, type RequestEnd } from "@narthex/http-metrics/node";
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import { environmentLabels, missingVariables } from "./environment.ts";
import { InfrastructureMonitor } from "./monitor.ts";
import { type FastifyMetricsOptions, getEndpointRoute, getRequestDomain } from "./options.ts";
import type { MetricsSet } from "./register.ts";

/** What the decorator of fastify-metrics has. */
export interface FastifyMetricsDecorator {
  readonly client: typeof client & { readonly register: client.Registry };
  /** See `InfrastructureMonitor.initMetricsInRegistry`; without a registry, makes the metrics of the first one anew. */
  initMetricsInRegistry(register?: client.Registry): MetricsSet;
}

declare module "fastify" {
  interface FastifyInstance {
    prometheus: { readonly monitor: InfrastructureMonitor };
    metrics: FastifyMetricsDecorator;
  }
  interface FastifyContextConfig {
    /** Leaves the route out. */
    disableMetrics?: boolean;
    /** Names the route in place of its template. */
    statsId?: string;
  }
}

const METHOD_BLACKLIST: readonly string[] = ["HEAD", "OPTIONS", "TRACE", "CONNECT"];
/** Fastify closed the connection since its time was over. */
const STATUS_TIMEOUT = 504;
/** The value of a label whose function throws. */
const UNKNOWN_LABEL = "unknown";

const measure: FastifyPluginAsync<FastifyMetricsOptions> = async (fastify, given) => {
  if (fastify.hasDecorator("prometheus")) {
    fastify.log.warn("the metrics plugin is registered already: the second registration does nothing");
    return;
  }
  const options = withEnvironment(fastify, given);
  if (options.clearRegisterOnInit === true) options.promClient?.register.clear();
  const monitor = InfrastructureMonitor.init(options);
  fastify.decorate("prometheus", { monitor });
  fastify.decorate(options.name ?? "metrics", {
    client: { ...client, register: monitor.register },
    initMetricsInRegistry: (register) => monitor.initMetricsInRegistry(register ?? monitor.register),
  } satisfies FastifyMetricsDecorator);
  const page = pageRoute(options, monitor);
  if (page !== undefined) fastify.route(page);
  if (options.routeMetrics?.enabled !== false) addHooks(fastify, options, monitor, page?.url);
  fastify.addHook("onReady", async () => monitor.startMonitoring());
  fastify.addHook("onClose", async () => monitor.stopMonitoring());
};

/** The drop-in's labels, and one warning for variables that are not set. */
function withEnvironment(fastify: FastifyInstance, options: FastifyMetricsOptions): FastifyMetricsOptions {
  if (options.dropIn !== true || options.defaultLabels !== undefined) return options;
  const missing = missingVariables(process.env);
  if (missing.length > 0) fastify.log.warn(`${missing.join(" and ")} not set: the labels of all metrics say "default"`);
  return { ...options, defaultLabels: environmentLabels(process.env) };
}

function addHooks(
  fastify: FastifyInstance,
  options: FastifyMetricsOptions,
  monitor: InfrastructureMonitor,
  page: string | undefined,
): void {
  const { routeMetrics = {}, dropIn = false } = options;
  const unknown = routeMetrics.invalidRouteGroup ?? UNKNOWN_ROUTE;
  const onlyRegistered = routeMetrics.registeredRoutesOnly ?? !dropIn;
  const methods = new Set(routeMetrics.methodBlacklist ?? METHOD_BLACKLIST);
  const ignored = [...(options.ignore ?? USUAL_IGNORED), ...(page === undefined ? [] : [page])];
  const blacklist = routeMetrics.routeBlacklist ?? [];
  const custom = routeMetrics.customLabels ?? {};
  const getDomain = options.getDomain ?? getRequestDomain;
  const measured = new WeakSet<FastifyRequest>();
  const timedOut = new WeakSet<FastifyRequest>();

  const routeOf = (request: FastifyRequest): string => {
    const config = configOf(request);
    if (config.statsId !== undefined) return config.statsId;
    const own = labelOr(() => routeMetrics.overrides?.labels?.getRouteLabel?.(request), undefined);
    const route = own ?? getEndpointRoute(request, unknown);
    const operation = options.graphqlOperation === true ? operationOf(request) : undefined;
    return operation === undefined ? route : `${route}#${operation}`;
  };
  const isLeftOut = (request: FastifyRequest): boolean => {
    if (configOf(request).disableMetrics === true) return true;
    const route = getEndpointRoute(request, "");
    return route === "" ? onlyRegistered : isIgnored(route, blacklist);
  };
  const describe = (request: FastifyRequest, reply: FastifyReply): RequestEnd => {
    if (isLeftOut(request)) return { route: "", isIgnored: true };
    const extra = monitor.extraLabels.map((name) => {
      if (name === "domain" && !(name in custom)) return labelOr(() => String(getDomain(request)), UNKNOWN_LABEL);
      const value = custom[name];
      return typeof value === "function" ? labelOr(() => String(value(request, reply)), UNKNOWN_LABEL) : (value ?? "");
    });
    return { route: routeOf(request), brokenOffStatus: timedOut.has(request) ? STATUS_TIMEOUT : undefined, extra };
  };

  fastify.addHook("onRequest", async (request, reply) => {
    if (methods.has(request.method) || isIgnored(pathOf(request.url), ignored)) return;
    measured.add(request);
    measureResponse(monitor, request.raw, reply.raw, () => describe(request, reply));
  });
  fastify.addHook("onError", async (request, _reply, error) => {
    if (measured.has(request) && !isLeftOut(request)) monitor.fail(request.method, routeOf(request), error);
  });
  fastify.addHook("onTimeout", async (request) => {
    timedOut.add(request);
  });
}

function configOf(request: FastifyRequest): { disableMetrics?: boolean; statsId?: string } {
  const found = request as FastifyRequest & { readonly routeConfig?: object };
  const config = found.routeOptions === undefined ? found.routeConfig : found.routeOptions.config;
  return (config ?? {}) as { disableMetrics?: boolean; statsId?: string };
}

/** The name of a GraphQL request's operation. */
function operationOf({ body }: FastifyRequest): string | undefined {
  const name =
    typeof body === "object" && body !== null ? (body as { operationName?: unknown }).operationName : undefined;
  return typeof name === "string" && /^[_A-Za-z][_0-9A-Za-z]{0,63}$/.test(name) ? name : undefined;
}

function pageRoute(
  { endpoint, dropIn, authorize }: FastifyMetricsOptions,
  monitor: InfrastructureMonitor,
): RouteOptions | undefined {
  const wanted = endpoint === undefined ? (dropIn === true ? null : "/metrics") : endpoint;
  if (wanted === null) return undefined;
  const own = typeof wanted === "string" ? { url: wanted } : wanted;
  const answer = streamHandler({ registry: pageOf(() => monitor.registers), errorHandling: "throw" });
  return {
    method: "GET",
    url: "/metrics",
    // A HEAD of a page that is made for each request would cost as much as the page.
    exposeHeadRoute: false,
    ...own,
    handler: async (request, reply) => {
      if (authorize !== undefined && !(await authorize(request))) {
        return reply.code(401).header("WWW-Authenticate", "Basic").send("Unauthorized\n");
      }
      const { status, headers, body } = await answer(request.raw);
      return reply.code(status).headers(headers).send(body);
    },
  };
}

/** Registers on the instance itself, not in a scope below: what `fastify-plugin` does. */
function onInstance<Options extends object>(
  plugin: FastifyPluginAsync<Options>,
  name: string,
): FastifyPluginAsync<Options> {
  return Object.assign(plugin, {
    [Symbol.for("skip-override")]: true,
    [Symbol.for("fastify.display-name")]: name,
    [Symbol.for("plugin-meta")]: { name, fastify: ">=4.0.0" },
  });
}

/** Options and series of `fastify-metrics`, a registry of the instance's own, and the page at `/metrics`. */
export const fastifyMetrics: FastifyPluginAsync<FastifyMetricsOptions> = onInstance(measure, "@narthex/fastify");

/** The tutorial's plugin: its metrics under their names, `fastify.prometheus.monitor`, no page of its own. */
export const infrastructureMetrics: FastifyPluginAsync<FastifyMetricsOptions> = onInstance(
  async (fastify, options) => measure.call(fastify, fastify, { dropIn: true, ...options }),
  "@narthex/fastify/infrastructure",
);
