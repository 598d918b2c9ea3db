import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigUrl, Secret } from "@narthex/toolkit";
import { scrapeConfig, until } from "../../scrape/testing.ts";
import { CONTRACT_TIMEOUT_MS, testDiscoveryContract } from "../contract.ts";
import { FakeApi, Rig } from "../testing.ts";
import type { KubernetesDiscoveryBody, KubernetesRole } from "./kubernetes-body.ts";
import { KubernetesDiscoverer } from "./kubernetes-discoverer.ts";
import { type FakeCluster, smallCluster } from "./testing.ts";

const http = {
  ...scrapeConfig().http,
  authorization: { type: "Bearer", credentials: new Secret("s3cret-bearer"), credentialsFile: "" },
};
const NOTHING_ATTACHED = { node: false, namespace: false, deployment: false, job: false, cronjob: false };
const SHORT = { listMs: CONTRACT_TIMEOUT_MS, watchMs: CONTRACT_TIMEOUT_MS / 2, marginMs: 0 };

function body(url: string, role: KubernetesRole, more: Partial<KubernetesDiscoveryBody> = {}): KubernetesDiscoveryBody {
  return {
    apiServer: new ConfigUrl(url),
    role,
    kubeconfigFile: "",
    http,
    namespaces: { ownNamespace: false, names: [] },
    selectors: [],
    attachMetadata: NOTHING_ATTACHED,
    ...more,
  };
}

/** A discoverer on a small cluster; resolves when it has its first targets. */
async function follow(role: KubernetesRole, more: Partial<KubernetesDiscoveryBody> = {}, cluster = smallCluster()) {
  const api = await FakeApi.start(cluster.answer);
  const rig = new Rig((context) => new KubernetesDiscoverer(body(api.url, role, more), context));
  await until(() => rig.groups.size > 0, "targets");
  await until(() => cluster.watching === new Set(api.requests.map(({ path }) => path)).size, "watches");
  return { cluster, api, rig };
}

/** Lets changes through, and waits for what they bring. */
async function settle(rig: Rig, condition: () => boolean): Promise<void> {
  await until(() => {
    rig.clock.pass(50);
    return condition();
  }, "the change");
}

function pod(name: string, ip: string, more: object = {}, status: object = {}) {
  return {
    metadata: { name, namespace: "shop", uid: name, ...more },
    spec: { nodeName: "n1", containers: [{ name: "c", image: "i", ports: [{ containerPort: 1, protocol: "TCP" }] }] },
    status: { podIP: ip, phase: "Running", ...status },
  };
}

for (const role of ["pod", "endpointslice"] as const) {
  const emptied: FakeCluster = smallCluster();
  emptied.remove("pods", "shop/web-1");
  for (const key of ["shop/nightly-1-x", "shop/pending", "ops/elsewhere"]) emptied.remove("pods", key);
  for (const key of ["shop/web-abc", "ops/dual-4", "ops/dual-6"]) emptied.remove("endpointslices", key);
  const filled = smallCluster();
  filled.forget();
  filled.endsWatches = true;
  // Ahead of the other, so that a watch of the one is too old for the other.
  for (let i = 0; i < 100; i++) emptied.forget();
  emptied.endsWatches = true;
  testDiscoveryContract({
    name: `Kubernetes discovery of role ${role}`,
    make: (url, context) => new KubernetesDiscoverer(body(url, role), context, SHORT),
    full: (request) => {
      const isTooNew = Number(request.params.get("resourceVersion") ?? 0) > filled.version;
      return isTooNew ? { status: 410, body: "too new" } : filled.answer(request);
    },
    empty: emptied.answer,
    distorted: (request) => (request.params.get("watch") === null ? filled.answer(request) : { status: 410, body: "" }),
    addresses:
      role === "pod"
        ? ["10.1.0.1", "10.1.0.1:6060", "10.1.0.1:8080", "10.1.0.1:9", "10.1.0.9:1", "fd00:1::2"]
        : ["10.0.0.2", "10.0.0.2:8080", "10.1.0.1", "10.1.0.1:6060", "10.1.0.1:8080", "10.1.0.1:9", "10.1.0.9:1"],
    againMs: 120_000,
    failures: "prometheus_sd_kubernetes_failures_total",
    secrets: ["s3cret-bearer"],
    nullIsEmpty: false,
    questions: role === "pod" ? 1 : 3,
  });
}

