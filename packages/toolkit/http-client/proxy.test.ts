import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigUrl } from "../secret/secret.ts";
import { proxyRule } from "./proxy.ts";

const NONE = { proxyUrl: undefined, noProxy: "", proxyFromEnvironment: false };

test("no_proxy and the environment: which hosts are reached directly", () => {
  const rule = (noProxy: string, url: string) => {
    const config = { ...NONE, proxyUrl: new ConfigUrl("http://p:1"), noProxy };
    return proxyRule(config, {})(new URL(url)) === undefined;
  };
  const list = "10.0.0.0/8, fe80::/10 ,1.2.3.4:81,.below.org,exact.org,with.port:8080,[::2]";
  const direct = [
    "http://10.200.1.1/",
    "http://[fe80::1]/",
    "http://1.2.3.4:81/",
    "http://x.below.org/",
    "https://exact.org/",
    "http://sub.exact.org/",
    "http://with.port:8080/",
    "http://[::2]/",
    "http://localhost/",
    "http://127.9.9.9/",
  ];
  const proxied = [
    "http://11.0.0.1/",
    "http://[2000::1]/",
    "http://1.2.3.4/",
    "http://below.org/",
    "http://notexact.org/",
    "https://with.port/",
  ];
  for (const url of direct) assert.ok(rule(list, url), url);
  for (const url of proxied) assert.ok(!rule(list, url), url);
  assert.ok(rule("*", "http://anything/") && !rule("", "http://127.0.0.1/"));
  const environment = { HTTP_PROXY: "http://h:1", https_proxy: "s:2", NO_PROXY: "skip.org" };
  const fromEnvironment = proxyRule({ ...NONE, proxyFromEnvironment: true }, environment);
  assert.equal(fromEnvironment(new URL("http://a/"))?.href, "http://h:1/");
  assert.equal(fromEnvironment(new URL("https://a/"))?.href, "http://s:2/");
  assert.equal(fromEnvironment(new URL("http://skip.org/")), undefined);
});
