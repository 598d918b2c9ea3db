// Options of fastify-metrics.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Counter, Histogram, register as processRegister, Registry } from "@narthex/client";
import fastify, { type FastifyInstance } from "fastify";
import fastifyFour from "fastify-4";
import metricsPlugin, { type FastifyMetricsOptions } from "./index.ts";

async function appWith(
  t: TestContext,
  options: FastifyMetricsOptions = {},
  make: () => FastifyInstance = () => fastify(),
): Promise<FastifyInstance> {
  const app = make();
  t.after(() => app.close());
  await app.register(metricsPlugin, options);
  app.get("/users/:id", async () => "ok");
  app.get("/hidden", { config: { disableMetrics: true } }, async () => "ok");
  app.get("/named", { config: { statsId: "by-name" } }, async () => "ok");
  app.post("/users", async (_request, reply) => reply.code(201).send("made"));
  return app;
}

async function pageOf(app: FastifyInstance, url = "/metrics"): Promise<string> {
  return (await app.inject(url)).body;
}

const counts = (page: string, name = "http_request_duration_seconds"): string[] =>
  page.split("\n").filter((line) => line.startsWith(`${name}_count`));

for (const [version, make] of [
  ["5", () => fastify()],
  ["4", () => fastifyFour() as unknown as FastifyInstance],
] as const) {
  test(`Fastify ${version}: histogram and summary by method, route and status code`, async (t) => {
    const app = await appWith(t, {}, make);
    for (const url of ["/users/1", "/users/2", "/hidden", "/named", "/nothing"]) await app.inject(url);
    await app.inject({ method: "POST", url: "/users" });
    const page = await pageOf(app);
    assert.deepEqual(counts(page).sort(), [
      'http_request_duration_seconds_count{method="GET",route="/users/:id",status_code="200"} 2',
      'http_request_duration_seconds_count{method="GET",route="by-name",status_code="200"} 1',
      'http_request_duration_seconds_count{method="POST",route="/users",status_code="201"} 1',
    ]);
    assert.match(
      page,
      /^http_request_duration_seconds_bucket\{method="POST",route="\/users",status_code="201",le="10"\} 1$/m,
    );
    assert.match(
      page,
      /^http_request_summary_seconds\{method="GET",route="\/users\/:id",status_code="200",quantile="0.99"\} /m,
    );
    assert.match(page, /^process_cpu_user_seconds_total /m);
  });
}

for (const [version, make] of [
  ["5", () => fastify({ connectionTimeout: 50 })],
  ["4", () => fastifyFour({ connectionTimeout: 50 }) as unknown as FastifyInstance],
] as const) {
  test(`Fastify ${version}: a connection whose time is over counts as 504`, async (t) => {
    const app = await appWith(t, {}, make);
    for (const method of ["GET", "POST"] as const)
      app.route({ method, url: "/slow", handler: () => new Promise(() => {}) });
    const address = await app.listen({ host: "127.0.0.1", port: 0 });
    await assert.rejects(fetch(`${address}/slow`));
    await assert.rejects(fetch(`${address}/slow`, { method: "POST", body: "x" }));
    const page = await pageOf(app);
    for (const method of ["GET", "POST"])
      assert.match(page, new RegExp(`_seconds_count\\{method="${method}",route="/slow",status_code="504"\\} 1$`, "m"));
    assert.match(page, /^http_requests_in_flight 0$/m);
  });
}

test("endpoint: another path, a whole route, none; no HEAD beside it", async (t) => {
  const other = await appWith(t, { endpoint: "/own" });
  assert.equal((await other.inject("/own")).statusCode, 200);
  assert.equal((await other.inject("/metrics")).statusCode, 404);
  assert.equal((await other.inject({ method: "HEAD", url: "/own" })).statusCode, 404);
  const route = await appWith(t, {
    endpoint: { url: "/r", onRequest: async (_request, reply) => reply.code(403).send("no") },
  });
  assert.equal((await route.inject("/r")).statusCode, 403);
  const none = await appWith(t, { endpoint: null });
  assert.equal((await none.inject("/metrics")).statusCode, 404);
});

