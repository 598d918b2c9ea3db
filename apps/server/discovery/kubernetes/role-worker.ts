// One role in one namespace: which objects it watches, whose changes concern which targets, and how targets are made.
import type { ApiClient } from "@narthex/toolkit";
import type { DiscovererContext } from "../discoverer.ts";
import type { TargetGroup } from "../target-group.ts";
import type { ClusterView } from "./cluster-view.ts";
import { type EndpointSlice, endpointSliceGroup, serviceKeyOf } from "./endpoint-slice.ts";
import { type Endpoints, endpointsGroup, podKeyOf } from "./endpoints.ts";
import { ingressGroup } from "./ingress.ts";
import type { KubernetesDiscoveryBody, KubernetesRole } from "./kubernetes-body.ts";
import { nodeGroup } from "./node.ts";
import type { StoredObject } from "./object-meta.ts";
import { ObjectStore, type StoreEvent } from "./object-store.ts";
import { ObjectWatch, type WatchTiming } from "./object-watch.ts";
import type { Pod } from "./pod.ts";
import { podGroup } from "./pod-targets.ts";
import {
  ENDPOINT_SLICES,
  ENDPOINTS,
  INGRESSES,
  JOBS,
  NODES,
  PODS,
  REPLICA_SETS,
  type Resource,
  SERVICES,
} from "./resource.ts";
import { serviceGroup } from "./service.ts";
import type { SharedWatch } from "./shared-watch.ts";
import { WorkQueue } from "./work-queue.ts";

/** What a worker works with. */
export interface RoleWorkerOptions {
  readonly body: KubernetesDiscoveryBody;
  /** "" for all. */
  readonly namespace: string;
  readonly client: ApiClient;
  readonly base: string;
  readonly context: DiscovererContext;
  readonly timing: WatchTiming;
  /** What all namespaces have in common; undefined where it is not to be attached. Started and stopped by their owner. */
  readonly nodes: SharedWatch | undefined;
  readonly namespaces: SharedWatch | undefined;
  readonly emit: (groups: readonly TargetGroup[]) => void;
}

/** Sources of roles whose name is not the beginning. */
const SOURCE_PREFIX: Readonly<Partial<Record<KubernetesRole, string>>> = { service: "svc" };

type AnyWatch = { start(): void; stop(): void };

/** Watches, joins and emits. Nothing is emitted before all of it is known for the first time. */
export class RoleWorker {
  readonly #options: RoleWorkerOptions;
  readonly #watches: AnyWatch[] = [];
  readonly #queue: WorkQueue;
  readonly #view: ClusterView;
  #build: (key: string) => TargetGroup | undefined = () => undefined;
  #unsynced = 0;

