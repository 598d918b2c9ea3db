// Which series of a target the last good scrape had and which the one in progress has: what is missing gets a stale marker.
import type { SeriesRef } from "@narthex/storage";
import { type ExtraSeriesSet, markBefore } from "./extra-series.ts";
import type { SampleGroups } from "./sample-groups.ts";
import { DROPPED, REPEATED, type TargetTemplate, UNENDING } from "./target-template.ts";

/** What is to be said of a series that a scrape comes upon. */
export const Sighting = {
  /** The scrape before had it. */
  known: 0,
  /** The scrape before had it not. */
  fresh: 1,
  /** This scrape came upon it already. */
  again: 2,
} as const;
export type Sighting = (typeof Sighting)[keyof typeof Sighting];

/**
 * A body that follows the template to its end has all its series, and nothing is written down. From the first difference
 * on each series is marked with the number of the scrape.
 */
export class Presence {
  readonly #template: TargetTemplate;
  readonly #extras: ExtraSeriesSet;
  readonly #groups: SampleGroups;
  /** The number of the scrape. */
  scrape = 2;
  /** Whether this scrape marks what it comes upon. */
  isMarking = false;
  /** Which entries of the template the scrape before had: all, those marked, or none. */
  #before: "all" | "some" | "none" = "none";
  /** Of each entry as `ExtraSeriesSet.seen`. */
  #seen: Uint32Array | undefined;
  /**
   * What is no news to the next scrape, although the one before had it not: what the last good scrape had, and what those that
   * failed since then came upon. Entries, and series beside the template; undefined while no scrape has failed.
   */
  #known: { readonly entries: Uint8Array; readonly extras: Set<number> } | undefined;

  constructor(template: TargetTemplate, extras: ExtraSeriesSet, groups: SampleGroups) {
    this.#template = template;
    this.#extras = extras;
    this.#groups = groups;
  }

  /** A scrape begins. */
  begin(): void {
    this.scrape++;
    this.isMarking = false;
  }

