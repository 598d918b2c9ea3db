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
  /** Keys that wait, and since when: monotonic milliseconds. */
  readonly #dirty = new Map<string, number>();
  /** Sources with targets: only these need to be taken away. */
  readonly #live = new Set<string>();
  #isOpen = false;
  #isWorking = false;
  #isStopped = false;
  #timer: Timer | undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    options.metrics.queueOpened(options.name);
  }

  add(key: string): void {
    if (this.#isStopped || this.#dirty.has(key)) return;
    const { metrics, name, clock } = this.#options;
    this.#dirty.set(key, clock.monotonic());
    metrics.queueItems.labels(name).inc();
    metrics.queueDepth.labels(name).inc();
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
    const { metrics, name } = this.#options;
    metrics.queueDepth.labels(name).dec(this.#dirty.size);
    this.#dirty.clear();
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    this.#timer = undefined;
    this.#isWorking = true;
    const { metrics, name, clock, emit } = this.#options;
    const begun = clock.monotonic();
    const lasted = (): number => (clock.monotonic() - begun) / 1000;
    const ended = metrics.workBegan(name, lasted);
    const groups = await this.#build();
    ended();
    if (groups === undefined) return;
    this.#isWorking = false;
    metrics.queueWork.labels(name).observe(lasted());
    if (groups.length > 0) emit(groups);
  }

  /** The groups of all keys; undefined when the queue was stopped meanwhile. */
  async #build(): Promise<TargetGroup[] | undefined> {
    const { metrics, name, clock, build, logger } = this.#options;
    const groups: TargetGroup[] = [];
    let sliceEnd = performance.now() + SLICE_MS;
    // What comes in meanwhile is done in the same go; it ends, because building is faster than objects change.
    for (const [key, since] of this.#dirty) {
      this.#dirty.delete(key);
      metrics.queueDepth.labels(name).dec();
      metrics.queueLatency.labels(name).observe((clock.monotonic() - since) / 1000);
      try {
        const group = build(key);
        if (group !== undefined) this.#keep(group, groups);
      } catch (error) {
        // One object that nobody foresaw must not take the others along.
        logger.error("Cannot make targets", { object: key, err: (error as Error).message });
      }
      if (performance.now() < sliceEnd) continue;
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#isStopped) return undefined;
      sliceEnd = performance.now() + SLICE_MS;
    }
    return groups;
  }

  #keep(group: TargetGroup, groups: TargetGroup[]): void {
    const hasTargets = group.targets.length > 0;
    if (!hasTargets && !this.#live.has(group.source)) return;
    if (hasTargets) this.#live.add(group.source);
    else this.#live.delete(group.source);
    groups.push(group);
  }
}
