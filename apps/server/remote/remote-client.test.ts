import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { until } from "../scrape/testing.ts";
import { RemoteClient, RemoteRequestError } from "./remote-client.ts";
import type { SignableRequest } from "./signer.ts";
import { writeConfig } from "./write/testing.ts";

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

type Handler = (seen: Seen, response: http.ServerResponse) => void;

async function serve(t: { after(work: () => void): void }, handle: Handler): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = http.createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const { method = "", url = "", headers } = request;
    const one = { method, url, headers, body: Buffer.concat(pieces).toString() };
    seen.push(one);
    handle(one, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

async function post(
  url: string,
  yaml = "",
  more: Partial<ConstructorParameters<typeof RemoteClient>[0]> = {},
  timeoutMs = 2000,
  signal = new AbortController().signal,
): Promise<string> {
  const config = writeConfig("http://unused/", yaml);
  const client = new RemoteClient({
    url: new URL(url),
    http: config.http,
    headers: config.headers,
    environment: {},
    ...more,
  });
  try {
    const response = await client.post(Buffer.from("body"), { "X-Own": "1" }, timeoutMs, signal);
    try {
      let text = String(response.message.statusCode);
      for await (const piece of response.message as AsyncIterable<Buffer>) text += ` ${piece}`;
      return text;
    } finally {
      response.end();
    }
  } finally {
    client.close();
  }
}

test("remote client: headers of the protocol, of the configuration, of authentication and of a signer", async (t) => {
  const { url, seen } = await serve(t, (_, response) => response.end("ok"));
  const signed: SignableRequest[] = [];
  const signer = async (request: SignableRequest) => {
    signed.push(request);
    return { "X-Signature": `${request.method} ${request.url.pathname} ${Buffer.from(request.body)}` };
  };
  const yaml = "headers: {X-Scope-OrgID: tenant}\nbasic_auth: {username: u, password: p}";
  assert.equal(await post(`${url}/write?x=1`, yaml, { signer }), "200 ok");
  const [{ method, url: path, headers, body } = {} as Seen] = seen;
  assert.deepEqual([method, path, body], ["POST", "/write?x=1", "body"]);
  assert.equal(headers?.["x-own"], "1");
  assert.equal(headers?.["x-scope-orgid"], "tenant");
  assert.equal(headers?.["authorization"], `Basic ${Buffer.from("u:p").toString("base64")}`);
  assert.equal(headers?.["x-signature"], "POST /write body");
  assert.equal(headers?.["content-length"], "4");
  assert.equal(signed.length, 1);
});

test("remote client: redirects are followed, 307 and 308 with the body; credentials stay with their host", async (t) => {
  const other = await serve(t, ({ method, body }, response) => response.end(`${method} ${body}`));
  const statuses = [307, 308, 301, 302, 303];
  const { url } = await serve(t, ({ url: path }, response) => {
    response.writeHead(Number(path.slice(1)), { Location: `${other.url}/there` }).end("moved");
  });
  const yaml = "authorization: {credentials: secret}";
  for (const status of statuses) {
    assert.equal(await post(`${url}/${status}`, yaml), status < 307 ? "200 GET " : "200 POST body");
  }
  assert.ok(other.seen.every(({ headers }) => headers["authorization"] === undefined));
  const signer = async () => ({ "X-Amz-Security-Token": "session" });
  await post(`${url}/307`, "", { signer });
  assert.equal(other.seen.at(-1)?.headers["x-amz-security-token"], undefined);
  assert.equal(await post(`${url}/307`, "follow_redirects: false"), "307 moved");
  const loop = await serve(t, (_, response) => response.writeHead(307, { Location: "/again" }).end());
  await assert.rejects(post(loop.url), /stopped after 10 redirects$/);
});

test("remote client: the signer's connections are closed with it, once no request needs them any more", async (t) => {
  const { url } = await serve(t, (_, response) => response.end("ok"));
  let closed = 0;
  const signer = Object.assign(async () => ({}), { close: () => closed++ });
  const { http: config, headers } = writeConfig("http://unused/", "");
  const client = new RemoteClient({ url: new URL(url), http: config, headers, environment: {}, signer });
  const response = await client.post(Buffer.from("body"), {}, 2000, new AbortController().signal);
  client.close();
  assert.equal(closed, 0);
  for await (const _ of response.message);
  response.end();
  assert.equal(closed, 1);
});

test("remote client: deadlines and calling off, before and within the body", async (t) => {
  const { url } = await serve(t, ({ url: path }, response) => {
    if (path === "/body") response.write("half");
  });
  const began = performance.now();
  await assert.rejects(post(`${url}/head`, "", {}, 50), (error: Error) => {
    assert.ok(error instanceof RemoteRequestError);
    assert.equal(error.message, `Post "${url}/head": context deadline exceeded`);
    return true;
  });
  await assert.rejects(post(`${url}/body`, "", {}, 50), /context deadline exceeded/);
  const callOff = new AbortController();
  setTimeout(() => callOff.abort(), 30);
  await assert.rejects(post(`${url}/head`, "", {}, 60_000, callOff.signal), /context canceled/);
  await assert.rejects(post(`${url}/head`, "", {}, 60_000, callOff.signal), /context canceled/);
  assert.ok(performance.now() - began < 5000);
});

test("remote client: a connection that the other side closed meanwhile is replaced without a word", async (t) => {
  let requests = 0;
  const { url } = await serve(t, (_, response) => {
    requests++;
    response.end("ok");
    setTimeout(() => response.socket?.destroy(), 5);
  });
  const config = writeConfig("http://unused/");
  const client = new RemoteClient({ url: new URL(url), http: config.http, headers: config.headers, environment: {} });
  for (let i = 0; i < 4; i++) {
    const { message, end } = await client.post(Buffer.from("x"), {}, 2000, new AbortController().signal);
    message.resume();
    await new Promise((resolve) => message.once("end", resolve));
    end();
    await new Promise((resolve) => setTimeout(resolve, i % 2 === 0 ? 4 : 20));
  }
  assert.ok(requests >= 4);
  client.close();
});

test("remote client: closing waits for what is in flight, body included, and then closes its connections", async (t) => {
  const pending: http.ServerResponse[] = [];
  const { url } = await serve(t, (_, response) => {
    pending.push(response);
    response.write("first ");
  });
  const config = writeConfig("http://unused/");
  let closed = 0;
  const client = new RemoteClient({
    url: new URL(url),
    http: config.http,
    headers: config.headers,
    environment: {},
    observe: (socket) => socket.on("close", () => closed++),
  });
  const { message, end } = await client.post(Buffer.from("x"), {}, 2000, new AbortController().signal);
  client.close();
  pending[0]?.end("last");
  let text = "";
  for await (const piece of message as AsyncIterable<Buffer>) text += piece;
  assert.equal(text, "first last");
  assert.equal(closed, 0);
  end();
  await until(() => closed === 1);
});

test("remote client: with round-robin DNS a name is still reached; refused connections are told as by the reference", async (t) => {
  const { url } = await serve(t, (_, response) => response.end("ok"));
  const { port } = new URL(url);
  const lookups = await post(`http://localhost:${port}/`, "", { roundRobinDns: true }).catch((error: Error) => error);
  // The name may also stand for the other protocol's address, where nobody listens: then another try finds the first.
  const isReached = lookups === "200 ok" || /connection refused/.test(String(lookups));
  assert.ok(isReached, String(lookups));
  await assert.rejects(post("http://127.0.0.1:1/"), (error: Error) => {
    assert.equal(error.message, 'Post "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused');
    return true;
  });
});