  /** Marks from now on; the entries before number `upTo` were there. Returns how many of them are fresh. */
  startMarking(upTo: number): number {
    this.isMarking = true;
    const { count, flags } = this.#template;
    this.#seen ??= new Uint32Array(count);
    const seen = this.#seen;
    const { scrape } = this;
    let fresh = 0;
    for (let e = 0; e < upTo; e++) {
      const before = this.#before === "all" || (seen[e] as number) >>> 1 === scrape - 1;
      if (!before && this.#isNews(e) && ((flags[e] as number) & (DROPPED | REPEATED)) === 0) fresh++;
      seen[e] = scrape * 2 + (before ? 1 : 0);
    }
    if (this.#before === "all") {
      seen.fill((scrape - 1) * 2, upTo);
      this.#before = "some";
    }
    return fresh;
  }

  /** Marks an entry of the template. */
  sight(number: number): Sighting {
    const seen = this.#seen as Uint32Array;
    const mark = seen[number] as number;
    if (mark >>> 1 === this.scrape) return Sighting.again;
    const before = mark >>> 1 === this.scrape - 1;
    seen[number] = this.scrape * 2 + (before ? 1 : 0);
    return before || !this.#isNews(number) ? Sighting.known : Sighting.fresh;
  }

  /** Marks a series beside the template. */
  sightExtra(id: number): Sighting {
    const mark = this.#extras.seen(id);
    if (mark >>> 1 === this.scrape) return Sighting.again;
    const before = mark >>> 1 === this.scrape - 1;
    this.#extras.setSeen(id, this.scrape * 2 + (before ? 1 : 0));
    return before || this.#known?.extras.has(id) === true ? Sighting.known : Sighting.fresh;
  }

  /** Of a body that followed the template to its end: how many of its series the scrape before had not. */
  freshOfAll(): number {
    if (this.#before === "all") return 0;
    const { count, flags } = this.#template;
    const seen = this.#before === "some" ? this.#seen : undefined;
    let fresh = 0;
    for (let e = 0; e < count; e++) {
      const wasThere = seen !== undefined && (seen[e] as number) >>> 1 === this.scrape - 1;
      if (!wasThere && this.#isNews(e) && ((flags[e] as number) & (DROPPED | REPEATED)) === 0) fresh++;
    }
    return fresh;
  }

  #isNews(entry: number): boolean {
    return this.#known === undefined || this.#known.entries[entry] === 0;
  }

  /** Of a scrape that failed, or of the last good one before it: what it had is no news to the next. */
  #remember(scrape: number, hasAll: boolean): void {
    const { count } = this.#template;
    this.#known ??= { entries: new Uint8Array(count), extras: new Set() };
    const { entries, extras } = this.#known;
    const seen = this.#seen;
    for (let e = 0; e < count; e++) {
      if (hasAll || (seen !== undefined && (seen[e] as number) >>> 1 === scrape)) entries[e] = 1;
    }
    for (let id = 0; id < this.#extras.size; id++) if (this.#extras.seen(id) >>> 1 === scrape) extras.add(id);
    this.#groups.remember(scrape);
  }

  /** Series that the scrape before had, that end when they are missing, and that are missing. Of groups `ofGroups` says which end. */
  missing(ofGroups: boolean): Set<SeriesRef> {
    const template = this.#template;
    const extras = this.#extras;
    const { count, refs, flags } = template;
    const { scrape } = this;
    const before = scrape - 1;
    const missing = new Set<SeriesRef>();
    const seen = this.isMarking ? (this.#seen as Uint32Array) : undefined;
    if (seen !== undefined) {
      for (let e = 0; e < count; e++) {
        const isTracked = ((flags[e] as number) & UNENDING) === 0;
        if ((seen[e] as number) >>> 1 === before && isTracked) missing.add(refs[e] as number);
      }
    }
    for (let id = 0; id < extras.size; id++) {
      if (extras.seen(id) >>> 1 === before && (extras.flags(id) & UNENDING) === 0) missing.add(extras.ref(id));
    }
    this.#groups.tracked(before, ofGroups, missing);
    if (missing.size === 0) return missing;
    // Two texts may name one series, by relabeling for instance: it goes on while one of them is there.
    for (let e = 0; e < count; e++) {
      if (seen === undefined || (seen[e] as number) >>> 1 === scrape) missing.delete(refs[e] as number);
    }
    for (let id = 0; id < extras.size; id++) if (extras.seen(id) >>> 1 === scrape) missing.delete(extras.ref(id));
    const here = new Set<SeriesRef>();
    this.#groups.tracked(scrape, true, here);
    for (const ref of here) missing.delete(ref);
    return missing;
  }

  /** Series that the last good scrape had and that end when they are missing. */
  present(ofGroups: boolean): Set<SeriesRef> {
    const refs = new Set<SeriesRef>();
    if (this.#before === "none") return refs;
    const template = this.#template;
    const extras = this.#extras;
    const seen = this.#before === "all" ? undefined : (this.#seen as Uint32Array);
    for (let e = 0; e < template.count; e++) {
      const wasThere = seen === undefined || (seen[e] as number) >>> 1 === this.scrape;
      if (wasThere && ((template.flags[e] as number) & UNENDING) === 0) refs.add(template.refs[e] as number);
    }
    for (let id = 0; id < extras.size; id++) {
      if (extras.seen(id) >>> 1 === this.scrape && (extras.flags(id) & UNENDING) === 0) refs.add(extras.ref(id));
    }
    this.#groups.tracked(this.scrape, ofGroups, refs);
    return refs;
  }

  /** The scrape in progress was a good one. Without marks it had all entries. */
  settle(): void {
    this.#known = undefined;
    this.#groups.forgetFailures();
    this.#before = this.isMarking ? "some" : "all";
    if (!this.isMarking) this.#seen = undefined;
  }

  /** The template was made anew of the body of the scrape that was settled: all entries were there. */
  settleAnew(): void {
    this.#before = "all";
    this.#seen = undefined;
  }

  /** Nothing is there any more. */
  endAll(): void {
    if (this.#before !== "none") this.#remember(this.scrape, this.#before === "all");
    this.#before = "none";
    this.scrape += 2;
  }

  /** Nothing is there any more, and the template went, too. */
  clear(): void {
    this.endAll();
    this.#seen = undefined;
    this.#known = undefined;
  }

  /** The series beside the template went. */
  forgetExtras(): void {
    this.#known?.extras.clear();
  }

  /** The scrape in progress failed: everything is again as it was before it. */
  abandon(): void {
    const failed = this.scrape;
    // What it followed of the template without a mark, the template has.
    this.#remember(failed, !this.isMarking);
    this.scrape--;
    this.#groups.unsee(failed);
    if (!this.isMarking) return;
    const seen = this.#seen as Uint32Array;
    for (let e = 0; e < seen.length; e++) seen[e] = markBefore(seen[e] as number, failed);
    this.#extras.unsee(failed);
  }
}
