// Alerts, and how two reports of the same one become one.
import { compareStrings, isValidLabelValue, type Labels, quote } from "@narthex/model";
import { compareLabelSets } from "../label/label-set.ts";
import type { MatcherGrammar } from "../matcher/matcher-grammar.ts";
import { Moment } from "../moment/moment.ts";

/** One alert as it was last reported. Immutable; an update makes a new one. */
export interface Alert {
  readonly labels: Labels;
  /** Of the labels, 16 hex digits. */
  readonly fingerprint: string;
  readonly annotations: Labels;
  readonly startsAt: Moment;
  /** When it is over unless it is reported again. `Moment.zero` in notifications about firing ones. */
  readonly endsAt: Moment;
  readonly generatorUrl: string;
  readonly updatedAt: Moment;
  /** The end was not reported, but follows from `resolve_timeout`. */
  readonly isTimeout: boolean;
}

/** Whether it is over at that moment. */
export function isResolvedAt(alert: Alert, now: Moment): boolean {
  return !alert.endsAt.isZero && !alert.endsAt.isAfter(now);
}

export function alertName(alert: Alert): string {
  return alert.labels.get("alertname");
}

/** Whether the newer report overlaps the time of the older one, so that both are about one alert. */
export function overlaps(older: Alert, newer: Alert): boolean {
  const endsWithin = newer.endsAt.isAfter(older.startsAt) && newer.endsAt.isBefore(older.endsAt);
  const startsWithin = newer.startsAt.isAfter(older.startsAt) && newer.startsAt.isBefore(older.endsAt);
  return endsWithin || startsWithin;
}

/** One alert out of two reports of it. The younger report's annotations and source stay. */
export function mergeAlerts(a: Alert, b: Alert, now: Moment): Alert {
  if (b.updatedAt.isBefore(a.updatedAt)) return mergeAlerts(b, a, now);
  const startsAt = a.startsAt.isBefore(b.startsAt) ? a.startsAt : b.startsAt;
  // An end that was reported holds against a later report's, unless that is later; two ends in the past: the later one.
  const aCounts = isResolvedAt(b, now) ? isResolvedAt(a, now) : !a.isTimeout;
  const endsAt = aCounts && a.endsAt.isAfter(b.endsAt) ? a.endsAt : b.endsAt;
  return { ...b, startsAt, endsAt };
}

/** What is wrong with an alert, in the reference's words; undefined when nothing is. */
export function alertProblem(alert: Alert, grammar: MatcherGrammar): string | undefined {
  if (alert.startsAt.isZero) return "start time missing";
  if (!alert.endsAt.isZero && alert.endsAt.isBefore(alert.startsAt)) return "start time must be before end time";
  if (alert.labels.size === 0) return "at least one label pair required";
  const labels = pairsProblem(alert.labels, grammar);
  if (labels !== undefined) return `invalid label set: ${labels}`;
  const annotations = pairsProblem(alert.annotations, grammar);
  return annotations === undefined ? undefined : `invalid annotations: ${annotations}`;
}

function pairsProblem(labels: Labels, grammar: MatcherGrammar): string | undefined {
  for (const [name, value] of labels) {
    if (!grammar.isLabelName(name)) return `invalid name ${quote(name)}`;
    if (!isValidLabelValue(value)) return `invalid value ${quote(value)}`;
  }
  return undefined;
}

/** The order in notifications and groups: by job, by instance, then by all labels. */
export function compareAlerts(a: Alert, b: Alert): number {
  for (const name of ["job", "instance"]) {
    const hasA = a.labels.has(name);
    const hasB = b.labels.has(name);
    if (!hasA && !hasB) continue;
    if (!hasA || !hasB) return hasA ? -1 : 1;
    const order = compareStrings(a.labels.get(name), b.labels.get(name));
    if (order !== 0) return order;
  }
  return compareLabelSets(a.labels, b.labels);
}

/** As it is told: one that still fires has no end. */
export function toldAlert(alert: Alert, now: Moment): Alert {
  return isResolvedAt(alert, now) ? alert : { ...alert, endsAt: Moment.zero };
}
