import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_SECRET, Secret } from "@narthex/toolkit";
import { until } from "../../scrape/testing.ts";
import { CONTRACT_TIMEOUT_MS, testDiscoveryContract } from "../contract.ts";
import { FakeApi, type FakeRequest, Rig } from "../testing.ts";
import type { OpenstackDiscoveryBody } from "./openstack-body.ts";
import { openstackDiscoverer } from "./openstack-discoverer.ts";
import { openstackAnswer } from "./testing.ts";

function body(url: string, more: Partial<OpenstackDiscoveryBody> = {}): OpenstackDiscoveryBody {
  return {
    identityEndpoint: `${url}/identity/v3`,
    username: "me",
    userid: "",
    password: new Secret("s3cret-password"),
    projectName: "project",
    projectId: "",
    domainName: "Default",
    domainId: "",
    applicationCredentialName: "",
    applicationCredentialId: "",
    applicationCredentialSecret: EMPTY_SECRET,
    role: "instance",
    region: "R",
    refreshIntervalMs: CONTRACT_TIMEOUT_MS,
    port: 80,
    allTenants: false,
    tlsConfig: undefined,
    availability: "public",
    ...more,
  };
}

for (const [role, addresses] of [
  ["instance", ["10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80"]],
  ["hypervisor", ["10.1.0.1:80", "[fd00::2]:80"]],
  ["loadbalancer", ["10.0.9.1:8088"]],
] as const) {
  testDiscoveryContract({
    name: `OpenStack discovery of role ${role}`,
    make: (url, context) => openstackDiscoverer(body(url, { role }), context, {}),
    full: (request) => openstackAnswer(request),
    empty: (request) => openstackAnswer(request, true),
    addresses,
    againMs: CONTRACT_TIMEOUT_MS,
    failures: 'prometheus_sd_refresh_failures_total{config="job",mechanism="openstack"}',
    secrets: ["s3cret-password", "t0ken"],
    nullIsEmpty: false,
  });
}

async function found(more: Partial<OpenstackDiscoveryBody>, environment = {}) {
  const api = await FakeApi.start((request) => openstackAnswer(request));
  const rig = new Rig((context) => openstackDiscoverer(body(api.url, more), context, environment));
  await until(() => rig.emitted.length > 0, `targets ${rig.lines.join("")}`);
  return { api, rig };
}

test("OpenStack discovery: all labels of a machine; floating addresses are labels, not targets", async () => {
  const { api, rig } = await found({ allTenants: true });
  assert.deepEqual([...rig.groups.keys()], ["OS_R"]);
  assert.deepEqual(rig.targets[0], {
    __address__: "10.0.0.1:80",
    __meta_openstack_address_pool: "private",
    __meta_openstack_instance_flavor: "m1.small",
    __meta_openstack_instance_id: "vm-1",
    __meta_openstack_instance_image: "image-1",
    __meta_openstack_instance_name: "one",
    __meta_openstack_instance_status: "ACTIVE",
    __meta_openstack_private_ip: "10.0.0.1",
    __meta_openstack_project_id: "p-1",
    __meta_openstack_public_ip: "4.4.4.1",
    __meta_openstack_tag_env_name: "prod",
    __meta_openstack_user_id: "u-1",
  });
  assert.equal(rig.targets[2]?.["__meta_openstack_instance_flavor"], "7");
  assert.equal(rig.targets[2]?.["__meta_openstack_instance_image"], undefined);
  const servers = api.requests.find(({ path }) => path.endsWith("/servers/detail"));
  assert.equal(servers?.params.get("all_tenants"), "true");
});

