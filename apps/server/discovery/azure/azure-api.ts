// Lists of Azure's resource manager. Source: Azure REST API reference, Compute 2024-07-01, Network 2024-05-01 and
// 2018-10-01 for the interfaces of scale sets.
import {
  ApiClient,
  ApiError,
  type ApiRequest,
  type JsonObject,
  jsonOf,
  objectOf,
  objectsOf,
  textOf,
} from "@narthex/toolkit";
import { COMPATIBLE_VERSION } from "../../build-info.ts";
import { type AzureCloud, azureCloud } from "../../cloud/azure-cloud.ts";
import { type AzureIdentity, AzureTokenSource } from "../../cloud/azure-token.ts";
import { PageGuard } from "../page-guard.ts";
import type { AzureDiscoveryBody } from "./azure-body.ts";

const COMPUTE_VERSION = "2024-07-01";
const NETWORK_VERSION = "2024-05-01";
const SCALE_SET_NETWORK_VERSION = "2018-10-01";
const EXPANSION = "IPConfigurations/PublicIPAddress";

/** Where Azure is. */
export interface AzureSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Undefined for the cloud that the configuration names. */
  readonly cloud?: AzureCloud;
}

/** One subscription. */
export class AzureApi {
  readonly #body: AzureDiscoveryBody;
  readonly #client: ApiClient;
  readonly #tokens: AzureTokenSource;
  readonly #management: string;

  /** `now`: milliseconds since the epoch. Throws for an unknown cloud. */
  constructor(body: AzureDiscoveryBody, now: () => number, { environment, cloud }: AzureSurroundings) {
    const { authority, managementAudience: audience, management } = cloud ?? azureCloud(body.environment);
    this.#body = body;
    this.#client = new ApiClient(body.http, { environment });
    this.#management = management;
    this.#tokens = new AzureTokenSource(identityOf(body), {
      authority,
      audience,
      environment,
      client: this.#client,
      now,
    });
  }

  /** Machines that belong to no scale set. */
  machines(signal: AbortSignal): Promise<readonly JsonObject[]> {
    return this.#list(this.#computePath("virtualMachines"), "virtual machines", signal);
  }

  /** Scale sets. */
  scaleSets(signal: AbortSignal): Promise<readonly JsonObject[]> {
    return this.#list(this.#computePath("virtualMachineScaleSets"), "virtual machine scale sets", signal);
  }

  /** Machines of a scale set. */
  scaleSetMachines(resourceGroup: string, name: string, signal: AbortSignal): Promise<readonly JsonObject[]> {
    const path = `${this.#scaleSetPath(resourceGroup, name)}/virtualMachines`;
    return this.#list(path, "virtual machine scale set vms", signal);
  }

  /** A network interface with its public addresses; undefined for one that is gone. */
  async networkInterface(
    id: { readonly resourceGroup: string; readonly name: string },
    of: { readonly scaleSet: string; readonly instanceId: string },
    signal: AbortSignal,
  ): Promise<JsonObject | undefined> {
    const name = encodeURIComponent(id.name);
    const isOfSet = of.scaleSet !== "";
    const path = isOfSet
      ? `${this.#scaleSetPath(id.resourceGroup, of.scaleSet)}/virtualMachines/${encodeURIComponent(of.instanceId)}/networkInterfaces/${name}`
      : `${this.#groupPath(id.resourceGroup)}/providers/Microsoft.Network/networkInterfaces/${name}`;
    const url = this.#url(path, isOfSet ? SCALE_SET_NETWORK_VERSION : NETWORK_VERSION);
    url.searchParams.set("$expand", EXPANSION);
    try {
      return objectOf((await this.#ask(url, signal)).value, "network interface");
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  close(): void {
    this.#client.close();
  }

  #groupPath(resourceGroup: string): string {
    const subscription = `/subscriptions/${encodeURIComponent(this.#body.subscriptionId)}`;
    return resourceGroup === "" ? subscription : `${subscription}/resourceGroups/${encodeURIComponent(resourceGroup)}`;
  }

  #computePath(kind: string): string {
    return `${this.#groupPath(this.#body.resourceGroup)}/providers/Microsoft.Compute/${kind}`;
  }

  #scaleSetPath(resourceGroup: string, name: string): string {
    const set = encodeURIComponent(name);
    return `${this.#groupPath(resourceGroup)}/providers/Microsoft.Compute/virtualMachineScaleSets/${set}`;
  }

  async #list(path: string, what: string, signal: AbortSignal): Promise<readonly JsonObject[]> {
    const guard = new PageGuard(what);
    const found: JsonObject[] = [];
    let url = this.#url(path, COMPUTE_VERSION);
    for (;;) {
      const { value, chars } = await this.#ask(url, signal);
      const page = objectOf(value, what);
      const items = objectsOf(page["value"], what);
      for (const item of items) found.push(item);
      const next = textOf(page["nextLink"], "nextLink");
      if (next === "") return found;
      guard.turn(items.length, next, chars);
      const { origin } = url;
      url = new URL(next, url);
      if (url.origin !== origin) throw new Error(`the next page of ${what} is on another host`);
    }
  }

  #url(path: string, version: string): URL {
    const url = new URL(this.#management + path);
    url.searchParams.set("api-version", version);
    return url;
  }

  async #ask(url: URL, signal: AbortSignal): Promise<{ readonly value: unknown; readonly chars: number }> {
    const headers = {
      Accept: "application/json",
      Authorization: `Bearer ${await this.#tokens.token(signal)}`,
      "User-Agent": `Prometheus/${COMPATIBLE_VERSION}`,
    };
    const request: ApiRequest = { url, headers, timeoutMs: this.#body.refreshIntervalMs, signal };
    const answer = await this.#client.ask(request);
    return { value: jsonOf(answer, request), chars: answer.text.length };
  }
}

function identityOf(body: AzureDiscoveryBody): AzureIdentity {
  const { authenticationMethod, tenantId, clientId, clientSecret } = body;
  switch (authenticationMethod) {
    case "OAuth":
      return { kind: "secret", tenantId, clientId, clientSecret };
    case "ManagedIdentity":
      return { kind: "managed", clientId };
    case "WorkloadIdentity":
      return { kind: "workload", tenantId: "", clientId: "" };
    case "SDK":
      return { kind: "default", tenantId };
  }
}
