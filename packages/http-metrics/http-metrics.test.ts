import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Counter, Histogram, Registry } from "@narthex/client";
import {
  exposeAll,
  exposeText,
  HttpMetrics,
  LabelCap,
  measureFetch,
  methodLabel,
  metricsResponse,
  pathOf,
  replaceUrlValues,
  statusLabel,
  traceOf,
} from "./index.ts";
import { answerMetrics, measureListener } from "./node/index.ts";

test("label cap: the first values pass, all others are one", () => {
  const cap = new LabelCap(2);
  assert.deepEqual(
    ["a", "b", "c", "a", "d"].map((value) => cap.pass(value)),
    ["a", "b", "other", "a", "other"],
  );
  assert.equal(cap.overflowed, 2);
});

test("labels: methods and statuses are closed sets", () => {
  assert.deepEqual(
    ["get", "PROPFIND", undefined].map((method) => methodLabel(method, "upper")),
    ["GET", "OTHER", "GET"],
  );
  assert.deepEqual(
    [200, "404", "5xx", 99, "x"].map((status) => statusLabel(status, false)),
    ["200", "404", "5xx", "unknown", "unknown"],
  );
  assert.equal(statusLabel(204, true), "2xx");
});

test("paths: without query and host, and without what differs", () => {
  assert.deepEqual(["/a?b", "http://x/y#z", "http://x", undefined].map(pathOf), ["/a", "/y", "/", "/"]);
  assert.equal(
    replaceUrlValues("/a/12/deadbeef1/0b6c3ab4-0000-4000-8000-123456789abc/decade?x"),
    "/a/#val/#val/#val/decade",
  );
});

test("page: of several registries each family once, with one end", async () => {
  const [first, second] = [new Registry(), new Registry()];
  for (const [registry, by] of [
    [first, 1],
    [second, 2],
  ] as const)
    new Counter({ name: "calls_total", help: "Calls.", registers: [registry] }).inc(by);
  new Counter({ name: "more_total", help: "More.", registers: [second] });
  const text = await exposeAll([first, second, first], undefined);
  assert.equal(
    text.body,
    "# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total 1\n# HELP more_total More.\n# TYPE more_total counter\nmore_total 0\n",
  );
  const open = await exposeAll([first, second], "application/openmetrics-text; version=1.0.0");
  assert.equal(
    open.body,
    "# HELP calls Calls.\n# TYPE calls counter\ncalls_total 1.0\n# HELP more More.\n# TYPE more counter\nmore_total 0.0\n# EOF\n",
  );
});

test("page: of several registries also as protobuf, with native histograms", async () => {
  const [first, second] = [new Registry(), new Registry()];
  new Counter({ name: "calls_total", help: "Calls.", registers: [first] }).inc();
  new Histogram({ name: "took_seconds", help: "Took.", nativeHistogram: true, registers: [second] }).observe(3);
  const accept = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
  const answer = await metricsResponse([first, second, first], new Request("http://x/", { headers: { accept } }));
  assert.match(answer.headers.get("content-type") ?? "", /^application\/vnd\.google\.protobuf/);
  const parts = await Promise.all([first, second].map((registry) => registry.metrics("protobuf")));
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), Buffer.concat(parts as Uint8Array[]));
});

test("fetch handlers: answers, failures and ignored paths", async () => {
  const register = new Registry();
  const metrics = new HttpMetrics({ registers: [register], sizes: true });
  const handler = measureFetch(
    metrics,
    (request) => {
      if (request.url.endsWith("/bad")) throw new TypeError("no");
      return new Response("ok", { headers: { "content-length": "2" } });
    },
    { route: ({ url }) => (url.endsWith("/bad") ? "/bad" : undefined) },
  );
  await handler(new Request("http://x/a"));
  await handler(new Request("http://x/metrics"));
  await assert.rejects(async () => handler(new Request("http://x/bad")), TypeError);
  const page = await (await metricsResponse([register], new Request("http://x/metrics"))).text();
  assert.match(page, /^http_request_duration_seconds_count\{method="GET",route="__unknown__",status_code="200"\} 1$/m);
  assert.match(page, /^http_request_duration_seconds_count\{method="GET",route="\/bad",status_code="500"\} 1$/m);
  assert.match(page, /^http_request_errors_total\{method="GET",route="\/bad",type="TypeError"\} 1$/m);
  assert.match(page, /^http_response_size_bytes_sum\{.*\} 2$/m);
});

