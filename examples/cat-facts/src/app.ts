// The app: facts, their documentation, and metrics of both.
import { Registry } from "@narthex/client";
import metricsPlugin from "@narthex/fastify";
import fastify, { type FastifyInstance } from "fastify";
import { RandomFactsService } from "./facts.ts";
import { MonitoringCollector } from "./monitoring.ts";
import { DOCS_PAGE, DOCS_SCRIPT, OPENAPI } from "./openapi.ts";
import { addRequestMetrics } from "./request-metrics.ts";

/** Makes the app; it does not listen yet. `METRICS_PREFIX=starlette` gives the metrics of requests that middleware's names. */
export async function makeApp(): Promise<FastifyInstance> {
  const app = fastify({ logger: { level: process.env["LOG_LEVEL"] ?? "info" } });
  const register = new Registry();
  const facts = new RandomFactsService();
  const monitoring = new MonitoringCollector();
  monitoring.registerAsProvider(facts);
  register.registerMetric(monitoring);
  // The page and the process's metrics; requests are measured under names of their own.
  await app.register(metricsPlugin, { promClient: { register }, routeMetrics: { enabled: false } });
  addRequestMetrics(app, { register, prefix: process.env["METRICS_PREFIX"] ?? "http_server" });

  app.get("/cat_facts", async (_request, reply) =>
    reply.type("text/plain; charset=utf-8").send(`${facts.randomFact()}\n`),
  );
  app.get("/openapi.json", async () => OPENAPI);
  app.get("/docs", async (_request, reply) => reply.type("text/html; charset=utf-8").send(DOCS_PAGE));
  app.get("/docs.js", async (_request, reply) => reply.type("text/javascript; charset=utf-8").send(DOCS_SCRIPT));
  return app;
}
