import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { type HttpClientConfig, PLAIN_HTTP, Secret } from "@narthex/toolkit";
import { HttpClient } from "./http-client.ts";

/** A server on a port of its own: its address, and what it was asked. */
async function serve(t: TestContext, handle: RequestListener): Promise<{ url: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function clientFor(t: TestContext, config: Partial<HttpClientConfig> = {}): HttpClient {
  const client = new HttpClient({ ...PLAIN_HTTP, ...config }, {});
  t.after(() => client.close());
  return client;
}

test("HTTP client of receivers: an integration's own token follows redirects on its host, and none to another host", async (t) => {
  const other = await serve(t, (_, response) => response.end("there"));
  const first = await serve(t, ({ url }, response) => {
    const location = url === "/begin" ? "/on" : `${other.url}/away`;
    response.writeHead(307, { location }).end();
  });
  const authorization = { type: "Bearer", credentials: new Secret("s3cret"), credentialsFile: "" };
  const headers = { Authorization: "GenieKey k", "X-Auth-Token": "t", "x-amz-security-token": "s", "X-Plain": "p" };
  const { signal } = new AbortController();
  for (const config of [{}, { authorization }]) {
    const url = `${first.url}/begin`;
    const answer = await clientFor(t, config).send({ method: "POST", url, headers, body: "b", signal });
    assert.equal(answer.text, "there");
  }
  assert.deepEqual(
    first.seen.map((request) => request.headers.authorization),
    ["GenieKey k", "GenieKey k", "Bearer s3cret", "Bearer s3cret"],
  );
  for (const { method, headers: got } of other.seen) {
    assert.deepEqual(
      [method, got.authorization, got["x-auth-token"], got["x-amz-security-token"], got["x-plain"]],
      ["POST", undefined, undefined, undefined, "p"],
    );
  }
});
