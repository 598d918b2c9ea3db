// The objects whose targets are to be made anew: each once, however often it changed meanwhile.
import type { Logger } from "@narthex/toolkit";
import type { Clock, Timer } from "../../scrape/clock.ts";
import type { TargetGroup } from "../target-group.ts";
import type { KubernetesMetrics } from "./kubernetes-metrics.ts";

/** Changes that follow each other so closely become one. */
const COALESCE_MS = 50;
/** Work in one go; then whatever else the process has to do gets its turn. */
const SLICE_MS = 10;

/** What a queue works with. */
export interface WorkQueueOptions {
  /** The role: a label of the metrics. */
  readonly name: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: KubernetesMetrics;
  /** The group of the object with this key, an empty one for an object that is gone; undefined to leave it as it was. */
  readonly build: (key: string) => TargetGroup | undefined;
  readonly emit: (groups: readonly TargetGroup[]) => void;
}

/** Collects keys, and makes their groups together once it was opened. */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #dirty = new Set<string>();
  /** Sources with targets: only these need to be taken away. */
  readonly #live = new Set<string>();
  #isOpen = false;
  #isWorking = false;
  #isStopped = false;
  #timer: Timer | undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    options.metrics.queueDepth.labels(options.name).set(0);
    options.metrics.queueItems.labels(options.name).inc(0);
    options.metrics.queueUnfinished.labels(options.name).set(0);
    options.metrics.queueLongest.labels(options.name).set(0);
  }

  add(key: string): void {
    if (this.#isStopped || this.#dirty.has(key)) return;
    const { metrics, name, clock } = this.#options;
    this.#dirty.add(key);
    metrics.queueItems.labels(name).inc();
    metrics.queueDepth.labels(name).set(this.#dirty.size);
    if (this.#isOpen && !this.#isWorking) this.#timer ??= clock.after(COALESCE_MS, () => void this.#work());
  }

  /** Everything that groups are made of is known: work begins. */
  open(): void {
    this.#isOpen = true;
    void this.#work();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#dirty.clear();
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    this.#timer = undefined;
    this.#isWorking = true;
    const { metrics, name, build, emit, logger } = this.#options;
    const begun = performance.now();
    const groups: TargetGroup[] = [];
    let sliceEnd = begun + SLICE_MS;
    // What comes in meanwhile is done in the same go; it ends, because building is faster than objects change.
    for (const key of this.#dirty) {
      this.#dirty.delete(key);
      try {
        const group = build(key);
        if (group !== undefined) this.#keep(group, groups);
      } catch (error) {
        // One object that nobody foresaw must not take the others along.
        logger.error("Cannot make targets", { object: key, err: (error as Error).message });
      }
      if (performance.now() < sliceEnd) continue;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#isStopped) return;
      sliceEnd = performance.now() + SLICE_MS;
    }
    this.#isWorking = false;
    metrics.queueDepth.labels(name).set(0);
    metrics.queueWork.labels(name).observe((performance.now() - begun) / 1000);
    if (groups.length > 0) emit(groups);
  }

  #keep(group: TargetGroup, groups: TargetGroup[]): void {
    const hasTargets = group.targets.length > 0;
    if (!hasTargets && !this.#live.has(group.source)) return;
    if (hasTargets) this.#live.add(group.source);
    else this.#live.delete(group.source);
    groups.push(group);
  }
}
