import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Secret } from "@narthex/toolkit";
import { scrapeConfig, until } from "../../scrape/testing.ts";
import { CONTRACT_TIMEOUT_MS, testDiscoveryContract } from "../contract.ts";
import { FakeApi, Rig, whenDone } from "../testing.ts";
import { containerTargets } from "./container-targets.ts";
import type { DockerDiscoveryBody, SwarmDiscoveryBody } from "./docker-body.ts";
import { dockerDiscoverer } from "./docker-discoverer.ts";
import { swarmDiscoverer } from "./swarm-discoverer.ts";
import { daemonAnswer } from "./testing.ts";

const http = {
  ...scrapeConfig().http,
  authorization: { type: "Bearer", credentials: new Secret("s3cret-bearer"), credentialsFile: "" },
};

function docker(host: string, more: Partial<DockerDiscoveryBody> = {}): DockerDiscoveryBody {
  return {
    host,
    port: 80,
    filters: [],
    hostNetworkingHost: "localhost",
    matchFirstNetwork: true,
    refreshIntervalMs: CONTRACT_TIMEOUT_MS,
    http,
    ...more,
  };
}

function swarm(host: string, role: SwarmDiscoveryBody["role"]): SwarmDiscoveryBody {
  return { host, role, port: 80, filters: [], refreshIntervalMs: CONTRACT_TIMEOUT_MS, http };
}

testDiscoveryContract({
  name: "Docker discovery",
  make: (url, context) => dockerDiscoverer(docker(url), context),
  full: daemonAnswer,
  empty: () => ({ body: [] }),
  addresses: ["172.1.0.3:80", "172.2.0.2:443", "172.2.0.2:80", "172.2.0.2:9100", "localhost"],
  againMs: CONTRACT_TIMEOUT_MS,
  failures: 'prometheus_sd_refresh_failures_total{config="job",mechanism="docker"}',
  secrets: ["s3cret-bearer"],
});

for (const [role, addresses] of [
  ["services", ["10.2.0.9:80", "10.255.0.5:8080", "[fd00::5]:8080"]],
  ["tasks", ["10.0.0.1:9100", "10.2.0.11:80", "10.255.0.7:8080", "[fd00::b]:80"]],
  ["nodes", ["10.0.0.1:80", "[fe80::2]:80"]],
] as const) {
  testDiscoveryContract({
    name: `Docker Swarm discovery of ${role}`,
    make: (url, context) => swarmDiscoverer(swarm(url, role), context),
    full: daemonAnswer,
    empty: () => ({ body: [] }),
    addresses,
    againMs: CONTRACT_TIMEOUT_MS,
    failures: 'prometheus_sd_refresh_failures_total{config="job",mechanism="dockerswarm"}',
    secrets: ["s3cret-bearer"],
  });
}

test("Docker discovery: all labels of a container; filters and credentials go along", async () => {
  const api = await FakeApi.start(daemonAnswer);
  const filters = [
    { name: "label", values: ["a", "b"] },
    { name: "status", values: ["running"] },
  ];
  const rig = new Rig((context) => dockerDiscoverer(docker(api.url, { filters }), context));
  await until(() => rig.groups.size === 1, "targets");
  assert.deepEqual(rig.targets[0], {
    __address__: "172.2.0.2:80",
    __meta_docker_container_id: "id-web",
    __meta_docker_container_image: "web:1",
    __meta_docker_container_image_id: "sha256:web",
    __meta_docker_container_label_com_docker_compose_service: "web",
    __meta_docker_container_name: "/web",
    __meta_docker_container_network_mode: "front",
    __meta_docker_network_id: "n-back",
    __meta_docker_network_ingress: "false",
    __meta_docker_network_internal: "true",
    __meta_docker_network_ip: "172.2.0.2",
    __meta_docker_network_name: "back",
    __meta_docker_network_scope: "local",
    __meta_docker_port_private: "80",
    __meta_docker_port_public: "8080",
    __meta_docker_port_public_ip: "0.0.0.0",
  });
  const [containers, networks] = api.requests;
  assert.equal(containers?.params.get("filters"), '{"label":{"a":true,"b":true},"status":{"running":true}}');
  assert.equal(networks?.params.get("filters"), null);
  assert.equal(containers?.headers.authorization, "Bearer s3cret-bearer");
});

test("Docker discovery: without match_first_network every network counts, in the order of names", async () => {
  const api = await FakeApi.start(daemonAnswer);
  const rig = new Rig((context) => dockerDiscoverer(docker(api.url, { matchFirstNetwork: false }), context));
  await until(() => rig.groups.size === 1, "targets");
  assert.deepEqual(
    rig.targets.slice(0, 4).map(({ __address__ }) => __address__),
    ["172.2.0.2:80", "172.2.0.2:443", "172.1.0.2:80", "172.1.0.2:443"],
  );
});

test("Docker discovery: containers that borrow each other's network in a circle have no targets", () => {
  const lender = (Id: string, other: string) => ({
    Id,
    Names: [Id],
    HostConfig: { NetworkMode: `container:${other}` },
  });
  const rules = { port: 80, hostNetworkingHost: "localhost", matchFirstNetwork: true };
  assert.deepEqual(containerTargets([lender("a", "b"), lender("b", "a")], new Map(), rules), []);
});

