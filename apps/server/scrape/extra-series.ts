// Series of a target that stand beside its template: they came after it was made.
import type { SeriesRef } from "@narthex/storage";
import type { GroupPart } from "./sample-groups.ts";

/** One of them. */
export interface ExtraSeries {
  /** Position in the set; changes when others leave. */
  id: number;
  /** Its series text, one character a byte. */
  readonly text: string;
  ref: SeriesRef;
  flags: number;
  readonly typeCode: number;
  /** Scrape number * 2, plus 1 when the scrape before that had it too. */
  seen: number;
  /** Whether the template under construction has it. */
  claimed: boolean;
  /** Its place in a group, if it has one. */
  readonly part: GroupPart | undefined;
}

/** All of them, by text and by position. */
export class ExtraSeriesSet {
  readonly #byText = new Map<string, ExtraSeries>();
  #list: ExtraSeries[] = [];

  get size(): number {
    return this.#list.length;
  }

  /** In order of arrival. */
  get list(): readonly ExtraSeries[] {
    return this.#list;
  }

  get(text: string): ExtraSeries | undefined {
    return this.#byText.get(text);
  }

  at(id: number): ExtraSeries {
    return this.#list[id] as ExtraSeries;
  }

  add(
    text: string,
    ref: SeriesRef,
    flags: number,
    typeCode: number,
    part: GroupPart | undefined = undefined,
  ): ExtraSeries {
    const extra = { id: this.#list.length, text, ref, flags, typeCode, seen: 0, claimed: false, part };
    this.#byText.set(text, extra);
    this.#list.push(extra);
    return extra;
  }

  /** Keeps those that this scrape had. */
  keepSeen(scrape: number): void {
    const kept = this.#list.filter(({ seen }) => seen >>> 1 === scrape);
    if (kept.length === this.#list.length) return;
    this.#byText.clear();
    this.#list = kept;
    for (const [id, extra] of kept.entries()) {
      extra.id = id;
      this.#byText.set(extra.text, extra);
    }
  }

  /** Takes back the marks of a scrape that failed. */
  unsee(scrape: number): void {
    for (const extra of this.#list) extra.seen = markBefore(extra.seen, scrape);
  }

  clear(): void {
    this.#byText.clear();
    this.#list = [];
  }
}

/** The mark as it was before scrape number `scrape`; see `ExtraSeries.seen`. */
export function markBefore(mark: number, scrape: number): number {
  if (mark >>> 1 !== scrape) return mark;
  return (mark & 1) === 1 ? (scrape - 1) * 2 : 0;
}
