// The examples: each starts with its one command's program, is scraped by our server, and shows what it was asked.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Gateway } from "../lib/gateway.mjs";
import { Peer, withoutPeer } from "../lib/peer.mjs";
import { freePort, Program, scratch } from "../lib/program.mjs";
import { configFor, startTarget } from "../lib/target.mjs";

const examples = resolve(import.meta.dirname, "../../examples");

/** Starts an example on a free port; resolves with its address once it answers. `stop` ends it as a terminal would. */
async function startExample(t, name, path, env = {}) {
  const port = await freePort();
  const child = spawn(process.execPath, [join(examples, name, "dist/main.js")], {
    env: { ...process.env, PORT: String(port), HOST: "127.0.0.1", SERVER_HOST: "127.0.0.1", LOG_LEVEL: "warn", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (log += text));
  const exited = new Promise((done) => child.once("exit", (code, signal) => done({ code, signal })));
  t.after(() => child.kill("SIGKILL"));
  const address = `127.0.0.1:${port}`;
  const get = async (at, options = {}) => {
    const answer = await fetch(`http://${address}${at}`, { headers: { connection: "close" }, ...options });
    return { status: answer.status, type: answer.headers.get("content-type"), body: await answer.text() };
  };
  const stop = () => {
    child.kill("SIGTERM");
    return exited;
  };
  for (const until = Date.now() + 20_000; Date.now() < until; await sleep(30)) {
    if (await get(path).catch(() => undefined)) return { address, get, log: () => log, stop };
    if (child.exitCode !== null) break;
  }
  throw new Error(`${name} does not answer:\n${log}`);
}

test("fastify-api: routes and domains are counted as the tutorial names them", async (t) => {
  const app = await startExample(t, "fastify-api", "/metrics", { LOKI_APP_NAME: "shop", RENDER_INSTANCE_ID: "i-1" });
  const server = await Program.start(t, { config: configFor({ api: app.address }) });
  for (const path of ["/users/1", "/users/2?x=1", "/users/9", "/users", "/nothing"])
    await app.get(path, { headers: { "x-client-type": "mobile", connection: "close" } });
  const count = "http_request_duration_seconds_count";
  const of = (labels) => server.until(`${count}{domain="mobile",${labels}}`, (result) => result.length === 1);
  assert.equal((await of('route="/users/:id",method="get",status_code="200"'))[0].value[1], "2");
  assert.equal((await of('route="/users/:id",method="get",status_code="404"'))[0].value[1], "1");
  assert.equal((await of('route="__unknown__"'))[0].value[1], "1");
  assert.equal((await server.query('http_requests_total{domain="mobile"}'))[0].value[1], "5");
  assert.equal((await server.query('process_cpu_usage_percent{jobName="shop",exported_instance="i-1"}')).length, 1);
  assert.equal(app.log(), "");
  assert.deepEqual(await app.stop(), { code: 0, signal: null });
});

test("cat-facts: three calls are three, however often it is scraped; its page and description are its own", async (t) => {
  const app = await startExample(t, "cat-facts", "/docs");
  const server = await Program.start(t, { config: configFor({ "fastapi-app": app.address }) });
  const counter = 'random_facts_api_execution_counter_total{service="RandomFactsService"}';
  for (let i = 0; i < 3; i++) {
    const fact = await app.get("/cat_facts");
    assert.match(fact.body, /^\w.*\.\n$/);
    assert.equal(fact.type, "text/plain; charset=utf-8");
  }
  await server.until(counter, (result) => result[0]?.value[1] === "3");
  await sleep(2500);
  const scrapes = await server.query(`count_over_time(${counter}[1m])`);
  assert.ok(Number(scrapes[0].value[1]) >= 3);
  assert.equal((await server.query(counter))[0].value[1], "3");
  const requests = 'http_server_responses_total{method="GET",path_template="/cat_facts",status_code="200"}';
  assert.equal((await server.query(requests))[0].value[1], "3");
  assert.equal((await server.query('http_server_requests_in_progress{path_template="/metrics"}'))[0].value[1], "1");
  assert.equal((await server.query('up{job="fastapi-app"}'))[0].value[1], "1");
  const page = await app.get("/docs");
  assert.match(page.type, /^text\/html/);
  assert.doesNotMatch(page.body, /https?:\/\//);
  assert.deepEqual(Object.keys(JSON.parse((await app.get("/openapi.json")).body).paths), ["/cat_facts", "/metrics"]);
  assert.deepEqual(await app.stop(), { code: 0, signal: null });
});

test("cat-facts: the names of the Python middleware when asked", async (t) => {
  const app = await startExample(t, "cat-facts", "/docs", { METRICS_PREFIX: "starlette" });
  await app.get("/cat_facts");
  const { body } = await app.get("/metrics");
  for (const name of [
    "requests_total",
    "responses_total",
    "requests_processing_time_seconds_count",
    "requests_in_progress",
  ])
    assert.match(body, new RegExp(`^starlette_${name}\\{`, "m"));
});

test("express-app: requests by template, sales by item", async (t) => {
  const app = await startExample(t, "express-app", "/items");
  const server = await Program.start(t, { config: configFor({ shop: app.address }) });
  for (const item of ["hat", "hat", "coat", "boat"]) await app.get(`/items/${item}/sales`, { method: "POST" });
  const sold = await server.until("sum(shop_sales_euros_total)", (result) => result[0]?.value[1] === "180");
  assert.equal(sold.length, 1);
  const path = 'http_request_duration_seconds_count{method="POST",path="/items/:item/sales",status_code="201"}';
  assert.equal((await server.query(path))[0].value[1], "3");
  const calls = await server.query(
    'sum by (id) (trace_counter_total{object_classname="Till",object_props_shop="main"})',
  );
  assert.deepEqual(calls.map(({ metric, value }) => [metric.id, value[1]]).toSorted(), [
    ["refuse", "1"],
    ["sell", "4"],
  ]);
  assert.deepEqual(await app.stop(), { code: 0, signal: null });
});

/** By scrape protocol: how the content type of its answers begins. */
const FORMATS = {
  "PrometheusText0.0.4": "text/plain; version=0.0.4",
  "PrometheusText1.0.0": "text/plain; version=1.0.0",
  "OpenMetricsText1.0.0": "application/openmetrics-text; version=1.0.0",
  PrometheusProto: "application/vnd.google.protobuf",
};

test("examples: the reference scrapes each of them in every format, and finds the same", {
  skip: withoutPeer,
}, async (t) => {
  const shop = await startExample(t, "express-app", "/items");
  const cats = await startExample(t, "cat-facts", "/docs");
  const api = await startExample(t, "fastify-api", "/metrics");
  for (const item of ["hat", "hat", "coat"]) await shop.get(`/items/${item}/sales`, { method: "POST" });
  for (let i = 0; i < 3; i++) await cats.get("/cat_facts");
  for (const path of ["/users/1", "/users/2", "/nothing"]) await api.get(path);
  const expectations = [
    ["shop", 'http_request_duration_seconds_count{path="/items/:item/sales"', "3"],
    ["shop", 'http_request_duration_seconds_bucket{path="/items/:item/sales",le=~"10|10.0"', "3"],
    ["cats", 'random_facts_api_execution_counter_total{service="RandomFactsService"', "3"],
    ["api", 'http_request_duration_seconds_count{route="/users/:id"', "2"],
    ["api", 'http_request_duration_seconds_bucket{route="__unknown__",le="+Inf"', "1"],
  ];
  // What the scrapes were answered with, by job: each goes through a server that looks at that.
  const types = new Map();
  const jobs = [];
  for (const [name, { address }] of Object.entries({ shop, cats, api })) {
    for (const protocol of Object.keys(FORMATS)) {
      const job = `${name}-${protocol}`;
      const target = await startTarget(t, async ({ headers: { accept } }, response) => {
        try {
          const answer = await fetch(`http://${address}/metrics`, { headers: { accept, connection: "close" } });
          types.set(job, answer.headers.get("content-type"));
          response.setHeader("Content-Type", answer.headers.get("content-type"));
          response.end(Buffer.from(await answer.arrayBuffer()));
        } catch {
          // At the test's end the examples go first; before it, this is a scrape that fails.
          response.destroy();
        }
      });
      jobs.push(
        `  - {job_name: ${job}, scrape_protocols: [${protocol}], static_configs: [{targets: ['${target}']}]}\n`,
      );
    }
  }
  const peer = await Peer.start(t, {
    config: `global: {scrape_interval: 1s}\nscrape_configs:\n${jobs.join("")}`,
    flags: ["--enable-feature=native-histograms,exemplar-storage"],
  });
  await peer.until("count(count_over_time(up[1m]) > 1)", ([first]) => first?.value[1] === String(jobs.length));
  assert.deepEqual(await peer.query("up == 0"), []);
  for (const [name, selector, expected] of expectations) {
    for (const [protocol, type] of Object.entries(FORMATS)) {
      const job = `${name}-${protocol}`;
      assert.ok(types.get(job)?.startsWith(type), `${job}: ${types.get(job)}`);
      const values = (await peer.query(`${selector},job="${job}"}`)).map(({ value }) => value[1]);
      assert.deepEqual(values, [expected], `${job}: ${selector}}`);
    }
  }
});

test("batch-job: what it did is pushed and scraped; a failure leaves the last success", async (t) => {
  const gateway = await Gateway.start(t);
  const folder = join(scratch(t), "files");
  mkdirSync(folder);
  for (let i = 0; i < 4; i++) writeFileSync(join(folder, String(i)), "12345");
  const run = (where) =>
    new Promise((done) => {
      const child = spawn(process.execPath, [join(examples, "batch-job/dist/main.js"), where], {
        env: { ...process.env, PUSHGATEWAY: `http://127.0.0.1:${gateway.port}` },
        stdio: ["ignore", "ignore", "pipe"],
      });
      let log = "";
      child.stderr.on("data", (text) => (log += text));
      child.once("exit", (code) => done({ code, log }));
    });
  assert.deepEqual(await run(folder), { code: 0, log: "" });
  const config = `global: {scrape_interval: 1s}\nscrape_configs: [{job_name: push, honor_labels: true, static_configs: [{targets: ["127.0.0.1:${gateway.port}"]}]}]\n`;
  const server = await Program.start(t, { config });
  const bytes = await server.until('clean_up_bytes_total{job="clean_up",instance=""}', (result) => result.length === 1);
  assert.equal(bytes[0].value[1], "20");
  const failed = await run(join(folder, "none"));
  assert.equal(failed.code, 1);
  assert.match(failed.log, /^the job failed: ENOENT/);
  const page = (await gateway.send("GET", "/metrics")).body;
  assert.match(page, /^clean_up_bytes_total\{instance="",job="clean_up"\} 0$/m);
  assert.match(page, /^clean_up_last_success_timestamp_seconds\{/m);
});
