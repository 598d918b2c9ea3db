import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Registry } from "@narthex/client";
import { compileRegex } from "@narthex/model";
import { Access, createLogger, userOf } from "@narthex/toolkit";
import bcrypt from "bcryptjs";
import { addUserAssets } from "./user-assets.ts";
import { WebMetrics } from "./web-metrics.ts";
import { WebServer } from "./web-server.ts";

// Certificates that sign themselves; made for these tests and used nowhere else.
const pem = (name: string): string => fileURLToPath(new URL(`../../web/testdata/${name}.pem`, import.meta.url));
const DEADLINE_MS = 5000;

interface Setup {
  readonly web: WebServer;
  readonly registry: Registry;
  readonly folder: string;
  readonly lines: string[];
  readonly port: number;
}

async function start(
  t: TestContext,
  {
    webConfig,
    maxConnections = 0,
    allBodiesBytes,
    routePrefix = "",
    prepare,
  }: {
    webConfig?: string;
    maxConnections?: number;
    allBodiesBytes?: number;
    routePrefix?: string;
    prepare?: (web: WebServer, folder: string) => void;
  } = {},
): Promise<Setup> {
  const folder = mkdtempSync(join(tmpdir(), "narthex-web-"));
  const lines: string[] = [];
  const logger = createLogger({ write: (line: string) => void lines.push(line) });
  for (const name of ["server-cert", "server-key", "client-cert"]) copyFileSync(pem(name), join(folder, `${name}.pem`));
  const path = join(folder, "web.yml");
  if (webConfig !== undefined) writeFileSync(path, webConfig);
  const registry = new Registry();
  const web = new WebServer({
    listenAddresses: ["127.0.0.1:0"],
    routePrefix,
    corsOrigin: compileRegex(".*"),
    readTimeoutMs: DEADLINE_MS,
    maxConnections,
    access: new Access(webConfig === undefined ? "" : path, logger),
    logger,
    metrics: new WebMetrics(registry),
    ...(allBodiesBytes === undefined ? {} : { allBodiesBytes }),
  });
  web.readiness = "ready";
  web.route("/who", ["GET"], (call) => call.text(200, userOf(call.request)));
  web.route("/api/v1/thing", ["GET", "POST"], (call) => call.json(1));
  prepare?.(web, folder);
  await web.listen();
  t.after(async () => {
    await web.close();
    rmSync(folder, { recursive: true });
  });
  return { web, registry, folder, lines, port: web.ports[0] as number };
}

interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function ask(port: number, path: string, options: https.RequestOptions & { tls?: boolean } = {}): Promise<Reply> {
  const { tls = false, ...rest } = options;
  return new Promise((resolve, reject) => {
    const request = (tls ? https : http).request(
      { host: "127.0.0.1", port, path, agent: false, rejectUnauthorized: false, timeout: DEADLINE_MS, ...rest },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => {
          body += text;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      },
    );
    request.on("error", reject);
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.end();
  });
}

const basic = (text: string): { authorization: string } => ({
  authorization: `Basic ${Buffer.from(text).toString("base64")}`,
});

test("web server: OPTIONS below the API is 204, another method 405 with what is allowed, unknown paths 404", async (t) => {
  const { port } = await start(t);
  assert.equal((await ask(port, "/api/v1/thing", { method: "OPTIONS" })).status, 204);
  const refused = await ask(port, "/api/v1/thing", { method: "DELETE" });
  assert.equal(refused.status, 405);
  assert.equal(refused.headers.allow, "GET, OPTIONS, POST");
  const asked = await ask(port, "/who", { method: "OPTIONS" });
  assert.deepEqual([asked.status, asked.headers.allow, asked.body], [200, "GET, OPTIONS", ""]);
  const unknown = await ask(port, "/nothing");
  assert.deepEqual([unknown.status, unknown.body], [404, "404 page not found\n"]);
});

