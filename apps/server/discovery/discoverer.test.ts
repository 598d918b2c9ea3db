import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../config/index.ts";
import { until } from "../scrape/testing.ts";
import { DISCOVERER_FACTORIES } from "./discoverer.ts";
import { daemonAnswer } from "./docker/testing.ts";
import { smallCluster } from "./kubernetes/testing.ts";
import { openstackAnswer } from "./openstack/testing.ts";
import { FakeApi, Rig, whenDone } from "./testing.ts";

const folder = mkdtempSync(join(tmpdir(), "narthex-discoverer-"));
whenDone(() => rmSync(folder, { recursive: true }));

/** Makes the discoverer of a job with only this block, as the server does. */
function fromConfig(block: object): Rig {
  const config = loadConfig(JSON.stringify({ scrape_configs: [{ job_name: "job", ...block }] }));
  const [discovery] = config.allScrapeConfigs[0]?.discovery ?? [];
  assert.ok(discovery !== undefined);
  const factory = DISCOVERER_FACTORIES[discovery.kind];
  assert.ok(factory !== undefined, discovery.kind);
  return new Rig((context) => factory(discovery, context));
}

test("discoverers from configurations with nothing but what is required: each finds its targets", async () => {
  const daemon = await FakeApi.start(daemonAnswer);
  const cluster = await FakeApi.start(smallCluster().answer);
  const cloud = await FakeApi.start((request) => openstackAnswer(request));
  const agent = await FakeApi.start(({ path }) => {
    if (path === "/v1/agent/self") return { body: { Config: { Datacenter: "dc" } } };
    if (path === "/v1/catalog/services") return { headers: { "x-consul-index": "1" }, body: { web: [] } };
    return { headers: { "x-consul-index": "1" }, body: [{ Node: { Address: "a" }, Service: { Port: 1 } }] };
  });
  const web = await FakeApi.start(() => ({ body: [{ targets: ["h:1"] }] }));
  writeFileSync(join(folder, "a.json"), '[{"targets":["h:1"]}]');
  const kubeconfig_file = join(folder, "kubeconfig");
  writeFileSync(
    kubeconfig_file,
    `{contexts: [{name: x, context: {cluster: c}}], clusters: [{name: c, cluster: {server: "${cluster.url}"}}]}`,
  );
  const openstack = { identity_endpoint: `${cloud.url}/identity`, username: "u", password: "p", region: "R" };
  for (const [block, targets] of [
    [{ static_configs: [{ targets: ["h:1"] }] }, 1],
    [{ file_sd_configs: [{ files: [join(folder, "*.json")] }] }, 1],
    [{ http_sd_configs: [{ url: web.url }] }, 1],
    [{ consul_sd_configs: [{ server: agent.host }] }, 1],
    [{ docker_sd_configs: [{ host: daemon.url }] }, 5],
    [{ dockerswarm_sd_configs: [{ host: `tcp://${daemon.host}`, role: "nodes" }] }, 2],
    [{ kubernetes_sd_configs: [{ api_server: cluster.url, role: "ingress" }] }, 5],
    [{ kubernetes_sd_configs: [{ kubeconfig_file, role: "service" }] }, 4],
    [{ openstack_sd_configs: [{ ...openstack, role: "hypervisor" }] }, 2],
  ] as const) {
    const rig = fromConfig(block);
    await until(() => rig.targets.length === targets, `${JSON.stringify(block)}: ${rig.lines.join("")}`);
    rig.discoverer.stop();
  }
});

test("discoverers from configurations: what cannot work is refused when it is made", () => {
  assert.throws(() => fromConfig({ docker_sd_configs: [{ host: "npipe://x" }] }), /protocol not available/);
  assert.throws(
    () => fromConfig({ kubernetes_sd_configs: [{ role: "pod" }] }),
    /unable to load in-cluster configuration/,
  );
  assert.throws(
    () =>
      fromConfig({ azure_sd_configs: [{ environment: "Nimbus", subscription_id: "s", authentication_method: "SDK" }] }),
    /no cloud configuration matching the name "NIMBUS"/,
  );
});
