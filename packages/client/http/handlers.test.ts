import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Counter, fetchHandler, Gauge, Registry } from "../index.ts";
import { startHttpServer, writeTextfile } from "../node/index.ts";
import { negotiateEncoding } from "./encoding.ts";

function sampleRegistry(): Registry {
  const registry = new Registry();
  new Gauge({ name: "a", help: "h", registers: [registry] }).set(1);
  new Counter({ name: "b_total", help: "h", registers: [registry] }).inc(2);
  return registry;
}

const TEXT = "# HELP a h\n# TYPE a gauge\na 1\n# HELP b_total h\n# TYPE b_total counter\nb_total 2\n";

test("encoding: what the client likes best of what there is", () => {
  const choose = (header: string | undefined) => negotiateEncoding(header, ["zstd", "gzip"]);
  assert.equal(choose(undefined), undefined);
  assert.equal(choose("gzip, zstd"), "zstd");
  assert.equal(choose("gzip;q=1, zstd;q=0.5"), "gzip");
  assert.equal(choose("gzip;q=0, *;q=0.1"), "zstd");
  assert.equal(choose("br, deflate"), undefined);
  assert.equal(choose("*;q=0"), undefined);
});

test("fetch handler: formats, gzip, names, HEAD and other methods", async () => {
  const handle = fetchHandler({ registry: sampleRegistry() });
  const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    handle(new Request(`http://x${path}`, { method, headers }));
  const plain = await get("/metrics");
  assert.equal(plain.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
  assert.equal(await plain.text(), TEXT);
  const zipped = await get("/metrics", { "accept-encoding": "gzip" });
  assert.equal(zipped.headers.get("content-encoding"), "gzip");
  assert.equal(gunzipSync(new Uint8Array(await zipped.arrayBuffer())).toString(), TEXT);
  assert.equal(await (await get("/?name[]=b_total&name[]=none")).text(), TEXT.slice(TEXT.indexOf("# HELP b")));
  assert.match(await (await get("/", { accept: "application/openmetrics-text" })).text(), /b_total 2\.0\n# EOF\n$/);
  const head = await get("/", {}, "HEAD");
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  const post = await get("/", {}, "POST");
  assert.deepEqual([post.status, post.headers.get("allow")], [405, "GET, HEAD"]);
});

test("HTTP server: path, authorisation, counts of itself, and an end that does not wait for idle connections", async () => {
  const registry = sampleRegistry();
  const auth = { username: "u", password: "p:é" };
  const server = await startHttpServer({ port: 0, host: "127.0.0.1", registry, selfMetrics: registry, auth });
  const url = `http://127.0.0.1:${server.port}`;
  const headers = { authorization: `Basic ${Buffer.from("u:p:é").toString("base64")}` };
  assert.equal((await fetch(`${url}/metrics`)).status, 401);
  assert.equal((await fetch(`${url}/other`, { headers })).status, 404);
  const response = await fetch(`${url}/metrics`, { headers });
  assert.match(await response.text(), /promhttp_metric_handler_requests_in_flight 1\n/);
  const second = await fetch(`${url}/metrics?name[]=promhttp_metric_handler_requests_total`, { headers });
  assert.match(await second.text(), /promhttp_metric_handler_requests_total\{code="200"\} 1\n/);
  await server.close();
  await server.close();
});

test("HTTP server: a port that is taken is an error", async () => {
  const first = await startHttpServer({ port: 0, host: "127.0.0.1", registry: new Registry() });
  await assert.rejects(startHttpServer({ port: first.port, host: "127.0.0.1" }), /EADDRINUSE/);
  await first.close();
});

test("handlers: failing collectors are a 500, or left out; too many and too slow requests are 503", async () => {
  const registry = sampleRegistry();
  const selfMetrics = new Registry();
  let release: () => void = () => undefined;
  new Gauge({ name: "slow", help: "h", registers: [registry], collect: () => new Promise<void>((r) => (release = r)) });
  const request = () => new Request("http://x/");
  const limited = fetchHandler({ registry, maxRequestsInFlight: 1, selfMetrics });
  const waiting = limited(request());
  const refused = await limited(request());
  assert.deepEqual(
    [refused.status, await refused.text()],
    [503, "Limit of concurrent requests reached (1), try again later.\n"],
  );
  release();
  assert.equal((await (await waiting).text()).split("\n").length, 10);
  const timed = await fetchHandler({ registry, timeoutSeconds: 0.02 })(request());
  assert.deepEqual([timed.status, await timed.text()], [503, "Exceeded configured timeout of 0.02s.\n"]);
  release();

  const broken = sampleRegistry();
  const collect = () => {
    throw new Error("broken");
  };
  new Gauge({ name: "c", help: "h", registers: [broken], collect });
  const failed = await fetchHandler({ registry: broken, selfMetrics })(request());
  assert.deepEqual(
    [failed.status, await failed.text()],
    [500, "An error has occurred while serving metrics:\n\nbroken\n"],
  );
  const errors: unknown[] = [];
  const kept = fetchHandler({
    registry: broken,
    errorHandling: "continue",
    onError: (e) => errors.push(e),
    selfMetrics,
  });
  assert.equal(await (await kept(request())).text(), TEXT);
  assert.equal(errors.length, 1);
  await assert.rejects(fetchHandler({ registry: broken, errorHandling: "throw" })(request()), /broken/);
  const own = await selfMetrics.metrics();
  assert.match(own, /errors_total\{cause="gathering"\} 2\n/);
  assert.match(own, /requests_in_flight 0\n/);
  assert.match(own, /requests_total\{code="503"\} 1\n/);
});

test("textfile: written aside and renamed; nothing is left behind when that fails", async () => {
  const folder = await mkdtemp(join(tmpdir(), "narthex-textfile-"));
  try {
    const path = join(folder, "job.prom");
    await writeTextfile(path, sampleRegistry());
    assert.equal(await readFile(path, "utf8"), TEXT);
    const broken = new Registry();
    new Gauge({ name: "c", help: "h", registers: [broken], collect: () => Promise.reject(new Error("broken")) });
    await assert.rejects(writeTextfile(path, broken), /broken/);
    assert.equal(await readFile(path, "utf8"), TEXT);
    assert.deepEqual(await readdir(folder), ["job.prom"]);
    await assert.rejects(writeTextfile(join(folder, "job.txt")), /only files that end in .prom/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
