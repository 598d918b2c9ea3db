// Lists of OpenStack's services. Source: Compute API v2.1, Networking API v2.0, Load Balancer API v2, "Pagination".
import {
  ApiClient,
  type ApiRequest,
  type JsonObject,
  jsonOf,
  objectOf,
  objectsOf,
  PLAIN_HTTP,
  textOf,
} from "@narthex/toolkit";
import { COMPATIBLE_VERSION } from "../../build-info.ts";
import { PageGuard } from "../page-guard.ts";
import { authenticate, endpointOf, identityOfEnvironment, type OpenstackSession } from "./identity.ts";
import type { OpenstackDiscoveryBody, OpenstackIdentity } from "./openstack-body.ts";

/** The services that are asked, by their types in the catalog. */
type Service = "compute" | "network" | "load-balancer";

/** Lists for one refresh. */
export interface OpenstackLists {
  /** All objects of a list: `path` below the service, `name` of the list in its answers. */
  list(
    service: Service,
    path: string,
    name: string,
    params?: Readonly<Record<string, string>>,
  ): Promise<readonly JsonObject[]>;
}

/** One cloud, one region. */
export class OpenstackApi {
  readonly #body: OpenstackDiscoveryBody;
  readonly #identity: OpenstackIdentity;
  readonly #client: ApiClient;

  /** Throws when neither configuration nor environment say who asks. */
  constructor(body: OpenstackDiscoveryBody, environment: Readonly<Record<string, string | undefined>> = process.env) {
    this.#body = body;
    this.#identity = body.identityEndpoint === "" ? identityOfEnvironment(environment) : body;
    this.#client = new ApiClient({ ...PLAIN_HTTP, tls: body.tlsConfig ?? PLAIN_HTTP.tls }, { environment });
  }

  /** Begins a refresh with a token of its own. */
  async session(signal: AbortSignal): Promise<OpenstackLists> {
    let session: OpenstackSession;
    try {
      session = await authenticate(this.#client, this.#identity, this.#body.refreshIntervalMs, signal);
    } catch (error) {
      throw new Error(`could not authenticate to OpenStack: ${(error as Error).message}`, { cause: error });
    }
    return {
      list: (service, path, name, params = {}) => this.#list(session, { service, path, name, params }, signal),
    };
  }

  close(): void {
    this.#client.close();
  }

  async #list(
    { token, catalog }: OpenstackSession,
    wanted: { service: Service; path: string; name: string; params: Readonly<Record<string, string>> },
    signal: AbortSignal,
  ): Promise<readonly JsonObject[]> {
    const { service, path, name, params } = wanted;
    const { region, availability, refreshIntervalMs: timeoutMs } = this.#body;
    const endpoint = endpointOf(catalog, service, region, availability);
    // All but compute are known by the address of their host alone.
    const base = service === "compute" || /\/v2(\.0)?\/$/.test(endpoint) ? endpoint : `${endpoint}v2.0/`;
    const headers = {
      Accept: "application/json",
      "X-Auth-Token": token,
      "User-Agent": `Prometheus/${COMPATIBLE_VERSION}`,
    };
    const guard = new PageGuard(name);
    const found: JsonObject[] = [];
    let url = new URL(base + path);
    for (const [key, value] of Object.entries(params)) url.searchParams.set(key, value);
    for (;;) {
      const request: ApiRequest = { url, headers, timeoutMs, signal };
      const answer = await this.#client.ask(request);
      const page = objectOf(jsonOf(answer, request), name);
      const items = objectsOf(page[name], name);
      for (const item of items) found.push(item);
      const next = objectsOf(page[`${name}_links`], "links").find((link) => textOf(link["rel"], "rel") === "next");
      const href = next === undefined ? "" : textOf(next["href"], "href");
      if (href === "") return found;
      guard.turn(items.length, href, answer.text.length);
      // Links name the host as the service sees itself; what counts, and may see the token, is the catalog's.
      const { pathname, search } = new URL(href, url);
      url = new URL(pathname + search, url.origin);
    }
  }
}
