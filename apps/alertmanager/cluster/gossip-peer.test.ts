// An Alertmanager in its cluster: place, settling, what it tells and takes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { silentLogger } from "@narthex/toolkit";
import { DEADLINE } from "../notify/delivery.ts";
import { GossipPeer } from "./gossip-peer.ts";
import { Network } from "./testing-network.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);

interface Made {
  readonly peer: GossipPeer;
  readonly merged: string[];
  readonly registry: Registry;
}

/** `tells` is what it hands on of what it merges. */
function peerOf(
  network: Network,
  name: string,
  port: number,
  peers: readonly number[] = [],
  settleTimeoutMs = 60_000,
): Made {
  const registry = new Registry();
  const merged: string[] = [];
  const peer: GossipPeer = new GossipPeer({
    name,
    label: "",
    listenAddress: `10.0.0.1:${port}`,
    advertiseAddress: "",
    allowsPublicAddress: false,
    peers: peers.map((each) => `10.0.0.1:${each}`),
    resolveTimeoutMs: 1000,
    gossipIntervalMs: 200,
    pushPullIntervalMs: 60_000,
    streamTimeoutMs: 10_000,
    probeTimeoutMs: 500,
    probeIntervalMs: 1000,
    settleTimeoutMs,
    reconnectIntervalMs: 10_000,
    reconnectTimeoutMs: 21_600_000,
    clock: network.clock,
    random: network.random,
    transport: (bind) => network.transport(bind),
    logger: silentLogger,
    registry,
  });
  const known = new Set<string>();
  peer.addState("sil", {
    snapshot: () => Buffer.from(`all of ${name}`),
    merge: (bytes) => {
      const text = Buffer.from(bytes).toString();
      if (text === "broken") throw new Error("invalid state");
      merged.push(text.length > 100 ? `${text.length} bytes` : text);
      if (!known.has(text)) peer.broadcast("sil", bytes);
      known.add(text);
    },
  });
  return { peer, merged, registry };
}

async function metric({ registry }: Made, line: string): Promise<string | undefined> {
  const { body } = await registry.expose("text/plain");
  return body
    .toString()
    .split("\n")
    .find((each) => each.startsWith(line))
    ?.split(" ")
    .at(-1);
}

test("cluster peer: its place is that of its name, whoever comes first", async () => {
  const network = new Network(SEED);
  const c = peerOf(network, "c", 9000);
  const a = peerOf(network, "a", 9001, [9000]);
  const b = peerOf(network, "b", 9002, [9000]);
  for (const { peer } of [c, a, b]) await peer.start();
  await network.clock.turn(3000);
  assert.deepEqual(
    [a, b, c].map(({ peer }) => [peer.position, peer.members.length]),
    [
      [0, 3],
      [1, 3],
      [2, 3],
    ],
  );
  assert.ok(a.merged.includes("all of b") && c.merged.includes("all of a"));
  assert.equal(await metric(b, "alertmanager_peer_position"), "1");
  assert.equal(await metric(b, 'alertmanager_cluster_peer_info{peer="b"}'), "1");
});

test("cluster peer: alone it settles after five looks, with a limit at that, with none at once", async () => {
  for (const [settleTimeoutMs, expectedMs] of [
    [60_000, 10_000],
    [3000, 3000],
    [0, 0],
  ] as const) {
    const network = new Network(SEED);
    const { peer } = peerOf(network, "a", 9000, [], settleTimeoutMs);
    await peer.start();
    if (expectedMs > 0) await network.clock.turn(expectedMs - 1);
    assert.equal(peer.status, "settling");
    let isReady = false;
    void peer.untilReady(new AbortController().signal).then(() => (isReady = true));
    await network.clock.turn(1);
    assert.deepEqual([peer.status, isReady], ["ready", true]);
  }
});

test("cluster peer: whoever waits for it to settle may stop waiting", async () => {
  const { peer } = peerOf(new Network(SEED), "a", 9000);
  // Flushes abort with a text as the reason: taken for an error, it was logged as none.
  await assert.rejects(peer.untilReady(AbortSignal.abort(DEADLINE)), new Error(DEADLINE));
});

test("cluster peer: short changes go to everybody, long ones by streams and only once", async () => {
  const network = new Network(SEED);
  const [a, b, c] = [
    peerOf(network, "a", 9000),
    peerOf(network, "b", 9001, [9000]),
    peerOf(network, "c", 9002, [9000]),
  ];
  for (const { peer } of [a, b, c]) await peer.start();
  await network.clock.turn(3000);
  for (const { merged } of [a, b, c]) merged.length = 0;
  b.peer.broadcast("sil", Buffer.from("short"));
  b.peer.broadcast("sil", Buffer.from("l".repeat(701)));
  b.peer.broadcast("sil", Buffer.from("broken"));
  await network.clock.turn(3000);
  for (const { merged } of [a, c]) {
    assert.deepEqual([...new Set(merged)].toSorted(), ["701 bytes", "short"]);
    assert.equal(merged.filter((each) => each === "701 bytes").length, 1);
  }
  assert.equal(await metric(b, 'alertmanager_oversized_gossip_message_sent_total{key="sil"}'), "2");
  assert.equal(await metric(a, 'alertmanager_oversized_gossip_message_sent_total{key="sil"}'), "0");
});

test("cluster peer: a lost peer is looked for, and met again although it moved back in silently", async () => {
  const network = new Network(SEED);
  const [a, b] = [peerOf(network, "a", 9000), peerOf(network, "b", 9001, [9000])];
  for (const { peer } of [a, b]) await peer.start();
  await network.clock.turn(3000);
  network.reaches = () => false;
  await network.clock.turn(60_000);
  assert.deepEqual([a.peer.members.length, await metric(a, "alertmanager_cluster_failed_peers")], [1, "1"]);
  network.reaches = () => true;
  await network.clock.turn(25_000);
  assert.deepEqual([a.peer.members.length, await metric(a, "alertmanager_cluster_failed_peers")], [2, "0"]);
});

test("cluster peer: a peer that is not there yet is met when it comes", async () => {
  const network = new Network(SEED);
  const a = peerOf(network, "a", 9000, [9001, 9000]);
  await a.peer.start();
  assert.equal(await metric(a, "alertmanager_cluster_failed_peers"), "1");
  await network.clock.turn(12_000);
  await peerOf(network, "b", 9001).peer.start();
  await network.clock.turn(11_000);
  assert.deepEqual([a.peer.members.length, await metric(a, "alertmanager_cluster_refresh_join_total")], [2, "1"]);
});

test("cluster peer: addresses that cannot be used are named", () => {
  const network = new Network(SEED);
  const bad = (options: object): (() => unknown) => {
    const { peer } = peerOf(network, "a", 9000);
    void peer;
    return () =>
      new GossipPeer({
        ...{ name: "x", label: "", listenAddress: "10.0.0.1:1", advertiseAddress: "", peers: [] },
        clock: network.clock,
        registry: new Registry(),
        ...options,
      } as unknown as ConstructorParameters<typeof GossipPeer>[0]);
  };
  assert.throws(bad({ listenAddress: "nowhere" }), /invalid listen address: address nowhere: missing port in address/);
  assert.throws(bad({ advertiseAddress: "a:b" }), /invalid advertise address: address a:b: invalid port/);
  assert.throws(bad({ peers: ["peer"] }), /invalid peer: address peer: missing port/);
  assert.throws(bad({ label: "x".repeat(256) }), /as a label: too long/);
});
