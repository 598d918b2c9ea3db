// Runs all discoverers of one purpose, and hands on what they found, set by set.
import type { Logger } from "@narthex/toolkit";
import type { DiscoveryConfig } from "../config/types.ts";
import { type Clock, systemClock, type Timer } from "../scrape/clock.ts";
import { canonical } from "../scrape/config-key.ts";
import { DISCOVERER_FACTORIES, type Discoverer } from "./discoverer.ts";
import type { DiscoveryMetrics } from "./discovery-metrics.ts";
import { sharedGroup } from "./shared-group.ts";
import type { TargetGroup } from "./target-group.ts";

/** Updates that follow each other closely become one: the pause grows from the first to the second of these. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/** What a manager is made with. */
export interface DiscoveryManagerOptions {
  /** `scrape` or `notify`: a label of the metrics. */
  readonly name: "scrape" | "notify";
  readonly logger: Logger;
  readonly metrics: DiscoveryMetrics;
  /** Standard: the system's. */
  readonly clock?: Clock;
  /** Gets the groups of every set whenever something changed. Sets without targets are there with an empty list. */
  readonly onUpdate: (groups: ReadonlyMap<string, readonly TargetGroup[]>) => void;
}

/** One discoverer, shared by all sets that are configured alike. */
interface Provider {
  readonly discoverer: Discoverer;
  sets: readonly string[];
  readonly groups: Map<string, TargetGroup>;
}

/** Discovery for all jobs, or for all sets of Alertmanagers. */
export class DiscoveryManager {
  readonly #options: DiscoveryManagerOptions;
  readonly #clock: Clock;
  #providers = new Map<string, Provider>();
  #sets: readonly string[] = [];
  #timer: Timer | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #lastSent = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(options: DiscoveryManagerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#options.metrics.failedConfigs.labels(options.name).set(0);
    this.#options.metrics.updatesDelayed.labels(options.name);
  }

  /**
   * Takes over the sources of each set. Those that were there before go on and keep what they found; sources that
   * cannot be started are logged and counted, and the others run.
   */
  applyConfig(sets: ReadonlyMap<string, readonly DiscoveryConfig[]>): void {
    if (this.#stopped) return;
    const { metrics, name } = this.#options;
    const wanted = new Map<string, { config: DiscoveryConfig; sets: string[] }>();
    for (const [set, configs] of sets) {
      for (const config of configs) {
        const key = canonical(config);
        const same = wanted.get(key);
        if (same === undefined) wanted.set(key, { config, sets: [set] });
        else if (!same.sets.includes(set)) same.sets.push(set);
      }
    }
    const providers = new Map<string, Provider>();
    const started: Provider[] = [];
    let failed = 0;
    for (const [key, { config, sets: users }] of wanted) {
      let provider = this.#providers.get(key);
      if (provider === undefined) {
        provider = this.#make(config, users);
        if (provider === undefined) {
          failed++;
          continue;
        }
        started.push(provider);
      }
      provider.sets = users;
      providers.set(key, provider);
    }
    for (const [key, provider] of this.#providers) if (!providers.has(key)) provider.discoverer.stop();
    for (const set of this.#sets) {
      if (sets.has(set)) continue;
      metrics.discoveredTargets.remove(name, set);
      metrics.lastUpdate.remove(name, set);
    }
    this.#providers = providers;
    this.#sets = [...sets.keys()];
    metrics.failedConfigs.labels(name).set(failed);
    // Whoever finds targets at once has them in the first update.
    this.#pauseMs = FIRST_PAUSE_MS;
    for (const provider of started) provider.discoverer.start((groups) => this.#received(provider, groups));
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#send();
  }

  /** Ends all discoverers at once. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    for (const { discoverer } of this.#providers.values()) discoverer.stop();
    this.#providers.clear();
  }

  #make(config: DiscoveryConfig, sets: readonly string[]): Provider | undefined {
    const { logger, metrics } = this.#options;
    const setName = sets[0] as string;
    try {
      const factory = DISCOVERER_FACTORIES[config.kind];
      if (factory === undefined) throw new Error(`${config.kind} service discovery is not supported by this version`);
      const discoverer = factory(config, { logger, clock: this.#clock, metrics, setName });
      return { discoverer, sets, groups: new Map() };
    } catch (error) {
      const err = (error as Error).message;
      logger.error("Cannot create service discovery", { type: config.kind, config: setName, err });
      return undefined;
    }
  }

  #received(provider: Provider, groups: readonly TargetGroup[]): void {
    if (this.#stopped) return;
    const { metrics, name } = this.#options;
    metrics.receivedUpdates.labels(name).inc();
    for (const group of groups) {
      const before = provider.groups.get(group.source);
      if (group.targets.length === 0) provider.groups.delete(group.source);
      else provider.groups.set(group.source, before === undefined ? group : sharedGroup(before, group));
    }
    this.#sendSoon();
  }

  /** Sends now when the last update is long past, otherwise after a pause that grows while updates keep coming. */
  #sendSoon(): void {
    if (this.#timer !== undefined) return;
    const since = this.#clock.monotonic() - this.#lastSent;
    if (since > LONGEST_PAUSE_MS) this.#pauseMs = FIRST_PAUSE_MS;
    else this.#options.metrics.updatesDelayed.labels(this.#options.name).inc();
    this.#timer = this.#clock.after(this.#pauseMs, () => {
      this.#timer = undefined;
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
      this.#send();
    });
  }

  #send(): void {
    const { metrics, name, onUpdate } = this.#options;
    const groups = new Map<string, TargetGroup[]>(this.#sets.map((set) => [set, []]));
    for (const provider of this.#providers.values()) {
      for (const set of provider.sets) {
        const found = groups.get(set);
        // One by one: as arguments of a call, very many groups would not fit on the stack.
        if (found !== undefined) for (const group of provider.groups.values()) found.push(group);
      }
    }
    this.#lastSent = this.#clock.monotonic();
    const sentSeconds = this.#clock.now() / 1000;
    for (const [set, found] of groups) {
      const count = found.reduce((sum, group) => sum + group.targets.length, 0);
      metrics.discoveredTargets.labels(name, set).set(count);
      metrics.lastUpdate.labels(name, set).set(sentSeconds);
    }
    metrics.updates.labels(name).inc();
    onUpdate(groups);
  }
}