test("Kubernetes discovery: pods come, change and go; one that changes nothing is not heard of", async () => {
  const { cluster, rig } = await follow("pod");
  const before = rig.groups.size;
  cluster.put("pods", pod("new", "10.9.0.1", { labels: { a: "b" } }));
  await settle(rig, () => rig.groups.has("pod/shop/new"));
  assert.equal(rig.groups.size, before + 1);
  const emitted = rig.emitted.length;
  cluster.put("pods", pod("new", "10.9.0.1", { labels: { a: "b" }, managedFields: [{}] }));
  cluster.put("pods", pod("other", "10.9.0.2"));
  await settle(rig, () => rig.groups.has("pod/shop/other"));
  assert.deepEqual(
    rig.emitted.slice(emitted).map((groups) => groups.map(({ source }) => source)),
    [["pod/shop/other"]],
  );
  cluster.put("pods", pod("new", "", { labels: { a: "b" } }));
  await settle(rig, () => !rig.groups.has("pod/shop/new"));
  cluster.remove("pods", "shop/other");
  await settle(rig, () => rig.groups.size === before);
  assert.equal(await rig.metric('prometheus_sd_kubernetes_events_total{event="add",role="pod"}'), 6);
  assert.equal(await rig.metric('prometheus_sd_kubernetes_events_total{event="update",role="pod"}'), 2);
  assert.equal(await rig.metric('prometheus_sd_kubernetes_events_total{event="delete",role="pod"}'), 1);
  assert.deepEqual(rig.errors, []);
});

