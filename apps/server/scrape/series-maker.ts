// From what a body says of a series that was never seen to the storage's series: labels, relabeling, groups, metadata.
import { Entry, OpenMetricsParser, type SampleParser } from "@narthex/exposition";
import type { Labels } from "@narthex/model";
import { type Appender, LabelBytes, type SeriesRef } from "@narthex/storage";
import type { CacheOptions } from "./cache-options.ts";
import { type FamilyMemory, familyOfSeries } from "./family-memory.ts";
import { LabelMerger } from "./label-merger.ts";
import { type GroupPart, groupingOf, Role, type SampleGroups } from "./sample-groups.ts";
import { addTypeAndUnit, storedLabels } from "./sample-labels.ts";
import { isCumulative } from "./start-synthesis.ts";
import { DROPPED, GROUP_ONLY, GROUPED, REFUSED, type SeriesLine, type TargetTemplate } from "./target-template.ts";
import { applyNote, type FamilyMetadata } from "./template.ts";

const merger = new LabelMerger();
const merged = new LabelBytes();

/** Makes one target's series, within one scrape at a time. */
export class SeriesMaker {
  /** What `make` or `makeAgain` made last: its ref (0 for none) and flags. */
  ref: SeriesRef = 0;
  flags = 0;
  /** The place in a group of what `make` made. */
  part: GroupPart | undefined;
  readonly #target: Labels;
  readonly #template: TargetTemplate;
  readonly #groups: SampleGroups;
  readonly #families: FamilyMemory;
  #parser: SampleParser | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #appender: Appender | undefined;
  #options: CacheOptions;
  /** Whether OpenMetrics' `_created` lines are start times. */
  #hearsCreated = false;
  /** Whether a new series is its labels and the target's and nothing more. */
  #isPlain = false;
  /** Families as far as they are known by now; made when first asked for. */
  #knownFamilies: Map<string, FamilyMetadata> | undefined;
  /** Where metadata is handed on: series made in this scrape, by name, and families told anew. */
  readonly #made: { readonly ref: SeriesRef; readonly name: string }[] = [];
  readonly #changedFamilies = new Set<FamilyMetadata>();

  constructor(
    target: Labels,
    options: CacheOptions,
    template: TargetTemplate,
    groups: SampleGroups,
    families: FamilyMemory,
  ) {
    this.#target = target;
    this.#options = options;
    this.#template = template;
    this.#groups = groups;
    this.#families = families;
  }

  /** A scrape begins: series are made of the samples that `parser` stands on, in `bytes`. */
  begin(parser: SampleParser, bytes: Uint8Array, appender: Appender, options: CacheOptions): void {
    this.#parser = parser;
    this.#bytes = bytes;
    this.#appender = appender;
    this.#options = options;
    const { appendMetadata, histograms, metricRelabeler, startTimes, startTimeZeros, typeAndUnitLabels } = options;
    this.#hearsCreated = (startTimes || startTimeZeros) && parser instanceof OpenMetricsParser;
    const isGrouping = histograms.convertClassic || this.#hearsCreated;
    this.#isPlain = metricRelabeler.isEmpty && !typeAndUnitLabels && !appendMetadata && !isGrouping;
  }

  /** The scrape is over. */
  end(): void {
    this.#parser = undefined;
    this.#bytes = new Uint8Array(0);
    this.#appender = undefined;
    this.#knownFamilies = undefined;
    this.#made.length = 0;
    this.#changedFamilies.clear();
    this.part = undefined;
  }

