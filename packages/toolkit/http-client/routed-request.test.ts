import assert from "node:assert/strict";
import http from "node:http";
import { Duplex } from "node:stream";
import { test } from "node:test";
import { ConfigUrl } from "../secret/secret.ts";
import { PLAIN_HTTP } from "./plain-http-config.ts";
import { Router } from "./route.ts";
import { openRequest, type RoutedRequestOptions } from "./routed-request.ts";

/** Connects to nobody: keeps where to, and what is said. */
class Recorder extends http.Agent {
  to = "";
  said = "";

  override createConnection(options: http.ClientRequestArgs): Duplex {
    this.to = `${options.host} ${options.port}`;
    return new Duplex({
      read() {},
      write: (chunk, _, done) => {
        this.said += chunk;
        done();
      },
    });
  }
}

/** Where a request for `url` through `proxy` connects to, and the lines of its head. */
async function sent(
  url: string,
  proxy = "",
  headers: RoutedRequestOptions["headers"] = {},
): Promise<{ to: string; head: string[] }> {
  const proxyUrl = proxy === "" ? undefined : new ConfigUrl(proxy);
  const config = { proxyUrl, noProxy: "", proxyFromEnvironment: false, proxyConnectHeader: new Map() };
  const router = new Router(PLAIN_HTTP.tls, config, undefined, {});
  const agent = new Recorder();
  const target = new URL(url);
  const request = openRequest(target, router.to(target, ""), { method: "GET", agent, headers });
  request.on("error", () => {});
  await new Promise<void>((resolve) => request.end(resolve));
  request.destroy();
  router.close();
  const head = agent.said.split("\r\n").filter((line) => line !== "" && !line.startsWith("Connection:"));
  return { to: agent.to, head: head.sort() };
}

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

test("requests: a proxy is asked for the whole URL, by an address of either kind, with its user in the header that is its own", async () => {
  assert.deepEqual(await sent("http://target.example:81/a?b=c#d", "http://pr%40xy:pw@[::1]:3128"), {
    to: "::1 3128",
    head: [
      "GET http://target.example:81/a?b=c HTTP/1.1",
      "Host: target.example:81",
      `Proxy-Authorization: ${basic("pr@xy:pw")}`,
    ],
  });
  assert.deepEqual(await sent("http://[::2]/a", "http://proxy.example"), {
    to: "proxy.example 80",
    head: ["GET http://[::2]/a HTTP/1.1", "Host: [::2]"],
  });
});

test("requests: the URL's user is asked as, also through a proxy, and stands in no request line", async () => {
  for (const proxy of ["", "http://proxy.example"]) {
    const { head } = await sent("http://us%40er:pw@target.example/a", proxy);
    assert.deepEqual(head, [
      `Authorization: ${basic("us@er:pw")}`,
      proxy === "" ? "GET /a HTTP/1.1" : "GET http://target.example/a HTTP/1.1",
      "Host: target.example",
    ]);
    const given = await sent("http://user:pw@target.example/a", proxy, { authorization: "Bearer t", host: "other" });
    assert.ok(given.head.includes("authorization: Bearer t") && !given.head.some((line) => line.includes("Basic")));
  }
});

test("requests: a scheme that is not HTTP's is refused", async () => {
  await assert.rejects(sent("ftp://target.example/a"), { message: 'unsupported protocol scheme "ftp"' });
});
