// Series of a text exposition that belong together: buckets, sum and count of one classic histogram, where a native one
// is to be made of them; and what `_created` says about the series beside it, where that is to be heard.
import { METRIC_TYPES, parseFloatText } from "@narthex/exposition";
import { createHistogram, type Labels } from "@narthex/model";
import { Append, type Appender, type SeriesRef } from "@narthex/storage";
import { ExemplarBatch } from "./exemplar-batch.ts";
import { markBefore } from "./extra-series.ts";
import { fitHistogram, type HistogramOptions } from "./histogram-limits.ts";
import { ClassicCollation } from "./nhcb.ts";
import type { ScrapeCounts } from "./scrape-counts.ts";
import type { StartSynthesis } from "./start-synthesis.ts";

/** What a series is to its group. */
export const Role = { member: 0, bucket: 1, sum: 2, count: 3, created: 4 } as const;
export type Role = (typeof Role)[keyof typeof Role];

/** A series' place in its group. */
export interface GroupPart {
  readonly group: SampleGroup;
  readonly role: Role;
  /** Of a bucket. */
  readonly bound: number;
}

/** How series are grouped at all. */
export interface GroupingOptions {
  /** Classic histograms are converted. */
  readonly converts: boolean;
  /** `_created` is heard. */
  readonly hearsCreated: boolean;
}

const COUNTER = METRIC_TYPES.indexOf("counter");
const HISTOGRAM = METRIC_TYPES.indexOf("histogram");
const SUMMARY = METRIC_TYPES.indexOf("summary");

/** Names and values of the labels of the group that a series belongs to, and its role there. */
export interface Grouping {
  readonly role: Role;
  readonly bound: number;
  readonly isHistogram: boolean;
  /** `__name__` first; those of the series without `le` and `quantile`. */
  readonly exposed: string[];
}

/**
 * Where a series with these labels belongs, given the type in force; undefined when it stands for itself. A bucket
 * whose `le` is no number does.
 */
export function groupingOf(
  exposed: readonly string[],
  typeCode: number,
  options: GroupingOptions,
): Grouping | undefined {
  if (typeCode !== COUNTER && typeCode !== HISTOGRAM && typeCode !== SUMMARY) return undefined;
  const name = exposed[1] as string;
  const found = roleOf(name, typeCode);
  let { role } = found;
  const { suffix } = found;
  if (role === Role.created ? !options.hearsCreated : !options.converts || typeCode !== HISTOGRAM) role = Role.member;
  if (role === Role.member && !options.hearsCreated) return undefined;
  const kept: string[] = [exposed[0] as string, name.slice(0, name.length - suffix.length)];
  let le: string | undefined;
  for (let i = 2; i < exposed.length; i += 2) {
    const label = exposed[i] as string;
    if (typeCode === HISTOGRAM && label === "le") le = exposed[i + 1];
    else if (typeCode !== SUMMARY || label !== "quantile") kept.push(label, exposed[i + 1] as string);
  }
  const bound = le === undefined ? Number.NaN : (parseFloatText(le) ?? Number.NaN);
  if (role === Role.bucket && Number.isNaN(bound)) return undefined;
  return { role, bound, isHistogram: typeCode === HISTOGRAM, exposed: kept };
}

function roleOf(name: string, typeCode: number): { role: Role; suffix: string } {
  if (name.endsWith("_created")) return { role: Role.created, suffix: "_created" };
  if (typeCode === COUNTER) return { role: Role.member, suffix: name.endsWith("_total") ? "_total" : "" };
  if (name.endsWith("_sum")) return { role: Role.sum, suffix: "_sum" };
  if (name.endsWith("_count")) return { role: Role.count, suffix: "_count" };
  if (typeCode === HISTOGRAM && name.endsWith("_bucket")) return { role: Role.bucket, suffix: "_bucket" };
  return { role: Role.member, suffix: "" };
}

/** One group. */
export class SampleGroup {
  readonly key: string;
  /** Of the histogram made of it; undefined when relabeling drops it, or none is made. */
  readonly labels: Labels | undefined;
  /** The histogram's series; 0 before the first. */
  ref: SeriesRef = 0;
  /** Float series of the group that get zeros at the start time. */
  readonly members: SeriesRef[] = [];
  readonly collation: ClassicCollation = new ClassicCollation();
  readonly exemplars: ExemplarBatch = new ExemplarBatch();
  /** Scrape number * 2, plus 1 when the scrape before that had it too. Of histograms only. */
  seen = 0;
  /** A scrape that failed since the last good one came upon it, or that good one did. */
  isKnown = false;
  /** The scrape that touched it last. */
  touchedIn = 0;
  t = 0;
  hasOwnTime = false;
  /** Start time, in milliseconds, for which zeros were appended last; and the one this scrape tells. */
  created = 0;
  createdNow = 0;

  constructor(key: string, labels: Labels | undefined) {
    this.key = key;
    this.labels = labels;
  }
}

/** What becomes of what the groups say. */
export interface GroupOptions {
  readonly histograms: HistogramOptions;
  readonly startTimeZeros: boolean;
  readonly startTimes: boolean;
  readonly synthesis: StartSynthesis | undefined;
}