test("routeMetrics: unmatched requests under one name, grouped codes, black lists, own labels", async (t) => {
  const app = await appWith(t, {
    routeMetrics: {
      registeredRoutesOnly: false,
      invalidRouteGroup: "nowhere",
      groupStatusCodes: true,
      routeBlacklist: ["/named"],
      methodBlacklist: ["POST"],
      customLabels: {
        tier: "gold",
        agent: (request) => String(request.headers["x-agent"]),
        bad: () => {
          throw new Error("no");
        },
      },
      enabled: { histogram: true, summary: false },
    },
  });
  for (const url of ["/users/1", "/named", "/nothing/1", "/nothing/2"])
    await app.inject({ url, headers: { "x-agent": "a" } });
  await app.inject({ method: "POST", url: "/users" });
  const page = await pageOf(app);
  assert.deepEqual(counts(page).sort(), [
    'http_request_duration_seconds_count{agent="a",bad="unknown",method="GET",route="/users/:id",status_code="2xx",tier="gold"} 1',
    'http_request_duration_seconds_count{agent="a",bad="unknown",method="GET",route="nowhere",status_code="4xx",tier="gold"} 2',
  ]);
  assert.doesNotMatch(page, /summary/);
});

test("routeMetrics: overrides of names, labels, buckets, quantiles and registries; nothing at all", async (t) => {
  const elsewhere = new Registry();
  const app = await appWith(t, {
    routeMetrics: {
      overrides: {
        labels: { method: "m", route: "r", status: "s", getRouteLabel: (request) => `<${request.method}>` },
        histogram: { name: "took", help: "Took.", buckets: [1], registers: [elsewhere] },
        summary: { name: "spent", percentiles: [0.5] },
      },
    },
  });
  await app.inject("/users/1");
  const page = await pageOf(app);
  assert.match(page, /^took_bucket\{m="GET",r="<GET>",s="200",le="1"\} 1$/m);
  assert.match(page, /^spent\{m="GET",r="<GET>",s="200",quantile="0.5"\} /m);
  assert.match(await elsewhere.metrics(), /^took_count/m);
  const off = await appWith(t, { routeMetrics: { enabled: false }, defaultMetrics: { enabled: false } });
  await off.inject("/users/1");
  assert.doesNotMatch(await pageOf(off), /_count|process_/);
});

test("defaultMetrics: prefix, labels and a registry of their own, merged into the page with them", async (t) => {
  const own = new Registry();
  const app = await appWith(t, { defaultMetrics: { prefix: "app_", labels: { zone: "a" }, register: own } });
  const page = await pageOf(app);
  assert.match(page, /^app_process_cpu_user_seconds_total\{zone="a"\} /m);
  assert.match(page, /^http_requests_in_flight /m);
});

test("decorator: its name, its client, a further registry", async (t) => {
  const app = await appWith(t, { name: "numbers" });
  const { client, initMetricsInRegistry } = (app as unknown as { numbers: FastifyInstance["metrics"] }).numbers;
  assert.equal(client.register, app.prometheus.monitor.register);
  const calls = new client.Counter({ name: "calls_total", help: "Calls.", registers: [client.register] });
  calls.inc();
  const further = new Registry();
  const set = initMetricsInRegistry(further);
  t.after(() => set.close());
  await app.inject("/users/1");
  assert.equal(counts(await further.metrics()).length, 1);
  assert.match(await pageOf(app), /^calls_total 1$/m);
});

test("decorator: metrics made anew take the place of the old ones, in a registry that was emptied or not", async (t) => {
  const app = await appWith(t);
  const { monitor } = app.prometheus;
  for (const empty of [true, false]) {
    await app.inject("/users/1");
    if (empty) monitor.register.clear();
    const set = app.metrics.initMetricsInRegistry();
    assert.equal(monitor.metrics, set.metrics);
    assert.deepEqual(counts(await pageOf(app)), []);
    await app.inject("/users/1");
    assert.match(counts(await pageOf(app)).join(), /\} 1$/);
    assert.equal(monitor.registers.length, 2);
  }
});

