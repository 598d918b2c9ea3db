// Targets that stand in the configuration itself.
import type { StaticDiscoveryConfig } from "../config/types.ts";
import type { Discoverer } from "./discoverer.ts";
import { groupOfAddresses, type TargetGroup } from "./target-group.ts";

/** Emits its groups once. */
export class StaticDiscoverer implements Discoverer {
  readonly #groups: readonly TargetGroup[];

  constructor(config: StaticDiscoveryConfig) {
    this.#groups = config.groups.map(({ targets, labels, source }) => groupOfAddresses(source, labels, targets));
  }

  start(emit: (groups: readonly TargetGroup[]) => void): void {
    emit(this.#groups);
  }

  stop(): void {}
}
