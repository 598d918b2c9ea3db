import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_SECRET, Secret } from "@narthex/toolkit";
import { scrapeConfig, until } from "../../scrape/testing.ts";
import { CONTRACT_TIMEOUT_MS, testDiscoveryContract } from "../contract.ts";
import { type FakeAnswer, FakeApi, type FakeRequest, Rig } from "../testing.ts";
import type { ConsulDiscoveryBody } from "./consul-body.ts";
import { ConsulDiscoverer } from "./consul-discoverer.ts";
import { aggregatedHealth } from "./service-group.ts";

const { http } = scrapeConfig();

function body(url: string, more: Partial<ConsulDiscoveryBody> = {}): ConsulDiscoveryBody {
  return {
    server: url,
    pathPrefix: "",
    token: new Secret("s3cret-token"),
    datacenter: "",
    namespace: "",
    partition: "",
    tagSeparator: ",",
    scheme: "http",
    username: "",
    password: EMPTY_SECRET,
    allowStale: true,
    refreshIntervalMs: 30_000,
    services: [],
    tags: [],
    nodeMeta: new Map(),
    filter: "",
    healthFilter: "",
    http,
    ...more,
  };
}

const ENTRY = {
  Node: {
    Node: "node-1",
    Address: "10.0.0.1",
    Meta: { "rack.name": "2304" },
    TaggedAddresses: { lan: "192.168.0.1", "wan-v6": "fe80::1" },
  },
  Service: {
    ID: "web-1",
    Service: "web",
    Tags: ["blue", "v2"],
    Meta: { version: "1.0", ünïcode: "yes" },
    Port: 8080,
    Address: "",
    Namespace: "default",
    Partition: "p1",
  },
  Checks: [{ CheckID: "serfHealth", Status: "passing" }],
};

let index = 0;
function answers(request: FakeRequest, services: object, entries: readonly object[]): FakeAnswer {
  const headers = { "x-consul-index": String(++index) };
  if (request.path === "/v1/agent/self") return { body: { Config: { Datacenter: "dc1" } } };
  if (request.path.endsWith("/v1/catalog/services")) return { headers, body: services };
  return { headers, body: entries };
}

testDiscoveryContract({
  name: "Consul discovery of one service",
  make: (url, context) =>
    new ConsulDiscoverer(body(url, { datacenter: "dc1", services: ["web"] }), context, {
      watchMs: 0,
      marginMs: CONTRACT_TIMEOUT_MS,
    }),
  full: (request) => answers(request, { web: [] }, [ENTRY]),
  empty: (request) => answers(request, {}, []),
  addresses: ["10.0.0.1:8080"],
  againMs: 30_000,
  failures: "prometheus_sd_consul_rpc_failures_total",
  secrets: ["s3cret-token"],
});

test("Consul discovery: all labels of an instance", async () => {
  const api = await FakeApi.start((request) => answers(request, { web: [] }, [ENTRY]));
  const rig = new Rig((context) => new ConsulDiscoverer(body(api.url), context));
  await until(() => rig.groups.size === 1, "targets");
  assert.deepEqual(rig.targets, [
    {
      __address__: "10.0.0.1:8080",
      __meta_consul_address: "10.0.0.1",
      __meta_consul_dc: "dc1",
      __meta_consul_health: "passing",
      __meta_consul_metadata_rack_name: "2304",
      __meta_consul_namespace: "default",
      __meta_consul_node: "node-1",
      __meta_consul_partition: "p1",
      __meta_consul_service: "web",
      __meta_consul_service_address: "",
      __meta_consul_service_id: "web-1",
      __meta_consul_service_metadata__n_code: "yes",
      __meta_consul_service_metadata_version: "1.0",
      __meta_consul_service_port: "8080",
      __meta_consul_tagged_address_lan: "192.168.0.1",
      __meta_consul_tagged_address_wan_v6: "fe80::1",
      __meta_consul_tags: ",blue,v2,",
    },
  ]);
  const [self, catalog, health] = api.requests as [FakeRequest, FakeRequest, FakeRequest];
  assert.deepEqual(
    [self.path, catalog.path, health.path],
    ["/v1/agent/self", "/v1/catalog/services", "/v1/health/service/web"],
  );
  assert.equal(health.headers["x-consul-token"], "s3cret-token");
  assert.equal(health.params.toString(), "wait=120000ms&stale=");
});

test("Consul discovery: an IPv6 service address wins over the node's and gets brackets", async () => {
  const entry = { ...ENTRY, Service: { ...ENTRY.Service, Address: "fe80::2", Tags: null } };
  const api = await FakeApi.start((request) => answers(request, { web: [] }, [entry]));
  const rig = new Rig((context) => new ConsulDiscoverer(body(api.url), context));
  await until(() => rig.groups.size === 1, "targets");
  assert.deepEqual(rig.addresses, ["[fe80::2]:8080"]);
  assert.equal(rig.targets[0]?.["__meta_consul_tags"], ",,");
});