test("web server: bodies together take so much memory and no more; who sends beyond is asked to come again, small ones go on", async (t) => {
  const { port } = await start(t, { allBodiesBytes: 200_000 });
  const post = (bytes: number): { request: http.ClientRequest; reply: Promise<Reply> } => {
    let request: http.ClientRequest | undefined;
    const reply = new Promise<Reply>((resolve, reject) => {
      const headers = { "content-length": bytes };
      request = http.request({ host: "127.0.0.1", port, path: "/api/v1/thing", method: "POST", agent: false, headers });
      request.on("error", reject);
      request.on("response", (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => {
          body += text;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      });
    });
    return { request: request as http.ClientRequest, reply };
  };
  const send = (bytes: number): Promise<Reply> => {
    const { request, reply } = post(bytes);
    request.end(Buffer.alloc(bytes));
    return reply;
  };
  const first = post(150_000);
  first.request.write(Buffer.alloc(149_999));
  // Whether the server has read it yet, nobody tells: until then there is room.
  let second = await send(150_000);
  for (const end = Date.now() + DEADLINE_MS; second.status === 200 && Date.now() < end; ) second = await send(150_000);
  assert.deepEqual(
    [second.status, second.headers["retry-after"], second.body],
    [503, "5", "too much is being sent at the same time: send less at once, or again later\n"],
  );
  assert.equal((await send(1000)).status, 200);
  first.request.end(Buffer.alloc(1));
  assert.equal((await first.reply).status, 200);
  assert.equal((await send(150_000)).status, 200);
});

test("web server: untidy paths are sent on to the tidy one, also where a route would take them", async (t) => {
  const { port } = await start(t);
  for (const path of ["/api/v1//thing?a=b", "/api/v1/x/../thing?a=b", "/./api/v1/thing?a=b"]) {
    const reply = await ask(port, path);
    assert.deepEqual([reply.status, reply.headers.location], [301, "/api/v1/thing?a=b"], path);
  }
});

test("web server: the bare root leads below the prefix, and a slash too many or too few to the path that is there", async (t) => {
  const prepare = (web: WebServer): void => web.route("/", ["GET"], (call) => call.text(200, "the page"));
  const { port } = await start(t, { routePrefix: "/prom", prepare });
  const way: unknown[] = [];
  for (let path = "/"; ; ) {
    const { status, headers } = await ask(port, path);
    way.push([path, status]);
    if (headers.location === undefined) break;
    path = headers.location;
  }
  // The second step was missing: the prefix alone was not found.
  assert.deepEqual(way, [
    ["/", 302],
    ["/prom", 301],
    ["/prom/", 200],
  ]);
  assert.equal((await ask(port, "/prom/who/?a=b")).headers.location, "/prom/who?a=b");
  assert.equal((await ask(port, "/who")).status, 404);
});

test("web server: requests of every route are counted from the start, connections as well", async (t) => {
  const { port, registry } = await start(t);
  await ask(port, "/who");
  const text = await registry.metrics();
  assert.match(text, /prometheus_http_requests_total\{code="200",handler="\/api\/v1\/thing"\} 0\n/);
  assert.match(text, /net_conntrack_listener_conn_accepted_total\{listener_name="http"\} 1\n/);
  assert.match(text, /promhttp_metric_handler_requests_total\{code="503"\} 0\n/);
});

test("web server: connections beyond the limit wait and are served once one ends", async (t) => {
  const { port } = await start(t, { maxConnections: 2 });
  const held = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
  await Promise.all(held.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
  let answered = false;
  const waiting = ask(port, "/who").then((reply) => {
    answered = true;
    return reply;
  });
  await new Promise((resolve) => setTimeout(resolve, 150));
  assert.equal(answered, false);
  held[0]?.destroy();
  assert.equal((await waiting).status, 200);
  held[1]?.destroy();
});

test("web server: with users everything needs a password, and the file's changes hold at once", async (t) => {
  const hash = bcrypt.hashSync("secret", 4);
  const { port, folder, lines } = await start(t, {
    webConfig: `basic_auth_users: {joe: "${hash}"}\nhttp_server_config: {headers: {X-Frame-Options: deny}}\n`,
  });
  const refused = await ask(port, "/nothing");
  assert.deepEqual(
    [refused.status, refused.body, refused.headers["www-authenticate"]],
    [401, "Unauthorized\n", "Basic"],
  );
  assert.equal(refused.headers["x-frame-options"], "deny");
  assert.equal((await ask(port, "/who", { headers: basic("joe:wrong") })).status, 401);
  assert.equal((await ask(port, "/who", { headers: basic("eve:secret") })).status, 401);
  assert.deepEqual((await ask(port, "/who", { headers: basic("joe:secret") })).body, "joe");
  writeFileSync(join(folder, "web.yml"), "basic_auth_users: {joe: broken now}");
  assert.equal((await ask(port, "/who", { headers: basic("joe:secret") })).status, 500);
  assert.ok(lines.some((line) => line.includes("Unable to parse configuration")));
  writeFileSync(join(folder, "web.yml"), "");
  assert.equal((await ask(port, "/who")).status, 200);
});

test("web server: TLS, with certificates that are read again when they change", async (t) => {
  const { port, folder, lines } = await start(t, {
    webConfig: "tls_server_config: {cert_file: server-cert.pem, key_file: server-key.pem}\n",
  });
  assert.ok(lines.some((line) => line.includes("TLS is enabled.")));
  const subject = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const request = https.get({ host: "127.0.0.1", port, path: "/who", agent: false, rejectUnauthorized: false });
      request.on("error", reject);
      request.on("response", (response) => {
        const socket = response.socket as import("node:tls").TLSSocket;
        resolve(String(socket.getPeerCertificate().subject.CN));
        response.resume();
      });
    });
  assert.equal(await subject(), "narthex test server");
  copyFileSync(pem("other-key"), join(folder, "server-key.pem"));
  copyFileSync(pem("other-cert"), join(folder, "server-cert.pem"));
  assert.equal(await subject(), "narthex other server");
  await assert.rejects(ask(port, "/who"));
});

