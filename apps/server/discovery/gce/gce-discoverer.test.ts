import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "../../scrape/testing.ts";
import { CONTRACT_TIMEOUT_MS, testDiscoveryContract } from "../contract.ts";
import type { DiscovererContext } from "../discoverer.ts";
import { FakeApi, Rig } from "../testing.ts";
import { type GceDiscoveryBody, gceDiscoverer } from "./gce-discoverer.ts";
import { gceAnswer } from "./testing.ts";

function make(url: string, context: DiscovererContext, more: Partial<GceDiscoveryBody> = {}) {
  const body = {
    project: "p",
    zone: "z",
    filter: "",
    refreshIntervalMs: CONTRACT_TIMEOUT_MS,
    port: 80,
    tagSeparator: ",",
  };
  const environment = { HOME: "/nowhere", GCE_METADATA_HOST: new URL(url).host };
  return gceDiscoverer({ ...body, ...more }, context, { environment, endpoint: url });
}

testDiscoveryContract({
  name: "GCE discovery",
  make,
  full: gceAnswer,
  empty: (request) => (request.path.startsWith("/compute/") ? { body: {} } : gceAnswer(request)),
  addresses: ["10.0.0.1:80", "10.0.0.3:80"],
  againMs: CONTRACT_TIMEOUT_MS,
  failures: 'prometheus_sd_refresh_failures_total{config="job",mechanism="gce"}',
  secrets: ["t0ken"],
});

test("GCE discovery: all labels of a machine; filter and pages go along", async () => {
  const api = await FakeApi.start(gceAnswer);
  const rig = new Rig((context) => make(api.url, context, { filter: "a = b", tagSeparator: ";" }));
  await until(() => rig.groups.size === 1, "targets");
  assert.deepEqual([...rig.groups.keys()], ["GCE_p_z"]);
  assert.deepEqual(rig.targets[0], {
    __address__: "10.0.0.1:80",
    __meta_gce_instance_id: "7684237852359826324",
    __meta_gce_instance_name: "web",
    __meta_gce_instance_status: "RUNNING",
    __meta_gce_interface_ipv4_nic0: "10.0.0.1",
    __meta_gce_interface_ipv4_nic_1: "10.9.0.1",
    __meta_gce_label_app_name: "web",
    __meta_gce_machine_type: "https://www.googleapis.com/compute/v1/projects/p/zones/z/machineTypes/e2-small",
    __meta_gce_metadata_empty: "",
    __meta_gce_metadata_ssh_keys: "k",
    __meta_gce_network: "global/networks/default",
    __meta_gce_private_ip: "10.0.0.1",
    __meta_gce_project: "p",
    __meta_gce_public_ip: "4.4.4.1",
    __meta_gce_subnetwork: "regions/r/subnetworks/default",
    __meta_gce_tags: ";http;https;",
    __meta_gce_zone: "https://www.googleapis.com/compute/v1/projects/p/zones/z",
  });
  const [, first, second] = api.requests;
  assert.equal(first?.path, "/compute/v1/projects/p/zones/z/instances");
  assert.deepEqual([first?.params.get("filter"), second?.params.get("pageToken")], ["a = b", "2"]);
  assert.equal(rig.targets[1]?.["__meta_gce_tags"], undefined);
});
