// One test for each defect of the tutorial's code that this package is not to have, in the order of its list.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { register as processRegister } from "@narthex/client";
import fastify, { type FastifyInstance } from "fastify";
import metricsPlugin, {
  createInfrastructureMetrics,
  type FastifyMetricsOptions,
  getEndpointRoute,
  getRequestDomain,
  InfrastructureMonitor,
  infrastructureMetrics,
} from "./index.ts";

/** An instance with the tutorial's plugin and two routes; `t` closes it. */
async function dropIn(
  t: TestContext,
  options: FastifyMetricsOptions = {},
  logs: string[] = [],
): Promise<FastifyInstance> {
  const app = fastify({ logger: { level: "warn", stream: { write: (line: string) => void logs.push(line) } } });
  t.after(() => app.close());
  await app.register(infrastructureMetrics, options);
  app.get("/users/:id", async () => ({ ok: true }));
  app.get("/fails", async () => {
    throw Object.assign(new Error("no"), { code: "E_NO" });
  });
  app.get("/metrics", async (_request, reply) => {
    const { body, contentType } = await app.prometheus.monitor.getMetrics();
    return reply.header("Content-Type", contentType).send(body);
  });
  await app.ready();
  return app;
}

async function pageOf(app: FastifyInstance): Promise<string> {
  return (await app.inject("/metrics")).body;
}