for (const [type, { none, stranger }] of Object.entries({
  RequestClientCert: { none: true, stranger: true },
  RequireAnyClientCert: { none: false, stranger: true },
  VerifyClientCertIfGiven: { none: true, stranger: false },
  RequireAndVerifyClientCert: { none: false, stranger: false },
})) {
  test(`web server: ${type} ${none ? "lets" : "does not let"} clients without a certificate in`, async (t) => {
    const { readFileSync } = await import("node:fs");
    const { port } = await start(t, {
      webConfig: `tls_server_config: {cert_file: server-cert.pem, key_file: server-key.pem, client_auth_type: ${type}, client_ca_file: client-cert.pem}\n`,
    });
    const outcome = async (name?: string): Promise<boolean> => {
      const own =
        name === undefined ? {} : { cert: readFileSync(pem(`${name}-cert`)), key: readFileSync(pem(`${name}-key`)) };
      return ask(port, "/who", { tls: true, ...own }).then(
        ({ status }) => status === 200,
        () => false,
      );
    };
    assert.equal(await outcome(), none, "without");
    assert.equal(await outcome("other"), stranger, "a stranger's");
    assert.equal(await outcome("client"), true, "a known one");
  });
}

test("web server: of verified clients only those with an allowed name get in", async (t) => {
  const { readFileSync } = await import("node:fs");
  const own = { cert: readFileSync(pem("client-cert")), key: readFileSync(pem("client-key")), tls: true };
  for (const [name, isIn] of [
    ["joe@test", true],
    ["client.test", true],
    ["other.test", false],
  ] as const) {
    const { port } = await start(t, {
      webConfig: `tls_server_config: {cert_file: server-cert.pem, key_file: server-key.pem, client_auth_type: RequireAndVerifyClientCert, client_ca_file: client-cert.pem, client_allowed_sans: ["${name}"]}\n`,
    });
    const status = await ask(port, "/who", own).then(
      (reply) => reply.status,
      () => 0,
    );
    assert.equal(status === 200, isIn, name);
  }
});

test("web server: a connection that must wait for its turn still gets its TLS handshake", async (t) => {
  const { port } = await start(t, {
    maxConnections: 1,
    webConfig: "tls_server_config: {cert_file: server-cert.pem, key_file: server-key.pem}\n",
  });
  const held = connect(port, "127.0.0.1");
  await new Promise((resolve) => held.once("connect", resolve));
  const waiting = ask(port, "/who", { tls: true });
  await new Promise((resolve) => setTimeout(resolve, 100));
  held.destroy();
  assert.equal((await waiting).status, 200);
});

test("web server: user assets are served from their folder and from nowhere else", async (t) => {
  const { port, folder } = await start(t, {
    prepare: (web, base) => {
      mkdirSync(join(base, "assets/sub"), { recursive: true });
      writeFileSync(join(base, "assets/sub/a.txt"), "hello");
      symlinkSync(join(base, "server-key.pem"), join(base, "assets/link.pem"));
      symlinkSync(join(base, "assets/sub"), join(base, "assets/inner"));
      addUserAssets(web, join(base, "assets"));
    },
  });
  assert.ok(folder);
  const found = await ask(port, "/user/sub/a.txt");
  assert.deepEqual(
    [found.status, found.body, found.headers["content-type"]],
    [200, "hello", "text/plain; charset=utf-8"],
  );
  assert.equal((await ask(port, "/user/inner/a.txt")).body, "hello");
  for (const path of [
    "/user/link.pem",
    "/user/..%2fserver-key.pem",
    "/user/%2e%2e/server-key.pem",
    "/user/sub/..%2f..%2fserver-key.pem",
    "/user/",
    "/user/sub",
    "/user/a%00b",
  ]) {
    assert.ok([301, 404].includes((await ask(port, path)).status), path);
  }
});
