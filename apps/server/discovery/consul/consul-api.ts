// The two blocking queries of a Consul agent that discovery lives on, and the question where the agent is.
// Source: HTTP API of Consul, "Blocking Queries", `/v1/catalog/services`, `/v1/health/service`, `/v1/agent/self`.

import { ApiClient, type ApiRequest, EMPTY_SECRET, jsonOf, objectOf, textOf, textsOf } from "@narthex/toolkit";
import { COMPATIBLE_VERSION } from "../../build-info.ts";
import type { ConsulDiscoveryBody } from "./consul-body.ts";

/** How long answers are waited for, in milliseconds. */
export interface ConsulTiming {
  /** A blocking query is answered after so long at the latest, even when nothing changed. */
  readonly watchMs: number;
  /** How much longer than that an answer is waited for; and how long for answers that come at once. */
  readonly marginMs: number;
}

/** The reference's. */
export const CONSUL_TIMING: ConsulTiming = { watchMs: 2 * 60 * 1000, marginMs: 15_000 };

/** What a blocking query brought. */
export interface Watched {
  readonly value: unknown;
  /** Decimal digits; "" when the agent named none. */
  readonly index: string;
}

/** An agent. Throws an `ApiError` for whatever keeps it from answering. */
export class ConsulApi {
  readonly #body: ConsulDiscoveryBody;
  readonly #client: ApiClient;
  readonly #base: string;
  readonly #token: string;
  readonly #timing: ConsulTiming;

  constructor(
    body: ConsulDiscoveryBody,
    timing: ConsulTiming = CONSUL_TIMING,
    environment: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    this.#body = body;
    this.#timing = timing;
    let { scheme, server } = body;
    let unixSocket = "";
    const named = /^([a-z]+):\/\/(.*)$/.exec(server);
    if (named !== null) {
      const [, kind = "", rest = ""] = named;
      if (kind === "unix") unixSocket = rest;
      else if (kind === "https") scheme = "https";
      else if (kind !== "http") throw new Error(`unknown protocol scheme: ${kind}`);
      server = kind === "unix" ? "unix" : rest;
    }
    this.#base = `${scheme}://${server.trim()}${body.pathPrefix === "" ? "" : `/${body.pathPrefix.replace(/^\/|\/$/g, "")}`}`;
    const { username, password, http } = body;
    const hasUser = username !== "" || !password.isEmpty;
    const basicAuth = hasUser ? { username, password, usernameFile: "", passwordFile: "" } : http.basicAuth;
    this.#client = new ApiClient({ ...http, basicAuth }, { unixSocket, environment });
    this.#token = (body.token ?? EMPTY_SECRET).reveal() || (environment["CONSUL_HTTP_TOKEN"] ?? "");
    new URL(this.#base);
  }

  /** The name of the agent's own datacenter. */
  async datacenter(signal: AbortSignal): Promise<string> {
    const self = objectOf(
      await this.#client.askJson(this.#request("/v1/agent/self", [], this.#timing.marginMs, signal)),
      "agent",
    );
    const name = objectOf(self["Config"], "Config")["Datacenter"];
    if (typeof name !== "string") throw new Error("invalid value for Config.Datacenter");
    return name;
  }

  /** Names of all services and the tags of each, once they are no longer as they were at `index`. */
  async services(index: string, signal: AbortSignal): Promise<Watched & { services: Map<string, readonly string[]> }> {
    const watched = await this.#watch("/v1/catalog/services", index, [["filter", this.#body.filter]], signal);
    const services = new Map<string, readonly string[]>();
    for (const [name, tags] of Object.entries(objectOf(watched.value, "services"))) {
      services.set(textOf(name, "services"), textsOf(tags, "tags"));
    }
    return { ...watched, services };
  }

  /** The instances of a service, once they are no longer as they were at `index`. */
  service(name: string, index: string, signal: AbortSignal): Promise<Watched> {
    const params: [string, string][] = this.#body.tags.map((tag) => ["tag", tag]);
    params.push(["filter", this.#body.healthFilter]);
    return this.#watch(`/v1/health/service/${encodeURIComponent(name)}`, index, params, signal);
  }

  close(): void {
    this.#client.close();
  }

  async #watch(
    path: string,
    index: string,
    own: readonly (readonly [string, string])[],
    signal: AbortSignal,
  ): Promise<Watched> {
    const { allowStale, nodeMeta } = this.#body;
    const { watchMs, marginMs } = this.#timing;
    const params: [string, string][] = own.filter(([, value]) => value !== "").map(([name, value]) => [name, value]);
    if (index !== "" && index !== "0") params.push(["index", index]);
    params.push(["wait", `${watchMs}ms`]);
    if (allowStale) params.push(["stale", ""]);
    for (const [name, value] of nodeMeta) params.push(["node-meta", `${name}:${value}`]);
    const request = this.#request(path, params, watchMs + marginMs, signal);
    const answer = await this.#client.ask(request);
    const value = jsonOf(answer, request);
    const shown = String(answer.headers["x-consul-index"] ?? "");
    return { value, index: /^\d{1,20}$/.test(shown) ? shown : "" };
  }

  #request(
    path: string,
    params: readonly (readonly [string, string])[],
    timeoutMs: number,
    signal: AbortSignal,
  ): ApiRequest {
    const url = new URL(this.#base + path);
    for (const [name, value] of params) url.searchParams.append(name, value);
    const { datacenter, namespace, partition } = this.#body;
    for (const [name, value] of [
      ["dc", datacenter],
      ["ns", namespace],
      ["partition", partition],
    ] as const) {
      if (value !== "") url.searchParams.append(name, value);
    }
    const headers: Record<string, string> = { "User-Agent": `Prometheus/${COMPATIBLE_VERSION}` };
    if (this.#token !== "") headers["X-Consul-Token"] = this.#token;
    return { url, headers, timeoutMs, signal };
  }
}
