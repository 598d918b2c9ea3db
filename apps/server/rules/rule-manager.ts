// All rule groups: replaced on reload, those that mean the same left running.
import { type Labels, Matcher, METRIC_NAME } from "@narthex/model";
import { type Querier, type Queryable, SampleBuffer } from "@narthex/storage";
import type { Logger } from "@narthex/toolkit";
import { AlertingRule } from "./alerting-rule.ts";
import type { Clock, RuleGroup } from "./rule-group.ts";
import type { RuleMetrics } from "./rule-metrics.ts";

export interface RuleManagerOptions {
  readonly queryable: Queryable;
  readonly metrics: RuleMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
  /** How long ago an alert's stored state may be and still count after a restart. */
  readonly outageToleranceMs: number;
  /** How long at least a restored alert stays pending. */
  readonly gracePeriodMs: number;
}

/** A vanished group's series end after so many of its intervals, unless somebody else goes on with them. */
const STALE_AFTER_INTERVALS = 2;
const NAME_ONLY: ReadonlySet<string> = new Set([METRIC_NAME]);

export class RuleManager {
  readonly #options: RuleManagerOptions;
  #groups = new Map<string, RuleGroup>();
  /** Call off the ends of vanished groups' series. */
  readonly #retired = new Set<() => void>();
  /** Only the groups of the start find their alerts' times in the storage. */
  #isFirst = true;
  #stopped = false;

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
    if (this.#stopped) return;
    const before = this.#groups;
    const next = new Map<string, RuleGroup>();
    const begun: RuleGroup[] = [];
    const replaced: Promise<void>[] = [];
    for (const group of groups) {
      const running = before.get(group.key);
      before.delete(group.key);
      if (running !== undefined && running.identity === group.identity) {
        next.set(group.key, running);
        continue;
      }
      if (running !== undefined) replaced.push(running.stop().then(() => group.copyStateFrom(running)));
      else this.#prepare(group);
      next.set(group.key, group);
      begun.push(group);
    }
    const removed = [...before.values()];
    this.#groups = next;
    this.#isFirst = false;
    await Promise.all([...replaced, ...removed.map((group) => group.stop())]);
    for (const group of removed) {
      this.#options.metrics.forget(group.key);
      this.#endLater(group);
    }
    if (!this.#stopped) for (const group of begun) group.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const callOff of this.#retired) callOff();
    await Promise.all([...this.#groups.values()].map((group) => group.stop()));
  }

  /** Restores since when a group's alerts are active, from what an earlier run stored. Never rejects. */
  async restore(group: RuleGroup, now: number): Promise<void> {
    const { queryable, outageToleranceMs, gracePeriodMs, logger } = this.#options;
    const minTime = now - outageToleranceMs;
    let querier: Querier | undefined;
    for (const rule of group.rules) {
      if (!(rule instanceof AlertingRule)) continue;
      try {
        // A shorter duration than the grace period is waited for anew.
        if (rule.forMs >= gracePeriodMs && rule.activeAlerts.length > 0) {
          querier ??= queryable.querier(minTime, now);
          const stored = newestStates(querier, rule.stateLabels, minTime, now);
          rule.restore(now, gracePeriodMs, ({ key }) => stored.get(key));
        }
      } catch (error) {
        logger.error("Failed to restore 'for' state", { alertname: rule.name, err: error as Error });
      }
      rule.restored = true;
    }
    querier?.close();
  }

  #prepare(group: RuleGroup): void {
    group.awaitsRestoration = this.#isFirst;
    for (const rule of group.rules) if (rule instanceof AlertingRule) rule.restored = !this.#isFirst;
  }

  #endLater(group: RuleGroup): void {
    const { clock } = this.#options;
    const t = clock.now();
    const callOff = clock.after(STALE_AFTER_INTERVALS * group.config.intervalMs, () => {
      this.#retired.delete(callOff);
      group.markStale(t);
    });
    this.#retired.add(callOff);
  }
}

/** Of each series with these labels the newest sample, unless it is a stale marker; by the key of its labels without name. */
function newestStates(
  querier: Querier,
  labels: Labels,
  minTime: number,
  maxTime: number,
): Map<string, { activeAt: number; t: number }> {
  const set = querier.select([...labels].map(([name, value]) => new Matcher("=", name, value)));
  const states = new Map<string, { activeAt: number; t: number }>();
  const buffer = new SampleBuffer(64);
  for (let i = 0; i < set.count; i++) {
    buffer.clear();
    set.read(i, minTime, maxTime, buffer);
    const last = buffer.count - 1;
    if (last < 0 || Number.isNaN(buffer.values[last] as number)) continue;
    const activeAt = Math.trunc(buffer.values[last] as number) * 1000;
    states.set(set.labels(i).without(NAME_ONLY).key, { activeAt, t: buffer.times[last] as number });
  }
  return states;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
