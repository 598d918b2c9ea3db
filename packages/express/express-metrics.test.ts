import assert from "node:assert/strict";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { Histogram, register as processRegister, Registry } from "@narthex/client";
import express, { type Express } from "express";
import expressMetrics, { type BundleOptions, type ExpressMetrics } from "./index.ts";

interface Running {
  readonly app: Express;
  readonly middleware: ExpressMetrics;
  get(path: string, headers?: Record<string, string>): Promise<{ status: number; body: string; type: string }>;
}

async function serve(
  t: TestContext,
  options: BundleOptions = {},
  more: (app: Express) => void = () => {},
): Promise<Running> {
  const app = express();
  const middleware = expressMetrics(options);
  app.use(middleware);
  app.get("/users/:id", (_request, response) => void response.send("ok"));
  const router = express.Router();
  router.get("/", (_request, response) => void response.send("list"));
  router.get("/:item", (_request, response) => void response.status(201).send("item"));
  router.get("/:item/fails", () => {
    throw new Error("no");
  });
  app.use("/shop", router);
  app.get("/fails", () => {
    throw new Error("no");
  });
  more(app);
  return { app, middleware, get: await listen(t, app) };
}

async function listen(t: TestContext, app: Express): Promise<Running["get"]> {
  app.set("env", "test");
  const server: Server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return async (path, headers = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    return { status: answer.status, body: await answer.text(), type: answer.headers.get("content-type") ?? "" };
  };
}

const counts = (page: string): string[] =>
  page
    .split("\n")
    .filter((line) => /^http_request_duration_seconds_count/.test(line))
    .sort();

test("express: by status code alone unless asked; the page negotiates and is not counted", async (t) => {
  const { get } = await serve(t);
  for (const path of ["/users/1", "/users/2", "/none"]) await get(path);
  const page = await get("/metrics");
  assert.deepEqual(counts(page.body), [
    'http_request_duration_seconds_count{status_code="200"} 2',
    'http_request_duration_seconds_count{status_code="404"} 1',
  ]);
  assert.match(page.body, /^up 1$/m);
  assert.match(page.body, /le="0.003"/);
  assert.match(page.type, /^text\/plain; version=0\.0\.4/);
  assert.match(
    (await get("/metrics", { accept: "application/openmetrics-text" })).type,
    /^application\/openmetrics-text/,
  );
});

test("express: paths are templates with what they are mounted under; what no route matches is one value", async (t) => {
  const { get } = await serve(t, { includePath: true, includeMethod: true });
  for (const path of [
    "/users/1?x=1",
    "/users/2",
    "/shop/",
    "/shop/hat",
    "/none/1",
    "/none/2",
    "/fails",
    "/shop/hat/fails",
  ])
    await get(path);
  assert.deepEqual(counts((await get("/metrics")).body), [
    'http_request_duration_seconds_count{method="GET",path="/fails",status_code="500"} 1',
    'http_request_duration_seconds_count{method="GET",path="/shop",status_code="200"} 1',
    'http_request_duration_seconds_count{method="GET",path="/shop/:item",status_code="201"} 1',
    'http_request_duration_seconds_count{method="GET",path="/shop/:item/fails",status_code="500"} 1',
    'http_request_duration_seconds_count{method="GET",path="/users/:id",status_code="200"} 2',
    'http_request_duration_seconds_count{method="GET",path="__unknown__",status_code="404"} 2',
  ]);
});

test("express: paths by a function, by replacements, by the values in them; replaced later on", async (t) => {
  const paths = async (options: BundleOptions, before = (): void => {}): Promise<string[]> => {
    const { get } = await serve(t, { includePath: true, includeStatusCode: false, ...options });
    before();
    for (const path of ["/none/123/deadbeef42", "/none/7/x"]) await get(path);
    return counts((await get("/metrics")).body).map((line) => /path="(.*)"/.exec(line)?.[1] as string);
  };
  assert.deepEqual(await paths({ normalizePath: (request) => request.method }), ["GET"]);
  assert.deepEqual(await paths({ normalizePath: [[/^\/none\/.*/, "/none"]] }), ["/none"]);
  assert.deepEqual(await paths({ urlValueParser: {} }), ["/none/#val/#val", "/none/#val/x"]);
  assert.deepEqual(await paths({ urlValueParser: { extraMasks: [/^x$/] }, urlPathReplacement: "*" }), ["/none/*/*"]);
  const original = expressMetrics.normalizePath;
  t.after(() => {
    expressMetrics.normalizePath = original;
  });
  const replace = (): void => {
    expressMetrics.normalizePath = () => "later";
  };
  assert.deepEqual(await paths({}, replace), ["later"]);
});

