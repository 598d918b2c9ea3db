// Whatever happens to a cluster and to the connections to it: in the end the targets are those that a new look finds.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigUrl, PLAIN_HTTP } from "@narthex/toolkit";
import { FakeApi, Rig } from "../testing.ts";
import type { KubernetesDiscoveryBody, KubernetesRole } from "./kubernetes-body.ts";
import { KubernetesDiscoverer } from "./kubernetes-discoverer.ts";
import { type ApiObject, FakeCluster } from "./testing.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const STEPS = 150;

let state = seed >>> 0;
function below(bound: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * bound);
}

function meta(name: string, labels: Record<string, string>): ApiObject["metadata"] {
  return { name, namespace: `ns${below(2)}`, labels: { ...labels, value: String(below(3)) } };
}

/** A random object of a random kind; few names, so that objects meet again. */
function randomObject(): readonly [plural: string, object: ApiObject] {
  const pod = () => `pod${below(8)}`;
  switch (below(6)) {
    case 0:
      return ["nodes", { metadata: { name: `node${below(3)}`, labels: { v: String(below(3)) } } }];
    case 1:
      return ["namespaces", { metadata: { name: `ns${below(2)}`, labels: { v: String(below(3)) } } }];
    case 2:
      return ["services", { metadata: meta(`svc${below(3)}`, {}), spec: { ports: [{ port: 1 + below(3) }] } }];
    case 3: {
      const metadata = meta(`svc${below(3)}`, { "kubernetes.io/service-name": `svc${below(3)}` });
      const ref = () => ({ kind: "Pod", name: pod(), namespace: metadata.namespace });
      const endpoints = Array.from({ length: below(4) }, () => ({
        addresses: [`10.0.0.${below(9)}`],
        nodeName: `node${below(3)}`,
        targetRef: ref(),
      }));
      return ["endpointslices", { metadata, addressType: "IPv4", endpoints, ports: [{ port: 80 + below(2) }] }];
    }
    case 4: {
      const metadata = meta(`svc${below(3)}`, {});
      const addresses = Array.from({ length: below(4) }, () => ({
        ip: `10.0.0.${below(9)}`,
        targetRef: { kind: "Pod", name: pod(), namespace: metadata.namespace },
      }));
      return ["endpoints", { metadata, subsets: [{ addresses, ports: [{ port: 80 + below(2) }] }] }];
    }
    default:
      return [
        "pods",
        {
          metadata: meta(pod(), {}),
          spec: { nodeName: `node${below(3)}`, containers: [{ name: "c", ports: [{ containerPort: 80 + below(3) }] }] },
          status: { phase: ["Running", "Pending"][below(2)], podIP: ["", "10.0.0.1", "10.0.0.2"][below(3)] },
        },
      ];
  }
}

function disturb(cluster: FakeCluster): void {
  switch (below(5)) {
    case 0:
      cluster.hangUp();
      break;
    case 1:
      cluster.forget();
      break;
    case 2:
      for (const plural of ["pods", "services"]) {
        cluster.send(plural, { type: "ERROR", object: { code: below(2) === 0 ? 410 : 500, message: "x" } });
      }
      break;
    case 3:
      cluster.send("pods", ["nonsense", 7, { type: "ODD" }, null][below(4)]);
      break;
    default:
      cluster.pageObjects = 1 + below(5);
  }
}

for (const role of ["pod", "service", "endpoints", "endpointslice"] as const) {
  test(`Kubernetes discovery of role ${role} follows ${STEPS} random changes and disturbances (seed ${seed})`, async () => {
    const cluster = new FakeCluster();
    const api = await FakeApi.start(cluster.answer);
    const follower = begin(api.url, role);
    for (let step = 0; step < STEPS; step++) {
      const [plural, object] = randomObject();
      if (below(4) === 0) {
        const { name, namespace } = object.metadata;
        cluster.remove(plural, namespace === undefined ? name : `${namespace}/${name}`);
      } else {
        cluster.put(plural, object);
      }
      if (below(12) === 0) disturb(cluster);
      if (below(3) === 0) await new Promise((resolve) => setTimeout(resolve, below(4)));
      follower.clock.pass(below(3000));
    }
    const fresh = begin(api.url, role);
    const end = performance.now() + 20_000;
    let [ours, theirs] = ["", "other"];
    while (ours !== theirs && performance.now() < end) {
      for (const rig of [follower, fresh]) rig.clock.pass(60_000);
      await new Promise((resolve) => setTimeout(resolve, 10));
      [ours, theirs] = [shown(follower), shown(fresh)];
    }
    assert.deepEqual(JSON.parse(ours), JSON.parse(theirs), `FUZZ_SEED=${seed}`);
    for (const line of follower.errors) assert.match(line, /Failed to watch/);
    for (const rig of [follower, fresh]) rig.discoverer.stop();
    api.close();
  });
}

function begin(url: string, role: KubernetesRole): Rig {
  const body: KubernetesDiscoveryBody = {
    apiServer: new ConfigUrl(url),
    role,
    kubeconfigFile: "",
    http: PLAIN_HTTP,
    namespaces: { ownNamespace: false, names: [] },
    selectors: [],
    attachMetadata: { node: role !== "service", namespace: true, deployment: false, job: false, cronjob: false },
  };
  return new Rig((context) => new KubernetesDiscoverer(body, context));
}

function shown(rig: Rig): string {
  const groups = [...rig.groups.values()].map(({ source, labels, targets }) => [
    source,
    Object.entries(Object.fromEntries(labels)).sort(),
    targets.map((target) => [...target].sort()),
  ]);
  return JSON.stringify(groups.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
}