test("Kubernetes discovery: changes that follow each other closely are handed on together", async () => {
  const { cluster, rig } = await follow("pod");
  const emitted = rig.emitted.length;
  for (let i = 0; i < 50; i++) cluster.put("pods", pod(`p${i % 10}`, `10.9.0.${i}`));
  await until(() => rig.lines.length >= 0 && cluster.version > 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await settle(rig, () => rig.emitted.length > emitted);
  assert.equal(rig.emitted.length, emitted + 1);
  assert.equal(rig.emitted.at(-1)?.length, 10);
});

test("Kubernetes discovery: what a pod belongs to is attached, and followed", async () => {
  const attachMetadata = { node: true, namespace: true, deployment: true, job: true, cronjob: true };
  const { cluster, rig } = await follow("pod", { attachMetadata });
  const labels = (source: string) => Object.fromEntries(rig.groups.get(source)?.labels ?? []);
  const web = labels("pod/shop/web-1");
  assert.equal(web["__meta_kubernetes_node_name"], "n1");
  assert.equal(web["__meta_kubernetes_node_label_kubernetes_io_hostname"], "n1");
  assert.equal(web["__meta_kubernetes_node_annotationpresent_a_b"], "true");
  assert.equal(web["__meta_kubernetes_namespace_label_team_name"], "a");
  assert.equal(web["__meta_kubernetes_namespace_annotation_note"], "n");
  assert.equal(web["__meta_kubernetes_pod_deployment_name"], "web");
  const nightly = labels("pod/shop/nightly-1-x");
  assert.equal(nightly["__meta_kubernetes_pod_job_name"], "nightly-1");
  assert.equal(nightly["__meta_kubernetes_pod_cronjob_name"], "nightly");
  assert.equal(rig.groups.has("pod/ops/elsewhere"), false);
  cluster.put("nodes", { metadata: { name: "n9", labels: { late: "yes" } } });
  await settle(rig, () => labels("pod/ops/elsewhere")["__meta_kubernetes_node_label_late"] === "yes");
  cluster.put("namespaces", { metadata: { name: "shop", labels: { team: "z" } } });
  await settle(rig, () => labels("pod/shop/web-1")["__meta_kubernetes_namespace_label_team"] === "z");
  cluster.remove("nodes", "n9");
  await settle(rig, () => !rig.groups.has("pod/ops/elsewhere"));
  const ownerReferences = [{ kind: "Deployment", name: "web2", controller: true }];
  cluster.put("replicasets", { metadata: { name: "web-5d", namespace: "shop", ownerReferences } });
  await settle(rig, () => labels("pod/shop/web-1")["__meta_kubernetes_pod_deployment_name"] === "web2");
});

for (const role of ["endpoints", "endpointslice"] as const) {
  const source = role === "endpoints" ? "endpoints/shop/web" : "endpointslice/shop/web-abc";

  test(`Kubernetes discovery of role ${role}: pods and services behind it are joined, whenever they come`, async () => {
    const { cluster, rig } = await follow(role);
    const at = (address: string) => rig.targets.find(({ __address__ }) => __address__ === address);
    assert.equal(at("10.1.0.1:8080")?.["__meta_kubernetes_pod_container_name"], "app");
    assert.equal(at("10.1.0.1:8080")?.["__meta_kubernetes_service_name"], "web");
    assert.equal(at("10.1.0.1:6060")?.["__meta_kubernetes_pod_container_port_name"], "debug");
    cluster.remove("pods", "shop/web-1");
    await settle(rig, () => at("10.1.0.1:6060") === undefined);
    assert.equal(at("10.1.0.1:8080")?.["__meta_kubernetes_pod_name"], undefined);
    cluster.put("pods", pod("web-1", "10.1.0.1", { labels: { later: "yes" } }));
    await settle(rig, () => at("10.1.0.1:8080")?.["__meta_kubernetes_pod_label_later"] === "yes");
    const emitted = rig.emitted.length;
    cluster.put("pods", pod("stranger", "10.1.0.77"));
    cluster.put("services", { metadata: { name: "web", namespace: "shop", labels: { tier: "1" } } });
    await settle(rig, () => at("10.1.0.1:8080")?.["__meta_kubernetes_service_label_tier"] === "1");
    const sources = rig.emitted.slice(emitted).flatMap((groups) => groups.map((group) => group.source));
    assert.deepEqual([...new Set(sources)], [source]);
  });
}

test("Kubernetes discovery: a list comes in pages; a page that comes again and again is refused", async () => {
  const cluster = smallCluster();
  cluster.pageObjects = 1;
  const { api, rig } = await follow("pod", {}, cluster);
  assert.equal(rig.groups.size, 3);
  const lists = api.requests.filter(({ params }) => params.get("watch") === null);
  assert.deepEqual(
    lists.map(({ params }) => [params.get("limit"), params.get("continue")]),
    [
      ["250", null],
      ["250", "1:1"],
      ["250", "1:2"],
      ["250", "1:3"],
    ],
  );
  const endless = await FakeApi.start(() => ({ body: { kind: "PodList", items: [], metadata: { continue: "x" } } }));
  const stuck = new Rig((context) => new KubernetesDiscoverer(body(endless.url, "pod"), context));
  await until(() => stuck.errors.length > 0, "the refusal");
  assert.match(stuck.errors[0] as string, /the list of pods has no end/);
});

test("Kubernetes discovery: a watch that breaks off goes on where it was, without a new list", async () => {
  const { cluster, api, rig } = await follow("pod");
  cluster.put("pods", pod("new", "10.9.0.1"));
  await settle(rig, () => rig.groups.has("pod/shop/new"));
  cluster.send("pods", { type: "BOOKMARK", object: { kind: "Pod", metadata: { resourceVersion: "1000" } } });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const asked = api.requests.length;
  cluster.hangUp();
  await until(() => rig.errors.length === 1, "the failure");
  rig.clock.pass(2000);
  await until(() => api.requests.length > asked, "the next watch");
  assert.equal(api.requests[asked]?.params.get("resourceVersion"), "1000");
  assert.equal(rig.groups.has("pod/shop/new"), true);
});

test("Kubernetes discovery: a version that is too old, as status or as event, makes for a new list; nothing is logged", async () => {
  const { cluster, api, rig } = await follow("pod");
  const lists = () => api.requests.filter(({ params }) => params.get("watch") === null).length;
  cluster.remove("pods", "shop/web-1");
  await settle(rig, () => !rig.groups.has("pod/shop/web-1"));
  cluster.send("pods", { type: "ERROR", object: { kind: "Status", code: 410, message: "expired" } });
  await settle(rig, () => lists() === 2);
  await until(() => cluster.watching === 1, "the watch");
  cluster.forget();
  cluster.endsWatches = true;
  cluster.send("pods", { type: "ERROR", object: { kind: "Status", code: 410, message: "expired" } });
  cluster.put("pods", pod("meanwhile", "10.9.0.1"));
  await settle(rig, () => rig.groups.has("pod/shop/meanwhile"));
  assert.deepEqual(rig.errors, []);
  cluster.endsWatches = false;
  await settle(rig, () => cluster.watching === 1);
  cluster.send("pods", { type: "ERROR", object: { kind: "Status", code: 500, message: "etcd is ill" } });
  await until(() => rig.errors.length === 1, "the failure");
  assert.match(rig.errors[0] as string, /Failed to watch.*\*v1\.Pod.*etcd is ill/);
});

test("Kubernetes discovery: namespaces and selectors stand in the queries, each with the objects it is for", async () => {
  const selectors = [
    { role: "pod" as const, label: "app=web", field: "status.phase=Running" },
    { role: "endpoints" as const, label: "e", field: "" },
  ];
  const { api } = await follow("endpoints", { selectors, namespaces: { ownNamespace: false, names: ["shop", "ops"] } });
  const first = new Map(api.requests.map((request) => [request.path, request.params]));
  assert.deepEqual([...first.keys()].sort(), [
    "/api/v1/namespaces/ops/endpoints",
    "/api/v1/namespaces/ops/pods",
    "/api/v1/namespaces/ops/services",
    "/api/v1/namespaces/shop/endpoints",
    "/api/v1/namespaces/shop/pods",
    "/api/v1/namespaces/shop/services",
  ]);
  const selected = (path: string) => ["labelSelector", "fieldSelector"].map((name) => first.get(path)?.get(name));
  assert.deepEqual(selected("/api/v1/namespaces/ops/pods"), ["app=web", "status.phase=Running"]);
  assert.deepEqual(selected("/api/v1/namespaces/ops/endpoints"), ["e", null]);
  assert.deepEqual(selected("/api/v1/namespaces/ops/services"), [null, null]);
  assert.equal(api.requests[0]?.headers.authorization, "Bearer s3cret-bearer");
});

test("Kubernetes discovery: nodes and namespaces are watched once, however many namespaces are followed", async () => {
  const attachMetadata = { ...NOTHING_ATTACHED, node: true, namespace: true };
  const selectors = [{ role: "node" as const, label: "x", field: "" }];
  const namespaces = { ownNamespace: false, names: ["shop", "ops"] };
  const { api, cluster, rig } = await follow("pod", { attachMetadata, namespaces, selectors });
  const lists = api.requests.filter(({ params }) => params.get("watch") === null);
  assert.deepEqual(lists.map(({ path }) => path).sort(), [
    "/api/v1/namespaces",
    "/api/v1/namespaces/ops/pods",
    "/api/v1/namespaces/shop/pods",
    "/api/v1/nodes",
  ]);
  assert.equal(lists.find(({ path }) => path.endsWith("/nodes"))?.params.get("labelSelector"), "x");
  // A node's state is of no interest to its pods.
  const emitted = rig.emitted.length;
  cluster.put("nodes", { metadata: { name: "n2" }, status: { conditions: [{ type: "Ready", status: "False" }] } });
  cluster.put("nodes", { metadata: { name: "n9" } });
  await settle(rig, () => rig.groups.has("pod/ops/elsewhere"));
  assert.deepEqual(
    rig.emitted
      .slice(emitted)
      .flat()
      .map(({ source }) => source),
    ["pod/ops/elsewhere"],
  );
});

test("Kubernetes discovery: the other namespaces' targets are there while one namespace cannot be read", async () => {
  const cluster = smallCluster();
  const api = await FakeApi.start((request) =>
    request.path.includes("/ops/") ? { status: 403, body: { message: "pods is forbidden" } } : cluster.answer(request),
  );
  const namespaces = { ownNamespace: false, names: ["shop", "ops"] };
  const rig = new Rig((context) => new KubernetesDiscoverer(body(api.url, "pod", { namespaces }), context));
  await until(() => rig.groups.size === 2 && rig.errors.length === 1, "targets and the failure");
  assert.match(rig.errors[0] as string, /403 Forbidden/);
});
