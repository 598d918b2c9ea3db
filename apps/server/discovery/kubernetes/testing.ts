// A cluster's API as far as discovery goes: lists, in pages, and watches that hear of every change.
import type { ServerResponse } from "node:http";
import type { FakeAnswer, FakeRequest } from "../testing.ts";

/** An object of the API, as JSON. */
export interface ApiObject {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

const KINDS: Readonly<Record<string, readonly [kind: string, apiVersion: string]>> = {
  pods: ["Pod", "v1"],
  services: ["Service", "v1"],
  nodes: ["Node", "v1"],
  namespaces: ["Namespace", "v1"],
  endpoints: ["Endpoints", "v1"],
  endpointslices: ["EndpointSlice", "discovery.k8s.io/v1"],
  ingresses: ["Ingress", "networking.k8s.io/v1"],
  replicasets: ["ReplicaSet", "apps/v1"],
  jobs: ["Job", "batch/v1"],
};

interface Watcher {
  readonly plural: string;
  readonly namespace: string;
  readonly response: ServerResponse;
}

interface HistoryEvent {
  readonly plural: string;
  readonly version: number;
  readonly type: string;
  readonly object: ApiObject;
}

interface Snapshot {
  readonly id: string;
  readonly version: number;
  readonly items: readonly ApiObject[];
}

/** Objects by kind (their plural) and key. Its `answer` goes into a `FakeApi`. */
export class FakeCluster {
  readonly #objects = new Map<string, Map<string, ApiObject>>();
  readonly #watchers = new Set<Watcher>();
  readonly #history: HistoryEvent[] = [];
  readonly #snapshots = new Map<string, Snapshot>();
  #version = 100;
  /** Watches that begin before this version are refused as too old. */
  oldest = 0;
  /** Most objects on a page, whatever is asked for. */
  pageObjects = 1000;
  /** Ends every watch at once, as a proxy in between may do. */
  endsWatches = false;

  get watching(): number {
    return this.#watchers.size;
  }

  get version(): number {
    return this.#version;
  }

  /** Adds or replaces an object, and tells the watchers. */
  put(plural: string, object: ApiObject): void {
    const kept = this.#versioned(plural, object);
    const isNew = !this.#of(plural).has(keyOf(object));
    this.#of(plural).set(keyOf(object), kept);
    this.#tell(plural, isNew ? "ADDED" : "MODIFIED", kept);
  }

  remove(plural: string, key: string): void {
    const object = this.#of(plural).get(key);
    if (object === undefined) return;
    this.#of(plural).delete(key);
    this.#tell(plural, "DELETED", this.#versioned(plural, object));
  }

  /** Changes objects while nobody looks: watchers must list again to know. */
  forget(): void {
    this.oldest = ++this.#version;
  }

  /** Sends an event as it is to all watchers of a kind. */
  send(plural: string, event: unknown): void {
    for (const watcher of this.#watchers) {
      if (watcher.plural === plural) watcher.response.write(`${JSON.stringify(event)}\n`);
    }
  }

