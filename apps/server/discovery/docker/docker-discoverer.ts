// Targets that a Docker daemon runs.
import type { Discoverer, DiscovererContext } from "../discoverer.ts";
import { RefreshDiscoverer } from "../refresh-discoverer.ts";
import { containerTargets } from "./container-targets.ts";
import { DockerApi } from "./docker-api.ts";
import type { DockerDiscoveryBody } from "./docker-body.ts";
import { networkLabels } from "./network-labels.ts";

/** Asks the daemon for its containers at every interval. Throws for a host that nobody can reach. */
export function dockerDiscoverer(body: DockerDiscoveryBody, context: DiscovererContext): Discoverer {
  const { host, filters, http, refreshIntervalMs } = body;
  const api = new DockerApi(host, filters, http, refreshIntervalMs);
  const refresh = async (signal: AbortSignal) => {
    const containers = await listed("listing containers", api.list("containers/json", true, signal));
    const networks = await listed("computing network labels", api.list("networks", false, signal));
    const targets = containerTargets(containers, networkLabels(networks, "__meta_docker_"), body);
    return [{ source: "Docker", labels: new Map<string, string>(), targets }];
  };
  return new RefreshDiscoverer("docker", refreshIntervalMs, context, refresh, () => api.close());
}

/** Says what somebody was doing when it failed. */
export async function listed<T>(doing: string, list: Promise<T>): Promise<T> {
  try {
    return await list;
  } catch (error) {
    throw new Error(`error while ${doing}: ${(error as Error).message}`, { cause: error });
  }
}
