import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Counter, Registry } from "../index.ts";
import { groupingPath } from "./grouping.ts";
import { deleteFromGateway, PushError, pushAddToGateway, pushToGateway } from "./push-client.ts";

test("grouping: values that a path cannot hold go in base64", () => {
  const cases: readonly [job: string, grouping: Record<string, string>, path: string][] = [
    ["j", {}, "/metrics/job/j"],
    ["some/job", {}, "/metrics/job@base64/c29tZS9qb2I"],
    ["j", { path: "/var/tmp", empty: "" }, "/metrics/job/j/path@base64/L3Zhci90bXA/empty@base64/="],
    ["a b", { name: "Προμηθεύς" }, "/metrics/job/a%20b/name/%CE%A0%CF%81%CE%BF%CE%BC%CE%B7%CE%B8%CE%B5%CF%8D%CF%82"],
    ["j", { x: "é/?" }, "/metrics/job/j/x@base64/w6kvPw"],
  ];
  for (const [job, grouping, path] of cases) assert.equal(groupingPath(job, grouping), path);
  assert.throws(() => groupingPath(""), /Missing jobName parameter/);
  assert.throws(() => groupingPath("j", { "a-b": "x" }), /label name is invalid: a-b/);
  assert.throws(() => groupingPath("j", { job: "x" }), /label name is invalid: job/);
});

test("pushing: method, headers and body; refusals are errors with the gateway's words", async () => {
  const requests: { method: string; url: string; headers: Record<string, unknown>; body: Buffer }[] = [];
  let status = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      requests.push({ method, url, headers, body: Buffer.concat(chunks) });
      response.writeHead(status).end(status === 200 ? "" : "pushed metrics are inconsistent");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const registry = new Registry();
    new Counter({ name: "c_total", help: "h", registers: [registry] }).inc();
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`;
    const options = { url, job: "j", registry };
    await pushToGateway({ ...options, grouping: { a: "b" }, basicAuth: { username: "u", password: "é" } });
    await pushAddToGateway({ ...options, gzip: true, format: "openmetrics" });
    await deleteFromGateway(options);
    status = 400;
    await assert.rejects(pushToGateway(options), (error) => error instanceof PushError && error.status === 400);
    await assert.rejects(pushToGateway(options), /push failed with status 400, pushed metrics are inconsistent/);
    const [put, post, gone] = requests;
    assert.deepEqual([put?.method, put?.url], ["PUT", "/base/metrics/job/j/a/b"]);
    assert.equal(put?.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert.equal(put?.headers["authorization"], `Basic ${Buffer.from("u:é").toString("base64")}`);
    assert.equal(put?.body.toString(), "# HELP c_total h\n# TYPE c_total counter\nc_total 1\n");
    assert.deepEqual([post?.method, post?.headers["content-encoding"]], ["POST", "gzip"]);
    assert.match(gunzipSync(post?.body as Buffer).toString(), /c_total 1\.0\n# EOF\n$/);
    assert.deepEqual([gone?.method, gone?.url, gone?.body.length], ["DELETE", "/base/metrics/job/j", 0]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("pushing: a gateway that does not answer is given up in time, one that is not there at once", async () => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { url, job: "j", registry: new Registry() };
  await assert.rejects(pushToGateway({ ...options, timeoutSeconds: 0.05 }), { name: "TimeoutError" });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(pushToGateway(options), TypeError);
});