test("OpenStack discovery: all labels of a hypervisor and of a load balancer", async () => {
  assert.deepEqual((await found({ role: "hypervisor" })).rig.targets[0], {
    __address__: "10.1.0.1:80",
    __meta_openstack_hypervisor_host_ip: "10.1.0.1",
    __meta_openstack_hypervisor_hostname: "h1",
    __meta_openstack_hypervisor_id: "1",
    __meta_openstack_hypervisor_state: "up",
    __meta_openstack_hypervisor_status: "enabled",
    __meta_openstack_hypervisor_type: "QEMU",
  });
  assert.deepEqual((await found({ role: "loadbalancer" })).rig.targets, [
    {
      __address__: "10.0.9.1:8088",
      __meta_openstack_loadbalancer_availability_zone: "az1",
      __meta_openstack_loadbalancer_floating_ip: "4.4.4.9",
      __meta_openstack_loadbalancer_id: "lb-1",
      __meta_openstack_loadbalancer_name: "one",
      __meta_openstack_loadbalancer_operating_status: "ONLINE",
      __meta_openstack_loadbalancer_provider: "amphora",
      __meta_openstack_loadbalancer_provisioning_status: "ACTIVE",
      __meta_openstack_loadbalancer_tags: "a,b",
      __meta_openstack_loadbalancer_vip: "10.0.9.1",
      __meta_openstack_project_id: "p-1",
    },
  ]);
});

test("OpenStack discovery: who asks is said by password, by application credential or by the environment", async () => {
  const asked = async (more: Partial<OpenstackDiscoveryBody>, environment = {}) => {
    const { api } = await found(more, environment);
    return JSON.parse((api.requests[0] as FakeRequest).body).auth as unknown;
  };
  assert.deepEqual(await asked({}), {
    identity: {
      methods: ["password"],
      password: { user: { name: "me", domain: { name: "Default" }, password: "s3cret-password" } },
    },
    scope: { project: { name: "project", domain: { name: "Default" } } },
  });
  assert.deepEqual(await asked({ userid: "id", projectId: "p", domainId: "d" }), {
    identity: { methods: ["password"], password: { user: { id: "id", password: "s3cret-password" } } },
    scope: { project: { id: "p" } },
  });
  const credential = { applicationCredentialId: "c", applicationCredentialSecret: new Secret("x") };
  assert.deepEqual(await asked(credential), {
    identity: { methods: ["application_credential"], application_credential: { id: "c", secret: "x" } },
  });
  const api = await FakeApi.start((request) => openstackAnswer(request));
  const environment = {
    OS_AUTH_URL: `${api.url}/identity`,
    OS_USERNAME: "env-user",
    OS_PASSWORD: "pw",
    OS_PROJECT_ID: "env-project",
    OS_DOMAIN_ID: "env-domain",
  };
  const rig = new Rig((context) => openstackDiscoverer(body("", { identityEndpoint: "" }), context, environment));
  await until(() => rig.groups.size === 1, "targets");
  assert.deepEqual(JSON.parse((api.requests[0] as FakeRequest).body).auth, {
    identity: {
      methods: ["password"],
      password: { user: { name: "env-user", domain: { id: "env-domain" }, password: "pw" } },
    },
    scope: { project: { id: "env-project" } },
  });
  assert.throws(
    () => new Rig((context) => openstackDiscoverer(body("", { identityEndpoint: "" }), context, {})),
    /Missing environment variable \[OS_AUTH_URL\]/,
  );
});

test("OpenStack discovery: a region or an interface that the catalog does not have is said", async () => {
  const api = await FakeApi.start((request) => openstackAnswer(request));
  const rig = new Rig((context) => openstackDiscoverer(body(api.url, { availability: "internal" }), context, {}));
  await until(() => rig.errors.length === 1, "the failure");
  assert.match(rig.errors[0] as string, /no internal endpoint of the service network in region/);
  const old = new Rig((context) => openstackDiscoverer(body("", { identityEndpoint: `${api.url}/v2.0` }), context, {}));
  await until(() => old.errors.length === 1, "the failure");
  assert.match(
    old.errors[0] as string,
    /could not authenticate to OpenStack: version 2 of the identity API is not supported/,
  );
});
