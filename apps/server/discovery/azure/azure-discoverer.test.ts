import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "@narthex/toolkit";
import { scrapeConfig, until } from "../../scrape/testing.ts";
import { CONTRACT_TIMEOUT_MS, testDiscoveryContract } from "../contract.ts";
import type { DiscovererContext } from "../discoverer.ts";
import { FakeApi, Rig } from "../testing.ts";
import type { AzureDiscoveryBody } from "./azure-body.ts";
import { azureDiscoverer } from "./azure-discoverer.ts";
import { InterfaceCache } from "./interface-cache.ts";
import { resourceOf } from "./machine.ts";
import { azureAnswer } from "./testing.ts";

function make(url: string, context: DiscovererContext, more: Partial<AzureDiscoveryBody> = {}) {
  const body: AzureDiscoveryBody = {
    environment: "AzurePublicCloud",
    port: 80,
    subscriptionId: "sub",
    tenantId: "tenant",
    clientId: "client",
    clientSecret: new Secret("s3cret"),
    refreshIntervalMs: CONTRACT_TIMEOUT_MS,
    authenticationMethod: "OAuth",
    resourceGroup: "",
    http: scrapeConfig().http,
    ...more,
  };
  const cloud = { authority: url, managementAudience: "https://management.example/", management: url };
  return azureDiscoverer(body, context, { environment: {}, cloud });
}

testDiscoveryContract({
  name: "Azure discovery",
  make,
  full: (request) => azureAnswer(request),
  empty: (request) => azureAnswer(request, true),
  addresses: ["10.0.0.1:80", "[fd00::3]:80"],
  againMs: CONTRACT_TIMEOUT_MS,
  failures: "prometheus_sd_azure_failures_total",
  secrets: ["s3cret", "t0ken"],
});

test("Azure discovery: all labels of a machine and of one in a scale set", async () => {
  const api = await FakeApi.start((request) => azureAnswer(request));
  const rig = new Rig((context) => make(api.url, context));
  await until(() => rig.groups.size === 1, "targets");
  const id = "/subscriptions/sub/resourceGroups/Group/providers/Microsoft.Compute";
  assert.deepEqual(rig.targets, [
    {
      __address__: "10.0.0.1:80",
      __meta_azure_machine_computer_name: "web-host",
      __meta_azure_machine_id: `${id}/virtualMachines/web`,
      __meta_azure_machine_location: "westeurope",
      __meta_azure_machine_name: "web",
      __meta_azure_machine_os_type: "Linux",
      __meta_azure_machine_private_ip: "10.0.0.1",
      __meta_azure_machine_public_ip: "4.4.4.1",
      __meta_azure_machine_resource_group: "Group",
      __meta_azure_machine_size: "Standard_B1s",
      __meta_azure_machine_tag_empty: "",
      __meta_azure_machine_tag_team_name: "a",
      __meta_azure_subscription_id: "sub",
      __meta_azure_tenant_id: "tenant",
    },
    {
      __address__: "[fd00::3]:80",
      __meta_azure_machine_computer_name: "set_0-host",
      __meta_azure_machine_id: `${id}/virtualMachineScaleSets/set/virtualMachines/0`,
      __meta_azure_machine_location: "westeurope",
      __meta_azure_machine_name: "set_0",
      __meta_azure_machine_os_type: "Linux",
      __meta_azure_machine_private_ip: "fd00::3",
      __meta_azure_machine_resource_group: "Group",
      __meta_azure_machine_scale_set: "set",
      __meta_azure_machine_size: "Standard_B1s",
      __meta_azure_subscription_id: "sub",
      __meta_azure_tenant_id: "tenant",
    },
  ]);
  assert.match(rig.lines.join(""), /level=WARN.*Network interface does not exist/);
  const asked = api.requests.length;
  await rig.next(CONTRACT_TIMEOUT_MS);
  // Of the interfaces, only the missing one is asked for again.
  const again = api.requests.slice(asked).map(({ path }) => path.slice(path.lastIndexOf("/") + 1));
  assert.deepEqual(again.sort(), [
    "missing",
    "virtualMachineScaleSets",
    "virtualMachines",
    "virtualMachines",
    "virtualMachines",
  ]);
  assert.equal(await rig.metric("prometheus_sd_azure_cache_hit_total"), 4);
  assert.equal(rig.targets.length, 2);
});

test("Azure discovery: one resource group has paths of its own; a next page elsewhere is not followed", async () => {
  const api = await FakeApi.start((request) => azureAnswer(request, true));
  const rig = new Rig((context) => make(api.url, context, { resourceGroup: "My Group" }));
  await until(() => rig.emitted.length === 1, "the answer");
  assert.deepEqual(
    api.requests.slice(1).map(({ path }) => path),
    ["virtualMachines", "virtualMachineScaleSets"].map(
      (kind) => `/subscriptions/sub/resourceGroups/My%20Group/providers/Microsoft.Compute/${kind}`,
    ),
  );
  api.answer = (request) =>
    request.path.endsWith("token")
      ? azureAnswer(request)
      : { body: { value: [], nextLink: "http://127.0.0.1:1/steal" } };
  await rig.next(CONTRACT_TIMEOUT_MS);
  assert.match(rig.errors[0] as string, /the next page of virtual machines is on another host/);
});

test("Azure interfaces: kept for ten intervals at least and thirteen at most, five thousand of them", () => {
  let now = 0;
  const cache = new InterfaceCache(100, () => now);
  for (let i = 0; i < 5001; i++) cache.set(String(i), { kind: "secondary" });
  assert.equal(cache.get("0"), undefined);
  now = 999;
  assert.deepEqual(cache.get("5000"), { kind: "secondary" });
  now = 1300;
  assert.equal(cache.get("5000"), undefined);
});

test("Azure resources: group and name from an id, in whatever case", () => {
  const id = "/subscriptions/s/resourcegroups/G/providers/P/type/n";
  assert.deepEqual(resourceOf(id), { resourceGroup: "G", name: "n" });
  for (const bad of ["", "/", "/subscriptions/s", "/subscriptions/s/resourceGroups/G", `${id}/`]) {
    assert.throws(() => resourceOf(bad), /invalid ID/);
  }
});