test("fetch handlers: a request ends with its answer's body, whole, broken off or failed; or with its client", async () => {
  const register = new Registry();
  const metrics = new HttpMetrics({ registers: [register] });
  let body: ReadableStreamDefaultController<Uint8Array> | undefined;
  const route = ({ url }: { url: string }): string => new URL(url).pathname;
  const streamed = measureFetch(
    metrics,
    (request) =>
      request.url.endsWith("/waits")
        ? new Promise<Response>((_, reject) => request.signal.addEventListener("abort", reject))
        : new Response(
            new ReadableStream<Uint8Array>({
              start: (controller) => {
                body = controller;
              },
            }) as unknown as ConstructorParameters<typeof Response>[0],
            { status: 206, headers: { "x-kept": "1" } },
          ),
    { route },
  );
  const inFlight = async (): Promise<number> => register.getSampleValue("http_requests_in_flight") as Promise<number>;
  const whole = await streamed(new Request("http://x/whole"));
  assert.deepEqual([whole.status, whole.headers.get("x-kept"), await inFlight()], [206, "1", 1]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  body?.enqueue(Buffer.from("all of it"));
  body?.close();
  assert.equal(await whole.text(), "all of it");
  assert.equal(await inFlight(), 0);
  const broken = await streamed(new Request("http://x/broken-off"));
  await broken.body?.cancel();
  const failed = await streamed(new Request("http://x/failed"));
  body?.error(new TypeError("no more"));
  await assert.rejects(failed.text(), TypeError);
  const stop = new AbortController();
  const waiting = streamed(new Request("http://x/waits", { signal: stop.signal }));
  stop.abort();
  assert.equal(await inFlight(), 0);
  await assert.rejects(Promise.resolve(waiting));
  const page = await register.metrics();
  const counted = page
    .match(/_seconds_count\{.*$/gm)
    ?.map((line) => /route="(.*)",status_code="(\d+)"\} 1$/.exec(line));
  assert.deepEqual(counted?.map((found) => found?.slice(1)).sort(), [
    ["/broken-off", "499"],
    ["/failed", "500"],
    ["/waits", "499"],
    ["/whole", "206"],
  ]);
  assert.ok(Number(/_seconds_sum\{.*"\/whole".*\} (.*)$/m.exec(page)?.[1]) > 0.045);
  assert.deepEqual(page.match(/^http_request_errors_total\{.*$/gm), [
    'http_request_errors_total{method="GET",route="/failed",type="TypeError"} 1',
  ]);
});

test("fetch handlers: a route's name that throws breaks no answer", async () => {
  const register = new Registry();
  const route = (): string => {
    throw new Error("no name");
  };
  const handler = measureFetch(new HttpMetrics({ registers: [register] }), () => new Response("ok"), { route });
  assert.equal(await (await handler(new Request("http://x/a"))).text(), "ok");
  const page = await register.metrics();
  assert.match(page, /_count\{method="GET",route="__unknown__",status_code="200"\} 1$/m);
  assert.match(page, /^http_requests_in_flight 0$/m);
});

test("exemplars: of sampled traces only, and only when asked for", async () => {
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const span = "b7ad6b7169203331";
  assert.deepEqual(traceOf(`00-${trace}-${span}-01`), { trace_id: trace, span_id: span });
  for (const none of [
    undefined,
    "",
    `00-${trace}-${span}-00`,
    `00-${"0".repeat(32)}-${span}-01`,
    `00-${trace}x-${span}-01`,
  ])
    assert.equal(traceOf(none), undefined);
  for (const exemplars of [true, false]) {
    const register = new Registry();
    const metrics = new HttpMetrics({ registers: [register], exemplars });
    const request = new Request("http://x/a", { headers: { traceparent: `00-${trace}-${span}-01` } });
    await measureFetch(metrics, () => new Response("ok"))(request);
    const { body } = await exposeText([register], "application/openmetrics-text; version=1.0.0");
    assert.equal(
      body.includes(`# {span_id="${span}",trace_id="${trace}"}`) ||
        body.includes(`# {trace_id="${trace}",span_id="${span}"}`),
      exemplars,
    );
  }
});

test("node:http: a listener is measured, also when the client goes; a failing collector is a 500", async (t) => {
  const register = new Registry();
  const metrics = new HttpMetrics({ registers: [register] });
  let arrived = (): void => {};
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const listener = measureListener(metrics, (request, response) => {
    if (request.url === "/metrics") void answerMetrics([register], request, response);
    else if (request.url === "/slow") arrived();
    else response.end("ok");
  });
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await (await fetch(`${url}/a`)).text();
  const stop = new AbortController();
  const slow = fetch(`${url}/slow`, { signal: stop.signal }).catch(() => {});
  await arrival;
  stop.abort();
  await slow;
  let page = "";
  for (let i = 0; i < 100 && !page.includes('status_code="499"'); i++)
    page = await (await fetch(`${url}/metrics`)).text();
  assert.match(page, /_count\{method="GET",route="__unknown__",status_code="499"\} 1$/m);
  assert.match(page, /_count\{method="GET",route="__unknown__",status_code="200"\} 1$/m);
  new Counter({
    name: "bad_total",
    help: "Bad.",
    registers: [register],
    collect: () => {
      throw new Error("broken");
    },
  });
  const failed = await fetch(`${url}/metrics`);
  assert.equal(failed.status, 500);
  assert.equal(await failed.text(), "collecting metrics failed: broken\n");
});

test("node:http: a route's name that throws ends neither the process nor the count", async (t) => {
  const register = new Registry();
  const metrics = new HttpMetrics({ registers: [register] });
  const server = createServer(
    measureListener(metrics, (_request, response) => void response.end("ok"), {
      route: () => {
        throw new Error("no name");
      },
    }),
  ).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a`);
  assert.equal(await answer.text(), "ok");
  const page = await register.metrics();
  assert.match(page, /_count\{method="GET",route="__unknown__",status_code="200"\} 1$/m);
  assert.match(page, /^http_requests_in_flight 0$/m);
});