/** The value of the one series with this name and these labels, whatever others it has. */
function valueIn(page: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const lines = page
    .split("\n")
    .filter((line) => line.split(/[{ ]/, 1)[0] === name && wanted.every((pair) => line.includes(pair)));
  assert.equal(lines.length, 1, `${name} ${wanted} fits ${lines.length} lines`);
  return Number((lines[0] as string).split(" ").at(-1));
}

/** Collects garbage, and lets who watches that hear of it. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  await new Promise((resolve) => setTimeout(resolve, 20));
}

/** How many collections were counted. */
async function collections(monitor: InfrastructureMonitor): Promise<number> {
  return valueIn((await monitor.getMetrics()).body, "nodejs_gc_duration_seconds_count", { kind: "major" });
}

const COUNT = "http_request_duration_seconds_count";
const USER = { route: "/users/:id" };

test("1: a duration is observed at each answer, under its status code", async (t) => {
  const app = await dropIn(t);
  for (let i = 0; i < 3; i++) await app.inject("/users/7");
  assert.equal(valueIn(await pageOf(app), COUNT, USER), 3);
  app.prometheus.monitor.registerRequestDuration({ domain: "web", route: "/r", method: "GET", statusCode: 201 }, 0.5);
  assert.equal(valueIn(await pageOf(app), COUNT, { domain: "web", route: "/r", method: "get", status_code: "201" }), 1);
});

test("2: what is imported is exported", () => {
  for (const each of [
    metricsPlugin,
    infrastructureMetrics,
    getRequestDomain,
    getEndpointRoute,
    createInfrastructureMetrics,
  ])
    assert.equal(typeof each, "function");
});

test("3: a domain is returned, out of a closed set", () => {
  const of = (headers: Record<string, string>): string => getRequestDomain({ headers } as never);
  assert.equal(of({ "x-client-type": "Mobile" }), "mobile");
  assert.equal(of({ "x-client-type": "nonsense", "user-agent": "Mozilla/5.0 (X11; Linux)" }), "web");
  assert.equal(of({ "user-agent": "Mozilla/5.0 (iPhone; CPU)" }), "mobile");
  assert.equal(of({ "user-agent": "curl/8" }), "unknown");
  assert.equal(of({}), "unknown");
});

test("4: monitoring starts and stops any number of times", async () => {
  const monitor = InfrastructureMonitor.init({ dropIn: true });
  for (let i = 0; i < 2; i++) {
    monitor.startMonitoring();
    assert.equal(monitor.isMonitoring, true);
    const before = await collections(monitor);
    await collectGarbage();
    const watched = await collections(monitor);
    assert.ok(watched > before, `${watched} after ${before}`);
    monitor.stopMonitoring();
    assert.equal(monitor.isMonitoring, false);
    await collectGarbage();
    assert.equal(await collections(monitor), watched);
  }
});

test("5: nothing lands in the process's registry, and metrics can be made twice", async () => {
  const before = await processRegister.metrics();
  const sets = [createInfrastructureMetrics(), createInfrastructureMetrics()];
  assert.notEqual(sets[0]?.register, sets[1]?.register);
  assert.equal(await processRegister.metrics(), before);
  for (const { close } of sets) close();
});

test("6: two servers have a monitor each; init without arguments stays the process's one", async (t) => {
  const [first, second] = [await dropIn(t), await dropIn(t, { maxDomains: 1 })];
  await first.inject("/users/1");
  assert.equal(valueIn(await pageOf(first), COUNT, USER), 1);
  assert.doesNotMatch(await pageOf(second), /users/);
  await first.close();
  assert.equal(first.prometheus.monitor.isMonitoring, false);
  assert.equal(second.prometheus.monitor.isMonitoring, true);
  assert.equal(InfrastructureMonitor.init(), InfrastructureMonitor.init());
  InfrastructureMonitor.init().stopMonitoring();
});

test("7: durations keep their precision", async (t) => {
  const app = await dropIn(t);
  app.prometheus.monitor.registerRequestDuration(
    { domain: "web", route: "/r", method: "GET", statusCode: 200 },
    0.0012345,
  );
  const page = await pageOf(app);
  assert.equal(valueIn(page, "http_request_duration_seconds_sum", { route: "/r" }), 0.0012345);
  assert.equal(valueIn(page, "http_request_duration_seconds_bucket", { route: "/r", le: "0.005" }), 1);
});

test("8: no request has the process's uptime as its duration", async (t) => {
  const app = await dropIn(t);
  await app.inject("/users/1");
  const seconds = valueIn(await pageOf(app), "http_request_duration_seconds_sum", { route: "/users/:id" });
  assert.ok(seconds > 0 && seconds < 0.5, `${seconds} s`);
});

test("9: requests get no property that another plugin could have", async (t) => {
  const app = fastify();
  t.after(() => app.close());
  await app.register(infrastructureMetrics);
  app.decorateRequest("startTime", 5);
  let names: string[] = [];
  app.get("/", async (request) => {
    names = Object.keys(request).filter((name) => /start|time|metric/i.test(name));
    return "ok";
  });
  assert.equal((await app.inject("/")).statusCode, 200);
  assert.deepEqual(
    names.filter((name) => name !== "startTime"),
    [],
  );
});

test("10: routes by template; what no route matches is one value, whatever its path and query", async (t) => {
  const app = await dropIn(t, { graphqlOperation: true });
  for (let i = 0; i < 5; i++) await app.inject(`/nothing/${i}?q=${i}`);
  const page = await pageOf(app);
  assert.equal(valueIn(page, COUNT, { route: "__unknown__", status_code: "404" }), 5);
  assert.doesNotMatch(page, /nothing/);
  const graph = fastify();
  t.after(() => graph.close());
  await graph.register(infrastructureMetrics, { graphqlOperation: true });
  graph.post("/graphql", async () => ({}));
  await graph.inject({ method: "POST", url: "/graphql", payload: { operationName: "Users" } });
  await graph.inject({ method: "POST", url: "/graphql", payload: { operationName: 'x"y' } });
  const { body } = await graph.prometheus.monitor.getMetrics();
  assert.equal(valueIn(body, COUNT, { route: "/graphql#Users" }), 1);
  assert.equal(valueIn(body, COUNT, { route: "/graphql" }), 1);
});

test("11: domains are bounded, further ones are one value", async (t) => {
  const app = await dropIn(t, { getDomain: ({ headers }) => String(headers["x-d"]), maxDomains: 3 });
  for (let i = 0; i < 50; i++) await app.inject({ url: "/users/1", headers: { "x-d": `d${i}` } });
  const page = await pageOf(app);
  const domains = page.match(/^http_requests_total\{.*\}/gm) ?? [];
  assert.equal(domains.length, 4);
  assert.equal(valueIn(page, "http_requests_total", { domain: "other" }), 47);
});

test("12: counts and durations agree, in flight goes back to 0, and broken off requests count once", async (t) => {
  let arrived = (): void => {};
  const slow = fastify();
  t.after(() => slow.close());
  await slow.register(infrastructureMetrics);
  slow.get("/slow", () => {
    arrived();
    return new Promise(() => {});
  });
  slow.post("/slow-post", () => {
    arrived();
    return new Promise(() => {});
  });
  slow.get("/fails", async () => {
    throw Object.assign(new Error("no"), { code: "E_NO" });
  });
  const address = await slow.listen({ host: "127.0.0.1", port: 0 });
  const { monitor } = slow.prometheus;
  // A body that was read ends a request long before its answer; what breaks off then is counted all the same.
  for (const head of [
    "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /slow-post HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
  ]) {
    const reached = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const socket = connect(Number(new URL(address).port), "127.0.0.1");
    socket.write(head);
    await reached;
    assert.equal(valueIn((await monitor.getMetrics()).body, "http_requests_in_flight"), 1);
    socket.destroy();
    while (valueIn((await monitor.getMetrics()).body, "http_requests_in_flight") > 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await slow.inject("/fails");
  const { body } = await monitor.getMetrics();
  assert.equal(valueIn(body, COUNT, { route: "/slow", status_code: "499" }), 1);
  assert.equal(valueIn(body, COUNT, { route: "/slow-post", status_code: "499" }), 1);
  assert.equal(valueIn(body, COUNT, { route: "/fails", status_code: "500" }), 1);
  assert.equal(valueIn(body, "http_request_errors_total", { route: "/fails", type: "E_NO" }), 1);
  const requests = (body.match(/^http_requests_total\{.*$/gm) ?? []).map((line) => Number(line.split(" ").at(-1)));
  assert.equal(
    requests.reduce((sum, count) => sum + count, 0),
    3,
  );
});

test("13: scrapes, HEAD, OPTIONS and health checks are not counted", async (t) => {
  const app = fastify();
  t.after(() => app.close());
  await app.register(infrastructureMetrics, { ignore: ["/metrics", /^\/internal\//, "/healthz"] });
  for (const url of ["/healthz", "/internal/x", "/users/:id"]) app.get(url, async () => "ok");
  for (const url of ["/healthz", "/internal/x", "/healthz?full=1"]) await app.inject(url);
  await app.inject({ method: "HEAD", url: "/users/1" });
  await app.inject({ method: "OPTIONS", url: "/users/1" });
  assert.doesNotMatch((await app.prometheus.monitor.getMetrics()).body, /^http_request_duration_seconds_count/m);
});

test("14: the page negotiates, compresses, and can ask who is there", async (t) => {
  const app = fastify();
  t.after(() => app.close());
  await app.register(metricsPlugin, { authorize: ({ headers }) => headers.authorization === "Bearer x" });
  assert.equal((await app.inject("/metrics")).statusCode, 401);
  const authorization = "Bearer x";
  const open = await app.inject({
    url: "/metrics",
    headers: { authorization, accept: "application/openmetrics-text; version=1.0.0" },
  });
  assert.match(String(open.headers["content-type"]), /^application\/openmetrics-text; version=1\.0\.0/);
  assert.match(open.body, /# EOF\n$/);
  const zipped = await app.inject({ url: "/metrics", headers: { authorization, "accept-encoding": "gzip" } });
  assert.equal(zipped.headers["content-encoding"], "gzip");
  assert.match(String(zipped.headers["content-type"]), /^text\/plain; version=0\.0\.4/);
});

test("15: CPU is read at the scrape, over the whole time since the last one; no timer runs", async (t) => {
  const app = await dropIn(t, { defaultMetrics: { enabled: false } });
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  const before = timers();
  app.prometheus.monitor.startMonitoring();
  assert.equal(timers(), before);
  await pageOf(app);
  const [cpu, started] = [process.cpuUsage(), performance.now()];
  const until = performance.now() + 150;
  while (performance.now() < until);
  const page = await pageOf(app);
  const { user, system } = process.cpuUsage(cpu);
  const expected = ((user + system) / 1000 / (performance.now() - started)) * 100;
  const percent = valueIn(page, "process_cpu_usage_percent");
  assert.ok(Math.abs(percent - expected) < 25 && percent > 1, `${percent} percent, ${expected} were used`);
  const ratio = valueIn(page, "process_cpu_usage_ratio");
  assert.ok(ratio > 0 && ratio <= 1.5);
  const memory = valueIn(page, "process_memory_usage_ratio");
  assert.ok(memory > 0 && memory < 1);
});

test("16: gauges of old names only where they are asked for", async (t) => {
  assert.match(await pageOf(await dropIn(t)), /^nodejs_heap_used_bytes/m);
  assert.doesNotMatch(await pageOf(await dropIn(t, { legacyNames: false })), /^nodejs_heap_used_bytes/m);
  const app = fastify();
  t.after(() => app.close());
  await app.register(metricsPlugin);
  const { body } = await app.inject("/metrics");
  assert.doesNotMatch(body, /^process_memory_usage_bytes/m);
  assert.match(body, /^process_resident_memory_bytes/m);
});

test("17: labels of instance and job only in the drop-in", async (t) => {
  assert.match(await pageOf(await dropIn(t)), /^http_requests_in_flight\{instance="default",jobName="default"\}/m);
  const app = fastify();
  t.after(() => app.close());
  await app.register(metricsPlugin);
  assert.match((await app.inject("/metrics")).body, /^process_resident_memory_bytes \d/m);
});

test("18: missing variables are warned of once, set ones are labels", async (t) => {
  const logs: string[] = [];
  await dropIn(t, {}, logs);
  assert.equal(logs.filter((line) => line.includes("LOKI_APP_NAME and RENDER_INSTANCE_ID not set")).length, 1);
  process.env["LOKI_APP_NAME"] = "shop";
  process.env["RENDER_INSTANCE_ID"] = "i-1";
  t.after(() => {
    delete process.env["LOKI_APP_NAME"];
    delete process.env["RENDER_INSTANCE_ID"];
  });
  const quiet: string[] = [];
  const app = await dropIn(t, {}, quiet);
  assert.deepEqual(quiet, []);
  assert.match(await pageOf(app), /instance="i-1",jobName="shop"/);
});

test("19: the help names the labels that are there", async (t) => {
  const page = await pageOf(await dropIn(t));
  assert.match(page, /^# HELP http_request_duration_seconds .*domain, route, method and status code/m);
});

test("20: name, version range and options; registered twice it warns; nothing starts before the instance is ready", async (t) => {
  const meta = (infrastructureMetrics as unknown as Record<symbol, { name: string; fastify: string }>)[
    Symbol.for("plugin-meta")
  ];
  assert.deepEqual(meta, { name: "@narthex/fastify/infrastructure", fastify: ">=4.0.0" });
  const logs: string[] = [];
  const app = fastify({ logger: { level: "warn", stream: { write: (line: string) => void logs.push(line) } } });
  t.after(() => app.close());
  await app.register(infrastructureMetrics, { defaultLabels: {} });
  await app.register(infrastructureMetrics, { defaultLabels: {} });
  await app.register(metricsPlugin);
  assert.equal(app.prometheus.monitor.isMonitoring, false);
  await collectGarbage();
  assert.equal(await collections(app.prometheus.monitor), 0);
  await app.ready();
  assert.equal(app.prometheus.monitor.isMonitoring, true);
  await collectGarbage();
  assert.ok((await collections(app.prometheus.monitor)) > 0);
  assert.equal(logs.filter((line) => line.includes("registered already")).length, 2);
});

test("21 and 22: the example loads its plugins from where they are, and ends through its logger and close", () => {
  const example = join(import.meta.dirname, "../../../examples/fastify-api");
  const server = readFileSync(join(example, "src/server.ts"), "utf8");
  const folders = [...server.matchAll(/"\.\/plugins\/([\w/]+)"/g)].map((match) => match[1] as string);
  assert.ok(folders.length > 0);
  for (const folder of folders) assert.ok(readdirSync(join(example, "src/plugins", folder)).length > 0, folder);
  const main = readFileSync(join(example, "main.ts"), "utf8") + server;
  assert.doesNotMatch(main, /console\.|process\.exit\(/);
  assert.match(main, /\.close\(\)/);
});

test("23: methods in lower case in the drop-in, in upper case elsewhere, or as asked", async (t) => {
  const method = async (app: FastifyInstance): Promise<string | undefined> => {
    app.get("/m", async () => "ok");
    await app.inject("/m");
    return /method="(\w+)",route="\/m"/.exec((await app.prometheus.monitor.getMetrics()).body)?.[1];
  };
  const made = async (plugin: typeof metricsPlugin, options: FastifyMetricsOptions): Promise<FastifyInstance> => {
    const app = fastify();
    t.after(() => app.close());
    await app.register(plugin, options);
    return app;
  };
  assert.equal(await method(await made(infrastructureMetrics, {})), "get");
  assert.equal(await method(await made(metricsPlugin, {})), "GET");
  assert.equal(await method(await made(metricsPlugin, { methodCase: "lower" })), "get");
});