test("decorator: what cannot be made in a further registry leaves nothing there", async (t) => {
  const app = await appWith(t);
  const further = new Registry();
  new Counter({ name: "http_request_duration_seconds", help: "Another's.", registers: [further] });
  assert.throws(() => app.metrics.initMetricsInRegistry(further), /already been registered/);
  assert.equal(further.collectors.length, 1);
  await app.inject("/users/1");
  assert.equal(counts(await pageOf(app)).length, 1);
});

test("the process's own registry is on the page; promClient names another; clearRegisterOnInit empties it", async (t) => {
  const mine = new Counter({ name: "mine_total", help: "Mine." });
  t.after(() => processRegister.unregister(mine));
  assert.match(await pageOf(await appWith(t)), /^mine_total 0$/m);
  const register = new Registry();
  new Counter({ name: "old_total", help: "Old.", registers: [register] });
  const kept = await pageOf(await appWith(t, { promClient: { register } }));
  assert.match(kept, /^old_total 0$/m);
  assert.doesNotMatch(kept, /^mine_total/m);
  const cleared = await pageOf(await appWith(t, { promClient: { register }, clearRegisterOnInit: true }));
  assert.doesNotMatch(cleared, /^old_total/m);
});

test("labels are capped", async (t) => {
  const app = await appWith(t, { maxLabelValues: 5, routeMetrics: { customLabels: { id: (request) => request.url } } });
  for (let i = 0; i < 100; i++) await app.inject(`/users/${i}`);
  const lines = counts(await pageOf(app));
  assert.equal(lines.length, 6);
  assert.match(lines.join("\n"), /id="other",.*\} 95/);
});

test("functions that throw: their labels are unknown, answers and counts stay as they are", async (t) => {
  const app = fastify();
  t.after(() => app.close());
  const fail = (): string => {
    throw new Error("no label");
  };
  await app.register(metricsPlugin, {
    routeMetrics: { customLabels: { team: fail }, overrides: { labels: { getRouteLabel: fail } } },
  });
  app.get("/a", async () => "ok");
  app.get("/fails", async () => {
    throw Object.assign(new Error("no"), { code: "E_NO" });
  });
  assert.equal((await app.inject("/a")).body, "ok");
  assert.match((await app.inject("/fails")).body, /E_NO/);
  const { body } = await app.inject("/metrics");
  assert.match(body, /^http_request_duration_seconds_count\{.*route="\/a",status_code="200",team="unknown"\} 1$/m);
  assert.match(body, /^http_request_errors_total\{method="GET",route="\/fails",type="E_NO"\} 1$/m);
  assert.match(body, /^http_requests_in_flight 0$/m);
});

test("page: protobuf with native histograms, also as the monitor makes it", async (t) => {
  // In the registry of the process, which stands on the page with the plugin's own.
  const native = new Histogram({ name: "native_seconds", help: "Native.", nativeHistogram: true });
  t.after(() => processRegister.unregister(native));
  native.observe(3);
  const accept = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
  const app = await appWith(t);
  const { headers, rawPayload } = await app.inject({ url: "/metrics", headers: { accept } });
  assert.match(String(headers["content-type"]), /^application\/vnd\.google\.protobuf/);
  assert.ok(rawPayload.includes(Buffer.from((await processRegister.metrics("protobuf")) as Uint8Array)));
  const { body, contentType } = await app.prometheus.monitor.getMetrics(accept);
  assert.match(contentType, /^application\/vnd\.google\.protobuf/);
  assert.ok(
    Buffer.isBuffer(body) && body.includes(Buffer.from((await processRegister.metrics("protobuf")) as Uint8Array)),
  );
});
