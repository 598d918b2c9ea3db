// Traces of whole programs: what a collector gets of a scrape, a rule, an alert and its notification, and of requests by hand.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { FakeCollector } from "@narthex/tracing/testing";
import { Alertmanager, Catcher } from "../lib/alertmanager.mjs";
import { Program, scratch } from "../lib/program.mjs";
import { makeCertificate } from "../lib/smtp-catcher.mjs";
import { startTarget } from "../lib/target.mjs";

const WITHIN_MS = 30_000;
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

const RULES = `groups:
- name: chain
  interval: 500ms
  rules:
  - {record: two, expr: m * 2}
  - {record: wrong, expr: "m * on() group_left() {__name__=~'up|m'}"}
  - {alert: Always, expr: m == 1}
`;

const serverConfig = ({ target, alertmanager, rules, collector }) => `
global: {scrape_interval: 500ms, scrape_timeout: 400ms, evaluation_interval: 500ms, query_log_file: queries.log}
rule_files: [${JSON.stringify(rules)}]
alerting: {alertmanagers: [{static_configs: [{targets: ["127.0.0.1:${alertmanager}"]}]}]}
scrape_configs: [{job_name: j, static_configs: [{targets: ["${target}"]}]}]
remote_write: [{url: "http://${target}/write", name: away, queue_config: {batch_send_deadline: 200ms}}]
remote_read: [{url: "http://${target}/read", read_recent: true}]
${collector.yaml}`;

const alertmanagerConfig = (hook, collector) => `
route: {receiver: hook, group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: hook, webhook_configs: [{url: "http://127.0.0.1:${hook}/hook"}]}]
${collector.yaml}  headers: {X-Scope: {values: [one]}}
`;

/** Waits for what `find` gives once the collector has it. */
async function found(collector, find) {
  let seen;
  const isThere = () => {
    seen = find();
    return seen !== undefined;
  };
  const late = sleep(WITHIN_MS, undefined, { ref: false }).then(() => {
    throw new Error(`the collector has only ${[...new Set(collector.spans.map(({ name }) => name))].join(", ")}`);
  });
  await Promise.race([collector.until(isThere), late]);
  return seen;
}

/** The parts of a span, by name. */
const partsOf = (collector, { spanId }) => collector.spans.filter(({ parentId }) => parentId === spanId);
const idOf = (header) => header?.split("-").slice(1, 3) ?? [];

