import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { Registry } from "@narthex/client";
import { Labels } from "@narthex/model";
import { silentLogger } from "@narthex/toolkit";
import { loadConfig } from "../config/index.ts";
import { Notifier, type NotifierOptions } from "./notifier.ts";
import type { OutgoingAlert } from "./outgoing-alert.ts";

interface Posted {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly alerts: { readonly labels: Record<string, string> }[];
}

/** An Alertmanager that keeps what it is sent; `answer` decides how it answers. */
async function fakeManager(
  t: TestContext,
  answer: (response: ServerResponse, count: number) => void = (response) => void response.end(),
): Promise<{ address: string; posted: Posted[] }> {
  const posted: Posted[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (text) => (body += text));
    request.on("end", () => {
      posted.push({ path: request.url ?? "", headers: request.headers, alerts: JSON.parse(body) });
      answer(response, posted.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, posted };
}

function configOf(yaml: string): ReturnType<typeof loadConfig> {
  return loadConfig(yaml, "test.yml", { logger: silentLogger });
}

function makeNotifier(options: Partial<NotifierOptions> = {}): { notifier: Notifier; registry: Registry } {
  const registry = new Registry();
  const notifier = new Notifier({
    registry,
    logger: silentLogger,
    version: "3.14.0",
    queueCapacity: 10,
    batchSize: 4,
    drainsOnStop: true,
    ...options,
  });
  return { notifier, registry };
}

const groupOf = (
  ...addresses: string[]
): { source: string; labels: Map<string, string>; targets: Map<string, string>[] } => ({
  source: "0",
  labels: new Map([["dc", "eu"]]),
  targets: addresses.map((address) => new Map([["__address__", address]])),
});

const alert = (name: string, labels: Record<string, string> = {}): OutgoingAlert => ({
  labels: Labels.fromObject({ alertname: name, ...labels }),
  annotations: Labels.fromObject({ summary: "It is <down>." }),
  startsAt: 1_700_000_000_123,
  endsAt: 1_700_000_240_000,
  generatorUrl: "http://p/graph?g0.expr=up&g0.tab=1",
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(holds(), "it did not come to that");
}

const sampleOf = async (registry: Registry, series: string): Promise<string | undefined> => {
  const { body } = await registry.expose();
  return body
    .toString()
    .split("\n")
    .find((line) => line.startsWith(`${series} `))
    ?.slice(series.length + 1);
};

/** Waits until a series shows a value; undefined: until it is gone. */
async function untilSample(registry: Registry, series: string, value: string | undefined): Promise<void> {
  for (let tries = 0; tries < 500 && (await sampleOf(registry, series)) !== value; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(await sampleOf(registry, series), value);
}

test("notifier: alerts reach every Alertmanager, with external labels, relabeled", async (t) => {
  const manager = await fakeManager(t);
  const other = await fakeManager(t);
  const { notifier } = makeNotifier();
  notifier.applyConfig(
    configOf(`
global: {external_labels: {cluster: a, team: nobody}}
alerting:
  alert_relabel_configs: [{source_labels: [alertname], regex: Noise, action: drop}]
  alertmanagers:
    - {path_prefix: /am/, static_configs: [{targets: ["${manager.address}"]}]}
    - static_configs: [{targets: ["${other.address}"]}]
      alert_relabel_configs: [{regex: team, action: labeldrop}]
`),
  );
  notifier.updateTargets(
    new Map([
      ["config-0", [groupOf(manager.address, manager.address)]],
      ["config-1", [groupOf(other.address)]],
    ]),
  );
  assert.deepEqual(notifier.active, [
    `http://${manager.address}/am/api/v2/alerts`,
    `http://${other.address}/api/v2/alerts`,
  ]);
  notifier.send([alert("Down", { team: "db" }), alert("Noise")]);
  await until(() => manager.posted.length === 1 && other.posted.length === 1);
  const [first] = manager.posted;
  assert.equal(first?.path, "/am/api/v2/alerts");
  assert.equal(first?.headers["content-type"], "application/json");
  assert.equal(first?.headers["user-agent"], "Prometheus/3.14.0");
  assert.deepEqual(first?.alerts, [
    {
      labels: { alertname: "Down", cluster: "a", team: "db" },
      annotations: { summary: "It is <down>." },
      startsAt: "2023-11-14T22:13:20.123Z",
      endsAt: "2023-11-14T22:17:20.000Z",
      generatorURL: "http://p/graph?g0.expr=up&g0.tab=1",
    },
  ]);
  assert.deepEqual(other.posted[0]?.alerts[0]?.labels, { alertname: "Down", cluster: "a" });
  await notifier.stop();
});

test("notifier: an Alertmanager that two sets name is counted on when one of them goes", async (t) => {
  const manager = await fakeManager(t);
  const { notifier, registry } = makeNotifier();
  const set = `{static_configs: [{targets: ["${manager.address}"]}]}`;
  const twice = `alerting: {alertmanagers: [${set}, {timeout: 3s, static_configs: [{targets: ["${manager.address}"]}]}]}`;
  const groups = [groupOf(manager.address)];
  notifier.applyConfig(configOf(twice));
  notifier.updateTargets(
    new Map([
      ["config-0", groups],
      ["config-1", groups],
    ]),
  );
  const series = (name: string): string =>
    `prometheus_notifications_${name}{alertmanager="http://${manager.address}/api/v2/alerts"}`;
  notifier.send([alert("A")]);
  await until(() => manager.posted.length === 2);
  await untilSample(registry, series("sent_total"), "2");
  notifier.applyConfig(configOf(`alerting: {alertmanagers: [${set}]}`));
  await new Promise((resolve) => setTimeout(resolve, 20));
  notifier.send([alert("B")]);
  await untilSample(registry, series("sent_total"), "3");
  assert.equal(await sampleOf(registry, series("queue_length")), "0");
  await notifier.stop();
  assert.equal(await sampleOf(registry, series("sent_total")), undefined);
});

test("notifier: relabeling drops Alertmanagers; addresses that are none are left out", async () => {
  const { notifier, registry } = makeNotifier();
  notifier.applyConfig(
    configOf(`
alerting:
  alertmanagers:
    - static_configs: [{targets: ["a:9093"]}]
      relabel_configs: [{source_labels: [__address__], regex: "b:.*", action: drop}]
`),
  );
  notifier.updateTargets(new Map([["config-0", [groupOf("a:9093", "b:9093"), groupOf("http://c/x")]]]));
  assert.deepEqual(notifier.active, ["http://a:9093/api/v2/alerts"]);
  assert.deepEqual(notifier.dropped, ["http://b:9093/api/v2/alerts"]);
  await untilSample(registry, "prometheus_notifications_alertmanagers_discovered", "1");
  notifier.updateTargets(new Map([["config-0", []]]));
  assert.deepEqual(notifier.active, []);
  await untilSample(
    registry,
    'prometheus_notifications_sent_total{alertmanager="http://a:9093/api/v2/alerts"}',
    undefined,
  );
});

test("notifier: batches keep their order; when too many wait the oldest go", async (t) => {
  let release = (): void => {};
  const manager = await fakeManager(t, (response, count) => {
    if (count > 1) response.end();
    else release = () => void response.end();
  });
  const { notifier, registry } = makeNotifier();
  notifier.applyConfig(
    configOf(`{alerting: {alertmanagers: [{static_configs: [{targets: ["${manager.address}"]}]}]}}`),
  );
  notifier.updateTargets(new Map([["config-0", [groupOf(manager.address)]]]));
  const url = `http://${manager.address}/api/v2/alerts`;
  notifier.send([alert("first")]);
  await until(() => manager.posted.length === 1);
  notifier.send(Array.from({ length: 8 }, (_, i) => alert(`a${i}`)));
  notifier.send(Array.from({ length: 5 }, (_, i) => alert(`b${i}`)));
  await untilSample(registry, `prometheus_notifications_queue_length{alertmanager="${url}"}`, "10");
  await untilSample(registry, `prometheus_notifications_dropped_total{alertmanager="${url}"}`, "3");
  release();
  await until(() => manager.posted.length === 4);
  const names = manager.posted.map(({ alerts }) => alerts.map(({ labels }) => labels["alertname"]).join());
  assert.deepEqual(names, ["first", "a3,a4,a5,a6", "a7,b0,b1,b2", "b3,b4"]);
  await untilSample(registry, `prometheus_notifications_sent_total{alertmanager="${url}"}`, "11");
  await notifier.stop();
});

test("notifier: what an Alertmanager refuses is counted and not sent again", async (t) => {
  const manager = await fakeManager(t, (response) => {
    response.statusCode = 400;
    response.end('{"code":400}');
  });
  const { notifier, registry } = makeNotifier();
  notifier.applyConfig(
    configOf(`{alerting: {alertmanagers: [{static_configs: [{targets: ["${manager.address}"]}]}]}}`),
  );
  notifier.updateTargets(new Map([["config-0", [groupOf(manager.address)]]]));
  const url = `http://${manager.address}/api/v2/alerts`;
  notifier.send([alert("a"), alert("b")]);
  await until(() => manager.posted.length === 1);
  await untilSample(registry, `prometheus_notifications_errors_total{alertmanager="${url}"}`, "2");
  await untilSample(registry, `prometheus_notifications_dropped_total{alertmanager="${url}"}`, "2");
  await notifier.stop();
  assert.equal(manager.posted.length, 1);
});

test("notifier: a reload keeps what is configured as before, and what waits there", async (t) => {
  let release = (): void => {};
  const manager = await fakeManager(t, (response, count) => {
    if (count > 1) response.end();
    else release = () => void response.end();
  });
  const { notifier } = makeNotifier();
  const yaml = (interval: string): string =>
    `{global: {scrape_interval: ${interval}}, alerting: {alertmanagers: [{static_configs: [{targets: ["${manager.address}"]}]}]}}`;
  notifier.applyConfig(configOf(yaml("15s")));
  notifier.updateTargets(new Map([["config-0", [groupOf(manager.address)]]]));
  notifier.send([alert("a")]);
  await until(() => manager.posted.length === 1);
  notifier.send([alert("b")]);
  notifier.applyConfig(configOf(yaml("30s")));
  assert.equal(notifier.active.length, 1);
  release();
  await until(() => manager.posted.length === 2);
  await notifier.stop();
});

test("notifier: stopping sends what waits, or drops it when told so", async (t) => {
  for (const drainsOnStop of [true, false]) {
    let release = (): void => {};
    const manager = await fakeManager(t, (response, count) => {
      if (count > 1) response.end();
      else release = () => void response.end();
    });
    const { notifier } = makeNotifier({ drainsOnStop });
    notifier.applyConfig(
      configOf(`{alerting: {alertmanagers: [{static_configs: [{targets: ["${manager.address}"]}]}]}}`),
    );
    notifier.updateTargets(new Map([["config-0", [groupOf(manager.address)]]]));
    notifier.send([alert("a")]);
    await until(() => manager.posted.length === 1);
    notifier.send([alert("b")]);
    const stopped = notifier.stop();
    if (drainsOnStop) release();
    await stopped;
    assert.equal(manager.posted.length, drainsOnStop ? 2 : 1);
  }
});
