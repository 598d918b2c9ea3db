import assert from "node:assert/strict";
import { createVerify, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from "node:net";
import { after, test } from "node:test";
import { Registry } from "@narthex/client";
import { ConfigUrl, EMPTY_SECRET, Secret } from "@narthex/toolkit";
import type { HttpClientConfig, OAuth2Config, ProxyConfig } from "../config/types.ts";
import { BufferPool } from "./buffer-pool.ts";
import { DialMetrics } from "./dial-metrics.ts";
import { HttpClient } from "./http-client.ts";
import { scrapeConfig } from "./testing.ts";

const pem = (name: string) => readFileSync(new URL(`../../scrape/testdata/${name}`, import.meta.url), "utf8");
const certificate = pem("cert.pem");
const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

async function listen(server: TcpServer | Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const plainTarget: RequestListener = (request, response) =>
  void response.writeHead(200, { "content-type": "text/plain" }).end(`a ${request.headers.authorization ?? 1}\n`);

const secureServer = () => createSecureServer({ key: pem("key.pem"), cert: certificate }, plainTarget);

const { http: STANDARD } = scrapeConfig();

function viaProxy(text: string, overrides: Partial<ProxyConfig> = {}): Partial<HttpClientConfig> {
  return { proxy: { ...STANDARD.proxy, proxyUrl: new ConfigUrl(text), ...overrides } };
}

async function get(url: string, overrides: Partial<HttpClientConfig>, client?: HttpClient): Promise<string> {
  const trusting = { ...STANDARD, tls: { ...STANDARD.tls, ca: certificate }, ...overrides };
  const used = client ?? new HttpClient(trusting, new BufferPool(), undefined, {});
  try {
    const { signal } = new AbortController();
    const request = { headers: {}, timeoutMs: 3000, bodyLimitBytes: 0, unixSocket: "", signal };
    const body = await used.fetch({ ...request, url: new URL(url) });
    const text = Buffer.from(body.bytes.buffer, body.bytes.byteOffset, body.length).toString();
    body.release();
    return text;
  } finally {
    if (client === undefined) used.close();
  }
}

test("HTTP proxy: plain targets are asked for by their whole URL, with the proxy's own credentials", async () => {
  const seen: IncomingMessage[] = [];
  const port = await listen(
    createServer((request, response) => {
      seen.push(request);
      plainTarget(request, response);
    }),
  );
  assert.equal(
    await get("http://target.invalid:81/metrics?x=1", viaProxy(`http://us%40er:pw@127.0.0.1:${port}`)),
    "a 1\n",
  );
  assert.equal(seen[0]?.url, "http://target.invalid:81/metrics?x=1");
  assert.equal(seen[0]?.headers.host, "target.invalid:81");
  assert.equal(seen[0]?.headers["proxy-authorization"], `Basic ${Buffer.from("us@er:pw").toString("base64")}`);
});

test("HTTP proxy: TLS targets are reached through CONNECT, with the headers for it; a refusal is the error", async () => {
  const target = await listen(secureServer());
  const connects: IncomingMessage[] = [];
  const proxy = createServer();
  proxy.on("connect", (request: IncomingMessage, socket: Socket) => {
    connects.push(request);
    if (request.headers["x-team"] !== "a") {
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
      return;
    }
    const upstream = connect(target, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on("error", () => socket.destroy());
    socket.on("error", () => upstream.destroy());
  });
  const port = await listen(proxy);
  const url = `https://127.0.0.1:${target}/metrics`;
  const header = new Map([["X-Team", [new Secret("a")]]]);
  assert.equal(await get(url, viaProxy(`http://127.0.0.1:${port}`, { proxyConnectHeader: header })), "a 1\n");
  assert.equal(connects[0]?.url, `127.0.0.1:${target}`);
  await assert.rejects(get(url, viaProxy(`http://127.0.0.1:${port}`)), { message: `Get "${url}": Forbidden` });
});

test("HTTPS proxy: both kinds of targets go through it", async () => {
  const proxy = createSecureServer({ key: pem("key.pem"), cert: certificate }, (request, response) => {
    response.writeHead(200, { "content-type": "text/plain" }).end(`a "${request.url}"\n`);
  });
  const port = await listen(proxy);
  const text = await get("http://target.invalid/metrics", viaProxy(`https://127.0.0.1:${port}`));
  assert.equal(text, 'a "http://target.invalid/metrics"\n');
});

/** A SOCKS 5 proxy that sends everything to one port. */
function socksServer(target: number, user: string, asked: string[]): TcpServer {
  return createTcpServer((socket) => {
    socket.on("error", () => {});
    let step = 0;
    socket.on("data", function onData(chunk: Buffer) {
      if (step === 0) {
        socket.write(Buffer.of(5, user === "" ? 0 : 2));
        step = user === "" ? 2 : 1;
      } else if (step === 1) {
        const given = chunk.subarray(2, 2 + (chunk[1] as number)).toString();
        socket.write(Buffer.of(1, given === user ? 0 : 1));
        step = 2;
      } else {
        asked.push(chunk.subarray(5, 5 + (chunk[4] as number)).toString());
        socket.off("data", onData);
        const upstream = connect(target, "127.0.0.1", () => {
          socket.write(Buffer.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
          upstream.pipe(socket).pipe(upstream);
        });
        upstream.on("error", () => socket.destroy());
      }
    });
  });
}

test("SOCKS proxy: plain and TLS targets, with and without a user; names are resolved by the proxy", async () => {
  const asked: string[] = [];
  const plain = await listen(createServer(plainTarget));
  const open = await listen(socksServer(plain, "", asked));
  assert.equal(await get("http://target.invalid:9/metrics", viaProxy(`socks5://127.0.0.1:${open}`)), "a 1\n");
  const secure = await listen(secureServer());
  const guarded = await listen(socksServer(secure, "me", asked));
  const url = `https://127.0.0.1:${secure}/`;
  assert.equal(await get(url, viaProxy(`socks5://me:pw@127.0.0.1:${guarded}`)), "a 1\n");
  await assert.rejects(get(url, viaProxy(`socks5://you:pw@127.0.0.1:${guarded}`)), {
    message: `Get "${url}": socks: username/password authentication failed`,
  });
  assert.deepEqual(asked, ["target.invalid", "127.0.0.1"]);
});

test("proxies that answer nonsense, nothing, or are not there fail the scrape in a sentence", async () => {
  const url = "https://target.invalid/";
  const nonsense = await listen(createTcpServer((socket) => void socket.end("SSH-2.0-x\r\n\r\n")));
  await assert.rejects(get(url, viaProxy(`http://127.0.0.1:${nonsense}`)), {
    message: /malformed answer of the proxy$/,
  });
  const mute = await listen(createTcpServer((socket) => void socket.end()));
  await assert.rejects(get(url, viaProxy(`http://127.0.0.1:${mute}`)), { message: /EOF$/ });
  await assert.rejects(get(url, viaProxy("http://127.0.0.1:1")), {
    message: /127.0.0.1:1: connect: connection refused$/,
  });
  await assert.rejects(get(url, viaProxy("ftp://127.0.0.1:1")), { message: /unknown proxy scheme ftp$/ });
});

const OAUTH: OAuth2Config = {
  clientId: "me",
  clientSecret: new Secret("s&cret"),
  clientSecretFile: "",
  clientCertificateKeyId: "",
  clientCertificateKey: EMPTY_SECRET,
  clientCertificateKeyFile: "",
  grantType: "",
  signatureAlgorithm: "",
  iss: "",
  audience: "",
  claims: new Map(),
  scopes: ["a", "b"],
  tokenUrl: "",
  endpointParams: new Map([["extra", "1"]]),
  tls: STANDARD.tls,
  proxy: STANDARD.proxy,
};

async function tokenServer(
  answer: () => object | string,
  seen: { headers: IncomingMessage["headers"]; form: URLSearchParams }[],
) {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    seen.push({ headers: request.headers, form: new URLSearchParams(body) });
    const given = answer();
    response
      .writeHead(typeof given === "string" ? 401 : 200)
      .end(typeof given === "string" ? given : JSON.stringify(given));
  });
  return `http://127.0.0.1:${await listen(server)}/token`;
}

test("OAuth 2: a token is fetched once and used until shortly before its end; a refusal fails the scrape", async () => {
  const target = `http://127.0.0.1:${await listen(createServer(plainTarget))}/`;
  const seen: { headers: IncomingMessage["headers"]; form: URLSearchParams }[] = [];
  let lifetime = 3600;
  let refusing = false;
  const tokenUrl = await tokenServer(
    () => (refusing ? "no" : { access_token: `t${seen.length}`, token_type: "bearer", expires_in: lifetime }),
    seen,
  );
  const client = new HttpClient({ ...STANDARD, oauth2: { ...OAUTH, tokenUrl } }, new BufferPool(), undefined, {});
  closers.push(() => client.close());
  const both = await Promise.all([get(target, {}, client), get(target, {}, client)]);
  assert.deepEqual(both, ["a Bearer t1\n", "a Bearer t1\n"]);
  assert.equal(seen.length, 1);
  const [first] = seen;
  assert.equal(first?.headers.authorization, `Basic ${Buffer.from("me:s%26cret").toString("base64")}`);
  assert.equal(first?.form.toString(), "grant_type=client_credentials&scope=a+b&extra=1");
  lifetime = 5;
  const short = new HttpClient({ ...STANDARD, oauth2: { ...OAUTH, tokenUrl } }, new BufferPool(), undefined, {});
  closers.push(() => short.close());
  assert.equal(await get(target, {}, short), "a Bearer t2\n");
  assert.equal(await get(target, {}, short), "a Bearer t3\n");
  refusing = true;
  await assert.rejects(get(target, {}, short), {
    message: `Get "${target}": oauth2: cannot fetch token: 401\nResponse: no`,
  });
});

test("OAuth 2: a signed assertion instead of a secret", async () => {
  const target = `http://127.0.0.1:${await listen(createServer(plainTarget))}/`;
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const seen: { headers: IncomingMessage["headers"]; form: URLSearchParams }[] = [];
  const tokenUrl = await tokenServer(() => ({ access_token: "t" }), seen);
  const oauth2: OAuth2Config = {
    ...OAUTH,
    tokenUrl,
    grantType: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    clientCertificateKey: new Secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
    clientCertificateKeyId: "key-1",
    signatureAlgorithm: "RS384",
    claims: new Map([["custom", "x"]]),
  };
  assert.equal(await get(target, { oauth2 }), "a Bearer t\n");
  const [header = "", payload = "", signature = ""] = (seen[0]?.form.get("assertion") ?? "").split(".");
  const decoded = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());
  assert.deepEqual(decoded(header), { alg: "RS384", typ: "JWT", kid: "key-1" });
  const { iss, sub, aud, custom, exp, iat } = decoded(payload);
  assert.deepEqual([iss, sub, aud, custom, exp - iat], ["me", "me", tokenUrl, "x", 3600]);
  assert.ok(createVerify("RSA-SHA384").update(`${header}.${payload}`).verify(publicKey, signature, "base64url"));
});

test("connections are counted by what became of them", async () => {
  const registry = new Registry();
  const observe = new DialMetrics(registry).observer("job");
  const target = await listen(createServer(plainTarget));
  const client = new HttpClient(STANDARD, new BufferPool(), observe, {});
  await get(`http://127.0.0.1:${target}/`, {}, client);
  await assert.rejects(get("http://127.0.0.1:1/", {}, client));
  client.close();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const text = await registry.metrics();
  for (const line of [
    'attempted_total{dialer_name="job"} 2',
    'established_total{dialer_name="job"} 1',
    'failed_total{dialer_name="job",reason="refused"} 1',
    'failed_total{dialer_name="job",reason="resolution"} 0',
    'closed_total{dialer_name="job"} 1',
  ]) {
    assert.ok(text.includes(`net_conntrack_dialer_conn_${line}\n`), line);
  }
});