  /** Cuts all watches off. */
  hangUp(): void {
    for (const { response } of this.#watchers) response.destroy();
  }

  readonly answer = ({ path, params }: FakeRequest): FakeAnswer => {
    const [, namespace = "", plural = ""] = /^\/.*\/v1(?:\/namespaces\/([^/]+))?\/([a-z]+)$/.exec(path) ?? [];
    const kind = KINDS[plural];
    if (kind === undefined) return status(404, "the server could not find the requested resource");
    if (params.get("watch") === null) return this.#list(plural, namespace, params);
    if (params.get("sendInitialEvents") !== null) return status(422, "sendInitialEvents is forbidden for watch");
    const from = Number(params.get("resourceVersion"));
    if (from < this.oldest) return status(410, `too old resource version: ${from} (${this.oldest})`);
    if (this.endsWatches) return { body: "" };
    return {
      act: (response) => {
        const watcher = { plural, namespace, response };
        response.writeHead(200, { "content-type": "application/json" });
        response.flushHeaders();
        for (const event of this.#history) {
          if (event.plural !== plural || event.version <= from || !within(event.object, namespace)) continue;
          response.write(`${JSON.stringify({ type: event.type, object: event.object })}\n`);
        }
        this.#watchers.add(watcher);
        response.on("close", () => this.#watchers.delete(watcher));
      },
    };
  };

  /** All pages of a list show the moment of the first. */
  #list(plural: string, namespace: string, params: URLSearchParams): FakeAnswer {
    const [kind, apiVersion] = KINDS[plural]!;
    const [id = "", start = "0"] = (params.get("continue") ?? "").split(":");
    let snapshot = this.#snapshots.get(id);
    if (snapshot === undefined) {
      const items = [...this.#of(plural).values()].filter((object) => within(object, namespace));
      snapshot = { id: String(this.#snapshots.size + 1), version: this.#version, items };
      this.#snapshots.set(snapshot.id, snapshot);
    }
    const { items, version } = snapshot;
    const end = Number(start) + Math.min(Number(params.get("limit") ?? this.pageObjects), this.pageObjects);
    const more =
      end < items.length ? { continue: `${snapshot.id}:${end}`, remainingItemCount: items.length - end } : {};
    const metadata = { resourceVersion: String(version), ...more };
    return { body: { kind: `${kind}List`, apiVersion, metadata, items: items.slice(Number(start), end) } };
  }

  #of(plural: string): Map<string, ApiObject> {
    let objects = this.#objects.get(plural);
    if (objects === undefined) this.#objects.set(plural, (objects = new Map()));
    return objects;
  }

  #versioned(plural: string, object: ApiObject): ApiObject {
    const [kind, apiVersion] = KINDS[plural]!;
    const resourceVersion = String(++this.#version);
    return { kind, apiVersion, ...object, metadata: { ...object.metadata, resourceVersion } };
  }

  #tell(plural: string, type: string, object: ApiObject): void {
    this.#history.push({ plural, version: this.#version, type, object });
    const line = `${JSON.stringify({ type, object })}\n`;
    for (const watcher of this.#watchers) {
      if (watcher.plural === plural && within(object, watcher.namespace)) watcher.response.write(line);
    }
  }
}

function keyOf({ metadata: { name, namespace } }: ApiObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function within(object: ApiObject, namespace: string): boolean {
  return namespace === "" || object.metadata.namespace === namespace;
}

function status(code: number, message: string): FakeAnswer {
  return { status: code, body: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code, message } };
}

/** A small cluster in which every rule of every role has an object. */
export function smallCluster(): FakeCluster {
  const cluster = new FakeCluster();
  for (const [plural, objects] of Object.entries(OBJECTS)) for (const object of objects) cluster.put(plural, object);
  return cluster;
}

const OBJECTS: Readonly<Record<string, readonly ApiObject[]>> = {
  namespaces: [
    { metadata: { name: "shop", labels: { "team.name": "a" }, annotations: { note: "n" } } },
    { metadata: { name: "ops" } },
  ],
  nodes: [
    {
      metadata: { name: "n1", labels: { "kubernetes.io/hostname": "n1" }, annotations: { "a/b": "c" } },
      spec: { providerID: "aws:///i-1" },
      status: {
        addresses: [
          { type: "Hostname", address: "n1.host" },
          { type: "InternalIP", address: "10.0.0.1" },
          { type: "InternalIP", address: "fd00::1" },
        ],
        conditions: [
          { type: "Ready", status: "True" },
          { type: "MemoryPressure", status: "Unknown" },
        ],
        daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      },
    },
    {
      metadata: { name: "n2" },
      status: {
        addresses: [{ type: "LegacyHostIP", address: "fd00::2" }],
        daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
      },
    },
    { metadata: { name: "n3" }, status: { addresses: [{ type: "Carrier", address: "pigeon" }] } },
  ],
  replicasets: [
    {
      metadata: {
        name: "web-5d",
        namespace: "shop",
        ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "u-d", controller: true }],
      },
      spec: { selector: {} },
    },
  ],
  jobs: [
    {
      metadata: {
        name: "nightly-1",
        namespace: "shop",
        ownerReferences: [{ apiVersion: "batch/v1", kind: "CronJob", name: "nightly", uid: "u-c", controller: true }],
      },
      spec: { template: { spec: { containers: [] } } },
    },
  ],
  pods: [
    {
      metadata: {
        name: "web-1",
        namespace: "shop",
        uid: "uid-1",
        labels: { app: "web", "app.kubernetes.io/name": "web" },
        annotations: { "prometheus.io/scrape": "true" },
        ownerReferences: [
          { apiVersion: "v1", kind: "Other", name: "not-me", uid: "u-0" },
          { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web-5d", uid: "u-1", controller: true },
        ],
      },
      spec: {
        nodeName: "n1",
        containers: [
          {
            name: "app",
            image: "app:1",
            ports: [
              { name: "http", containerPort: 8080, protocol: "TCP" },
              { name: "debug", containerPort: 6060, protocol: "TCP" },
            ],
          },
          { name: "sidecar", image: "sidecar:2" },
        ],
        initContainers: [{ name: "prepare", image: "init:3", ports: [{ containerPort: 9, protocol: "UDP" }] }],
      },
      status: {
        phase: "Running",
        podIP: "10.1.0.1",
        hostIP: "10.0.0.1",
        conditions: [
          { type: "Initialized", status: "True" },
          { type: "Ready", status: "True" },
        ],
        containerStatuses: [
          { name: "app", containerID: "containerd://abc", image: "", imageID: "", ready: true, restartCount: 0 },
        ],
        initContainerStatuses: [
          { name: "prepare", containerID: "containerd://ini", image: "", imageID: "", ready: true, restartCount: 0 },
        ],
      },
    },
    {
      metadata: {
        name: "nightly-1-x",
        namespace: "shop",
        uid: "uid-2",
        ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name: "nightly-1", uid: "u-2", controller: true }],
      },
      spec: { nodeName: "n2", containers: [{ name: "job", image: "job:1" }] },
      status: { phase: "Succeeded", podIP: "fd00:1::2", hostIP: "fd00::2" },
    },
    {
      metadata: { name: "pending", namespace: "shop", uid: "uid-3" },
      spec: { containers: [{ name: "c", image: "c" }] },
      status: { phase: "Pending" },
    },
    {
      metadata: { name: "elsewhere", namespace: "ops", uid: "uid-4" },
      spec: {
        nodeName: "n9",
        containers: [{ name: "c", image: "c", ports: [{ containerPort: 1, protocol: "SCTP" }] }],
      },
      status: { phase: "Running", podIP: "10.1.0.9", hostIP: "10.0.0.9" },
    },
  ],
  services: [
    {
      metadata: { name: "web", namespace: "shop", labels: { "svc-label": "x" }, annotations: { "svc/note": "y" } },
      spec: {
        type: "LoadBalancer",
        clusterIP: "10.2.0.1",
        ports: [
          { name: "http", port: 80, protocol: "TCP" },
          { name: "dns", port: 53, protocol: "UDP" },
        ],
      },
      status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }, { hostname: "lb" }, { ip: "1.2.3.5" }] } },
    },
    {
      metadata: { name: "outside", namespace: "shop" },
      spec: { type: "ExternalName", externalName: "example.org", ports: [{ port: 443, protocol: "TCP" }] },
    },
    {
      metadata: { name: "dual", namespace: "ops" },
      spec: {
        type: "ClusterIP",
        clusterIP: "10.2.0.9",
        ipFamilyPolicy: "PreferDualStack",
        ipFamilies: ["IPv4", "IPv6"],
        ports: [{ name: "p", port: 1, protocol: "TCP" }],
      },
    },
  ],
  endpoints: [
    {
      metadata: { name: "web", namespace: "shop", labels: { "ep-label": "e" }, annotations: { "ep/note": "f" } },
      subsets: [
        {
          addresses: [
            {
              ip: "10.1.0.1",
              nodeName: "n1",
              hostname: "web-host",
              targetRef: { kind: "Pod", namespace: "shop", name: "web-1" },
            },
            { ip: "10.0.0.2", targetRef: { kind: "Node", name: "n2" } },
          ],
          notReadyAddresses: [{ ip: "fd00::99" }],
          ports: [{ name: "http", port: 8080, protocol: "TCP" }],
        },
      ],
    },
    { metadata: { name: "empty", namespace: "shop" } },
  ],
  endpointslices: [
    {
      metadata: {
        name: "web-abc",
        namespace: "shop",
        labels: { "kubernetes.io/service-name": "web" },
        annotations: { "slice/note": "g" },
      },
      addressType: "IPv4",
      endpoints: [
        {
          addresses: ["10.1.0.1"],
          conditions: { ready: true, serving: true, terminating: false },
          hostname: "web-host",
          nodeName: "n1",
          zone: "z1",
          targetRef: { kind: "Pod", namespace: "shop", name: "web-1" },
          deprecatedTopology: { "topology/zone": "t1" },
        },
        { addresses: ["10.0.0.2"], conditions: { ready: false }, targetRef: { kind: "Node", name: "n2" } },
      ],
      ports: [
        { name: "http", port: 8080, protocol: "TCP", appProtocol: "h2c" },
        { name: "", protocol: "TCP" },
      ],
    },
    {
      metadata: { name: "dual-4", namespace: "ops", labels: { "kubernetes.io/service-name": "dual" } },
      addressType: "IPv4",
      endpoints: [{ addresses: ["10.1.0.9"], conditions: {} }],
      ports: [{ name: "p", port: 1, protocol: "TCP" }],
    },
    {
      metadata: { name: "dual-6", namespace: "ops", labels: { "kubernetes.io/service-name": "dual" } },
      addressType: "IPv6",
      endpoints: [{ addresses: ["fd00:1::9"], conditions: {} }],
      ports: [{ name: "p", port: 1, protocol: "TCP" }],
    },
  ],
  ingresses: [
    {
      metadata: { name: "front", namespace: "shop", labels: { "in-label": "i" }, annotations: { "in/note": "j" } },
      spec: {
        ingressClassName: "nginx",
        tls: [{ hosts: ["*.example.org"] }],
        rules: [
          {
            host: "www.example.org",
            http: {
              paths: [
                { path: "/", pathType: "Prefix", backend: { service: { name: "web" } } },
                { path: "/api", pathType: "Prefix", backend: { service: { name: "web" } } },
                { path: "", pathType: "Prefix", backend: { service: { name: "web" } } },
              ],
            },
          },
          { host: "plain.example.com" },
          { host: "*.wild.example.org" },
        ],
      },
    },
  ],
};
