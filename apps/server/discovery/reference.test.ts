// Every mechanism that the reference's binary has, against the same fake API: the same targets, label by label.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { loadConfig } from "../config/index.ts";
import { until } from "../scrape/testing.ts";
import { ec2Answer } from "./aws/testing.ts";
import { DISCOVERER_FACTORIES, type Discoverer, type DiscovererContext } from "./discoverer.ts";
import { daemonAnswer } from "./docker/testing.ts";
import { type GceDiscoveryBody, gceDiscoverer } from "./gce/gce-discoverer.ts";
import { googleFront } from "./gce/google-front.ts";
import { gceAnswer } from "./gce/testing.ts";
import { smallCluster } from "./kubernetes/testing.ts";
import { noReference, ReferenceServer } from "./reference-server.ts";
import { type FakeAnswer, FakeApi, type FakeRequest, Rig } from "./testing.ts";

interface Comparison {
  readonly answer: (request: FakeRequest) => FakeAnswer;
  /** The mechanism's keys, for a server at `url`. */
  readonly config: (url: string) => object;
  readonly targets: number;
  /** Makes of our labels what release 3.5 says; see docs/reference/differences-from-3.5.md. */
  readonly as35?: (labels: Record<string, string>) => Record<string, string>;
  /** Where the configuration cannot say at which server to ask: ours, and what leads the reference there. */
  readonly ours?: (body: Readonly<Record<string, unknown>>, url: string, context: DiscovererContext) => Discoverer;
  readonly environment?: (url: string) => Promise<Record<string, string>>;
  /** Addresses of targets that 3.5 has beside ours. */
  readonly only35?: readonly string[];
  /** Addresses of targets that 3.5 does not have. */
  readonly not35?: readonly string[];
}

const COMPARISONS: Record<string, Comparison> = {
  docker: {
    answer: daemonAnswer,
    config: (host) => ({ docker_sd_configs: [{ host }] }),
    targets: 5,
    as35: without("__meta_docker_container_image", "__meta_docker_container_image_id"),
  },
  "docker, all networks": {
    answer: daemonAnswer,
    config: (host) => ({
      docker_sd_configs: [{ host, match_first_network: false, port: 99, host_networking_host: "h" }],
    }),
    targets: 8,
    as35: without("__meta_docker_container_image", "__meta_docker_container_image_id"),
  },
  "swarm services": {
    answer: daemonAnswer,
    config: (host) => ({ dockerswarm_sd_configs: [{ host, role: "services" }] }),
    targets: 3,
  },
  "swarm tasks": {
    answer: daemonAnswer,
    config: (host) => ({ dockerswarm_sd_configs: [{ host, role: "tasks" }] }),
    targets: 4,
  },
  "swarm nodes": {
    answer: daemonAnswer,
    config: (host) => ({ dockerswarm_sd_configs: [{ host, role: "nodes" }] }),
    targets: 2,
  },
};

for (const [role, targets, as35, only35 = []] of [
  ["node", 2, withoutPrefix("__meta_kubernetes_node_condition_")],
  ["pod", 6],
  ["service", 4, without("__meta_kubernetes_service_loadbalancer_ip")],
  ["endpoints", 5],
  ["endpointslice", 7, undefined, ["[fd00:1::9]:1"]],
  ["ingress", 5],
] as const) {
  COMPARISONS[`kubernetes ${role}`] = {
    answer: smallCluster().answer,
    config: (api_server) => ({ kubernetes_sd_configs: [{ api_server, role }] }),
    targets,
    as35: as35 ?? same,
    only35,
  };
  COMPARISONS[`kubernetes ${role}, nodes attached, two namespaces`] = {
    answer: smallCluster().answer,
    config: (api_server) => ({
      kubernetes_sd_configs: [
        {
          api_server,
          role,
          namespaces: { names: ["shop", "ops"] },
          attach_metadata: { node: true },
        },
      ],
    }),
    targets: role === "pod" ? 5 : targets,
    as35: as35 ?? same,
    only35: role === "pod" ? ["10.1.0.9:1"] : only35,
  };
}

