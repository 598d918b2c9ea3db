// All series that one target's cache knows, under one kind of number: an entry. Those of the template count from 0 up, those that stand
// beside it from -1 down.
import type { SeriesRef } from "@narthex/storage";
import { ExtraSeriesSet } from "./extra-series.ts";
import type { GroupPart } from "./sample-groups.ts";
import { endSample } from "./series-text.ts";
import { type SeriesLine, TargetTemplate } from "./target-template.ts";
import type { TemplateStore } from "./template.ts";

/** One target's: where they are kept, and what is known of each. */
export class KnownSeries {
  readonly template: TargetTemplate;
  readonly extras: ExtraSeriesSet = new ExtraSeriesSet();

  constructor(store: TemplateStore) {
    this.template = new TargetTemplate(store);
  }

  get size(): number {
    return this.template.count + this.extras.size;
  }

  refOf(entry: number): SeriesRef {
    return entry >= 0 ? (this.template.refs[entry] as number) : this.extras.ref(-1 - entry);
  }

  setRef(entry: number, ref: SeriesRef): void {
    if (entry >= 0) this.template.setRef(entry, ref);
    else this.extras.setRef(-1 - entry, ref);
  }

  /** Marks a series with flags of target-template.ts. */
  addFlags(entry: number, flags: number): void {
    const { template, extras } = this;
    if (entry >= 0) template.flags[entry] = (template.flags[entry] as number) | flags;
    else extras.setFlags(-1 - entry, extras.flags(-1 - entry) | flags);
  }

  /** Where a series stands among those that belong together. */
  partOf(entry: number): GroupPart | undefined {
    return entry >= 0 ? this.template.part(entry) : this.extras.part(-1 - entry);
  }

  lineOf(entry: number): SeriesLine {
    if (entry >= 0) return this.template.lineOf(entry);
    const { extras } = this;
    const id = -1 - entry;
    const bytes = new Uint8Array(extras.textBytes(id) + 16);
    return { bytes, length: endSample(bytes, extras.copyText(id, bytes)), typeCode: extras.typeCode(id) };
  }

  /** Shows the series that nothing is special about: all of the template, and of the others those that the scrape before had, too. */
  visitPlain(show: (line: SeriesLine, ref: SeriesRef) => void): void {
    const { template, extras } = this;
    for (let e = 0; e < template.count; e++) {
      if (template.flags[e] === 0) show(template.lineOf(e), template.refs[e] as number);
    }
    for (let id = 0; id < extras.size; id++) {
      if (extras.flags(id) === 0 && (extras.seen(id) & 1) === 1) show(this.lineOf(-1 - id), extras.ref(id));
    }
  }

  /** Gives up the shared templates, and forgets the rest. */
  release(): void {
    this.template.release();
    this.extras.clear();
  }
}
