// A large cluster against a fake API in a process of its own: run `node --expose-gc
// apps/server/dist/discovery/kubernetes/kubernetes-discoverer.bench.js [role] [pods] [events per second] [seconds]`.
// Prints how long it takes to know the cluster, the memory that this holds, and what following its changes costs.
import { fork } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { Registry } from "@narthex/client";
import { createLogger } from "@narthex/toolkit";
import { loadConfig } from "../../config/index.ts";
import { systemClock } from "../../scrape/clock.ts";
import { DiscoveryManager } from "../discovery-manager.ts";
import { DiscoveryMetrics } from "../discovery-metrics.ts";
import type { TargetGroup } from "../target-group.ts";
import { FakeCluster } from "./testing.ts";

const role = process.argv[2] ?? "pod";
const [pods = 10_000, events = 100, seconds = 10] = process.argv.slice(3, 6).map(Number);
/** Pods per service and slice, with the 10,000 pods and 1,000 services of a large cluster. */
const PODS_PER_SERVICE = 10;

/** A pod as clusters have them: most of it is of no interest here. */
function bigPod(i: number, phase: string) {
  const name = `checkout-service-${Math.floor(i / PODS_PER_SERVICE)}-${(i * 7919).toString(36)}`;
  const env = Array.from({ length: 20 }, (_, n) => ({ name: `SETTING_NUMBER_${n}`, value: `value of setting ${n}` }));
  const container = (of: string, port: number) => ({
    name: of,
    image: `registry.example.org/shop/${of}:v1.27.${i % 10}`,
    ports: [{ name: "metrics", containerPort: port, protocol: "TCP" }],
    env,
    resources: { limits: { cpu: "2", memory: "2Gi" }, requests: { cpu: "100m", memory: "256Mi" } },
    livenessProbe: { httpGet: { path: "/healthz", port, scheme: "HTTP" }, timeoutSeconds: 1, periodSeconds: 10 },
    volumeMounts: [{ name: "token", readOnly: true, mountPath: "/var/run/secrets" }],
    terminationMessagePath: "/dev/termination-log",
    imagePullPolicy: "IfNotPresent",
  });
  const managed = Array.from({ length: 3 }, (_, n) => ({
    manager: `manager-${n}`,
    operation: "Update",
    fieldsV1: { "f:metadata": Object.fromEntries(Array.from({ length: 30 }, (_, f) => [`f:field-${f}`, {}])) },
  }));
  const state = (of: string) => ({ name: of, containerID: `containerd://${i}${of}`.padEnd(76, "0"), ready: true });
  return {
    metadata: {
      name,
      namespace: `team-${i % 20}`,
      uid: `uid-${i}`,
      labels: { app: `checkout-${i % 200}`, "pod-template-hash": "5d8f7", tier: "backend", version: `v${i % 10}` },
      annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": "9100", checksum: "c".repeat(64) },
      ownerReferences: [{ kind: "ReplicaSet", name: `rs-${i % 1000}`, controller: true }],
      managedFields: managed,
    },
    spec: { nodeName: `node-${i % 200}`, containers: [container("app", 8080), container("sidecar", 9090)] },
    status: {
      phase,
      podIP: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
      hostIP: "10.0.0.1",
      conditions: [{ type: "Ready", status: "True" }],
      containerStatuses: [state("app"), state("sidecar")],
    },
  };
}

function serve(): void {
  const cluster = new FakeCluster();
  const all = Array.from({ length: pods }, (_, i) => bigPod(i, "Running"));
  for (const pod of all) cluster.put("pods", pod);
  for (let s = 0; s * PODS_PER_SERVICE < pods; s++) {
    const namespace = `team-${(s * PODS_PER_SERVICE) % 20}`;
    const metadata = { name: `service-${s}`, namespace, labels: { app: `checkout-${s % 200}` } };
    cluster.put("services", {
      metadata,
      spec: { type: "ClusterIP", ports: [{ name: "http", port: 80, protocol: "TCP" }] },
    });
    const members = all.slice(s * PODS_PER_SERVICE, (s + 1) * PODS_PER_SERVICE);
    cluster.put("endpointslices", {
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": metadata.name } },
      addressType: "IPv4",
      endpoints: members.map(({ metadata: { name, namespace: within }, status, spec }) => ({
        addresses: [status.podIP],
        conditions: { ready: true },
        nodeName: spec.nodeName,
        targetRef: { kind: "Pod", name, namespace: within },
      })),
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    });
  }
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://fake");
    const {
      status = 200,
      body,
      act,
    } = cluster.answer({
      method: "GET",
      path: pathname,
      params: searchParams,
      headers: {},
      body: "",
    });
    if (act !== undefined) act(response);
    else response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
  let next = 0;
  process.on("message", () => {
    setInterval(() => {
      for (let n = 0; n < events / 10; n++) {
        next++;
        cluster.put("pods", bigPod((next * 104_729) % pods, next % 2 === 0 ? "Running" : "Pending"));
      }
    }, 100);
  });
}

async function measure(port: number, startChurn: () => void): Promise<void> {
  const config = loadConfig(
    JSON.stringify({
      scrape_configs: [{ job_name: "k", kubernetes_sd_configs: [{ api_server: `http://127.0.0.1:${port}`, role }] }],
    }),
  );
  let groups: readonly TargetGroup[] = [];
  let updates = 0;
  const manager = new DiscoveryManager({
    name: "scrape",
    logger: createLogger({ level: "warn" }),
    metrics: new DiscoveryMetrics(new Registry()),
    clock: systemClock,
    onUpdate: (found) => {
      updates++;
      groups = found.get("k") ?? [];
    },
  });
  const heap = () => {
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  };
  const emptyHeap = heap();
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  let cpu = process.cpuUsage();
  const begun = performance.now();
  manager.applyConfig(new Map([["k", config.allScrapeConfigs[0]?.discovery ?? []]]));
  while (groups.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const used = cpuMs(cpu);
  const targets = groups.reduce((sum, group) => sum + group.targets.length, 0);
  console.log(
    `role ${role}: ${targets} targets in ${groups.length} groups after ${Math.round(performance.now() - begun)} ms, ` +
      `${used} ms of CPU, longest pause ${Math.round(delay.max / 1e6)} ms`,
  );
  console.log(
    `heap: ${((heap() - emptyHeap) / 2 ** 20).toFixed(1)} MiB, ${Math.round((heap() - emptyHeap) / pods)} bytes a pod`,
  );
  startChurn();
  delay.reset();
  updates = 0;
  cpu = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  console.log(
    `${events} pod events a second: ${(cpuMs(cpu) / seconds / 10).toFixed(1)} % of one core, ${updates} updates in ` +
      `${seconds} s, longest pause ${Math.round(delay.max / 1e6)} ms, heap ${((heap() - emptyHeap) / 2 ** 20).toFixed(1)} MiB`,
  );
  manager.stop();
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return Math.round((user + system) / 1000);
}

if (process.send !== undefined) {
  serve();
} else {
  const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2));
  const port = await new Promise<number>((resolve) => child.once("message", (value) => resolve(value as number)));
  await measure(port, () => child.send("go"));
  child.kill();
}
