import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigUrl, Secret } from "@narthex/toolkit";
import type { HttpDiscoveryConfig } from "../config/types.ts";
import { scrapeConfig, until } from "../scrape/testing.ts";
import { CONTRACT_TIMEOUT_MS, testDiscoveryContract, testQuietAfterStop } from "./contract.ts";
import { DnsDiscoverer, readResolverConfig } from "./dns-discoverer.ts";
import { FileDiscoverer } from "./file-discoverer.ts";
import { HttpDiscoverer } from "./http-discoverer.ts";
import { StaticDiscoverer } from "./static-discoverer.ts";
import { Rig, whenDone } from "./testing.ts";

testDiscoveryContract({
  name: "HTTP discovery",
  make: (url, context) => {
    const http = {
      ...scrapeConfig().http,
      authorization: { type: "Bearer", credentials: new Secret("s3cret-bearer"), credentialsFile: "" },
    };
    const address = new ConfigUrl(url.replace("http://", "http://me:s3cret-password@"));
    return new HttpDiscoverer({ kind: "http", url: address, refreshIntervalMs: CONTRACT_TIMEOUT_MS, http }, context);
  },
  full: () => ({ body: [{ targets: ["h:1"], labels: { a: "b" } }, { targets: ["h:2"] }] }),
  empty: () => ({ body: [] }),
  addresses: ["h:1", "h:2"],
  againMs: CONTRACT_TIMEOUT_MS,
  failures: "prometheus_sd_http_failures_total",
  secrets: ["s3cret-bearer", "s3cret-password"],
});

