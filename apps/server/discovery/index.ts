export { DISCOVERER_FACTORIES, type Discoverer, type DiscovererContext, type DiscovererFactory } from "./discoverer.ts";
export { DiscoveryManager, type DiscoveryManagerOptions } from "./discovery-manager.ts";
export { DiscoveryMetrics } from "./discovery-metrics.ts";
export type { TargetGroup } from "./target-group.ts";
