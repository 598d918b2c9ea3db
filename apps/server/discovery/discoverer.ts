// The joint between the server and every mechanism that finds targets.
import type { Logger } from "@narthex/toolkit";
import type { DiscoveryConfig, DiscoveryKind } from "../config/types.ts";
import type { Clock } from "../scrape/clock.ts";
import { awsDiscoverer, ec2Discoverer } from "./aws/ec2-discoverer.ts";
import { azureDiscoverer } from "./azure/azure-discoverer.ts";
import { ConsulDiscoverer } from "./consul/consul-discoverer.ts";
import type { DiscoveryMetrics } from "./discovery-metrics.ts";
import { DnsDiscoverer } from "./dns-discoverer.ts";
import { dockerDiscoverer } from "./docker/docker-discoverer.ts";
import { swarmDiscoverer } from "./docker/swarm-discoverer.ts";
import { FileDiscoverer } from "./file-discoverer.ts";
import { gceDiscoverer } from "./gce/gce-discoverer.ts";
import { HttpDiscoverer } from "./http-discoverer.ts";
import { KubernetesDiscoverer } from "./kubernetes/kubernetes-discoverer.ts";
import { openstackDiscoverer } from "./openstack/openstack-discoverer.ts";
import { StaticDiscoverer } from "./static-discoverer.ts";
import type { TargetGroup } from "./target-group.ts";

/** One running source of targets. */
export interface Discoverer {
  /**
   * Begins; called once, and returns without waiting. `emit` gets groups that are new or changed; one without targets
   * takes away what its source had before. After a failure the targets found earlier stay: then nothing is emitted.
   */
  start(emit: (groups: readonly TargetGroup[]) => void): void;
  /** Ends at once, requests in flight included. Nothing is emitted afterwards. */
  stop(): void;
}

/** What a discoverer is made with. */
export interface DiscovererContext {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: DiscoveryMetrics;
  /** The set it works for: a job's name, or `config-0` for Alertmanagers. */
  readonly setName: string;
}

/** Makes a discoverer for the configuration of its own kind. Throws when it cannot work with it. */
export type DiscovererFactory = (config: DiscoveryConfig, context: DiscovererContext) => Discoverer;

/** The mechanisms there are, by kind. A new one is added here, and nowhere else. */
export const DISCOVERER_FACTORIES: Readonly<Partial<Record<DiscoveryKind, DiscovererFactory>>> = {
  static: (config) => {
    if (config.kind !== "static") throw new TypeError(`not a static configuration: ${config.kind}`);
    return new StaticDiscoverer(config);
  },
  file: (config, context) => {
    if (config.kind !== "file") throw new TypeError(`not a file configuration: ${config.kind}`);
    return new FileDiscoverer(config, context);
  },
  http: (config, context) => {
    if (config.kind !== "http") throw new TypeError(`not an HTTP configuration: ${config.kind}`);
    return new HttpDiscoverer(config, context);
  },
  aws: (config, context) => awsDiscoverer(bodyOf(config), context),
  ec2: (config, context) => ec2Discoverer(bodyOf(config), context),
  openstack: (config, context) => openstackDiscoverer(bodyOf(config), context),
  gce: (config, context) => gceDiscoverer(bodyOf(config), context),
  azure: (config, context) => azureDiscoverer(bodyOf(config), context),
  consul: (config, context) => new ConsulDiscoverer(bodyOf(config), context),
  docker: (config, context) => dockerDiscoverer(bodyOf(config), context),
  dockerswarm: (config, context) => swarmDiscoverer(bodyOf(config), context),
  kubernetes: (config, context) => new KubernetesDiscoverer(bodyOf(config), context),
  dns: (config, context) => new DnsDiscoverer(bodyOf(config), context),
};

/** The keys of a mechanism, which the configuration has checked one by one. */
function bodyOf<Body>(config: DiscoveryConfig): Body {
  if (!("body" in config)) throw new TypeError(`configuration without a body: ${config.kind}`);
  return config.body as unknown as Body;
}