  constructor(options: RoleWorkerOptions) {
    this.#options = options;
    const { body, context, emit, nodes, namespaces } = options;
    const { role, attachMetadata: attach } = body;
    this.#queue = new WorkQueue({
      name: role,
      logger: context.logger,
      clock: context.clock,
      metrics: context.metrics.kubernetes,
      build: (key) => this.#build(key),
      emit,
    });
    const isEndpoints = role === "endpoints" || role === "endpointslice";
    const isPods = role === "pod" || isEndpoints;
    this.#view = {
      services: isEndpoints ? this.#watch(SERVICES, {}, "service", "service") : undefined,
      pods: isEndpoints ? this.#watch(PODS, { owner: ownerKeys }, "pod", "pod", ["update"]) : undefined,
      nodes: this.#share(nodes),
      namespaces: this.#share(namespaces),
      replicaSets: isPods && attach.deployment ? this.#watch(REPLICA_SETS) : undefined,
      jobs: isPods && (attach.job || attach.cronjob) ? this.#watch(JOBS) : undefined,
      attach,
    };
    switch (role) {
      case "pod":
        this.#workOnPods();
        break;
      case "endpoints":
        this.#workOnEndpoints();
        break;
      case "endpointslice":
        this.#workOnSlices();
        break;
      case "service":
        this.#work(SERVICES, { namespace: byNamespace }, (service) => serviceGroup(service, this.#view));
        break;
      case "ingress":
        this.#work(INGRESSES, { namespace: byNamespace }, (ingress) => ingressGroup(ingress, this.#view));
        break;
      case "node":
        this.#work(NODES, {}, (node) => {
          const group = nodeGroup(node);
          if (group === undefined) context.logger.warn("No node address found", { node: node.meta.name });
          return group;
        });
    }
  }

  start(): void {
    for (const watch of this.#watches) watch.start();
  }

  stop(): void {
    for (const watch of this.#watches) watch.stop();
    this.#queue.stop();
  }

  #workOnPods(): void {
    const { nodes, replicaSets, jobs } = this.#view;
    const node = (pod: Pod) => [pod.nodeName];
    const store = this.#work(PODS, { namespace: byNamespace, node, owner: ownerKeys }, (pod) =>
      podGroup(pod, this.#view),
    );
    nodes?.listen((key) => this.#addAll(store.byIndex("node", key)));
    replicaSets?.listen((key) => this.#addAll(store.byIndex("owner", `ReplicaSet/${key}`)));
    jobs?.listen((key) => this.#addAll(store.byIndex("owner", `Job/${key}`)));
  }

  #workOnEndpoints(): void {
    const addresses = ({ subsets }: Endpoints) => subsets.flatMap((subset) => subset.addresses);
    const indexers = {
      namespace: byNamespace,
      pod: (endpoints: Endpoints) => defined(addresses(endpoints).map(({ ref }) => podKeyOf(ref))),
      node: (endpoints: Endpoints) =>
        defined(
          addresses(endpoints).map(({ ref, nodeName }) => nodeName ?? (ref?.kind === "Node" ? ref.name : undefined)),
        ),
    };
    const { logger } = this.#options.context;
    const store = this.#work(ENDPOINTS, indexers, (endpoints) => {
      const { labels, name } = endpoints.meta;
      const capacity = labels.indexOf("endpoints.kubernetes.io/over-capacity");
      if (capacity >= 0 && (labels[capacity + 1] === "truncated" || labels[capacity + 1] === "warning")) {
        const cut = labels[capacity + 1] === "truncated" ? " and has been truncated" : "";
        logger.warn(
          `Number of endpoints in one Endpoints object exceeds 1000${cut}, please use "role: endpointslice" instead`,
          { endpoint: name },
        );
      }
      return endpointsGroup(endpoints, this.#view);
    });
    this.#view.services?.listen((key) => this.#queue.add(key));
    this.#joinPods(store);
  }

  #workOnSlices(): void {
    const indexers = {
      namespace: byNamespace,
      service: (slice: EndpointSlice) => defined([serviceKeyOf(slice)]),
      pod: ({ endpoints }: EndpointSlice) => defined(endpoints.map(({ ref }) => podKeyOf(ref))),
      node: ({ endpoints }: EndpointSlice) =>
        defined(endpoints.map(({ ref, nodeName }) => (ref?.kind === "Node" ? ref.name : nodeName))),
    };
    const store = this.#work(ENDPOINT_SLICES, indexers, (slice) => endpointSliceGroup(slice, this.#view));
    this.#view.services?.listen((key) => this.#addAll(store.byIndex("service", key)));
    this.#joinPods(store);
  }

  /** Endpoints change with the pods behind them, and with whatever these pods belong to. */
  #joinPods<T extends StoredObject>(store: ObjectStore<T>): void {
    const { pods, nodes, replicaSets, jobs } = this.#view;
    const podChanged = (key: string) => this.#addAll(store.byIndex("pod", key));
    const ownerChanged = (owner: string) => {
      for (const pod of pods?.byIndex("owner", owner) ?? []) podChanged(pod);
    };
    pods?.listen(podChanged);
    nodes?.listen((key) => this.#addAll(store.byIndex("node", key)));
    replicaSets?.listen((key) => ownerChanged(`ReplicaSet/${key}`));
    jobs?.listen((key) => ownerChanged(`Job/${key}`));
  }

  /** Watches the role's own objects, and makes a group of each. */
  #work<T extends StoredObject>(
    resource: Resource<T>,
    indexers: Readonly<Record<string, (object: T) => Iterable<string>>>,
    build: (object: T) => TargetGroup | undefined,
  ): ObjectStore<T> {
    const { role } = this.#options.body;
    const store = this.#watch(resource, indexers, role, role);
    this.#build = (key) => {
      const object = store.get(key);
      if (object !== undefined) return build(object);
      return { source: `${SOURCE_PREFIX[role] ?? role}/${key}`, labels: new Map(), targets: [] };
    };
    store.listen((key) => this.#queue.add(key));
    this.#view.namespaces?.listen((key) => this.#addAll(store.byIndex("namespace", key)));
    return store;
  }

  /** Watches objects; those of a role are restricted by its selector, and their events are counted. */
  #watch<T extends StoredObject>(
    resource: Resource<T>,
    indexers: Readonly<Record<string, (object: T) => Iterable<string>>> = {},
    selectedBy?: KubernetesRole,
    countedAs?: KubernetesRole,
    counted: readonly StoreEvent[] = ["add", "update", "delete"],
  ): ObjectStore<T> {
    const { body, client, base, context, timing, namespace } = this.#options;
    const store = new ObjectStore<T>(indexers);
    const selector = body.selectors.find(({ role }) => role === selectedBy);
    this.#unsynced++;
    this.#watches.push(
      new ObjectWatch({
        client,
        base,
        resource,
        namespace,
        labelSelector: selector?.label ?? "",
        fieldSelector: selector?.field ?? "",
        store,
        logger: context.logger.with({ discovery: "kubernetes", config: context.setName, role: body.role }),
        clock: context.clock,
        metrics: context.metrics.kubernetes,
        timing,
        onEvent: (event) => {
          if (countedAs !== undefined && counted.includes(event)) {
            context.metrics.kubernetes.events.labels(countedAs, event).inc();
          }
        },
        onSynced: () => this.#synced(),
      }),
    );
    return store;
  }

  #share(watch: SharedWatch | undefined): ObjectStore<StoredObject> | undefined {
    if (watch === undefined) return undefined;
    this.#unsynced++;
    watch.whenSynced(() => this.#synced());
    return watch.store;
  }

  #synced(): void {
    if (--this.#unsynced === 0) this.#queue.open();
  }

  #addAll(keys: Iterable<string>): void {
    for (const key of keys) this.#queue.add(key);
  }
}

function byNamespace({ meta }: StoredObject): string[] {
  return [meta.namespace];
}

function ownerKeys({ meta }: StoredObject): string[] {
  return meta.ownerKind === "" ? [] : [`${meta.ownerKind}/${meta.namespace}/${meta.ownerName}`];
}

function defined(values: readonly (string | undefined)[]): string[] {
  return values.filter((value) => value !== undefined);
}
