// How the result of a rule enters the storage: its samples, and the ends of the series that are no longer among them.
import type { Labels } from "@narthex/model";
import { Append, type Appendable } from "@narthex/storage";
import type { RuleSample } from "./rule.ts";

export interface WrittenResult {
  /** The series that took a sample, by the key of their labels. */
  readonly written: ReadonlyMap<string, Labels>;
  /** Why samples were not taken, and how many. */
  readonly refused: ReadonlyMap<Append, number>;
}

/** Writes and commits; series of `before` that the result does not have end at `t`. Throws when the commit failed. */
export function writeResult(
  appendable: Appendable,
  samples: readonly RuleSample[],
  t: number,
  before: ReadonlyMap<string, Labels>,
): WrittenResult {
  const appender = appendable.appender({ inOrderOnly: true });
  const written = new Map<string, Labels>();
  const refused = new Map<Append, number>();
  for (const { labels, value, histogram } of samples) {
    const ref = appender.series(labels, true);
    const verdict =
      histogram === undefined ? appender.append(ref, t, value) : appender.appendHistogram(ref, t, histogram, false);
    if (verdict === Append.ok) written.set(labels.key, labels);
    else refused.set(verdict, (refused.get(verdict) ?? 0) + 1);
  }
  for (const [key, labels] of before) {
    if (!written.has(key)) appender.appendStale(appender.series(labels, true), t);
  }
  appender.commit();
  return { written, refused };
}

/** Ends series at `t`; those that somebody else writes by now go on. Throws when the commit failed. */
export function writeStale(appendable: Appendable, series: Iterable<Labels>, t: number): void {
  const appender = appendable.appender({ inOrderOnly: true });
  for (const labels of series) appender.appendStale(appender.series(labels, true), t);
  appender.commit();
}
