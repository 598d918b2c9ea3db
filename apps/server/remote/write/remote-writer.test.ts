import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import type { Metadata } from "@narthex/model";
import { silentLogger } from "@narthex/toolkit";
import { type Config, loadConfig } from "../../config/index.ts";
import { remoteWrite } from "../../config/schema/remote.ts";
import { systemClock } from "../../scrape/index.ts";
import { until } from "../../scrape/testing.ts";
import { configHash } from "../config-hash.ts";
import { decodeProto } from "../proto-fixture.ts";
import { RemoteWriter } from "./remote-writer.ts";
import { FakeReceiver, TestLog } from "./testing.ts";

const QUICK = "    queue_config: {batch_send_deadline: 10ms, min_backoff: 5ms}";

function config(text: string): Config {
  return loadConfig(text, "prometheus.yml", { logger: silentLogger });
}

function endpoint(url: string, more = ""): string {
  return `  - url: ${url}\n${QUICK}\n${more}`;
}

function open(
  t: { after(work: () => Promise<void>): void },
  log: TestLog,
  families: readonly (readonly [string, Metadata])[] = [],
) {
  const registry = new Registry();
  const errors: string[] = [];
  const writer = new RemoteWriter({
    feed: log.feed,
    appended: () => log.appended,
    families: () => families,
    registry,
    logger: { ...silentLogger, with: () => ({ ...silentLogger, error: (text: string) => errors.push(text) }) },
    clock: systemClock,
    version: "3",
    flushDeadlineMs: 5000,
    typeAndUnitLabels: false,
  });
  t.after(() => writer.stop());
  return { writer, registry, errors };
}

test("remote writer: an endpoint without a name is called by the hash that the reference gives it", () => {
  const yaml = `remote_write:
  - url: http://127.0.0.1:19901/api/v1/write
    queue_config: {batch_send_deadline: 1s}
    send_exemplars: true
    send_native_histograms: true
`;
  // Prometheus 3.5.3 calls it so in the labels of its metrics.
  assert.equal(configHash(remoteWrite.encode(config(yaml).remoteWrite[0] as never)).slice(0, 6), "0828e6");
});