test("express: own labels, transformed; own status codes; bypassed and excluded requests", async (t) => {
  const { get } = await serve(t, {
    customLabels: { project: "shop", kind: null },
    transformLabels: (labels, request) => {
      labels["kind"] = request.path === "/users/1" ? "first" : "other one";
    },
    formatStatusCode: ({ statusCode }) => `${String(statusCode)[0]}xx`,
    bypass: {
      onRequest: ({ path }) => path === "/users/8",
      onFinish: (_request, { statusCode }) => statusCode === 201,
    },
    excludeRoutes: ["/users/9", /^\/none/],
  });
  for (const path of ["/users/1", "/users/8", "/users/9", "/none/x", "/shop/hat", "/fails"]) await get(path);
  const page = (await get("/metrics")).body;
  assert.deepEqual(counts(page), [
    'http_request_duration_seconds_count{kind="first",project="shop",status_code="2xx"} 1',
    'http_request_duration_seconds_count{kind="other one",project="shop",status_code="5xx"} 1',
  ]);
  assert.match(page, /^http_requests_in_flight 0$/m);
});

test("express: requests keep their shape, and a route of the app around the measured one has its template, too", async (t) => {
  const outer = express();
  const inner = express();
  inner.use(expressMetrics({ includePath: true }));
  inner.get("/own/:id", (request, response) => void response.json([request.route.path, Object.keys(request)]));
  outer.use(inner);
  outer.get("/outer/:id", (request, response) => void response.json(request.route.path));
  const get = await listen(t, outer);
  const [path, names] = JSON.parse((await get("/own/1")).body);
  assert.equal(path, "/own/:id");
  assert.ok(!names.includes("route"));
  assert.equal(JSON.parse((await get("/outer/1")).body), "/outer/:id");
  assert.deepEqual(counts((await get("/metrics")).body), [
    'http_request_duration_seconds_count{path="/outer/:id",status_code="200"} 1',
    'http_request_duration_seconds_count{path="/own/:id",status_code="200"} 1',
  ]);
});

test("express: functions of the application that throw break neither answers nor counts", async (t) => {
  const fail = (): never => {
    throw new Error("no label");
  };
  for (const own of [{ transformLabels: fail }, { formatStatusCode: fail }, { bypass: { onFinish: fail } }]) {
    const { get } = await serve(t, { includePath: true, ...own });
    assert.equal((await get("/users/1")).status, 200);
    const page = (await get("/metrics")).body;
    assert.deepEqual(counts(page), ['http_request_duration_seconds_count{path="__unknown__",status_code="200"} 1']);
    assert.match(page, /^http_requests_in_flight 0$/m);
  }
});

test("express: a summary, its name, its quantiles; a registry and default metrics", async (t) => {
  const promRegistry = new Registry();
  const { get, middleware } = await serve(t, {
    metricType: "summary",
    httpDurationMetricName: "took",
    percentiles: [0.5],
    promRegistry,
    promClient: { collectDefaultMetrics: {} },
    includeUp: false,
  });
  await get("/users/1");
  const { body } = await get("/metrics");
  assert.match(body, /^took\{status_code="200",quantile="0.5"\} /m);
  assert.match(body, /^process_cpu_user_seconds_total /m);
  assert.doesNotMatch(body, /^up /m);
  assert.equal(middleware.promClient.register, promRegistry);
  assert.deepEqual(Object.keys(middleware.metrics), ["took"]);
});

test("express: the page on another app, on another path, by hand", async (t) => {
  const metricsApp = express();
  const { get } = await serve(t, { metricsApp, metricsPath: "/own" });
  const elsewhere = await listen(t, metricsApp);
  assert.equal((await get("/own")).status, 404);
  assert.match((await elsewhere("/own")).body, /^up 1$/m);
  const byHand = await serve(t, { autoregister: false });
  assert.equal((await byHand.get("/metrics")).status, 404);
  byHand.app.use("/later", byHand.middleware.metricsMiddleware);
  assert.match((await byHand.get("/later")).body, /^up 1$/m);
});

test("express: labels are capped", async (t) => {
  const { get } = await serve(t, {
    includePath: true,
    includeStatusCode: false,
    maxLabelValues: 3,
    normalizePath: ({ path }) => path,
  });
  for (let i = 0; i < 20; i++) await get(`/users/${i}`);
  const lines = counts((await get("/metrics")).body);
  assert.equal(lines.length, 4);
  assert.match(lines.join(), /path="other"\} 17/);
});

test("express: used without a call it says so; options that are no more are refused", async (t) => {
  const app = express();
  app.use(expressMetrics as never);
  const answer = await (await listen(t, app))("/x");
  assert.equal(answer.status, 500);
  assert.match(answer.body, /app\.use\(expressMetrics\(\)\)/);
  assert.throws(() => expressMetrics({ blacklist: [] } as never), /the option blacklist is no more: use excludeRoutes/);
  assert.throws(() => expressMetrics({ metricType: "gauge" } as never), /metricType must be histogram or summary/);
});

test("express: protobuf with native histograms", async (t) => {
  // In the registry of the process, which stands on the page with the middleware's own.
  const native = new Histogram({ name: "native_seconds", help: "Native.", nativeHistogram: true });
  t.after(() => processRegister.unregister(native));
  native.observe(3);
  const accept = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
  const app = express();
  app.use(expressMetrics());
  const server: Server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { accept } });
  const body = Buffer.from(await answer.arrayBuffer());
  assert.match(answer.headers.get("content-type") ?? "", /^application\/vnd\.google\.protobuf/);
  assert.ok(body.includes(Buffer.from((await processRegister.metrics("protobuf")) as Uint8Array)));
});
