import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Secret } from "@narthex/toolkit";
import type { HttpClientConfig, TlsConfig } from "../config/types.ts";
import { BufferPool } from "./buffer-pool.ts";
import { HttpClient } from "./http-client.ts";
import { scrapeConfig } from "./testing.ts";

// A certificate for 127.0.0.1 that signs itself; made for these tests and used nowhere else.
const pem = (name: string) => readFileSync(new URL(`../../scrape/testdata/${name}`, import.meta.url), "utf8");
const certificate = pem("cert.pem");
const seen: IncomingMessage["headers"][] = [];
const server = createServer({ key: pem("key.pem"), cert: certificate }, (request, response) => {
  seen.push(request.headers);
  response.writeHead(200, { "content-type": "text/plain" }).end("a 1\n");
});
let url: URL;
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`);
});
after(() => {
  server.closeAllConnections();
  server.close();
});

async function fetchWith(overrides: Partial<HttpClientConfig>, tls: Partial<TlsConfig> = {}): Promise<string> {
  const { http } = scrapeConfig();
  const client = new HttpClient({ ...http, tls: { ...http.tls, ...tls }, ...overrides }, new BufferPool());
  try {
    const { signal } = new AbortController();
    const body = await client.fetch({ url, headers: {}, timeoutMs: 2000, bodyLimitBytes: 0, unixSocket: "", signal });
    const text = Buffer.from(body.bytes.buffer, body.bytes.byteOffset, body.length).toString();
    body.release();
    return text;
  } finally {
    client.close();
  }
}

test("HTTPS: a certificate nobody vouches for is refused, unless its authority is given or checking is off", async () => {
  await assert.rejects(fetchWith({}), {
    message: `Get "${url.href}": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
  });
  assert.equal(await fetchWith({}, { ca: certificate }), "a 1\n");
  assert.equal(await fetchWith({}, { insecureSkipVerify: true }), "a 1\n");
});

test("credentials: from files, read anew for each request, and as headers of one's own", async () => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-client-"));
  const file = join(folder, "token");
  const trusted = { ca: certificate };
  const authorization = { type: "Bearer", credentials: new Secret(""), credentialsFile: file };
  writeFileSync(file, "one\n");
  await fetchWith({ authorization }, trusted);
  assert.equal(seen.at(-1)?.authorization, "Bearer one");
  writeFileSync(file, "two\n");
  const header = { values: ["x"], secrets: [new Secret("y")], files: [] };
  await fetchWith({ authorization, httpHeaders: new Map([["X-Scope", header]]) }, trusted);
  assert.equal(seen.at(-1)?.authorization, "Bearer two");
  assert.equal(seen.at(-1)?.["x-scope"], "x, y");
  rmSync(folder, { recursive: true });
  await assert.rejects(fetchWith({ authorization }, trusted), { message: /^unable to read file .*token: ENOENT/ });
});
