// All groups. Every change goes through `write`, one after the other.
import type { Logger } from "@narthex/toolkit";
import { type Family, familyBytes, withLabels } from "../family/family.ts";
import { groupedLabels } from "../family/labels.ts";
import type { GroupingKey } from "../push/grouping-key.ts";
import { AggregationError, aggregated } from "./aggregation.ts";
import { FamilyIndex, type OwnFamily } from "./family-index.ts";
import { EMPTY_GROUP_BYTES, type Group, MARKERS, type StoredFamily } from "./group.ts";
import type { PushRules } from "./push-rules.ts";

/** What is to be written. */
export type WriteRequest =
  | {
      readonly kind: "push";
      readonly grouping: GroupingKey;
      readonly families: readonly Family[];
      /** Whether the group's other families go. */
      readonly replaces: boolean;
      readonly timeMs: number;
      /** Asked for by the push itself; undefined leaves it to the rules. */
      readonly ttlMs: number | undefined;
    }
  | { readonly kind: "delete"; readonly grouping: GroupingKey }
  /** Takes away what has outlived its time. */
  | { readonly kind: "expire"; readonly nowMs: number };

/** How it went: all problems when it was refused, the first of which is for the client. */
export interface WriteVerdict {
  readonly outcome: "done" | "inconsistent" | "full";
  readonly problems: readonly string[];
}

export interface StoreOptions {
  readonly own: readonly OwnFamily[];
  /** Whether pushes that would break the page are refused. */
  readonly checks: boolean;
  /** Bound on what groups take of memory, roughly, in bytes. */
  readonly maxBytes: number;
  readonly rules: PushRules;
  readonly logger: Logger;
}

const DONE: WriteVerdict = { outcome: "done", problems: [] };
const MARKER_NAMES: ReadonlySet<string> = new Set(MARKERS.map(({ name }) => name));

