// A small daemon and a small swarm, as their API shows them: every rule of the mechanisms has an object here.
import type { FakeAnswer, FakeRequest } from "../testing.ts";

const NETWORKS = [
  { Name: "front", Id: "n-front", Scope: "local", Internal: false, Ingress: false, Labels: { "net.kind": "a" } },
  { Name: "back", Id: "n-back", Scope: "local", Internal: true, Ingress: false, Labels: null },
  { Name: "ingress", Id: "n-ingress", Scope: "swarm", Internal: false, Ingress: true, Labels: {} },
];

function container(name: string, mode: string, networks: object, ports: readonly object[] = []): object {
  return {
    Id: `id-${name}`,
    Names: [`/${name}`, "/alias"],
    Image: `${name}:1`,
    ImageID: `sha256:${name}`,
    Ports: ports,
    Labels: { "com.docker.compose.service": name },
    HostConfig: { NetworkMode: mode },
    NetworkSettings: { Networks: networks },
  };
}

const CONTAINERS = [
  container(
    "web",
    "front",
    { front: { NetworkID: "n-front", IPAddress: "172.1.0.2" }, back: { NetworkID: "n-back", IPAddress: "172.2.0.2" } },
    [
      { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
      { PrivatePort: 443, Type: "tcp" },
      { PrivatePort: 53, Type: "udp" },
    ],
  ),
  container("mute", "front", { front: { NetworkID: "n-front", IPAddress: "172.1.0.3" } }, [
    { PrivatePort: 53, Type: "udp" },
  ]),
  container("hosted", "host", { host: { NetworkID: "n-host", IPAddress: "" } }),
  container("borrower", "container:id-web", {}, [{ PrivatePort: 9100, Type: "tcp" }]),
  { ...container("nameless", "front", { front: { NetworkID: "n-front", IPAddress: "172.1.0.9" } }), Names: [] },
];

const NODES = [
  {
    ID: "node-1",
    Spec: { Labels: { "rack-no": "7" }, Role: "manager", Availability: "active" },
    Description: {
      Hostname: "m1",
      Platform: { Architecture: "x86_64", OS: "linux" },
      Engine: { EngineVersion: "27.0" },
    },
    Status: { State: "ready", Addr: "10.0.0.1" },
    ManagerStatus: { Leader: true, Reachability: "reachable", Addr: "10.0.0.1:2377" },
  },
  {
    ID: "node-2",
    Spec: { Role: "worker", Availability: "drain" },
    Description: { Hostname: "w1", Platform: { Architecture: "arm64", OS: "linux" }, Engine: {} },
    Status: { State: "down", Addr: "fe80::2" },
  },
];

const SERVICES = [
  {
    ID: "s-web",
    Spec: {
      Name: "web",
      Labels: { "stack.namespace": "mon" },
      TaskTemplate: { ContainerSpec: { Image: "web:1", Hostname: "h" } },
      Mode: { Replicated: { Replicas: 2 } },
    },
    UpdateStatus: { State: "completed" },
    Endpoint: {
      Ports: [
        { Name: "http", Protocol: "tcp", TargetPort: 80, PublishedPort: 8080, PublishMode: "ingress" },
        { Name: "dns", Protocol: "udp", TargetPort: 53, PublishedPort: 53, PublishMode: "ingress" },
      ],
      VirtualIPs: [
        { NetworkID: "n-ingress", Addr: "10.255.0.5/16" },
        { NetworkID: "n-unknown", Addr: "fd00::5/64" },
      ],
    },
  },
  {
    ID: "s-agent",
    Spec: { Name: "agent", TaskTemplate: { ContainerSpec: { Image: "agent:1" } }, Mode: { Global: {} } },
    Endpoint: { VirtualIPs: [{ NetworkID: "n-back", Addr: "10.2.0.9/24" }] },
  },
];

const TASKS = [
  {
    ID: "t-1",
    ServiceID: "s-web",
    NodeID: "node-1",
    Slot: 1,
    DesiredState: "running",
    Spec: { ContainerSpec: { Labels: { "task label": "x" } } },
    Status: {
      State: "running",
      ContainerStatus: { ContainerID: "c-1" },
      PortStatus: { Ports: [{ Protocol: "tcp", PublishedPort: 9100, PublishMode: "host" }] },
    },
    NetworksAttachments: [{ Network: { ID: "n-ingress" }, Addresses: ["10.255.0.7/16"] }],
  },
  {
    ID: "t-2",
    ServiceID: "s-agent",
    NodeID: "node-2",
    DesiredState: "shutdown",
    Spec: { ContainerSpec: {} },
    Status: { State: "failed", PortStatus: {} },
    NetworksAttachments: [{ Network: { ID: "n-back" }, Addresses: ["10.2.0.11/24", "fd00::b/64"] }],
  },
];

const LISTS: Readonly<Record<string, readonly object[]>> = {
  "containers/json": CONTAINERS,
  networks: NETWORKS,
  nodes: NODES,
  services: SERVICES,
  tasks: TASKS,
};

/** What the daemon answers; with or without a version in the path. */
export function daemonAnswer({ path }: FakeRequest): FakeAnswer {
  if (path === "/_ping") return { headers: { "api-version": "1.44", "content-type": "text/plain" }, body: "OK" };
  return { body: LISTS[path.replace(/^\/(v[0-9.]+\/)?/, "")] ?? [] };
}