/** All groups of a target. */
export class SampleGroups {
  readonly #byKey = new Map<string, SampleGroup>();
  readonly #touched: SampleGroup[] = [];

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): SampleGroup | undefined {
    return this.#byKey.get(key);
  }

  add(key: string, labels: Labels | undefined): SampleGroup {
    const group = new SampleGroup(key, labels);
    this.#byKey.set(key, group);
    return group;
  }

  /** Takes in the value of a series, in scrape number `scrape`. `t` is its time. */
  take(part: GroupPart, value: number, t: number, hasOwnTime: boolean, scrape: number): void {
    const { group, role, bound } = part;
    if (role === Role.member) return;
    if (group.touchedIn !== scrape) {
      group.touchedIn = scrape;
      group.collation.clear();
      group.createdNow = 0;
      this.#touched.push(group);
    }
    if (role === Role.created) {
      group.createdNow = Math.trunc(value * 1000);
      return;
    }
    group.t = t;
    group.hasOwnTime = hasOwnTime;
    if (role === Role.bucket) group.collation.addBucket(bound, value);
    else if (role === Role.sum) group.collation.setSum(value);
    else group.collation.setCount(value);
  }

  /**
   * Appends what the groups of this scrape came to: zeros at new start times, and histograms. Counts them. `mayAdd`
   * tells whether the sample limit leaves room for one more series.
   */
  append(appender: Appender, scrape: number, options: GroupOptions, counts: ScrapeCounts, mayAdd: () => boolean): void {
    for (const group of this.#touched) {
      const { collation } = group;
      const made = collation.isEmpty ? undefined : collation.convert();
      if (made !== undefined) fitHistogram(made.histogram, made.integer, options.histograms);
      const isNew = options.startTimeZeros && group.createdNow > 0 && group.createdNow !== group.created;
      const startTime = isNew ? group.createdNow : 0;
      if (startTime > 0) {
        group.created = startTime;
        // A refusal says that the series has later samples: then the start is known already.
        for (const ref of group.members) appender.append(ref, startTime, 0);
      }
      if (made === undefined) continue;
      counts.scraped++;
      if (group.labels === undefined) continue;
      counts.kept++;
      if (group.ref === 0) {
        if (!mayAdd()) continue;
        group.ref = appender.series(group.labels);
      }
      if (group.ref === 0) {
        counts.refused++;
        continue;
      }
      if (startTime > 0) {
        const { schema, customValues } = made.histogram;
        appender.appendHistogram(group.ref, startTime, createHistogram({ schema, customValues }), made.integer);
      }
      const told = options.startTimes ? group.createdNow : 0;
      const sample = { histogram: made.histogram, startTime: told };
      const adjusted =
        told === 0 && options.synthesis !== undefined
          ? options.synthesis.takeHistogram(group.ref, group.t, made.histogram, scrape)
          : sample;
      let verdict: Append = Append.ok;
      if (adjusted !== undefined) {
        const { histogram, startTime: start } = adjusted;
        verdict = appender.appendHistogram(group.ref, group.t, histogram, made.integer, start);
        if (verdict === Append.unknownRef) {
          const old = group.ref;
          group.ref = appender.series(group.labels);
          options.synthesis?.move(old, group.ref);
          verdict = appender.appendHistogram(group.ref, group.t, histogram, made.integer, start);
        }
        if (verdict !== Append.ok) options.synthesis?.forget(group.ref);
      }
      if (verdict === Append.outOfOrder) counts.outOfOrder++;
      else if (verdict === Append.duplicate) counts.duplicates++;
      else if (verdict === Append.outOfBounds || verdict === Append.tooOld) counts.outOfBounds++;
      const before = group.seen >>> 1 === scrape - 1;
      if (!before && !group.isKnown) counts.added++;
      group.seen = scrape * 2 + (before ? 1 : 0);
      counts.exemplarsOutOfOrder += group.exemplars.flush(appender, group.ref);
    }
    this.#touched.length = 0;
  }

  /** Adds the histogram series that scrape number `scrape` had and that end when they are missing. */
  tracked(scrape: number, tracksOwnTimes: boolean, into: Set<SeriesRef>): void {
    for (const { seen, ref, hasOwnTime } of this.#byKey.values()) {
      if (seen >>> 1 === scrape && (tracksOwnTimes || !hasOwnTime)) into.add(ref);
    }
  }

  /** A scrape failed: what it had, or the last good one before it, is no news to the next. */
  remember(scrape: number): void {
    for (const group of this.#byKey.values()) if (group.seen >>> 1 === scrape) group.isKnown = true;
  }

  /** A scrape was a good one. */
  forgetFailures(): void {
    for (const group of this.#byKey.values()) group.isKnown = false;
  }

  /** Takes back a scrape that failed. */
  unsee(scrape: number): void {
    for (const group of this.#byKey.values()) {
      if (group.touchedIn === scrape) {
        group.created = 0;
        group.touchedIn = 0;
        group.exemplars.clear();
      }
      group.seen = markBefore(group.seen, scrape);
    }
    this.#touched.length = 0;
  }

  /** Forgets all groups but these. */
  keep(groups: ReadonlySet<SampleGroup>): void {
    for (const [key, group] of this.#byKey) if (!groups.has(group)) this.#byKey.delete(key);
  }

  clear(): void {
    this.#byKey.clear();
    this.#touched.length = 0;
  }
}
