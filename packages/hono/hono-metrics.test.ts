import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Histogram, register as processRegister, Registry } from "@narthex/client";
import { Hono } from "hono";
import honoMetrics, { type HonoMetricsOptions } from "./index.ts";

function appWith(options: HonoMetricsOptions = {}): Hono {
  const app = new Hono();
  app.use(honoMetrics(options));
  app.get("/users/:id", (context) => context.text("ok"));
  app.get("/fails", () => {
    throw Object.assign(new Error("no"), { code: "E_NO" });
  });
  const shop = new Hono();
  shop.post("/:item", (context) => context.text("made", 201));
  app.route("/shop", shop);
  app.get("/healthz", (context) => context.text("ok"));
  app.onError((_error, context) => context.text("failed", 500));
  return app;
}

test("hono: routes by template, mounted ones whole, failures, what no route matches", async () => {
  const app = appWith();
  for (const path of ["/users/1?x=2", "/users/2", "/fails", "/none/1", "/healthz"]) await app.request(path);
  await app.request("/shop/hat", { method: "POST" });
  const answer = await app.request("/metrics", { headers: { accept: "application/openmetrics-text; version=1.0.0" } });
  assert.match(answer.headers.get("content-type") ?? "", /^application\/openmetrics-text/);
  const page = await (await app.request("/metrics")).text();
  assert.deepEqual(
    page
      .split("\n")
      .filter((line) => /_seconds_count/.test(line))
      .sort(),
    [
      'http_request_duration_seconds_count{method="GET",route="/fails",status_code="500"} 1',
      'http_request_duration_seconds_count{method="GET",route="/users/:id",status_code="200"} 2',
      'http_request_duration_seconds_count{method="GET",route="__unknown__",status_code="404"} 1',
      'http_request_duration_seconds_count{method="POST",route="/shop/:item",status_code="201"} 1',
    ],
  );
  assert.match(page, /^http_request_errors_total\{method="GET",route="\/fails",type="E_NO"\} 1$/m);
  assert.match(page, /^http_requests_in_flight 0$/m);
});

test("hono: a request ends with its answer's body, and a client that goes counts as 499", async () => {
  const register = new Registry();
  const app = appWith({ register });
  app.get("/stream", (context) => {
    context.header("x-kept", "1");
    return context.body(
      new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) }),
    );
  });
  app.get("/waits", () => new Promise(() => {}));
  const streamed = await app.request("/stream");
  assert.equal(streamed.headers.get("x-kept"), "1");
  const inFlight = (): Promise<number | undefined> => register.getSampleValue("http_requests_in_flight");
  assert.equal(await inFlight(), 1);
  await streamed.body?.cancel();
  const stop = new AbortController();
  void app.request("/waits", { signal: stop.signal });
  assert.equal(await inFlight(), 1);
  stop.abort();
  assert.equal(await inFlight(), 0);
  const page = await register.metrics();
  for (const route of ["/stream", "/waits"])
    assert.match(page, new RegExp(`_seconds_count\\{method="GET",route="${route}",status_code="499"\\} 1`));
});

test("hono: a registry, another page, none", async () => {
  const register = new Registry();
  const app = appWith({ register, endpoint: "/own" });
  await app.request("/users/1");
  assert.equal(await (await app.request("/own")).text(), await register.metrics());
  assert.equal((await appWith({ endpoint: null }).request("/metrics")).status, 404);
});

test("hono: nothing of Node is imported, here and below", () => {
  const packages = join(import.meta.dirname, "../..");
  for (const file of [
    "hono/dist/hono-metrics.js",
    "http-metrics/dist/index.js",
    "http-metrics/dist/http-metrics.js",
    "http-metrics/dist/exposition.js",
    "http-metrics/dist/fetch-handler.js",
    "http-metrics/dist/fetch-request.js",
    "http-metrics/dist/middleware.js",
    "client/dist/index.js",
    "client/dist/registry.js",
    "client/dist/metric.js",
  ])
    assert.doesNotMatch(readFileSync(join(packages, file), "utf8"), /from "node:/, file);
});

test("hono: protobuf with native histograms", async (t) => {
  // In the registry of the process, which stands on the page with the middleware's own.
  const native = new Histogram({ name: "native_seconds", help: "Native.", nativeHistogram: true });
  t.after(() => processRegister.unregister(native));
  native.observe(3);
  const accept = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
  const answer = await appWith().request("/metrics", { headers: { accept } });
  const body = Buffer.from(await answer.arrayBuffer());
  assert.match(answer.headers.get("content-type") ?? "", /^application\/vnd\.google\.protobuf/);
  assert.ok(body.includes(Buffer.from((await processRegister.metrics("protobuf")) as Uint8Array)));
});