test("Consul discovery: what the configuration restricts stands in the queries", async () => {
  const api = await FakeApi.start((request) =>
    answers(request, { web: ["a", "b"], db: ["a"], other: ["a", "b"] }, [ENTRY]),
  );
  const restricted = body(api.url, {
    pathPrefix: "/consul/",
    datacenter: "dc9",
    namespace: "team",
    partition: "part",
    services: ["web", "db"],
    tags: ["a", "b"],
    nodeMeta: new Map([["rack", "7"]]),
    filter: "F == 1",
    healthFilter: "H == 2",
    allowStale: false,
  });
  const rig = new Rig((context) => new ConsulDiscoverer(restricted, context));
  await until(() => rig.groups.size === 1, "targets");
  const [catalog, health] = api.requests as [FakeRequest, FakeRequest];
  assert.equal(api.requests.length, 2);
  assert.equal(catalog.path, "/consul/v1/catalog/services");
  assert.equal(
    catalog.params.toString(),
    "filter=F+%3D%3D+1&wait=120000ms&node-meta=rack%3A7&dc=dc9&ns=team&partition=part",
  );
  assert.equal(health.path, "/consul/v1/health/service/web");
  assert.equal(
    health.params.toString(),
    "tag=a&tag=b&filter=H+%3D%3D+2&wait=120000ms&node-meta=rack%3A7&dc=dc9&ns=team&partition=part",
  );
});

test("Consul discovery: a service that leaves the catalog takes its targets along; an unchanged index changes nothing", async () => {
  let services: object = { web: [], db: [] };
  let fixed = "5";
  const api = await FakeApi.start((request) => ({
    ...answers(request, services, [ENTRY]),
    headers: { "x-consul-index": fixed },
  }));
  const rig = new Rig((context) => new ConsulDiscoverer(body(api.url), context));
  await until(() => rig.groups.size === 2, "targets");
  services = { web: [] };
  const asked = api.requests.length;
  rig.clock.pass(30_000);
  await until(() => api.requests.length >= asked + 3, "the next queries");
  assert.equal(api.requests.at(-1)?.params.get("index"), "5");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(rig.groups.size, 2);
  fixed = "18446744073709551615";
  rig.clock.pass(30_000);
  await until(() => rig.groups.size === 1, "the service to go");
  assert.deepEqual([...rig.groups.keys()], ["web"]);
  assert.deepEqual(rig.errors, []);
});

test("Consul discovery: a catalog of more services than anybody watches is refused, and leaves what there was", async () => {
  let services: object = { web: [] };
  const api = await FakeApi.start((request) => answers(request, services, [ENTRY]));
  const rig = new Rig((context) => new ConsulDiscoverer(body(api.url), context));
  await until(() => rig.groups.size === 1, "targets");
  services = Object.fromEntries(Array.from({ length: 20_001 }, (_, i) => [`s${i}`, []]));
  rig.clock.pass(30_000);
  await until(() => rig.errors.length === 1, "the refusal");
  assert.match(rig.errors[0] as string, /Error refreshing service list.*more than 20000 services/);
  assert.deepEqual([...rig.groups.keys()], ["web"]);
});

test("Consul discovery: without a datacenter it asks for it again after 15 s", async () => {
  const api = await FakeApi.start(() => ({ body: { Config: { Datacenter: 7 } } }));
  const rig = new Rig((context) => new ConsulDiscoverer(body(api.url), context));
  await until(() => rig.errors.length === 1, "the failure");
  assert.match(rig.errors[0] as string, /Error retrieving datacenter name/);
  api.answer = (request) => answers(request, { web: [] }, [ENTRY]);
  rig.clock.pass(15_000);
  await until(() => rig.groups.size === 1, "targets");
});

test("health of a Consul instance: maintenance before critical before warning; unknown states leave it empty", () => {
  const health = (...checks: (readonly [string, string])[]) =>
    aggregatedHealth(checks.map(([CheckID, Status]) => ({ CheckID, Status })));
  assert.equal(health(), "passing");
  assert.equal(health(["a", "passing"], ["b", "warning"]), "warning");
  assert.equal(health(["a", "critical"], ["b", "warning"]), "critical");
  assert.equal(health(["_node_maintenance", "critical"], ["b", "critical"]), "maintenance");
  assert.equal(health(["_service_maintenance:web", "critical"]), "maintenance");
  assert.equal(health(["a", "critical"], ["b", "odd"]), "");
});
