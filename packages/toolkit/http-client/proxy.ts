// Which proxy a request goes through, if any. Source: the rules of Go's `httpproxy`, which the reference follows.
import { isIP } from "node:net";
import type { ProxyConfig } from "./config.ts";

/** Tells the proxy for a URL; undefined for going there directly. Throws for a proxy URL that is none. */
export type ProxyRule = (url: URL) => URL | undefined;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/** The rule of a configuration. `environment` holds `HTTP_PROXY` and the like, in either case. */
export function proxyRule(
  config: Pick<ProxyConfig, "proxyUrl" | "noProxy" | "proxyFromEnvironment">,
  environment: Readonly<Record<string, string | undefined>>,
): ProxyRule {
  if (config.proxyFromEnvironment) {
    const variable = (name: string) => environment[name] || environment[name.toLowerCase()] || "";
    // A CGI program has HTTP_PROXY from a request's header: then it says nothing.
    const isCgi = (environment["REQUEST_METHOD"] ?? "") !== "";
    const http = isCgi ? "" : variable("HTTP_PROXY");
    const bypass = bypassRule(variable("NO_PROXY"));
    return (url) => {
      const proxy = url.protocol === "https:" ? variable("HTTPS_PROXY") : http;
      return proxy === "" || bypass(url) ? undefined : parseProxy(proxy);
    };
  }
  const given = config.proxyUrl?.reveal() ?? "";
  if (given === "") return () => undefined;
  const proxy = parseProxy(given);
  if (config.noProxy === "") return () => proxy;
  const bypass = bypassRule(config.noProxy);
  return (url) => (bypass(url) ? undefined : proxy);
}

/** A proxy may be written without its scheme; then it speaks HTTP. */
function parseProxy(text: string): URL {
  const withScheme = /^[a-z0-9]+:\/\//i.test(text) ? text : `http://${text}`;
  let proxy: URL;
  try {
    proxy = new URL(withScheme);
  } catch (error) {
    throw new Error("invalid proxy address", { cause: error });
  }
  if (!["http:", "https:", "socks5:", "socks5h:"].includes(proxy.protocol) || proxy.hostname === "") {
    throw new Error(`unknown proxy scheme ${proxy.protocol.slice(0, -1)}`);
  }
  return proxy;
}

/** Whether a host is reached directly. This machine always is. */
function bypassRule(list: string): (url: URL) => boolean {
  const rules = list
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== "")
    .map(bypassEntry);
  return (url) => {
    const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
    if (host === "localhost" || isLoopback(host)) return true;
    const port = url.port || (DEFAULT_PORTS[url.protocol] ?? "");
    return rules.some((rule) => rule(host, port));
  };
}

function isLoopback(host: string): boolean {
  return host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

/** `*`, an address, a network, or a domain; all but the first two and networks also stand for what is below them. */
function bypassEntry(entry: string): (host: string, port: string) => boolean {
  if (entry === "*") return () => true;
  const network = /^([0-9a-f:.]+)\/(\d+)$/.exec(entry);
  if (network !== null) {
    const address = addressBits(network[1] as string);
    const length = Number(network[2]);
    if (address === undefined || length > address.length) return () => false;
    return (host) => {
      const bits = addressBits(host);
      return bits !== undefined && bits.length === address.length && bits.startsWith(address.slice(0, length));
    };
  }
  const withPort = /^(.*?|\[.*\]):(\d+)$/.exec(entry);
  const isBareIpv6 = isIP(entry) === 6;
  const name = (withPort !== null && !isBareIpv6 ? (withPort[1] as string) : entry).replace(/^\[|\]$/g, "");
  const wantedPort = withPort !== null && !isBareIpv6 ? (withPort[2] as string) : "";
  const matchesPort = (port: string) => wantedPort === "" || wantedPort === port;
  if (isIP(name) !== 0) return (host, port) => host === name && matchesPort(port);
  const domain = name.replace(/^\*?\./, "");
  const isOnlyBelow = domain !== name;
  return (host, port) =>
    ((host === domain && !isOnlyBelow) || host.endsWith(`.${domain}`)) && matchesPort(port) && domain !== "";
}

/** The address as a text of zeros and ones; undefined when it is none. */
function addressBits(address: string): string | undefined {
  const version = isIP(address);
  if (version === 0) return undefined;
  if (version === 4) {
    return address
      .split(".")
      .map((part) => Number(part).toString(2).padStart(8, "0"))
      .join("");
  }
  // The URL parser writes addresses out in one form.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const before = groups(head);
  const after = groups(tail ?? "");
  const middle = new Array(8 - before.length - after.length).fill("0");
  return [...before, ...middle, ...after]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0"))
    .join("");
}
