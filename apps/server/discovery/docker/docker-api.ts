// The lists of a Docker daemon. Source: Docker Engine API, without a version in the path: the daemon's newest.
import { ApiClient, type JsonObject, objectsOf, PLAIN_HTTP } from "@narthex/toolkit";
import { COMPATIBLE_VERSION } from "../../build-info.ts";
import type { HttpClientConfig } from "../../config/types.ts";
import type { DockerFilter } from "./docker-body.ts";

/** What can be listed. */
export type DockerList = "containers/json" | "networks" | "services" | "tasks" | "nodes";

/** One daemon. */
export class DockerApi {
  readonly #client: ApiClient;
  readonly #base: string;
  readonly #filters: string;
  readonly #timeoutMs: number;

  /** `timeoutMs` is for each list. Throws for a host that says nothing about how to reach it. */
  constructor(host: string, filters: readonly DockerFilter[], http: HttpClientConfig, timeoutMs: number) {
    const { scheme, rest } = hostParts(host);
    this.#timeoutMs = timeoutMs;
    if (scheme === "unix") {
      this.#base = "http://docker";
      this.#client = new ApiClient(PLAIN_HTTP, { unixSocket: rest });
    } else if (scheme === "http" || scheme === "https" || scheme === "tcp") {
      // As in the reference, client settings are for daemons that are addressed as web servers.
      this.#base = `${scheme === "tcp" ? "http" : scheme}://${rest.replace(/\/+$/, "")}`;
      this.#client = new ApiClient(scheme === "tcp" ? PLAIN_HTTP : http);
    } else {
      throw new Error(`error setting up docker client: protocol not available: ${scheme}`);
    }
    new URL(this.#base);
    const wanted = new Map<string, Record<string, true>>();
    for (const { name, values } of filters) {
      const texts = wanted.get(name) ?? {};
      for (const value of values) texts[value] = true;
      if (values.length > 0) wanted.set(name, texts);
    }
    this.#filters = wanted.size === 0 ? "" : JSON.stringify(Object.fromEntries(wanted));
  }

  /** Lists objects; `filtered` applies the filters of the configuration. */
  async list(what: DockerList, filtered: boolean, signal: AbortSignal): Promise<readonly JsonObject[]> {
    const url = new URL(`${this.#base}/${what}`);
    if (filtered && this.#filters !== "") url.searchParams.set("filters", this.#filters);
    const headers = { "User-Agent": `Prometheus/${COMPATIBLE_VERSION}` };
    return objectsOf(await this.#client.askJson({ url, headers, timeoutMs: this.#timeoutMs, signal }), what);
  }

  close(): void {
    this.#client.close();
  }
}

function hostParts(host: string): { scheme: string; rest: string } {
  const [, scheme = "", rest = ""] = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/(.+)$/.exec(host) ?? [];
  if (scheme === "") throw new Error(`error setting up docker client: unable to parse docker host \`${host}\``);
  return { scheme: scheme.toLowerCase(), rest };
}
