// Metrics of requests under the names that the Python world's middleware gives them.
import { Counter, Gauge, Histogram, type Registry } from "@narthex/client";
import type { FastifyInstance, FastifyRequest } from "fastify";

/** Where they go, and what stands before their names. */
export interface RequestMetricsOptions {
  readonly register: Registry;
  /** Standard: `http_server`; `starlette` gives that middleware's names. */
  readonly prefix?: string;
}

/** Adds the hooks. Routes are named by their templates; what none matches is one value. */
export function addRequestMetrics(
  app: FastifyInstance,
  { register, prefix = "http_server" }: RequestMetricsOptions,
): void {
  const registers = [register];
  const requests = new Counter({
    name: `${prefix}_requests_total`,
    help: "Requests by method and path.",
    labelNames: ["method", "path_template"],
    registers,
  });
  const responses = new Counter({
    name: `${prefix}_responses_total`,
    help: "Answers by method, path and status code.",
    labelNames: ["method", "path_template", "status_code"],
    registers,
  });
  const times = new Histogram({
    name: `${prefix}_requests_processing_time_seconds`,
    help: "Time to process a request by method and path, in seconds.",
    labelNames: ["method", "path_template"],
    registers,
  });
  const exceptions = new Counter({
    name: `${prefix}_exceptions_total`,
    help: "Exceptions by method, path and type.",
    labelNames: ["method", "path_template", "exception_type"],
    registers,
  });
  const inProgress = new Gauge({
    name: `${prefix}_requests_in_progress`,
    help: "Requests being processed by method and path.",
    labelNames: ["method", "path_template"],
    registers,
  });
  const labels = (request: FastifyRequest) =>
    ({ method: request.method, path_template: request.routeOptions.url ?? "__unknown__" }) as const;
  const begun = new WeakSet<FastifyRequest>();

  app.addHook("onRequest", async (request) => {
    begun.add(request);
    requests.inc(labels(request));
    inProgress.labels(labels(request)).inc();
  });
  app.addHook("onError", async (request, _reply, error) => {
    exceptions.inc({ ...labels(request), exception_type: error.name });
  });
  app.addHook("onResponse", async (request, reply) => {
    if (!begun.delete(request)) return;
    inProgress.labels(labels(request)).dec();
    responses.inc({ ...labels(request), status_code: reply.statusCode });
    times.observe(labels(request), reply.elapsedTime / 1000);
  });
  app.addHook("onRequestAbort", async (request) => {
    if (begun.delete(request)) inProgress.labels(labels(request)).dec();
  });
}
