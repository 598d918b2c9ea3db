// A small OpenStack cloud, as its APIs show it: every rule of every role has an object here.
import type { FakeAnswer, FakeRequest } from "../testing.ts";

const PORTS = [
  { id: "port-1", device_id: "vm-1" },
  { id: "port-2", device_id: "vm-2" },
];
const FLOATING = [
  { port_id: "port-1", fixed_ip_address: "10.0.0.1", floating_ip_address: "4.4.4.1" },
  { port_id: "vip-port", fixed_ip_address: "10.0.9.1", floating_ip_address: "4.4.4.9" },
  { port_id: null, fixed_ip_address: null, floating_ip_address: "4.4.4.4" },
];
const SERVERS = [
  {
    id: "vm-1",
    name: "one",
    status: "ACTIVE",
    tenant_id: "p-1",
    user_id: "u-1",
    flavor: { original_name: "m1.small", id: "7" },
    image: { id: "image-1" },
    metadata: { "env name": "prod" },
    addresses: {
      private: [
        { addr: "10.0.0.1", version: 4 },
        { addr: "4.4.4.1", version: 4 },
      ],
      other: [{ addr: "fd00::1", version: 6 }],
      empty: [],
    },
  },
  {
    id: "vm-2",
    name: "two",
    status: "ERROR",
    tenant_id: "p-1",
    user_id: "u-1",
    flavor: { id: "7" },
    image: "",
    metadata: {},
    addresses: { private: [{ addr: "10.0.0.2" }] },
  },
  { id: "vm-3", name: "bare", addresses: {}, flavor: { id: "7" } },
];
const HYPERVISORS = [
  { id: 1, hypervisor_hostname: "h1", host_ip: "10.1.0.1", state: "up", status: "enabled", hypervisor_type: "QEMU" },
  { id: "uuid-2", hypervisor_hostname: "h2", host_ip: "fd00::2", state: "down", status: "x", hypervisor_type: "KVM" },
];
const BALANCERS = [
  {
    id: "lb-1",
    name: "one",
    vip_address: "10.0.9.1",
    vip_port_id: "vip-port",
    operating_status: "ONLINE",
    provisioning_status: "ACTIVE",
    availability_zone: "az1",
    provider: "amphora",
    project_id: "p-1",
    tags: ["a", "b"],
  },
  { id: "lb-2", name: "no metrics", vip_address: "10.0.9.2", tags: [] },
  { id: "lb-3", name: "no listener", vip_address: "10.0.9.3" },
];
const LISTENERS = [
  { id: "l-1", protocol: "HTTP", protocol_port: 80, loadbalancers: [{ id: "lb-1" }, { id: "lb-2" }] },
  { id: "l-2", protocol: "PROMETHEUS", protocol_port: 8088, loadbalancers: [{ id: "lb-1" }] },
  { id: "l-3", protocol: "PROMETHEUS", protocol_port: 9099, loadbalancers: [{ id: "lb-1" }] },
];

const LISTS: Readonly<Record<string, readonly [name: string, items: readonly object[]]>> = {
  "/network/v2.0/ports": ["ports", PORTS],
  "/network/v2.0/floatingips": ["floatingips", FLOATING],
  "/compute/v2.1/servers/detail": ["servers", SERVERS],
  "/compute/v2.1/os-hypervisors/detail": ["hypervisors", HYPERVISORS],
  "/lb/v2.0/lbaas/loadbalancers": ["loadbalancers", BALANCERS],
  "/lb/v2.0/lbaas/listeners": ["listeners", LISTENERS],
};

/** What the cloud at `url` answers; lists come in pages of two. `isEmpty` leaves out whatever makes targets. */
export function openstackAnswer(request: FakeRequest, isEmpty = false): FakeAnswer {
  const url = `http://${request.headers.host}`;
  if (request.path === "/identity/v3/auth/tokens") {
    const endpoint = (path: string) => [
      { interface: "public", region: "R", region_id: "R", url: url + path },
      { interface: "public", region: "other", url: "http://127.0.0.1:1/" },
      { interface: "admin", region: "R", url: "http://127.0.0.1:1/" },
    ];
    const catalog = [
      { type: "compute", endpoints: endpoint("/compute/v2.1") },
      { type: "network", endpoints: endpoint("/network") },
      { type: "load-balancer", endpoints: endpoint("/lb/") },
    ];
    return { status: 201, headers: { "x-subject-token": "t0ken" }, body: { token: { catalog } } };
  }
  if (request.headers["x-auth-token"] !== "t0ken") return { status: 401, body: "{}" };
  const list = LISTS[request.path];
  if (list === undefined) return { status: 404, body: "{}" };
  const [name, all] = list;
  const items = isEmpty ? [] : all;
  const from = Number(request.params.get("marker") ?? 0);
  const links =
    from + 2 < items.length
      ? { [`${name}_links`]: [{ rel: "next", href: `http://internal${request.path}?marker=${from + 2}` }] }
      : {};
  return { body: { [name]: items.slice(from, from + 2), ...links } };
}
