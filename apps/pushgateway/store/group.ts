// A group of pushed metrics: what one grouping key holds.
import { type Family, type Metric, numberMetric } from "../family/family.ts";
import { groupedLabels, sortLabels } from "../family/labels.ts";
import type { GroupingKey } from "../push/grouping-key.ts";

export const PUSH_TIME = "push_time_seconds";
export const FAILURE_TIME = "push_failure_time_seconds";

/** Families that every group has besides what was pushed: when it was pushed to, and when that failed. */
export const MARKERS: readonly Omit<Family, "metrics">[] = [
  {
    name: FAILURE_TIME,
    help: "Last Unix time when changing this group in the Pushgateway failed.",
    type: "gauge",
    unit: undefined,
  },
  {
    name: PUSH_TIME,
    help: "Last Unix time when changing this group in the Pushgateway succeeded.",
    type: "gauge",
    unit: undefined,
  },
];

/** A family and when it was pushed, in milliseconds since the epoch. */
export interface StoredFamily {
  readonly family: Family;
  readonly timeMs: number;
}

/** Never changed: a push puts another one in its place. */
export interface Group extends GroupingKey {
  readonly families: ReadonlyMap<string, StoredFamily>;
  /** Milliseconds since the epoch, 0 for never; as are the next two. */
  readonly pushedMs: number;
  readonly failedMs: number;
  /** When the group came to be, which is when its markers of 0 were set. */
  readonly createdMs: number;
  /** When it is to go, in milliseconds since the epoch; Infinity for never. */
  readonly expiresMs: number;
  /** What it takes of memory, roughly. */
  readonly bytes: number;
}

/** Memory that a group takes before it holds anything. */
export const EMPTY_GROUP_BYTES = 700;

/** Whether the last push was taken. */
export function lastPushSucceeded({ pushedMs, failedMs }: Group): boolean {
  return failedMs <= pushedMs;
}

/** The two markers' values and when they were set, `MARKERS` in its order. */
export function markerTimes(group: Group): readonly { readonly valueMs: number; readonly setMs: number }[] {
  const of = (valueMs: number): { valueMs: number; setMs: number } => ({ valueMs, setMs: valueMs || group.createdMs });
  return [of(group.failedMs), of(group.pushedMs)];
}

/** The markers' labels. */
export function markerLabels({ labels }: GroupingKey): readonly string[] {
  return groupedLabels([], labels);
}

/** A marker as a metric. */
export function markerMetric(labels: readonly string[], valueMs: number): Metric {
  return numberMetric("gauge", labels, valueMs / 1000);
}

/** The labels as people read them: `job` first, the others by name. */
export function shownLabels({ labels }: GroupingKey): readonly string[] {
  const sorted = sortLabels(labels);
  const at = sorted.findIndex((text, i) => i % 2 === 0 && text === "job");
  const rest = sorted.filter((_, i) => i !== at && i !== at + 1);
  return at < 0 ? sorted : ["job", sorted[at + 1] as string, ...rest];
}