COMPARISONS["ec2"] = {
  answer: ec2Answer,
  config: (endpoint) => ({
    ec2_sd_configs: [{ endpoint, region: "eu-test-1", access_key: "a", secret_key: "b", port: 9100 }],
  }),
  targets: 3,
  as35: without("__meta_ec2_default_ipv6_address"),
  not35: ["[2001:db8::6]:9100"],
};

COMPARISONS["gce"] = {
  answer: gceAnswer,
  config: () => ({ gce_sd_configs: [{ project: "p", zone: "z", filter: "f" }] }),
  targets: 2,
  ours: (body, url, context) => {
    const environment = { HOME: "/nowhere", GCE_METADATA_HOST: new URL(url).host };
    return gceDiscoverer(body as unknown as GceDiscoveryBody, context, { environment, endpoint: url });
  },
  environment: (url) => googleFront(new URL(url)),
};

const jobs = new Map<string, { readonly job: object; readonly url: string }>();
let reference: ReferenceServer | undefined;

before(async () => {
  if (noReference !== undefined) return;
  const variables: Record<string, string> = { AWS_EC2_METADATA_DISABLED: "true" };
  for (const [name, { answer, config, environment }] of Object.entries(COMPARISONS)) {
    const api = await FakeApi.start(answer);
    try {
      Object.assign(variables, await environment?.(api.url));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      continue;
    }
    const relabel_configs = [{ action: "drop", source_labels: ["__address__"], regex: ".*" }];
    jobs.set(name, { job: { job_name: name, ...config(api.url), relabel_configs }, url: api.url });
  }
  reference = await ReferenceServer.start(
    JSON.stringify({ scrape_configs: [...jobs.values()].map(({ job }) => job) }),
    variables,
  );
});

after(async () => {
  await reference?.stop();
});

for (const [name, { targets, as35 = same, only35 = [], not35 = [], ours: make }] of Object.entries(COMPARISONS)) {
  test(`discovery beside the reference: ${name}`, { skip: noReference ?? false }, async (t) => {
    const { job, url } = jobs.get(name) ?? {};
    if (url === undefined) {
      t.skip("openssl is not installed here");
      return;
    }
    const config = loadConfig(JSON.stringify({ scrape_configs: [job] }));
    const [discovery] = config.allScrapeConfigs[0]?.discovery ?? [];
    assert.ok(discovery !== undefined);
    const factory = DISCOVERER_FACTORIES[discovery.kind];
    assert.ok(factory !== undefined);
    const rig = new Rig((context) =>
      make === undefined || !("body" in discovery) ? factory(discovery, context) : make(discovery.body, url, context),
    );
    await until(() => rig.targets.length >= targets, `our targets: ${rig.lines.join("")}`);
    const all = (await reference?.discovered(name, targets + only35.length - not35.length)) ?? [];
    const theirs = all.filter(({ __address__ }) => !only35.includes(String(__address__)));
    const ours = rig.targets.filter(({ __address__ }) => !not35.includes(String(__address__)));
    assert.deepEqual(sorted(ours.map(as35)), sorted(theirs), reference?.log);
    assert.deepEqual([rig.targets.length, all.length], [targets, targets + only35.length - not35.length]);
  });
}

function same(labels: Record<string, string>): Record<string, string> {
  return labels;
}

/** Takes labels away that 3.5 does not have. */
function without(...names: readonly string[]): (labels: Record<string, string>) => Record<string, string> {
  return (labels) => Object.fromEntries(Object.entries(labels).filter(([name]) => !names.includes(name)));
}

function withoutPrefix(prefix: string): (labels: Record<string, string>) => Record<string, string> {
  return (labels) => Object.fromEntries(Object.entries(labels).filter(([name]) => !name.startsWith(prefix)));
}

/** Labels of empty value are no labels. */
function sorted(targets: readonly Record<string, string>[]): Record<string, string>[] {
  return targets
    .map((labels) =>
      Object.fromEntries(
        Object.entries(labels)
          .filter(([, value]) => value !== "")
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
    )
    .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