  /**
   * Makes the series of the sample at hand. With `isFull` it makes none and returns false where it would, as the sample is
   * one more than the limit allows. Throws a `ScrapeError` for labels that fail the scrape.
   */
  make(typeCode: number, isFull: boolean): boolean {
    const parser = this.#parser as SampleParser;
    const appender = this.#appender as Appender;
    this.part = undefined;
    if (this.#isPlain && merger.merge(parser, this.#bytes, this.#target, this.#options, merged)) {
      if (isFull) return false;
      this.ref = appender.seriesOfBytes(merged);
      this.flags = this.ref === 0 ? DROPPED | REFUSED : 0;
      return true;
    }
    const exposed: string[] = [];
    parser.labels(exposed);
    this.part = this.#partOf(exposed, typeCode);
    const isGrouped = this.part !== undefined && this.part.role !== Role.member;
    if (isGrouped && (this.part?.role === Role.created || !this.#options.histograms.alwaysScrapeClassic)) {
      this.ref = 0;
      this.flags = DROPPED | GROUPED | GROUP_ONLY;
      return true;
    }
    const labels = this.#storedLabels(exposed);
    if (labels !== undefined && isFull) return false;
    this.ref = labels === undefined ? 0 : appender.series(labels);
    const isRefused = labels !== undefined && this.ref === 0;
    this.flags = (this.ref === 0 ? DROPPED : 0) | (isRefused ? REFUSED : 0) | (isGrouped ? GROUPED : 0);
    if (this.ref === 0) return true;
    this.part?.group.members.push(this.ref);
    if (this.#options.appendMetadata) this.#made.push({ ref: this.ref, name: exposed[1] as string });
    return true;
  }

  /** Makes a series again, from its text, that went from the storage meanwhile or was refused by it. */
  makeAgain({ bytes, length, typeCode }: SeriesLine): void {
    const parser = (this.#parser as SampleParser).another();
    parser.reset(bytes, length);
    parser.typeCode = typeCode;
    parser.next();
    const exposed: string[] = [];
    parser.labels(exposed);
    const labels = this.#storedLabels(exposed);
    this.ref = labels === undefined ? 0 : (this.#appender as Appender).series(labels);
    this.flags = (this.ref === 0 ? DROPPED : 0) | (labels !== undefined && this.ref === 0 ? REFUSED : 0);
  }

  /** Whether a series is one that only grows, by what is known of its family. */
  isCumulative({ bytes, length }: SeriesLine): boolean {
    const name = this.#nameIn(bytes, length, (this.#parser as SampleParser).another());
    const family = familyOfSeries(this.#familiesNow(), name);
    return family !== undefined && isCumulative(family.type, name);
  }

  /** Takes in the comment line that the parser stands on, as part of scrape number `scrape`. */
  noteFamily(kind: Entry, scrape: number): { family: string; kind: "type" | "help" | "unit"; text: string } {
    const parser = this.#parser as SampleParser;
    const { family, metricType } = parser;
    const what = kind === Entry.type ? "type" : kind === Entry.help ? "help" : "unit";
    const text = kind === Entry.type ? metricType : parser.text;
    const { appendMetadata, synthesizesStarts, typeAndUnitLabels } = this.#options;
    const note = { family, kind: what, text } as const;
    if (appendMetadata || synthesizesStarts || typeAndUnitLabels) {
      const families = this.#familiesNow();
      const known = families.get(family);
      applyNote(families, note);
      if (known !== undefined || appendMetadata) this.#changedFamilies.add(families.get(family) as FamilyMetadata);
    }
    this.#families.note(family, what, text, scrape);
    return note;
  }

  /**
   * Hands on what is known of families: for series that are new, and for all of a family that was told anew. `visit` shows
   * all series of the target that went on.
   */
  appendMetadata(visit: (show: (line: SeriesLine, ref: SeriesRef) => void) => void): void {
    const appender = this.#appender as Appender;
    const families = this.#familiesNow();
    for (const { ref, name } of this.#made) {
      const family = familyOfSeries(families, name);
      if (family !== undefined) appender.updateMetadata(ref, { ...family });
    }
    if (this.#changedFamilies.size === 0) return;
    const parser = (this.#parser as SampleParser).another();
    visit(({ bytes, length }, ref) => {
      const family = familyOfSeries(families, this.#nameIn(bytes, length, parser));
      if (family !== undefined && this.#changedFamilies.has(family)) appender.updateMetadata(ref, { ...family });
    });
  }

  /** The metric name of a line. */
  #nameIn(bytes: Uint8Array, length: number, parser: SampleParser): string {
    parser.reset(bytes, length);
    parser.next();
    const exposed: string[] = [];
    parser.labels(exposed);
    return exposed[1] as string;
  }

  /** Where a new series belongs, if series are grouped at all. */
  #partOf(exposed: readonly string[], typeCode: number): GroupPart | undefined {
    const { histograms } = this.#options;
    const hearsCreated = this.#hearsCreated;
    if (!histograms.convertClassic && !hearsCreated) return undefined;
    const options = { converts: histograms.convertClassic, hearsCreated };
    const grouping = groupingOf(exposed, typeCode, options);
    if (grouping === undefined) return undefined;
    // Half a surrogate pair parts them: no text that was UTF-8 holds one.
    const key = grouping.exposed.join("\ud800");
    let group = this.#groups.get(key);
    if (group === undefined) {
      const becomesSeries = histograms.convertClassic && grouping.isHistogram;
      group = this.#groups.add(key, becomesSeries ? this.#storedLabels(grouping.exposed) : undefined);
    }
    return { group, role: grouping.role, bound: grouping.bound };
  }

  #storedLabels(exposed: string[]): Labels | undefined {
    if (this.#options.typeAndUnitLabels) {
      const family = familyOfSeries(this.#familiesNow(), exposed[1] as string);
      addTypeAndUnit(exposed, family?.type ?? "unknown", family?.unit ?? "");
    }
    return storedLabels(exposed, this.#target, this.#options);
  }

  #familiesNow(): Map<string, FamilyMetadata> {
    this.#knownFamilies ??= this.#families.all(this.#template.blocks);
    return this.#knownFamilies;
  }
}