test("server and Alertmanager: a collector gets the whole way from a scrape to a notification, with the right parents", async (t) => {
  const collector = await FakeCollector.start("grpc");
  const seen = { scrape: [], write: [], read: [] };
  const target = await startTarget(t, (request, response) => {
    const kind = { "/write": "write", "/read": "read" }[request.url] ?? "scrape";
    seen[kind].push(request.headers.traceparent);
    request.resume();
    if (kind === "scrape") return "m 1\n";
    response.writeHead(kind === "write" ? 204 : 500).end();
    return undefined;
  });
  const hook = await Catcher.start(t);
  const alertmanager = await Alertmanager.start(t, { config: alertmanagerConfig(hook.port, collector) });
  const folder = scratch(t);
  const rules = join(folder, "rules.yml");
  writeFileSync(rules, RULES);
  const config = serverConfig({ target, alertmanager: alertmanager.port, rules, collector });
  const server = await Program.start(t, { config, folder });

  const scrape = await found(collector, () =>
    collector.named("scrape").find((span) => partsOf(collector, span).length === 3),
  );
  assert.deepEqual(
    partsOf(collector, scrape).map(({ name }) => name),
    ["scrapeRequest", "scrapeAppend", "scrapeCommit"],
  );
  assert.equal(scrape.attributes.samples_scraped, 1);
  assert.equal(scrape.resource["service.name"], "prometheus");
  const asked = partsOf(collector, scrape)[0];
  assert.ok(seen.scrape.some((header) => idOf(header).join() === [asked.traceId, asked.spanId].join()));

  const rule = await found(collector, () => collector.named("rule").find((span) => span.attributes.name === "two"));
  const group = collector.spans.find(({ spanId }) => spanId === rule.parentId);
  assert.equal(group.name, "rule group");
  assert.equal(group.attributes.interval, "500ms");
  const executed = partsOf(collector, rule).find(({ name }) => name === "promqlExec");
  const evaluated = partsOf(collector, executed).find(({ name }) => name === "promqlEval");
  assert.ok(partsOf(collector, evaluated).some(({ name }) => name === "promqlInnerEval"));
  const failed = collector.named("rule").find((span) => span.attributes.name === "wrong" && span.status.code === 2);
  assert.deepEqual(failed?.events, ["exception"]);

  const notify = await found(collector, () => collector.named("notify.Integration.Notify")[0]);
  assert.equal(notify.resource["service.name"], "alertmanager");
  assert.equal(notify.attributes["alerting.notify.integration.name"], "webhook");
  const [caught] = hook.requests;
  assert.deepEqual(idOf(caught.headers.traceparent), [notify.traceId, notify.spanId]);
  const names = [];
  for (let span = notify; span; span = collector.spans.find(({ spanId }) => spanId === span.parentId))
    names.push(span.name);
  assert.deepEqual(names, ["notify.Integration.Notify", "notify.RetryStage.Exec", "dispatch.AggregationGroup.flush"]);
  assert.ok(collector.requests.some(({ headers }) => headers["x-scope"] === "one"));

  // The Alertmanager goes on with the trace of whoever posts to it.
  const received = await found(collector, () => collector.named("POST /api/v2/alerts")[0]);
  const posted = await found(collector, () => collector.spans.find(({ spanId }) => spanId === received.parentId));
  assert.deepEqual([posted.name, posted.kind, posted.attributes.alerts], ["HTTP POST", "client", 1]);

  const stored = await found(collector, () => collector.named("Remote Store")[0]);
  const batch = collector.spans.find(({ spanId }) => spanId === stored.parentId);
  assert.match(batch.name, /^Remote (Metadata )?Send Batch$/);
  assert.equal(batch.attributes.remote_name, "away");
  assert.ok(seen.write.some((header) => idOf(header).join() === [stored.traceId, stored.spanId].join()));

  const headers = { traceparent: `00-${TRACE}-${PARENT}-01` };
  await (await fetch(`${server.url}/api/v1/query?query=m`, { headers })).text();
  await (
    await fetch(`${server.url}/api/v1/label/job/values`, { headers: { traceparent: `00-${TRACE}-${PARENT}-00` } })
  ).text();
  await server.kill("SIGTERM");
  const request = collector.named("GET /api/v1/query")[0];
  assert.deepEqual(
    [request.traceId, request.parentId, request.kind, request.attributes["http.response.status_code"]],
    [TRACE, PARENT, "server", 200],
  );
  const [query] = partsOf(collector, request);
  assert.deepEqual([query.name, query.attributes.query], ["promqlInstantQuery", "m"]);
  const lines = readFileSync(join(folder, "queries.log"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const logged = lines.find(({ traceID }) => traceID === TRACE);
  assert.equal(collector.spans.find(({ spanId }) => spanId === logged.spanID).name, "promqlEval");
  assert.match(server.log, /msg="Evaluating rule failed" .* trace_id=[0-9a-f]{32} /);
  const read = collector.named("Remote Read").find(({ traceId }) => traceId === TRACE);
  assert.equal(read.status.code, 2);
  assert.ok(seen.read.some((header) => idOf(header).join() === [TRACE, read.spanId].join()));
  assert.deepEqual(collector.named("GET /api/v1/label/:name/values"), []);
});

test("reload: tracing is switched off and on, and what cannot be used leaves the rest in force", async (t) => {
  const collector = await FakeCollector.start("http");
  const off = "scrape_configs: []\n";
  const server = await Program.start(t, { config: off });
  const reload = async (config) => {
    writeFileSync(server.configFile, config);
    return (await fetch(`${server.url}/-/reload`, { method: "POST" })).status;
  };
  assert.equal(await reload(off + collector.yaml), 200);
  await (await fetch(`${server.url}/-/healthy`)).text();
  assert.equal(await reload(off + collector.yaml.replace(/endpoint: .*/, "endpoint: http://nowhere/")), 500);
  assert.match(server.log, /part=tracing err="tracing endpoint \\"http:\/\/nowhere\/\\" is no host:port"/);
  await (await fetch(`${server.url}/-/ready`)).text();
  assert.equal(await reload(off), 200);
  await (await fetch(`${server.url}/version`)).text();
  await server.kill("SIGTERM");
  const names = collector.spans.map(({ name }) => name).filter((name) => name !== "POST /-/reload");
  assert.deepEqual(names, ["GET /-/healthy", "GET /-/ready"]);
});

test("Alertmanager: a block that cannot be used, and a collector that is not there, keep nobody from being told", async (t) => {
  const hook = await Catcher.start(t);
  const collector = await FakeCollector.start("grpc");
  const config = alertmanagerConfig(hook.port, collector);
  collector.close();
  const program = await Alertmanager.start(t, { config });
  writeFileSync(program.configFile, config.replace(/endpoint: .*/, "endpoint: http://nowhere/"));
  assert.equal((await program.call("/-/reload", { method: "POST" })).status, 200);
  assert.match(program.log, /Tracing cannot be set up as configured and stays as it was.*no host:port/);
  await program.call("/api/v2/alerts", { method: "POST", body: [{ labels: { alertname: "A" } }] });
  for (const until = Date.now() + WITHIN_MS; hook.requests.length === 0 && Date.now() < until; ) await sleep(20);
  assert.equal(hook.requests.length, 1);
  assert.match(hook.requests[0].headers.traceparent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  assert.deepEqual(await program.kill("SIGTERM"), { code: 0, signal: null });
  assert.match(program.log, /Sending spans to the tracing collector failed/);
});

test("TLS: collectors of both kinds are known by their certificate, and the exporter begins anew with each reload", async (t) => {
  const folder = scratch(t);
  const files = makeCertificate(folder);
  if (files === undefined) return t.skip("there is no openssl to make a certificate");
  const secrets = { key: readFileSync(files.key), cert: readFileSync(files.cert) };
  const collectors = [await FakeCollector.start("http", secrets), await FakeCollector.start("grpc", secrets)];
  const [config, next] = collectors.map(
    ({ yaml }) =>
      `scrape_configs: []\n${yaml.replace("insecure: true", `tls_config: {ca_file: ${files.cert}, server_name: localhost}`)}`,
  );
  const server = await Program.start(t, { config, folder });
  await (await fetch(`${server.url}/version`)).text();
  for (const text of [config, next]) {
    writeFileSync(server.configFile, text);
    assert.equal((await fetch(`${server.url}/-/reload`, { method: "POST" })).status, 200);
  }
  await (await fetch(`${server.url}/-/healthy`)).text();
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(metrics, /^narthex_tracing_spans_total\{outcome="sent"\} [1-9]/m);
  assert.equal(server.log.match(/msg="Tracing is on"/g).length, 3);
  await server.kill("SIGTERM");
  assert.deepEqual(
    collectors.map((collector) => collector.named("GET /version").length),
    [1, 0],
  );
  assert.equal(collectors[1].named("GET /-/healthy").length, 1, server.log);
});
