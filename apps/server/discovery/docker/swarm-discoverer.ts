// Targets that a Docker swarm knows: its services, its tasks or its nodes.
import type { Discoverer, DiscovererContext } from "../discoverer.ts";
import { RefreshDiscoverer } from "../refresh-discoverer.ts";
import { DockerApi, type DockerList } from "./docker-api.ts";
import type { SwarmDiscoveryBody } from "./docker-body.ts";
import { listed } from "./docker-discoverer.ts";
import { networkLabels } from "./network-labels.ts";
import { nodeTargets } from "./swarm-node.ts";
import { serviceTargets } from "./swarm-service.ts";
import { taskTargets } from "./swarm-task.ts";

/** Asks a manager of the swarm at every interval. Throws for a host that nobody can reach. */
export function swarmDiscoverer(body: SwarmDiscoveryBody, context: DiscovererContext): Discoverer {
  const { host, filters, http, refreshIntervalMs, port, role } = body;
  const api = new DockerApi(host, filters, http, refreshIntervalMs);
  const refresh = async (signal: AbortSignal) => {
    const list = (what: DockerList) => listed(`listing swarm ${what}`, api.list(what, what === role, signal));
    const wanted = await list(role);
    let targets: ReadonlyMap<string, string>[];
    if (role === "nodes") {
      targets = nodeTargets(wanted, port);
    } else {
      const services = role === "tasks" ? await list("services") : [];
      const nodes = role === "tasks" ? await list("nodes") : [];
      const networks = networkLabels(await list("networks"), "__meta_dockerswarm_");
      targets =
        role === "services"
          ? serviceTargets(wanted, networks, port)
          : taskTargets(wanted, { services, nodes, networks, port });
    }
    return [{ source: "DockerSwarm", labels: new Map<string, string>(), targets }];
  };
  return new RefreshDiscoverer("dockerswarm", refreshIntervalMs, context, refresh, () => api.close());
}