test("remote writer: a reload keeps what did not change, and hands over without a gap where something did", async (t) => {
  const kept = await FakeReceiver.start(t);
  const changed = await FakeReceiver.start(t);
  const log = new TestLog();
  const { writer, registry } = open(t, log);
  log.series({ 1: { __name__: "m" } });
  const before = `remote_write:\n${endpoint(kept.url)}${endpoint(changed.url)}`;
  const after = `remote_write:\n${endpoint(changed.url, "    send_exemplars: true\n")}${endpoint(kept.url)}`;
  writer.apply(config(before));
  const [first] = writer.queues;
  const start = Date.now() + 1;
  for (let i = 0; i < 100; i++) {
    // Times are those of before the reload, as those of a scrape that was under way.
    log.samples([1, start + i, i]);
    if (i === 50) writer.apply(config(after));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(writer.queues[1], first);
  assert.equal(writer.queues.length, 2);
  await writer.stop();
  for (const receiver of [kept, changed]) {
    const values = receiver
      .samplesV1()
      .get("__name__=m")
      ?.map(([, value]) => value);
    assert.deepEqual(
      values?.toSorted((a, b) => a - b),
      Array.from({ length: 100 }, (_, i) => i),
    );
  }
  assert.doesNotMatch(await registry.metrics(), /remote_storage/);
});

test("remote writer: other external labels begin all queues anew", async (t) => {
  const receiver = await FakeReceiver.start(t);
  const log = new TestLog();
  const { writer } = open(t, log);
  const yaml = `remote_write:\n${endpoint(receiver.url)}`;
  writer.apply(config(yaml));
  const [first] = writer.queues;
  writer.apply(config(`global: {external_labels: {dc: x}}\n${yaml}`));
  assert.notEqual(writer.queues[0], first);
  log.series({ 1: { __name__: "m" } });
  log.samples([1, Date.now() + 1000, 1]);
  await writer.stop();
  assert.deepEqual([...receiver.samplesV1().keys()], ["__name__=m,dc=x"]);
});

test("remote writer: the same endpoint twice is refused, and what runs goes on", async (t) => {
  const receiver = await FakeReceiver.start(t);
  const { writer } = open(t, new TestLog());
  writer.apply(config(`remote_write:\n${endpoint(receiver.url)}`));
  const queues = [...writer.queues];
  assert.throws(
    () => writer.apply(config(`remote_write:\n${endpoint("http://h/")}${endpoint("http://h/")}`)),
    /^Error: duplicate remote write configs are not allowed, found duplicate for URL: http:\/\/h\/$/,
  );
  assert.deepEqual(writer.queues, queues);
  await writer.stop();
});

test("remote writer: without endpoints nothing listens to the log, and only what is appended is shown", async (t) => {
  const log = new TestLog();
  const { writer, registry } = open(t, log);
  writer.apply(config("remote_write: []"));
  assert.equal(log.feed.whenWritten, undefined);
  const names = [...(await registry.metrics()).matchAll(/^prometheus_\w+/gm)].map(([name]) => name);
  assert.deepEqual(names, [
    "prometheus_remote_storage_exemplars_in_total",
    "prometheus_remote_storage_highest_timestamp_in_seconds",
    "prometheus_remote_storage_histograms_in_total",
    "prometheus_remote_storage_samples_in_total",
    "prometheus_remote_storage_string_interner_zero_reference_releases_total",
  ]);
  assert.equal(writer.lowestSentTime, 0);
  await writer.stop();
});

test("remote writer: version 1.0 gets metadata of all targets, each thing once, in requests of its own", async (t) => {
  const receiver = await FakeReceiver.start(t);
  const counter: Metadata = { type: "counter", help: "h", unit: "" };
  const gauge: Metadata = { type: "gauge", help: "h", unit: "" };
  const { writer } = open(t, new TestLog(), [
    ["a", counter],
    ["b", gauge],
    ["a", { ...counter }],
    ["a", gauge],
  ]);
  const more = "    metadata_config: {send_interval: 20ms, max_samples_per_send: 2}\n";
  writer.apply(config(`remote_write:\n${endpoint(receiver.url, more)}`));
  await until(() => receiver.requests.length >= 2);
  const sent = receiver.requests.slice(0, 2).map(({ body }) => {
    const { metadata } = decodeProto<{ metadata: { metric_family_name: string; type: number }[] }>(
      "WriteRequest",
      body,
    );
    return metadata.map(({ metric_family_name, type }) => `${metric_family_name}:${type}`);
  });
  assert.deepEqual(sent, [["a:1", "b:2"], ["a:2"]]);
  assert.ok((writer.queues[0]?.counters.sent.metadata ?? 0) >= 2);
  await writer.stop();
});

test("remote writer: what cannot be signed is said and not sent", async (t) => {
  const { writer, errors } = open(t, new TestLog());
  writer.apply(config("remote_write:\n  - {url: http://h/, google_iam: {credentials_file: /nowhere/key.json}}\n"));
  assert.equal(writer.queues.length, 0);
  assert.deepEqual(errors, ["Requests cannot be signed by google_iam: nothing is sent to this endpoint"]);
  await writer.stop();
});

test("remote writer: credentials that a reload finds unreadable are told of; their endpoint and all others go on", async (t) => {
  const receiver = await FakeReceiver.start(t);
  const folder = mkdtempSync(join(tmpdir(), "remote-writer-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "key.json");
  writeFileSync(file, JSON.stringify({ type: "authorized_user" }));
  const signed = endpoint("http://127.0.0.1:1/", `    google_iam: {credentials_file: ${file}}\n`);
  const log = new TestLog();
  const { writer, errors } = open(t, log);
  writer.apply(config(`remote_write:\n${signed}`));
  const [first] = writer.queues;
  writeFileSync(file, "{");
  writer.apply(config(`remote_write:\n${signed}${endpoint(receiver.url)}`));
  assert.deepEqual(errors, [
    "Requests cannot be signed by google_iam: the endpoint goes on with the credentials it had",
  ]);
  assert.equal(writer.queues.length, 2);
  assert.equal(writer.queues[0], first);
});
