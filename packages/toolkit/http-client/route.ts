// How a request gets to its host: directly over the small client, or over an agent for TLS and tunnels.
import { readFileSync, statSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ProxyConfig, TlsConfig } from "./config.ts";
import { type ProxyRule, proxyRule } from "./proxy.ts";
import { connectProxy, openTunnel, proxyAuthorization } from "./tunnel.ts";

/** Sees every connection that a client makes, from its first moment on. */
export type DialObserver = (socket: Socket) => void;

/** A file of credentials or certificates that cannot be read. */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
}

const IDLE_CONNECTION_MS = 5 * 60 * 1000;

/** The way to one host. */
export interface Route {
  /** Undefined where the small client may go: plain HTTP, directly or to a proxy that speaks it. */
  readonly agent: http.Agent | undefined;
  /** The proxy that gets the whole URL instead of the path. */
  readonly proxy: URL | undefined;
  /** Headers for that proxy. */
  readonly headers: Readonly<Record<string, string>>;
}

const DIRECT: Route = { agent: undefined, proxy: undefined, headers: {} };

/** The routes of one client. Files of certificates are looked at for each request, and read again when they changed. */
export class Router {
  readonly #tls: TlsConfig;
  readonly #connectHeaders: ProxyConfig["proxyConnectHeader"];
  readonly #rule: ProxyRule;
  readonly #observe: DialObserver | undefined;
  readonly #agents = new Map<string, http.Agent>();
  #stamp = "";

  constructor(
    tls: TlsConfig,
    proxy: ProxyConfig,
    observe: DialObserver | undefined,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.#tls = tls;
    this.#connectHeaders = proxy.proxyConnectHeader;
    this.#observe = observe;
    let rule: ProxyRule;
    try {
      rule = proxyRule(proxy, environment);
    } catch (error) {
      rule = () => {
        throw error;
      };
    }
    this.#rule = rule;
  }

  /** The route to a URL; a Unix socket is reached directly. */
  to(url: URL, unixSocket: string): Route {
    const proxy = unixSocket === "" ? this.#rule(url) : undefined;
    const isSecure = url.protocol === "https:";
    if (!isSecure && proxy === undefined) return DIRECT;
    if (!isSecure && proxy !== undefined && !proxy.protocol.startsWith("socks")) {
      const authorization = proxyAuthorization(proxy);
      const headers: Record<string, string> =
        authorization === undefined ? {} : { "Proxy-Authorization": authorization };
      if (proxy.protocol === "http:") return { agent: undefined, proxy, headers };
      return { agent: this.#agent(`via ${proxy.href}`, () => this.#viaSecureProxy(proxy)), proxy, headers };
    }
    const key = `${isSecure ? "https" : "http"} ${proxy?.href ?? ""}`;
    return { agent: this.#agent(key, () => this.#directOrTunnel(isSecure, proxy)), proxy: undefined, headers: {} };
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #agent(key: string, make: () => http.Agent): http.Agent {
    const { caFile, certFile, keyFile } = this.#tls;
    const stamp = [caFile, certFile, keyFile].map(fileStamp).join("|");
    if (stamp !== this.#stamp) this.close();
    this.#stamp = stamp;
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      agent = make();
      this.#agents.set(key, agent);
    }
    return agent;
  }

  #viaSecureProxy(proxy: URL): http.Agent {
    const tls = tlsClientOptions(this.#tls);
    return new DialingAgent(() => this.#observed(connectProxy(proxy, tls)));
  }

  #directOrTunnel(isSecure: boolean, proxy: URL | undefined): http.Agent {
    const tls = tlsClientOptions(this.#tls);
    if (proxy === undefined) {
      return secureAgent(tls, undefined, (socket) => this.#observed(socket));
    }
    const dial = (host: string, port: number) => {
      const headers = [...this.#connectHeaders].flatMap(([name, values]) =>
        values.map((value) => [name, value.reveal()] as const),
      );
      return openTunnel(this.#observed(connectProxy(proxy, tls)), proxy, { host, port, headers });
    };
    return isSecure ? secureAgent(tls, dial, (socket) => socket) : new DialingAgent(dial);
  }

  #observed(socket: Socket): Socket {
    this.#observe?.(socket);
    return socket;
  }
}

type Dial = (host: string, port: number) => Promise<Socket> | Socket;
type Created = (error: Error | null, socket: Socket) => void;

/** Connections made elsewhere. */
class DialingAgent extends http.Agent {
  readonly #dial: Dial;

  constructor(dial: Dial) {
    super({ keepAlive: true, timeout: IDLE_CONNECTION_MS, scheduling: "lifo" });
    this.#dial = dial;
  }

  override createConnection(options: http.ClientRequestArgs, callback?: Created): Socket | undefined {
    deliver(() => this.#dial(hostOf(options), Number(options.port ?? 80)), callback);
    return undefined;
  }
}

/** TLS, over a connection of its own or over one made elsewhere. No class, since that would load Node's TLS wherever this file is. */
function secureAgent(
  tls: https.AgentOptions,
  dial: Dial | undefined,
  observed: (socket: Socket) => Socket,
): https.Agent {
  const agent = new https.Agent({ keepAlive: true, timeout: IDLE_CONNECTION_MS, scheduling: "lifo", ...tls });
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    if (dial === undefined) return observed(connect(options, callback as never) as Socket);
    const secure = async () => {
      const socket = await dial(hostOf(options), Number(options.port ?? 443));
      return connectTls({ ...(options as object), socket });
    };
    deliver(secure, callback as Created | undefined);
    return undefined;
  };
  return agent;
}

function deliver(make: () => Promise<Socket> | Socket, callback: Created | undefined): void {
  Promise.resolve()
    .then(make)
    .then(
      (socket) => callback?.(null, socket),
      (error: Error) => callback?.(error, undefined as never),
    );
}

function hostOf(options: http.ClientRequestArgs): string {
  return String(options.host ?? "localhost").replace(/^\[|\]$/g, "");
}

/** Changes when a file does; empty for no file, and for one that cannot be looked at. */
function fileStamp(path: string): string {
  if (path === "") return "";
  try {
    const { mtimeMs, size, ino } = statSync(path);
    return `${mtimeMs},${size},${ino}`;
  } catch {
    return "";
  }
}

/** What a file of credentials holds, without space around it. Throws a `CredentialError`. */
export function readCredential(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new CredentialError(`unable to read file ${path}: ${(error as Error).message}`, { cause: error });
  }
}

const TLS_VERSIONS = { TLS10: "TLSv1", TLS11: "TLSv1.1", TLS12: "TLSv1.2", TLS13: "TLSv1.3" } as const;

/** What Node needs to connect by `tls`; files are read here. Throws a `CredentialError`. */
export function tlsClientOptions(tls: TlsConfig): https.AgentOptions {
  const pem = (text: string, file: string) => (file === "" ? text : readCredential(file));
  const options: https.AgentOptions = { rejectUnauthorized: !tls.insecureSkipVerify };
  const ca = pem(tls.ca, tls.caFile);
  const cert = pem(tls.cert, tls.certFile);
  const key = pem(tls.key.reveal(), tls.keyFile);
  if (ca !== "") options.ca = ca;
  if (cert !== "") options.cert = cert;
  if (key !== "") options.key = key;
  if (tls.serverName !== "") options.servername = tls.serverName;
  if (tls.minVersion !== "") options.minVersion = TLS_VERSIONS[tls.minVersion];
  if (tls.maxVersion !== "") options.maxVersion = TLS_VERSIONS[tls.maxVersion];
  return options;
}
