// Targets that the API of a Kubernetes cluster shows.
import { ApiClient } from "../../cloud/api-client.ts";
import type { Discoverer, DiscovererContext } from "../discoverer.ts";
import type { TargetGroup } from "../target-group.ts";
import { type ClusterSurroundings, clusterAccess, OWN_SURROUNDINGS } from "./cluster-access.ts";
import type { KubernetesDiscoveryBody } from "./kubernetes-body.ts";
import { WATCH_TIMING, type WatchTiming } from "./object-watch.ts";
import { RoleWorker } from "./role-worker.ts";

/** Follows one role in each of the configured namespaces. */
export class KubernetesDiscoverer implements Discoverer {
  readonly #client: ApiClient;
  readonly #workers: readonly RoleWorker[];
  #emit: (groups: readonly TargetGroup[]) => void = () => {};

  /** Throws when there is no way to the cluster, and for credentials that are not supported. */
  constructor(
    body: KubernetesDiscoveryBody,
    context: DiscovererContext,
    timing: WatchTiming = WATCH_TIMING,
    surroundings: ClusterSurroundings = OWN_SURROUNDINGS,
  ) {
    const { base, http, ownNamespace } = clusterAccess(body, surroundings);
    this.#client = new ApiClient(http, { environment: surroundings.environment });
    const emit = (groups: readonly TargetGroup[]) => this.#emit(groups);
    this.#workers = namespacesOf(body, ownNamespace).map(
      (namespace) => new RoleWorker({ body, namespace, client: this.#client, base, context, timing, emit }),
    );
  }

  start(emit: (groups: readonly TargetGroup[]) => void): void {
    this.#emit = emit;
    for (const worker of this.#workers) worker.start();
  }

  stop(): void {
    this.#emit = () => {};
    for (const worker of this.#workers) worker.stop();
    this.#client.close();
  }
}

/** "" for all; nodes belong to no namespace. */
function namespacesOf({ namespaces, role }: KubernetesDiscoveryBody, own: string): readonly string[] {
  if (role === "node") return [""];
  const names = new Set(namespaces.names);
  if (namespaces.ownNamespace && own !== "") names.add(own);
  return names.size === 0 && !namespaces.ownNamespace ? [""] : [...names];
}
