import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { HttpClientConfig } from "../http-client/config.ts";
import { PLAIN_HTTP } from "../http-client/plain-http-config.ts";
import { ConfigUrl, EMPTY_SECRET, Secret } from "../secret/secret.ts";
import { FakeApi, SILENCE, whenDone } from "../testing.ts";
import { ApiClient, MAX_ANSWER_BYTES } from "./api-client.ts";
import type { ApiError } from "./api-error.ts";

const { signal } = new AbortController();

function client(config: Partial<HttpClientConfig> = {}): ApiClient {
  const made = new ApiClient({ ...PLAIN_HTTP, ...config }, { environment: {} });
  whenDone(() => made.close());
  return made;
}

const request = (url: string) => ({ url: new URL(url), timeoutMs: 2000, signal });

test("API client: methods, bodies and headers go out; any status comes back", async () => {
  const api = await FakeApi.start(() => ({ status: 418, headers: { "x-a": "b" }, body: "short and stout" }));
  const headers = { "X-Own": "1" };
  const answer = await client().ask({ ...request(`${api.url}/p?q=1`), method: "POST", headers, body: "ü" });
  assert.deepEqual([answer.status, answer.statusText, answer.text], [418, "I'm a Teapot", "short and stout"]);
  assert.equal(answer.headers["x-a"], "b");
  const [seen] = api.requests;
  assert.deepEqual(
    [
      seen?.method,
      seen?.path,
      seen?.params.get("q"),
      seen?.body,
      seen?.headers["x-own"],
      seen?.headers["content-length"],
    ],
    ["POST", "/p", "1", "ü", "1", "2"],
  );
});

test("API client: JSON wants status 200; the reason goes into the message, credentials in the address do not", async () => {
  const api = await FakeApi.start(() => ({ status: 403, body: { message: "not you" } }));
  const url = api.url.replace("http://", "http://me:s3cret@");
  await assert.rejects(client().askJson(request(url)), (error: ApiError) => {
    assert.match(error.message, /^Get "http:\/\/me:xxxxx@127.*: server returned HTTP status 403 Forbidden: .*not you/);
    return error.status === 403;
  });
  assert.equal(api.requests[0]?.headers.authorization, `Basic ${Buffer.from("me:s3cret").toString("base64")}`);
  api.answer = () => ({ body: "s3cret" });
  await assert.rejects(client().askJson(request(api.url)), (error: Error) => {
    assert.match(error.message, /answer is no valid JSON/);
    return !error.message.includes("s3cret");
  });
});

test("API client: redirects keep credentials on the same host and lose them on another", async () => {
  const other = await FakeApi.start(() => ({ body: "{}" }));
  const api = await FakeApi.start(({ path }) =>
    path === "/end"
      ? { body: "{}" }
      : { status: 307, headers: { location: path === "/here" ? "/end" : `${other.url}/x` } },
  );
  const authorization = { type: "Bearer", credentials: new Secret("s3cret"), credentialsFile: "" };
  const asking = client({ authorization });
  const headers = { "X-Consul-Token": "t", "X-Plain": "p" };
  await asking.askJson({ ...request(`${api.url}/here`), headers });
  assert.equal(api.requests[1]?.headers.authorization, "Bearer s3cret");
  await asking.askJson({ ...request(`${api.url}/away`), headers });
  const [seen] = other.requests;
  assert.deepEqual(
    [seen?.headers.authorization, seen?.headers["x-consul-token"], seen?.headers["x-plain"]],
    [undefined, undefined, "p"],
  );
  const still = client({ followRedirects: false });
  assert.equal((await still.ask(request(`${api.url}/here`))).status, 307);
});

test("API client: compressed answers are read; what unfolds beyond the bound is not", async () => {
  const api = await FakeApi.start(({ path }) => ({
    act: (response) => {
      response.writeHead(200, { "content-encoding": "gzip" });
      response.end(gzipSync(path === "/bomb" ? Buffer.alloc(MAX_ANSWER_BYTES + 1) : '{"a":1}'));
    },
  }));
  assert.deepEqual(await client().askJson(request(api.url)), { a: 1 });
  await assert.rejects(
    client().ask({ ...request(`${api.url}/bomb`), timeoutMs: 10_000 }),
    /answer has more than \d+ bytes/,
  );
  await assert.rejects(client().ask({ ...request(api.url), limitBytes: 3 }), /answer has more than 3 bytes/);
});

test("API client: time and patience end a request, and its connection", async () => {
  const api = await FakeApi.start(() => SILENCE);
  await assert.rejects(client().ask({ ...request(api.url), timeoutMs: 30 }), /context deadline exceeded/);
  const abort = new AbortController();
  const asked = client().ask({ ...request(api.url), signal: abort.signal });
  setTimeout(() => abort.abort(), 20);
  await assert.rejects(asked, /context canceled/);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(api.abandoned, 2);
});

test("API client: a kept-alive connection that the server closed meanwhile is replaced by a new one", async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    let requests = 0;
    socket.on("data", () => {
      // The second request on a connection finds it closed.
      if (++requests > 1) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    });
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenDone(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const asking = client();
  assert.deepEqual(await asking.askJson(request(url)), {});
  assert.deepEqual(await asking.askJson(request(url)), {});
  assert.equal(connections, 2);
  asking.close();
});

test("API client: proxies get the whole address; OAuth 2.0 tokens are fetched and sent", async () => {
  const proxy = await FakeApi.start(({ path }) =>
    path === "/token" ? { body: { access_token: "t0ken", expires_in: 60 } } : { body: "{}" },
  );
  const proxyConfig = { ...PLAIN_HTTP.proxy, proxyUrl: new ConfigUrl(proxy.url) };
  await client({ proxy: proxyConfig }).askJson(request("http://api.invalid:81/x?y=1"));
  assert.deepEqual([proxy.requests[0]?.path, proxy.requests[0]?.headers.host], ["/x", "api.invalid:81"]);
  const oauth2 = {
    clientId: "id",
    clientSecret: new Secret("s3cret"),
    clientSecretFile: "",
    clientCertificateKeyId: "",
    clientCertificateKey: EMPTY_SECRET,
    clientCertificateKeyFile: "",
    grantType: "",
    signatureAlgorithm: "",
    iss: "",
    audience: "",
    claims: new Map(),
    scopes: [],
    tokenUrl: `${proxy.url}/token`,
    endpointParams: new Map(),
    tls: PLAIN_HTTP.tls,
    proxy: PLAIN_HTTP.proxy,
  };
  await client({ oauth2 }).askJson(request(`${proxy.url}/asked`));
  assert.equal(proxy.requests.at(-1)?.headers.authorization, "Bearer t0ken");
});
