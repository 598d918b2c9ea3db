// Targets that the API of a Kubernetes cluster shows.
import { ApiClient } from "@narthex/toolkit";
import type { Discoverer, DiscovererContext } from "../discoverer.ts";
import type { TargetGroup } from "../target-group.ts";
import { type ClusterSurroundings, clusterAccess, OWN_SURROUNDINGS } from "./cluster-access.ts";
import type { KubernetesDiscoveryBody, KubernetesSelector } from "./kubernetes-body.ts";
import type { StoredObject } from "./object-meta.ts";
import { WATCH_TIMING, type WatchTiming } from "./object-watch.ts";
import { NAMESPACES, NODE_METADATA, type Resource } from "./resource.ts";
import { RoleWorker } from "./role-worker.ts";
import { SharedWatch } from "./shared-watch.ts";

/** Follows one role in each of the configured namespaces. */
export class KubernetesDiscoverer implements Discoverer {
  readonly #client: ApiClient;
  readonly #workers: readonly RoleWorker[];
  readonly #shared: readonly SharedWatch[];
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
    const { role, attachMetadata, selectors } = body;
    const share = (isWanted: boolean, resource: Resource<StoredObject>, selector?: KubernetesSelector) =>
      isWanted
        ? new SharedWatch({
            client: this.#client,
            base,
            resource,
            labelSelector: selector?.label ?? "",
            fieldSelector: selector?.field ?? "",
            logger: context.logger.with({ discovery: "kubernetes", config: context.setName, role }),
            clock: context.clock,
            metrics: context.metrics.kubernetes,
            timing,
          })
        : undefined;
    const nodeSelector = selectors.find((selector) => selector.role === "node");
    const hasNodes = role === "pod" || role === "endpoints" || role === "endpointslice";
    const nodes = share(hasNodes && attachMetadata.node, NODE_METADATA, nodeSelector);
    const namespaces = share(role !== "node" && attachMetadata.namespace, NAMESPACES);
    this.#shared = [nodes, namespaces].filter((watch) => watch !== undefined);
    const emit = (groups: readonly TargetGroup[]) => this.#emit(groups);
    const common = { body, client: this.#client, base, context, timing, nodes, namespaces, emit };
    this.#workers = namespacesOf(body, ownNamespace).map((namespace) => new RoleWorker({ ...common, namespace }));
  }

  start(emit: (groups: readonly TargetGroup[]) => void): void {
    this.#emit = emit;
    for (const watch of [...this.#shared, ...this.#workers]) watch.start();
  }

  stop(): void {
    this.#emit = () => {};
    for (const watch of [...this.#shared, ...this.#workers]) watch.stop();
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
