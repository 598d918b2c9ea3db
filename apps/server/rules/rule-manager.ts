// All rule groups: replaced on reload, those that mean the same left running.
import { type Labels, Matcher, METRIC_NAME } from "@narthex/model";
import { type Queryable, SampleBuffer } from "@narthex/storage";
import type { Logger } from "@narthex/toolkit";
import { AlertingRule } from "./alerting-rule.ts";
import type { RuleGroup } from "./rule-group.ts";
import type { RuleMetrics } from "./rule-metrics.ts";

export interface RuleManagerOptions {
  readonly queryable: Queryable;
  readonly metrics: RuleMetrics;
  readonly logger: Logger;
  readonly now: () => number;
  /** How long ago an alert's stored state may be and still count after a restart. */
  readonly outageToleranceMs: number;
  /** How long at least a restored alert stays pending. */
  readonly gracePeriodMs: number;
}

/** A vanished group's series end after so many of its intervals, unless the group comes back. */
const STALE_AFTER_INTERVALS = 2;

export class RuleManager {
  readonly #options: RuleManagerOptions;
  #groups = new Map<string, RuleGroup>();
  readonly #retired = new Set<NodeJS.Timeout>();

  constructor(options: RuleManagerOptions) {
    this.#options = options;
  }

  /** Sorted by file, then name. */
  get groups(): RuleGroup[] {
    return [...this.#groups.values()].sort(
      (a, b) => compare(a.config.file, b.config.file) || compare(a.config.name, b.config.name),
    );
  }

  /** Puts these groups in force; a group that means the same as a running one is dropped in favour of that one. */
  async update(groups: readonly RuleGroup[]): Promise<void> {
    const before = this.#groups;
    const next = new Map<string, RuleGroup>();
    const begun: RuleGroup[] = [];
    for (const group of groups) {
      const running = before.get(group.key);
      before.delete(group.key);
      if (running !== undefined && running.identity === group.identity) {
        next.set(group.key, running);
        continue;
      }
      if (running !== undefined) {
        await running.stop();
        group.copyStateFrom(running);
      } else {
        for (const rule of group.rules) if (rule instanceof AlertingRule) rule.restored = false;
      }
      next.set(group.key, group);
      begun.push(group);
    }
    this.#groups = next;
    for (const group of before.values()) {
      await group.stop();
      this.#options.metrics.forget(group.key);
      this.#endLater(group);
    }
    for (const group of begun) group.start();
  }

  async stop(): Promise<void> {
    for (const timer of this.#retired) clearTimeout(timer);
    await Promise.all([...this.#groups.values()].map((group) => group.stop()));
  }

  /** Restores since when a group's alerts are active, from what an earlier run stored. */
  async restore(group: RuleGroup, t: number): Promise<void> {
    const { queryable, outageToleranceMs, gracePeriodMs, logger } = this.#options;
    const querier = queryable.querier(t - outageToleranceMs, t);
    try {
      for (const rule of group.rules) {
        if (!(rule instanceof AlertingRule) || rule.restored) continue;
        rule.restore(t, gracePeriodMs, (labels) => {
          const stored = newest(querier, labels, t - outageToleranceMs, t);
          return stored === undefined ? undefined : { activeAt: stored.value * 1000, t: stored.t };
        });
      }
    } catch (error) {
      logger.error("Failed to restore 'for' state", { group: group.config.name, err: error as Error });
    } finally {
      querier.close();
    }
  }

  #endLater(group: RuleGroup): void {
    const timer = setTimeout(() => {
      this.#retired.delete(timer);
      if (!this.#groups.has(group.key)) group.markStale(this.#options.now());
    }, STALE_AFTER_INTERVALS * group.config.intervalMs);
    timer.unref();
    this.#retired.add(timer);
  }
}

/** The newest sample of exactly this series, unless it is a stale marker. */
function newest(
  querier: ReturnType<Queryable["querier"]>,
  labels: Labels,
  minTime: number,
  maxTime: number,
): { t: number; value: number } | undefined {
  const matchers = [...labels].map(([name, value]) => new Matcher("=", name, value));
  if (!labels.has(METRIC_NAME)) return undefined;
  const set = querier.select(matchers);
  const buffer = new SampleBuffer(64);
  for (let i = 0; i < set.count; i++) {
    if (!set.labels(i).equals(labels)) continue;
    set.read(i, minTime, maxTime, buffer);
    const last = buffer.count - 1;
    if (last < 0 || Number.isNaN(buffer.values[last] as number)) return undefined;
    return { t: buffer.times[last] as number, value: buffer.values[last] as number };
  }
  return undefined;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