test("Docker discovery: over a Unix socket, and over tcp:// without the credentials that are for web servers", async () => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-docker-"));
  whenDone(() => rmSync(folder, { recursive: true }));
  const socket = join(folder, "d.sock");
  const local = await FakeApi.start(daemonAnswer, socket);
  const overSocket = new Rig((context) => dockerDiscoverer(docker(`unix://${socket}`), context));
  await until(() => overSocket.groups.size === 1, "targets over the socket");
  assert.equal(local.requests[0]?.headers.authorization, undefined);
  const api = await FakeApi.start(daemonAnswer);
  const overTcp = new Rig((context) => dockerDiscoverer(docker(`tcp://${api.host}`), context));
  await until(() => overTcp.groups.size === 1, "targets over TCP");
  assert.equal(api.requests[0]?.headers.authorization, undefined);
});

test("Docker discovery: a host of an unknown kind is refused at the start", () => {
  assert.throws(
    () => new Rig((context) => dockerDiscoverer(docker("npipe:////./pipe/docker"), context)),
    /protocol not available/,
  );
  assert.throws(
    () => new Rig((context) => dockerDiscoverer(docker("/var/run/docker.sock"), context)),
    /unable to parse docker host/,
  );
});

test("Docker Swarm discovery: all labels of a task", async () => {
  const api = await FakeApi.start(daemonAnswer);
  const rig = new Rig((context) => swarmDiscoverer(swarm(api.url, "tasks"), context));
  await until(() => rig.groups.size === 1, "targets");
  assert.deepEqual(rig.targets[1], {
    __address__: "10.255.0.7:8080",
    __meta_dockerswarm_container_label_task_label: "x",
    __meta_dockerswarm_network_id: "n-ingress",
    __meta_dockerswarm_network_ingress: "true",
    __meta_dockerswarm_network_internal: "false",
    __meta_dockerswarm_network_name: "ingress",
    __meta_dockerswarm_network_scope: "swarm",
    __meta_dockerswarm_node_address: "10.0.0.1",
    __meta_dockerswarm_node_availability: "active",
    __meta_dockerswarm_node_hostname: "m1",
    __meta_dockerswarm_node_id: "node-1",
    __meta_dockerswarm_node_label_rack_no: "7",
    __meta_dockerswarm_node_platform_architecture: "x86_64",
    __meta_dockerswarm_node_platform_os: "linux",
    __meta_dockerswarm_node_role: "manager",
    __meta_dockerswarm_node_status: "ready",
    __meta_dockerswarm_service_id: "s-web",
    __meta_dockerswarm_service_label_stack_namespace: "mon",
    __meta_dockerswarm_service_mode: "replicated",
    __meta_dockerswarm_service_name: "web",
    __meta_dockerswarm_task_container_id: "c-1",
    __meta_dockerswarm_task_desired_state: "running",
    __meta_dockerswarm_task_id: "t-1",
    __meta_dockerswarm_task_port_publish_mode: "ingress",
    __meta_dockerswarm_task_slot: "1",
    __meta_dockerswarm_task_state: "running",
  });
});

test("Docker Swarm discovery: all labels of a service and of a node", async () => {
  const api = await FakeApi.start(daemonAnswer);
  const services = new Rig((context) => swarmDiscoverer(swarm(api.url, "services"), context));
  await until(() => services.groups.size === 1, "targets");
  assert.deepEqual(services.targets[0], {
    __address__: "10.255.0.5:8080",
    __meta_dockerswarm_network_id: "n-ingress",
    __meta_dockerswarm_network_ingress: "true",
    __meta_dockerswarm_network_internal: "false",
    __meta_dockerswarm_network_name: "ingress",
    __meta_dockerswarm_network_scope: "swarm",
    __meta_dockerswarm_service_endpoint_port_name: "http",
    __meta_dockerswarm_service_endpoint_port_publish_mode: "ingress",
    __meta_dockerswarm_service_id: "s-web",
    __meta_dockerswarm_service_label_stack_namespace: "mon",
    __meta_dockerswarm_service_mode: "replicated",
    __meta_dockerswarm_service_name: "web",
    __meta_dockerswarm_service_task_container_hostname: "h",
    __meta_dockerswarm_service_task_container_image: "web:1",
    __meta_dockerswarm_service_updating_status: "completed",
  });
  const nodes = new Rig((context) => swarmDiscoverer(swarm(api.url, "nodes"), context));
  await until(() => nodes.groups.size === 1, "targets");
  assert.deepEqual(nodes.targets[0], {
    __address__: "10.0.0.1:80",
    __meta_dockerswarm_node_address: "10.0.0.1",
    __meta_dockerswarm_node_availability: "active",
    __meta_dockerswarm_node_engine_version: "27.0",
    __meta_dockerswarm_node_hostname: "m1",
    __meta_dockerswarm_node_id: "node-1",
    __meta_dockerswarm_node_label_rack_no: "7",
    __meta_dockerswarm_node_manager_address: "10.0.0.1:2377",
    __meta_dockerswarm_node_manager_leader: "true",
    __meta_dockerswarm_node_manager_reachability: "reachable",
    __meta_dockerswarm_node_platform_architecture: "x86_64",
    __meta_dockerswarm_node_platform_os: "linux",
    __meta_dockerswarm_node_role: "manager",
    __meta_dockerswarm_node_status: "ready",
  });
});
