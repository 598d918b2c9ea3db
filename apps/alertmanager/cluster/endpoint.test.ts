import assert from "node:assert/strict";
import { test } from "node:test";
import { advertisedEndpoint } from "./advertise.ts";
import { formatEndpoint, ipBytes, ipText, isAnyHost, isLoopback, parseEndpoint } from "./endpoint.ts";
import { resolvePeers } from "./peer-names.ts";
import { ulid } from "./ulid.ts";

test("endpoints: written and read", () => {
  for (const text of ["10.0.0.1:9094", "[::1]:1", "peer.example:65535", ":9094"])
    assert.equal(formatEndpoint(parseEndpoint(text)).replace(/^\[\]/, ""), text);
  assert.throws(() => parseEndpoint("host"), /address host: missing port in address/);
  assert.throws(() => parseEndpoint("::1:9094"), /too many colons in address/);
  assert.throws(() => parseEndpoint("host:http"), /invalid port/);
  assert.throws(() => parseEndpoint("host:65536"), /invalid port/);
});

test("endpoints: addresses as bytes and as text", () => {
  for (const [text, back] of [
    ["127.0.0.1"],
    ["::"],
    ["::1"],
    ["fe80::1:2"],
    ["2001:db8:0:1:1:1:1:1"],
    ["2001:db8::1:0:0:1"],
    ["1:2:3:4:5:6:7:8"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["::ffff:10.0.0.1", "10.0.0.1"],
  ] as const)
    assert.equal(ipText(ipBytes(text) as Uint8Array), back ?? text);
  assert.equal(ipBytes("localhost"), undefined);
  assert.equal(ipText(new Uint8Array(5)), undefined);
  assert.equal(ipText(Uint8Array.from([...new Uint8Array(10), 255, 255, 10, 0, 0, 7])), "10.0.0.7");
  assert.deepEqual(["", "0.0.0.0", "::", "1.1.1.1"].map(isAnyHost), [true, true, true, false]);
  assert.deepEqual(["localhost", "127.1.2.3", "::1", "10.0.0.1"].map(isLoopback), [true, true, true, false]);
});

const base = { bind: { host: "0.0.0.0", port: 9094 }, advertise: undefined, allowsPublic: false, peers: [], local: [] };
const at = (options: Partial<Parameters<typeof advertisedEndpoint>[0]>): string =>
  formatEndpoint(advertisedEndpoint({ ...base, ...options }).endpoint);

test("advertised address: as told, as bound, or the private one of the interface that leads outside", () => {
  assert.equal(at({ advertise: { host: "1.2.3.4", port: 5 } }), "1.2.3.4:5");
  assert.equal(at({ bind: { host: "10.9.9.9", port: 7 } }), "10.9.9.9:7");
  const local = [
    { host: "8.8.8.8", isDefault: true },
    { host: "fd00::5", isDefault: true },
    { host: "172.17.0.1", isDefault: false },
    { host: "192.168.1.5", isDefault: true },
  ];
  assert.equal(at({ local }), "192.168.1.5:9094");
  assert.equal(at({ local: local.slice(0, 1), allowsPublic: true }), "8.8.8.8:9094");
  assert.equal(at({ local: [] }), "127.0.0.1:9094");
});

test("advertised address: none is found for a member that has peers: it cannot start", () => {
  const peers = ["10.0.0.2:9094"];
  assert.throws(() => at({ peers }), /no private IP found, explicit advertise addr not provided/);
  assert.throws(() => at({ peers, local: [{ host: "8.8.8.8", isDefault: true }] }), /no private IP found/);
  assert.throws(() => at({ advertise: { host: "example.org", port: 1 } }), /failed to parse advertise address/);
});

test("advertised address: one that the others cannot reach is warned of", () => {
  const options = { ...base, bind: { host: "127.0.0.1", port: 9094 } };
  const warned = (peers: string[]): number => advertisedEndpoint({ ...options, peers }).warnings.length;
  assert.deepEqual([warned(["127.0.0.1:9095"]), warned(["localhost:1"]), warned(["10.0.0.2:9094"])], [0, 0, 1]);
});

test("peers: names become addresses, unknown and slow ones stay, the same is there once", async () => {
  const lookUp = (host: string): Promise<string[]> => {
    if (host === "slow") return new Promise(() => {});
    if (host === "unknown") return Promise.reject(new Error("ENOTFOUND"));
    return Promise.resolve(["10.0.0.1", "fd00::1"]);
  };
  const peers = ["am:9094", "10.0.0.1:9094", "unknown:1", "slow:2"];
  assert.deepEqual((await resolvePeers(peers, 20, lookUp)).map(formatEndpoint), [
    "10.0.0.1:9094",
    "[fd00::1]:9094",
    "unknown:1",
    "slow:2",
  ]);
});

test("names: made of the time and of chance, sorted by time", () => {
  assert.equal(ulid(1469918176385, new Uint8Array(10)), "01ARYZ6S410000000000000000");
  assert.equal(ulid(0, new Uint8Array(10).fill(255)), "0000000000ZZZZZZZZZZZZZZZZ");
  assert.ok(ulid(1) < ulid(2));
});
