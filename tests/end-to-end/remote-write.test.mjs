// Remote write between whole programs: what was scraped arrives, once and whole, whatever happens to the receiver.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Peer, withoutPeer } from "../lib/peer.mjs";
import { freePort, Program } from "../lib/program.mjs";
import { configFor, startTarget } from "../lib/target.mjs";

const RECEIVER_FLAG = "--web.enable-remote-write-receiver";
const NOTHING = "global: {scrape_interval: 15s}\n";
const SERIES = 150;
const V1 = "prometheus.WriteRequest";
const V2 = "io.prometheus.write.v2.Request";

/** A target whose values count its scrapes. */
function countingTarget(t) {
  let scrapes = 0;
  return startTarget(t, () => {
    scrapes++;
    const lines = Array.from(
      { length: SERIES },
      (_, i) => `sent_total{series="${i}",text="ünïcode"} ${scrapes * 1000 + i}\n`,
    );
    return `# TYPE sent_total counter\n${lines.join("")}`;
  });
}

/** A configuration that scrapes `target` four times a second and sends to `[port, message]` pairs. */
function sending(target, receivers) {
  const entries = receivers.map(
    ([port, message]) => `  - url: http://127.0.0.1:${port}/api/v1/write
    protobuf_message: ${message}
    metadata_config: {send: false}
    queue_config: {batch_send_deadline: 200ms, max_samples_per_send: 100, capacity: 500, max_backoff: 500ms}\n`,
  );
  return `${configFor({ r: target }, "250ms")}remote_write:\n${entries.join("")}`;
}

/** All samples of the job up to a moment, by series. */
async function samplesOf(program, end) {
  const result = await program.query('{job="r"}[5m]', { time: String(end) });
  return new Map(result.map(({ metric, values }) => [JSON.stringify(Object.entries(metric).sort()), values]));
}

/** Waits until the receiver has all that the sender had at `end`, and compares it. */
async function assertArrived(sender, receiver, end) {
  const expected = await samplesOf(sender, end);
  assert.ok(expected.size >= SERIES, `${expected.size} series`);
  let found;
  for (const until = Date.now() + 30_000; Date.now() < until; await sleep(200)) {
    found = await samplesOf(receiver, end);
    const isThere = [...expected].every(([series, values]) => found.get(series)?.length >= values.length);
    if (isThere) break;
  }
  assert.deepEqual(found, expected, `${sender.log.slice(-2000)}\n${receiver.log.slice(-2000)}`);
  return [...expected.values()].reduce((sum, values) => sum + values.length, 0);
}

/** Kills the receiver for a while in the middle. */
async function sendThrough(t, sender, receivers) {
  await sender.until("count(sent_total)", ([first]) => first?.value[1] === String(SERIES));
  await sleep(1000);
  for (const receiver of receivers) await receiver.kill("SIGKILL");
  await sleep(3000);
  for (const receiver of receivers) {
    receiver.launch();
    await receiver.ready();
  }
  await sleep(1500);
  const end = Date.now() / 1000 - 0.5;
  for (const receiver of receivers) {
    const samples = await assertArrived(sender, receiver, end);
    t.diagnostic(`${samples} samples arrived`);
    assert.ok(samples > SERIES * 15, `${samples} samples`);
  }
}

async function receivingProgram(t) {
  return Program.start(t, { config: NOTHING, flags: [RECEIVER_FLAG] });
}

test("server: what is sent by remote write 1.0 and 2.0 to another one arrives whole over a kill of the receivers", async (t) => {
  const receivers = [await receivingProgram(t), await receivingProgram(t)];
  const messages = [V1, V2];
  const target = await countingTarget(t);
  const sender = await Program.start(t, {
    config: sending(
      target,
      receivers.map(({ port }, i) => [port, messages[i]]),
    ),
  });
  await sendThrough(t, sender, receivers);
  const answer = await fetch(`${sender.url}/metrics`);
  const metrics = await answer.text();
  assert.match(metrics, /^prometheus_remote_storage_samples_failed_total\{[^}]*\} 0$/m);
  assert.doesNotMatch(metrics, /^prometheus_remote_storage_samples_failed_total\{[^}]*\} [1-9]/m);
  assert.match(metrics, /^prometheus_remote_storage_samples_retried_total\{[^}]*\} [1-9]/m);
});

test("server: at its end it sends what it has", async (t) => {
  const receiver = await receivingProgram(t);
  const target = await countingTarget(t);
  const config = sending(target, [[receiver.port, V1]]).replace("200ms, max", "10m, max");
  const sender = await Program.start(t, { config });
  await sender.until("count(count_over_time(sent_total[1m]) > 3)", ([first]) => first?.value[1] === String(SERIES));
  const end = Date.now() / 1000;
  const expected = await samplesOf(sender, end);
  assert.deepEqual(await sender.kill("SIGTERM"), { code: 0, signal: null });
  assert.deepEqual(await samplesOf(receiver, end), expected);
});

test("server and Prometheus: remote write 1.0 and 2.0 to Prometheus over a kill", { skip: withoutPeer }, async (t) => {
  const peers = [
    await Peer.start(t, { config: NOTHING, flags: [RECEIVER_FLAG] }),
    await Peer.start(t, { config: NOTHING, flags: [RECEIVER_FLAG] }),
  ];
  const target = await countingTarget(t);
  const config = sending(target, [
    [peers[0].port, V1],
    [peers[1].port, V2],
  ]);
  await sendThrough(t, await Program.start(t, { config }), peers);
});

test("server and Prometheus: remote write 1.0 and 2.0 from Prometheus over a kill", {
  skip: withoutPeer,
}, async (t) => {
  const receivers = [await receivingProgram(t), await receivingProgram(t)];
  const target = await countingTarget(t);
  const config = sending(target, [
    [receivers[0].port, V1],
    [receivers[1].port, V2],
  ]);
  await sendThrough(t, await Peer.start(t, { config, port: await freePort() }), receivers);
});