test("HTTP discovery: groups come and go; what cannot be read leaves them as they are", async () => {
  let answer: { status?: number; type?: string; body: string } = {
    body: '[{"targets":["h:1"],"labels":{"a":"b"}},{"targets":["h:2"]}]',
  };
  const headers: unknown[] = [];
  const server = createServer((request, response) => {
    headers.push(request.headers);
    const type = answer.type ?? "application/json; charset=utf-8";
    response.writeHead(answer.status ?? 200, { "content-type": type }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenDone(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sd`;
  const { http } = scrapeConfig();
  const config: HttpDiscoveryConfig = { kind: "http", url: new ConfigUrl(url), refreshIntervalMs: 30_000, http };
  const rig = new Rig((context) => new HttpDiscoverer(config, context));
  await until(() => rig.emitted.length === 1, "the first targets");
  assert.deepEqual([...rig.groups.keys()], [`${url}:0`, `${url}:1`]);
  assert.deepEqual(Object.fromEntries(rig.groups.get(`${url}:0`)?.labels ?? []), { a: "b", __meta_url: url });
  const sent = headers[0] as Record<string, string>;
  assert.deepEqual([sent["accept"], sent["x-prometheus-refresh-interval-seconds"]], ["application/json", "30"]);
  for (const [bad, message] of [
    [{ status: 404, body: "" }, /server returned HTTP status 404 Not Found/],
    [{ type: "text/html", body: "[]" }, /unsupported content type/],
    [{ body: "[null]" }, /nil target group item found \(index 0\)/],
    [{ body: '[{"targets":["h:1"],"labels":{"port":80}}' }, /JSON/],
  ] as const) {
    answer = bad;
    await rig.next(30_000);
    assert.match(rig.lines.at(-1) ?? "", /Unable to refresh target groups/);
    assert.match(rig.lines.at(-1) ?? "", message);
  }
  assert.equal(rig.groups.size, 2);
  answer = { body: '[{"targets":["h:3"]}]' };
  await rig.next(30_000);
  assert.deepEqual(
    rig.targets.map(({ __address__ }) => __address__),
    ["h:3"],
  );
  const text = await rig.registry.metrics();
  assert.match(text, /^prometheus_sd_refresh_failures_total\{config="job",mechanism="http"\} 4$/m);
  assert.match(text, /^prometheus_sd_http_failures_total 4$/m);
  assert.match(text, /^prometheus_sd_refresh_duration_histogram_seconds_count\{mechanism="http"\} 6$/m);
});

type Answer = { readonly code: number; readonly records: readonly { readonly type: number; readonly data: Buffer }[] };

function nameBytes(name: string): Buffer {
  const parts = name.split(".").filter((part) => part !== "");
  return Buffer.concat([
    ...parts.map((part) => Buffer.concat([Buffer.of(part.length), Buffer.from(part)])),
    Buffer.of(0),
  ]);
}

function number16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 255);
}

/** A name server on loopback; it answers what `answer` says, and keeps the names it was asked for. */
async function nameServer(answer: (name: string) => Answer, asked: string[]): Promise<string> {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    let at = 12;
    const labels: string[] = [];
    while ((query[at] as number) > 0) {
      labels.push(query.subarray(at + 1, at + 1 + (query[at] as number)).toString());
      at += 1 + (query[at] as number);
    }
    const question = query.subarray(12, at + 5);
    asked.push(labels.join("."));
    const { code, records } = answer(labels.join("."));
    const header = Buffer.concat([
      query.subarray(0, 2),
      Buffer.of(0x81, 0x80 | code),
      number16(1),
      number16(records.length),
      number16(0),
      number16(0),
    ]);
    const body = records.map(({ type, data }) =>
      Buffer.concat([
        Buffer.of(0xc0, 12),
        number16(type),
        number16(1),
        Buffer.of(0, 0, 0, 9),
        number16(data.length),
        data,
      ]),
    );
    socket.send(Buffer.concat([header, question, ...body]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  whenDone(() => socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

const NOTHING: Answer = { code: 3, records: [] };
const [A, NS, CNAME, MX, AAAA, SRV] = [1, 2, 5, 15, 28, 33];

test("DNS discovery: SRV records, names completed by the search list, errors keep what was found", async () => {
  const asked: string[] = [];
  const srv = Buffer.concat([number16(1), number16(2), number16(8080), nameBytes("host.example.org")]);
  let answer = (name: string): Answer =>
    name === "svc.two.test" ? { code: 0, records: [{ type: SRV, data: srv }] } : NOTHING;
  const server = await nameServer((name) => answer(name), asked);
  const body = { names: ["svc"], type: "srv", port: 0, refreshIntervalMs: 30_000 };
  const config = { servers: [server], search: ["one.test", "two.test"], ndots: 1 };
  const rig = new Rig((context) => new DnsDiscoverer(body, context, () => config));
  await until(() => rig.emitted.length === 1, "the first targets");
  const target = {
    __address__: "host.example.org:8080",
    __meta_dns_name: "svc",
    __meta_dns_srv_record_target: "host.example.org.",
    __meta_dns_srv_record_port: "8080",
    __meta_dns_mx_record_target: "",
    __meta_dns_ns_record_target: "",
  };
  assert.deepEqual(rig.targets, [target]);
  assert.deepEqual(asked, ["svc.one.test", "svc.two.test"]);
  answer = () => ({ code: 2, records: [] });
  await rig.next(30_000);
  await until(() => rig.emitted.length === 2, "the refresh after the error");
  assert.match(rig.lines.join(""), /Error refreshing DNS targets.*could not resolve/);
  assert.deepEqual(rig.targets, [target]);
  answer = () => NOTHING;
  rig.clock.pass(30_000);
  await until(() => rig.groups.size === 0, "the empty group");
  const text = await rig.registry.metrics();
  assert.match(text, /^prometheus_sd_dns_lookups_total 3$/m);
  assert.match(text, /^prometheus_sd_dns_lookup_failures_total 1$/m);
});

testQuietAfterStop("static discovery", async () => {
  const groups = [{ targets: ["h:1"], labels: new Map(), source: "0" }];
  return { rig: new Rig(() => new StaticDiscoverer({ kind: "static", groups })), disturb: () => {} };
});

testQuietAfterStop("file discovery", async () => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-file-"));
  whenDone(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "a.json");
  writeFileSync(path, '[{"targets":["h:1"]}]');
  const rig = new Rig(
    (context) => new FileDiscoverer({ kind: "file", files: [path], refreshIntervalMs: 60_000 }, context),
  );
  return { rig, disturb: () => writeFileSync(path, "broken") };
});

testQuietAfterStop("DNS discovery", async () => {
  const address = { type: A, data: Buffer.of(10, 0, 0, 1) };
  const server = await nameServer(() => ({ code: 0, records: [address] }), []);
  const body = { names: ["a.test."], type: "A", port: 9, refreshIntervalMs: 30_000 };
  const config = { servers: [server], search: [], ndots: 1 };
  return { rig: new Rig((context) => new DnsDiscoverer(body, context, () => config)), disturb: () => {} };
});

test("DNS discovery: a stop before the answer calls the question off, and nothing is logged", async () => {
  const socket = createSocket("udp4");
  let asked = 0;
  socket.on("message", () => asked++);
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  whenDone(() => socket.close());
  const body = { names: ["a.test."], type: "A", port: 9, refreshIntervalMs: 30_000 };
  const config = { servers: [`127.0.0.1:${socket.address().port}`], search: [], ndots: 1 };
  const rig = new Rig((context) => new DnsDiscoverer(body, context, () => config));
  await until(() => asked > 0, "the question");
  rig.discoverer.stop();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([rig.emitted, rig.errors], [[], []]);
});

test("DNS discovery: addresses of both kinds, mail exchangers and name servers, with the port of the configuration", async () => {
  const answers: Readonly<Record<string, Answer>> = {
    "a.test": {
      code: 0,
      records: [
        { type: CNAME, data: nameBytes("other.test") },
        { type: A, data: Buffer.of(10, 0, 0, 1) },
      ],
    },
    "aaaa.test": { code: 0, records: [{ type: AAAA, data: Buffer.from(`fe80${"0".repeat(24)}0001`, "hex") }] },
    "mx.test": { code: 0, records: [{ type: MX, data: Buffer.concat([number16(1), nameBytes("mail.test")]) }] },
    "ns.test": { code: 0, records: [{ type: NS, data: nameBytes("dns.test") }] },
  };
  const server = await nameServer((name) => answers[name] ?? NOTHING, []);
  const found: Record<string, string>[] = [];
  for (const type of ["A", "AAAA", "mx", "NS"]) {
    const body = { names: [`${type.toLowerCase()}.test.`], type, port: 9, refreshIntervalMs: 30_000 };
    const rig = new Rig(
      (context) => new DnsDiscoverer(body, context, () => ({ servers: [server], search: [], ndots: 1 })),
    );
    await until(() => rig.groups.size === 1, `targets of ${type}`);
    found.push(...rig.targets);
  }
  assert.deepEqual(
    found.map(({ __address__ }) => __address__),
    ["10.0.0.1:9", "[fe80::1]:9", "mail.test:9", "dns.test:9"],
  );
  assert.equal(found[2]?.["__meta_dns_mx_record_target"], "mail.test.");
  assert.equal(found[3]?.["__meta_dns_ns_record_target"], "dns.test.");
});

test("resolver configuration: a file that is not there leaves the standards", () => {
  assert.deepEqual(readResolverConfig("/nowhere/resolv.conf"), { servers: [], search: [], ndots: 1 });
});