export class MetricStore {
  readonly #options: StoreOptions;
  readonly #groups = new Map<string, Group>();
  readonly #index: FamilyIndex;
  #bytes = 0;
  #revision = 0;
  /** Whether something may be wrong with the page: what was loaded or not checked. */
  #isSuspect: boolean;
  #earliestExpiryMs = Number.POSITIVE_INFINITY;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#index = new FamilyIndex(options.own);
    this.#isSuspect = !options.checks;
  }

  /** All groups as they are now. The groups themselves never change. */
  groups(): Group[] {
    return [...this.#groups.values()];
  }

  get groupCount(): number {
    return this.#groups.size;
  }

  /** What the groups take of memory, roughly. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Grows with every change. */
  get revision(): number {
    return this.#revision;
  }

  /** The pushed families in the page's order, without the markers. */
  families(): Family[] {
    return this.#index.families();
  }

  /** When the next group may have to go, in milliseconds since the epoch; Infinity for never. */
  get earliestExpiryMs(): number {
    return this.#earliestExpiryMs;
  }

  /** What is wrong with the page; nothing, at no cost, where all pushes are checked. */
  pageProblems(): string[] {
    if (!this.#isSuspect) return [];
    const problems = this.#index.problems();
    if (problems.length === 0 && this.#options.checks) this.#isSuspect = false;
    return problems;
  }

  /** Takes groups from a file. Nothing is checked here: see `pageProblems`. */
  restore(groups: Iterable<Group>): void {
    for (const group of groups) this.#put(group);
    this.#isSuspect = true;
    this.#revision = 0;
  }

  write(request: WriteRequest): WriteVerdict {
    switch (request.kind) {
      case "push":
        return this.#push(request);
      case "delete":
        this.#drop(request.grouping.key);
        return DONE;
      case "expire":
        this.#expire(request.nowMs);
        return DONE;
    }
  }

  #push(request: WriteRequest & { kind: "push" }): WriteVerdict {
    const { grouping, timeMs } = request;
    const existing = this.#groups.get(grouping.key);
    const labels = existing?.labels ?? grouping.labels;
    const pushed = request.families.filter(({ name }) => !MARKER_NAMES.has(name));
    if (pushed.some(({ metrics }) => metrics.some(({ timestampMs }) => timestampMs !== undefined)))
      return this.#refuse(request, ["pushed metrics must not have timestamps"]);
    let families = pushed.map((family) => grouped(family, labels));
    const rule = this.#options.rules.ruleFor(labels);
    const adds = rule.aggregation !== undefined;
    if (rule.aggregation !== undefined) {
      try {
        families = aggregated(existing?.families ?? new Map(), families, rule.aggregation);
      } catch (error) {
        if (!(error instanceof AggregationError)) throw error;
        return this.#refuse(request, [error.message]);
      }
    }
    const kept = new Map<string, StoredFamily>(request.replaces && !adds ? [] : existing?.families);
    const replaced = [...(existing?.families.values() ?? [])].filter(
      ({ family: { name } }) => (request.replaces && !adds) || families.some((each) => each.name === name),
    );
    for (const family of families) {
      kept.delete(family.name);
      kept.set(family.name, { family, timeMs });
    }
    let bytes = EMPTY_GROUP_BYTES;
    for (const { family } of kept.values()) bytes += familyBytes(family);
    if (this.#bytes - (existing?.bytes ?? 0) + bytes > this.#options.maxBytes && bytes > (existing?.bytes ?? 0))
      return { outcome: "full", problems: [this.#fullMessage()] };
    // What the push takes away cannot stand in its way.
    for (const { family } of replaced) this.#index.remove(grouping.key, family);
    if (this.#options.checks) {
      const problems = this.#index.problemsWith(families);
      if (problems.length === 0 && this.#isSuspect) {
        for (const family of families) this.#index.add(grouping.key, family);
        problems.push(...this.pageProblems());
        for (const family of families) this.#index.remove(grouping.key, family);
      }
      if (problems.length > 0) {
        for (const { family } of replaced) this.#index.add(grouping.key, family);
        return this.#refuse(request, problems);
      }
    }
    for (const family of families) this.#index.add(grouping.key, family);
    this.#logHelp(families);
    const ttlMs = request.ttlMs ?? rule.ttlMs;
    this.#replace(existing, {
      labels,
      key: grouping.key,
      families: kept,
      pushedMs: timeMs,
      failedMs: existing?.failedMs ?? 0,
      createdMs: existing?.createdMs ?? timeMs,
      expiresMs: ttlMs > 0 ? timeMs + ttlMs : Number.POSITIVE_INFINITY,
      bytes,
    });
    return DONE;
  }

  /** Remembers that a push failed, and leaves what was there. */
  #refuse({ grouping, timeMs }: WriteRequest & { kind: "push" }, problems: string[]): WriteVerdict {
    const existing = this.#groups.get(grouping.key);
    if (existing !== undefined) this.#replace(existing, { ...existing, failedMs: timeMs });
    else if (this.#bytes + EMPTY_GROUP_BYTES <= this.#options.maxBytes) {
      const { ttlMs } = this.#options.rules.ruleFor(grouping.labels);
      this.#replace(undefined, {
        labels: grouping.labels,
        key: grouping.key,
        families: new Map(),
        pushedMs: 0,
        failedMs: timeMs,
        createdMs: timeMs,
        expiresMs: ttlMs > 0 ? timeMs + ttlMs : Number.POSITIVE_INFINITY,
        bytes: EMPTY_GROUP_BYTES,
      });
    }
    return { outcome: "inconsistent", problems };
  }

  #replace(existing: Group | undefined, group: Group): void {
    this.#bytes += group.bytes - (existing?.bytes ?? 0);
    this.#groups.set(group.key, group);
    this.#earliestExpiryMs = Math.min(this.#earliestExpiryMs, group.expiresMs);
    this.#revision++;
  }

  #put(group: Group): void {
    this.#drop(group.key);
    for (const { family } of group.families.values()) this.#index.add(group.key, family);
    this.#replace(undefined, group);
  }

  #drop(key: string): void {
    const existing = this.#groups.get(key);
    if (existing === undefined) return;
    for (const { family } of existing.families.values()) this.#index.remove(key, family);
    this.#groups.delete(key);
    this.#bytes -= existing.bytes;
    this.#revision++;
  }

  #expire(nowMs: number): void {
    this.#earliestExpiryMs = Number.POSITIVE_INFINITY;
    let count = 0;
    for (const { key, expiresMs } of this.#groups.values()) {
      if (expiresMs > nowMs) this.#earliestExpiryMs = Math.min(this.#earliestExpiryMs, expiresMs);
      else {
        this.#drop(key);
        count++;
      }
    }
    if (count > 0) this.#options.logger.info("groups outlived their time and were deleted", { groups: count });
  }

  #fullMessage(): string {
    const { maxBytes } = this.#options;
    return `the gateway is full: its ${this.#groups.size} groups take some ${this.#bytes} of ${maxBytes} bytes; delete groups, or raise --push.max-store-size`;
  }

  /** Inconsistent HELP is tolerated: the oldest one is shown. */
  #logHelp(families: readonly Family[]): void {
    const { logger } = this.#options;
    if (!logger.isEnabled("info")) return;
    for (const { name, help } of families) {
      const other = this.#index.otherHelp(name, help);
      if (other !== undefined) logger.info("metric families inconsistent help strings", { name, ...other });
    }
  }
}

function grouped(family: Family, labels: readonly string[]): Family {
  return {
    ...family,
    metrics: family.metrics.map((metric) => withLabels(metric, groupedLabels(metric.labels, labels))),
  };
}
