import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import Router from "@koa/router";
import { Histogram, register as processRegister, Registry } from "@narthex/client";
import Koa from "koa";
import koaMetrics, { type KoaMetricsOptions } from "./index.ts";

async function serve(
  t: TestContext,
  options: KoaMetricsOptions = {},
): Promise<(path: string, headers?: Record<string, string>) => Promise<Response>> {
  const app = new Koa();
  app.silent = true;
  app.use(koaMetrics(options));
  const router = new Router();
  router.get("/users/:id", (context) => {
    context.body = "ok";
  });
  router.get("/fails", () => {
    throw Object.assign(new Error("no"), { code: "E_NO" });
  });
  router.get("/healthz", (context) => {
    context.body = "ok";
  });
  app.use(router.routes());
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (path, headers = {}) =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { headers });
}

test("koa: routes by template, failures, what no route matches; health checks and scrapes are left out", async (t) => {
  const get = await serve(t);
  for (const path of ["/users/1?x=2", "/users/2", "/fails", "/none/1", "/none/2", "/healthz"])
    await (await get(path)).text();
  const answer = await get("/metrics", { accept: "application/openmetrics-text; version=1.0.0" });
  assert.match(answer.headers.get("content-type") ?? "", /^application\/openmetrics-text/);
  const page = await (await get("/metrics")).text();
  assert.deepEqual(
    page
      .split("\n")
      .filter((line) => /_seconds_count/.test(line))
      .sort(),
    [
      'http_request_duration_seconds_count{method="GET",route="/fails",status_code="500"} 1',
      'http_request_duration_seconds_count{method="GET",route="/users/:id",status_code="200"} 2',
      'http_request_duration_seconds_count{method="GET",route="__unknown__",status_code="404"} 2',
    ],
  );
  assert.match(page, /^http_request_errors_total\{method="GET",route="\/fails",type="E_NO"\} 1$/m);
  assert.match(page, /^http_requests_in_flight 0$/m);
});

test("koa: a registry, another page, own routes, capped labels", async (t) => {
  const register = new Registry();
  const get = await serve(t, {
    register,
    endpoint: "/own",
    route: ({ path }) => path,
    maxLabelValues: 2,
    prefix: "shop",
  });
  for (let i = 0; i < 6; i++) await (await get(`/users/${i}`)).text();
  const page = await (await get("/own")).text();
  assert.equal(page, await register.metrics());
  assert.match(page, /^shop_request_duration_seconds_count\{.*route="other".*\} 4$/m);
  const none = await serve(t, { endpoint: null });
  assert.equal((await none("/metrics")).status, 404);
});

test("koa: protobuf with native histograms, in the compression that the scraper takes", async (t) => {
  // In the registry of the process, which stands on the page with the middleware's own.
  const native = new Histogram({ name: "native_seconds", help: "Native.", nativeHistogram: true });
  t.after(() => processRegister.unregister(native));
  native.observe(3);
  const accept = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
  const get = await serve(t);
  const answer = await get("/metrics", { accept, "accept-encoding": "gzip" });
  assert.equal(answer.headers.get("content-encoding"), "gzip");
  assert.match(answer.headers.get("vary") ?? "", /Accept-Encoding/);
  const body = Buffer.from(await answer.arrayBuffer());
  assert.match(answer.headers.get("content-type") ?? "", /^application\/vnd\.google\.protobuf/);
  assert.ok(body.includes(Buffer.from((await processRegister.metrics("protobuf")) as Uint8Array)));
});
