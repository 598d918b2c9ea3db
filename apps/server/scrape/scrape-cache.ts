// What one target exposes, remembered so that the next scrape costs little: the kernel of scraping.
//
// A body is walked along the template of an earlier one: where the bytes up to the next value are the expected ones,
// the series is known without being looked at. Where they are not, the next few entries are tried (series went away),
// then the series text is looked up by hash (other order), and only what is unknown is parsed, relabeled and resolved.
import {
  Entry,
  OpenMetricsParser,
  parseFloatBytes,
  type SampleParser,
  scanDecimal,
  TextParser,
} from "@narthex/exposition";
import { type Labels, NORMAL_NAN_HIGH, NORMAL_NAN_LOW } from "@narthex/model";
import { Append, type Appender, LabelBytes, type SeriesRef } from "@narthex/storage";
import type { CacheOptions } from "./cache-options.ts";
import { ExemplarBatch } from "./exemplar-batch.ts";
import { ExtraSeriesSet, markBefore } from "./extra-series.ts";
import { FamilyMemory, familyOfSeries } from "./family-memory.ts";
import { LabelMerger } from "./label-merger.ts";
import type { SampleBatch } from "./sample-batch.ts";
import { type GroupPart, groupingOf, Role, type SampleGroup, SampleGroups } from "./sample-groups.ts";
import { addTypeAndUnit, storedLabels } from "./sample-labels.ts";
import { emptyCounts, MAX_FUTURE_MS, type ScrapeCounts } from "./scrape-counts.ts";
import { ScrapeError } from "./scrape-error.ts";
import { SeriesIndex } from "./series-index.ts";
import { endSample, lineStartBefore, SeriesScan, withoutEnd } from "./series-text.ts";
import { isCumulative, StartSynthesis, Taken } from "./start-synthesis.ts";
import {
  applyNote,
  BLOCK_HEADER_WORDS,
  type Block,
  copySeries,
  ENTRY_RUN_BYTES,
  ENTRY_TEXT,
  ENTRY_WORDS,
  entryCount,
  entryType,
  type FamilyMetadata,
  hashSeries,
  MAX_SERIES_BYTES,
  runMatches,
  seriesBytes,
  TemplateBuilder,
  type TemplateStore,
} from "./template.ts";

/** Entries tried after the expected one before the series text is looked up. */
const NEARBY_ENTRIES = 4;
/** A body that keeps missing its template is built anew every so many scrapes at the most. */
const MAX_REBUILD_PAUSE = 32;
/** What a failed scrape may leave behind: twice the series of the last good one, and so many more. */
const FLUSH_SLACK = 1000;

const DROPPED = 1;
/** The same series text stands earlier in the template. */
const REPEATED = 2;
/** Its last sample had a timestamp of its own, so its absence means nothing. */
const UNTRACKED = 4;
/** Its values are wanted by a group too, or only there (then it is `DROPPED` as well). */
const GROUPED = 8;
/** Whose absence is marked has none of these. */
const UNENDING = DROPPED | REPEATED | UNTRACKED;

const LINE_BREAK = 0x0a;
const SPACE = 0x20;

const scan = new SeriesScan();
const exemplars = new ExemplarBatch();
const merger = new LabelMerger();
const labelBytes = new LabelBytes();

/** One target's cache. Not reentrant; `scrape` runs straight through. */
export class ScrapeCache {
  readonly #target: Labels;
  readonly #store: TemplateStore;
  readonly #batch: SampleBatch;
  readonly #builder: TemplateBuilder;
  #options: CacheOptions;

  #blocks: Block[] = [];
  /** Number of the first entry of each block; one more than blocks, the last the count of entries. */
  #starts: Int32Array = Int32Array.of(0);
  #count = 0;
  #refs: Uint32Array = new Uint32Array(0);
  #flags: Uint8Array = new Uint8Array(0);
  /** Places in groups, of the entries that have one; undefined while none has. */
  #parts: (GroupPart | undefined)[] | undefined;
  #trailer: Uint8Array = new Uint8Array(0);
  #index: SeriesIndex | undefined;
  #seen: Uint32Array | undefined;
  readonly #extras = new ExtraSeriesSet();
  readonly #families = new FamilyMemory();
  readonly #groups = new SampleGroups();
  /** Makes start timestamps up, where that is wanted. */
  #synthesis: StartSynthesis | undefined;

  #generation = 2;
  /** Which entries the scrape before had: all, those marked in `seen`, or none. */
  #presence: "all" | "some" | "none" = "none";
  #lastSuccessful = 0;
  #rebuildWait = 0;
  #rebuildPause = 1;
  #forcedFlushes = 0;

  // State of the walk in progress.
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #end = 0;
  #position = 0;
  #block = 0;
  #entry = 0;
  #typeCode = 0;
  #t = 0;
  #marking = false;
  /** Whether OpenMetrics' `_created` lines are start times. */
  #hearsCreated = false;
  /** Whether a new series is its labels and the target's and nothing more. */
  #isPlain = false;
  /** Samples of the body so far, also those that come to nothing by themselves. */
  #lines = 0;
  #parser: SampleParser = new TextParser();
  #appender: Appender | undefined;
  #counts: ScrapeCounts = emptyCounts();
  /** Families as far as they are known by now; made when first asked for. */
  #knownFamilies: Map<string, FamilyMetadata> | undefined;
  /** Where metadata is handed on: series made in this scrape, by name, and families told anew. */
  readonly #made: { readonly ref: SeriesRef; readonly name: string }[] = [];
  readonly #changedFamilies = new Set<FamilyMetadata>();

  /** `target` are the labels every series gets. The batch may be shared by all caches of a process, the store should. */
  constructor(target: Labels, options: CacheOptions, store: TemplateStore, batch: SampleBatch) {
    this.#target = target;
    this.#options = options;
    this.#store = store;
    this.#batch = batch;
    this.#builder = new TemplateBuilder(store);
  }

  /** New limits and the like. Labels that were settled already stay as they are. */
  set options(options: CacheOptions) {
    this.#options = options;
  }

  /** How often what failed scrapes left behind had to be thrown away. */
  get forcedFlushes(): number {
    return this.#forcedFlushes;
  }

  /** Series of the template and beside it. */
  get size(): number {
    return this.#count + this.#extras.size;
  }

  /**
   * Takes in one body: `bytes[0, length)`, of which at least 8 more bytes must exist, and which `parser` reads. Samples
   * without a timestamp get `t`. Appends, but does not commit; markers for series that went away are among what it
   * appends. Throws an `ExpositionError` or a `ScrapeError` when the scrape fails: then roll the appender back and
   * call `endAll` with a new one. `counts` is right in either case.
   */
  scrape(
    bytes: Uint8Array,
    length: number,
    parser: SampleParser,
    appender: Appender,
    t: number,
    counts: ScrapeCounts,
  ): void {
    Object.assign(counts, emptyCounts());
    this.#begin(bytes, length, parser, appender, t, counts);
    try {
      this.#walk();
      this.#appendGroups();
      counts.kept += this.#batch.count;
      this.#checkSampleLimit();
      this.#flush();
      this.#finish();
    } catch (error) {
      counts.kept = Math.max(counts.kept, this.#batch.count);
      this.#abandon();
      throw error;
    } finally {
      this.#batch.clear();
      this.#appender = undefined;
      this.#bytes = new Uint8Array(0);
      this.#knownFamilies = undefined;
      this.#made.length = 0;
      this.#changedFamilies.clear();
      exemplars.clear();
    }
  }

  /** Ends all series of the last good scrape with a stale marker at `t`: the target failed, or went away. */
  endAll(appender: Appender, t: number): void {
    for (const ref of this.present()) appender.appendStale(ref, t);
    this.#presence = "none";
    this.#generation += 2;
    if (this.#extras.size > 2 * this.#lastSuccessful + FLUSH_SLACK) {
      this.#extras.clear();
      this.#forcedFlushes++;
    }
  }

  /** Series that the last good scrape had and that end when they are missing. */
  present(): Set<SeriesRef> {
    const refs = new Set<SeriesRef>();
    if (this.#presence === "none") return refs;
    const generation = this.#generation;
    for (let e = 0; e < this.#count; e++) {
      const present = this.#presence === "all" || (this.#seen![e] as number) >>> 1 === generation;
      if (present && ((this.#flags[e] as number) & UNENDING) === 0) refs.add(this.#refs[e] as number);
    }
    const extras = this.#extras;
    for (let id = 0; id < extras.size; id++) {
      if (extras.seen(id) >>> 1 === generation && (extras.flags(id) & UNENDING) === 0) refs.add(extras.ref(id));
    }
    this.#groups.tracked(generation, this.#options.trackTimestampsStaleness, refs);
    return refs;
  }

  /** Families and what is known of them, those included that were declared at most 10 scrapes ago. */
  metadata(): ReadonlyMap<string, FamilyMetadata> {
    return this.#families.all(this.#blocks);
  }

  /** How many families `metadata` would list, and about how many bytes their texts take; families counted twice at most. */
  get metadataSize(): { readonly entries: number; readonly bytes: number } {
    return this.#families.size;
  }

  /** Gives up the shared templates. The cache is as new afterwards. */
  release(): void {
    this.#store.release(this.#blocks);
    this.#blocks = [];
    this.#starts = Int32Array.of(0);
    this.#count = 0;
    this.#refs = new Uint32Array(0);
    this.#flags = new Uint8Array(0);
    this.#index = undefined;
    this.#seen = undefined;
    this.#parts = undefined;
    this.#extras.clear();
    this.#groups.clear();
    this.#synthesis = undefined;
    this.#families.clear();
    this.#presence = "none";
    this.#generation += 2;
  }

  #begin(
    bytes: Uint8Array,
    length: number,
    parser: SampleParser,
    appender: Appender,
    t: number,
    counts: ScrapeCounts,
  ): void {
    this.#generation++;
    parser.reset(bytes, length);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = parser.end;
    this.#position = 0;
    this.#block = 0;
    this.#entry = 0;
    this.#typeCode = 0;
    this.#t = t;
    this.#marking = false;
    this.#lines = 0;
    this.#parser = parser;
    this.#appender = appender;
    this.#counts = counts;
    this.#batch.clear();
    this.#synthesis = this.#options.synthesizesStarts ? (this.#synthesis ?? new StartSynthesis()) : undefined;
    const { appendMetadata, histograms, metricRelabeler, startTimes, startTimeZeros, typeAndUnitLabels } = this.#options;
    this.#hearsCreated = (startTimes || startTimeZeros) && parser instanceof OpenMetricsParser;
    const isGrouping = histograms.convertClassic || this.#hearsCreated;
    this.#isPlain = metricRelabeler.isEmpty && !typeAndUnitLabels && !appendMetadata && !isGrouping;
  }

  #walk(): void {
    for (;;) {
      this.#followTemplate();
      if (this.#block === this.#blocks.length && this.#atTrailer()) return;
      this.#startMarking();
      if (this.#block < this.#blocks.length && this.#skipAhead()) continue;
      if (this.#takeKnownSeries()) continue;
      if (!this.#takeParsed()) return;
    }
  }

  /** The hot loop: as long as the bytes are those of the template. Stops before the first run that differs. */
  #followTemplate(): void {
    const bytes = this.#bytes;
    const view = this.#view;
    const end = this.#end;
    const batch = this.#batch;
    const refs = this.#refs;
    const flags = this.#flags;
    batch.reserve(this.#count - (this.#starts[this.#block] as number) + 1);
    let { refs: outRefs, entries: outEntries, values } = batch;
    let n = batch.count;
    let position = this.#position;
    const marking = this.#marking;
    const startedAt = position;
    let scraped = 0;
    let block = this.#block;
    let index = this.#entry;
    const blocks = this.#blocks;
    walk: for (; block < blocks.length; block++, index = 0) {
      const { words } = blocks[block] as Block;
      const base = this.#starts[block] as number;
      const count = words[0] as number;
      for (; index < count; index++) {
        const entry = BLOCK_HEADER_WORDS + index * ENTRY_WORDS;
        const runBytes = words[entry + ENTRY_RUN_BYTES] as number;
        if (
          position + runBytes >= end ||
          !runMatches(view, position, words, words[entry + ENTRY_TEXT] as number, runBytes)
        ) {
          break walk;
        }
        const valueStart = position + runBytes;
        const after = scanDecimal(bytes, valueStart, values, n);
        const number = base + index;
        scraped++;
        if (after > 0 && bytes[after] === LINE_BREAK && flags[number] === 0 && !marking) {
          outRefs[n] = refs[number] as number;
          outEntries[n] = number;
          n++;
          position = after;
          continue;
        }
        batch.count = n;
        position = this.#takeIrregular(number, position, valueStart, after);
        n = batch.count;
        ({ refs: outRefs, entries: outEntries, values } = batch);
      }
    }
    batch.count = n;
    this.#block = block;
    this.#entry = index;
    this.#position = position;
    this.#counts.scraped += scraped;
    this.#lines += scraped;
    if (position !== startedAt) this.#typeCode = this.#typeBefore(block, index);
  }

  /**
   * A sample of the template whose value is not a plain decimal, or is followed by more, or whose series needs a
   * second look. `after` is where its decimal ended, or -1. Returns where the next run begins.
   */
  #takeIrregular(number: number, runStart: number, valueStart: number, after: number): number {
    const bytes = this.#bytes;
    const parser = this.#parser;
    let end = after;
    if (end < 0 || (bytes[end] !== LINE_BREAK && bytes[end] !== SPACE)) end = this.#scanUnusual(valueStart);
    let hasTimestamp = false;
    let hasExemplar = false;
    if (bytes[end] !== LINE_BREAK || end === valueStart) {
      if (end === valueStart) {
        // Nothing we know: the parser reads the line, or says what is wrong with it.
        parser.seek(runStart === 0 ? 0 : runStart + 1);
        while (parser.next() !== Entry.sample);
        this.#setValue(parser.value);
      } else {
        parser.resumeAfterValue(lineStartBefore(bytes, valueStart, runStart), end);
      }
      hasTimestamp = parser.hasTimestamp;
      hasExemplar = parser.hasExemplar;
      end = parser.position - 1;
    }
    const repeated = this.#marking && ((this.#flags[number] as number) & REPEATED) !== 0;
    this.#take(repeated ? this.#firstOf(number) : number, hasTimestamp, hasExemplar);
    return end;
  }

  /** Reads a value that the fast path left alone, and returns where it ends; `start` itself when it is none. */
  #scanUnusual(start: number): number {
    const bytes = this.#bytes;
    let end = start;
    while (end < this.#end && bytes[end] !== SPACE && bytes[end] !== LINE_BREAK) end++;
    try {
      this.#setValue(parseFloatBytes(bytes, start, end));
      return end;
    } catch {
      return start;
    }
  }

  #countLine(): void {
    this.#counts.scraped++;
    this.#lines++;
  }

  #setValue(value: number): void {
    const batch = this.#batch;
    if (!Number.isNaN(value)) {
      batch.values[batch.count] = value;
      return;
    }
    batch.halves[2 * batch.count] = NORMAL_NAN_LOW;
    batch.halves[2 * batch.count + 1] = NORMAL_NAN_HIGH;
  }

  /** Settles a sample of the template entry `number` whose value stands at the end of the batch. */
  #take(number: number, hasTimestamp: boolean, hasExemplar: boolean): void {
    const flags = this.#flags[number] as number;
    let repeated = (flags & REPEATED) !== 0;
    if (this.#marking && !repeated) {
      const mark = this.#seen![number] as number;
      repeated = mark >>> 1 === this.#generation;
      if (!repeated) {
        const before = mark >>> 1 === this.#generation - 1;
        if (!before && (flags & DROPPED) === 0) this.#counts.added++;
        this.#seen![number] = this.#generation * 2 + (before ? 1 : 0);
      }
    }
    const own = hasTimestamp && this.#options.honorTimestamps;
    if ((flags & GROUPED) !== 0) this.#takeGrouped(this.#parts![number] as GroupPart, flags, own, hasExemplar);
    if ((flags & DROPPED) !== 0) return;
    const untracked = own && !this.#options.trackTimestampsStaleness ? UNTRACKED : 0;
    if (!repeated) this.#flags[number] = (flags & ~UNTRACKED) | untracked;
    this.#emit(number, this.#refs[number] as number, own, hasExemplar, repeated);
  }

  /** Puts the value at the end of the batch into the storage: with the batch, or alone when it has a time of its own. */
  #emit(entry: number, ref: SeriesRef, ownTimestamp: boolean, hasExemplar: boolean, repeated: boolean): void {
    const batch = this.#batch;
    const parser = this.#parser;
    const t = ownTimestamp ? parser.timestamp : this.#t;
    if (ownTimestamp) {
      this.#counts.kept++;
      this.#appendAlone(entry, ref, t);
    } else if (repeated) {
      this.#counts.kept++;
      this.#counts.duplicates++;
    } else {
      batch.refs[batch.count] = ref;
      batch.entries[batch.count] = entry;
      batch.count++;
      batch.reserve(1);
    }
    if (!hasExemplar || !this.#options.exemplars) return;
    const flat: string[] = [];
    parser.exemplarLabels(flat);
    exemplars.add(flat, parser.exemplarValue, parser.exemplarHasTimestamp ? parser.exemplarTimestamp : t);
    this.#counts.exemplarsOutOfOrder += exemplars.flush(this.#appender!, ref);
  }

  /** Gives the value at the end of the batch to a group. What is wanted only there is no sample of its own. */
  #takeGrouped(part: GroupPart, flags: number, own: boolean, hasExemplar: boolean): void {
    const parser = this.#parser;
    const value = this.#batch.values[this.#batch.count] as number;
    this.#groups.take(part, value, own ? parser.timestamp : this.#t, own, this.#generation);
    if ((flags & DROPPED) !== 0) this.#counts.scraped--;
    // Histograms take no exemplars without a time: those of a bucket that stays the same would come again and again.
    if (!hasExemplar || !this.#options.exemplars || !parser.exemplarHasTimestamp) return;
    const flat: string[] = [];
    parser.exemplarLabels(flat);
    part.group.exemplars.add(flat, parser.exemplarValue, parser.exemplarTimestamp);
  }

  #appendGroups(): void {
    const { sampleLimit } = this.#options;
    const counts = this.#counts;
    const mayAdd = () => sampleLimit === 0 || counts.kept + this.#batch.count <= sampleLimit;
    const options = { ...this.#options, synthesis: this.#synthesis };
    this.#groups.append(this.#appender!, this.#generation, options, counts, mayAdd);
  }

  #appendAlone(entry: number, ref: SeriesRef, t: number): void {
    if (t > this.#t + MAX_FUTURE_MS) {
      this.#counts.outOfBounds++;
      return;
    }
    let value = this.#batch.values[this.#batch.count] as number;
    // What tells when the series began mostly stands behind it: what the scrape before said has to do.
    let startTime = this.#options.startTimes ? (this.#partAt(entry)?.group.createdNow ?? 0) : 0;
    if (this.#synthesis !== undefined && startTime === 0) {
      const taken = this.#synthesis.takeFloat(ref, t, value, this.#generation, () => this.#isCumulative(entry));
      if (taken === Taken.leftOut) return;
      if (taken === Taken.adjusted) ({ value, startTime } = this.#synthesis);
    }
    let verdict = this.#appender!.append(ref, t, value, startTime);
    if (verdict === Append.unknownRef) verdict = this.#appender!.append(this.#resolveAgain(entry), t, value, startTime);
    if (verdict !== Append.ok) this.#synthesis?.forget(ref);
    this.#countVerdict(verdict);
  }

  /** Tries the entries after the expected one: what stood before them is gone. */
  #skipAhead(): boolean {
    if (this.#position === 0) return false;
    let block = this.#block;
    let index = this.#entry;
    for (let tried = 0; tried < NEARBY_ENTRIES; tried++) {
      index++;
      if (index >= entryCount((this.#blocks[block] as Block).words)) {
        block++;
        index = 0;
        if (block >= this.#blocks.length) return false;
      }
      const { words } = this.#blocks[block] as Block;
      if (entryCount(words) === 0) return false;
      const entry = BLOCK_HEADER_WORDS + index * ENTRY_WORDS;
      const runBytes = words[entry + ENTRY_RUN_BYTES] as number;
      if (this.#position + runBytes >= this.#end) continue;
      if (!runMatches(this.#view, this.#position, words, words[entry + ENTRY_TEXT] as number, runBytes)) continue;
      this.#block = block;
      this.#entry = index;
      return true;
    }
    return false;
  }

  /** The next line, if it is a sample of a series in the template and nothing unusual: taken, and true. */
  #takeKnownSeries(): boolean {
    if (this.#count === 0) return false;
    const bytes = this.#bytes;
    const start = this.#position === 0 ? 0 : this.#position + 1;
    const first = bytes[start] as number;
    if (start >= this.#end || first === 0x23 || first === LINE_BREAK || first === SPACE || first === 0x09) return false;
    scan.run(bytes, start, this.#end);
    const { end: i, hash } = scan;
    const valueStart = i + 1;
    if (bytes[i] !== SPACE || valueStart >= this.#end) return false;
    const address = this.#lookUp(bytes, start, i, hash);
    if (address < 0) return false;
    const after = scanDecimal(bytes, valueStart, this.#batch.values, this.#batch.count);
    if (after < 0 || bytes[after] !== LINE_BREAK) return false;
    this.#countLine();
    this.#take((this.#starts[address >>> 8] as number) + (address & 255), false, false);
    this.#position = after;
    this.#pointBehind(address);
    return true;
  }

  /** The next sample by way of the parser. False at the end of the body. */
  #takeParsed(): boolean {
    const parser = this.#parser;
    // A run begins with the line break that ended the sample before it.
    parser.seek(this.#position === 0 ? 0 : this.#position + 1);
    parser.typeCode = this.#typeCode;
    for (;;) {
      const kind = parser.next();
      this.#typeCode = parser.typeCode;
      if (kind === Entry.end) return false;
      if (kind === Entry.sample) break;
      if (kind !== Entry.comment) this.#noteFamily(kind);
    }
    this.#position = parser.position - 1;
    this.#countLine();
    this.#setValue(parser.value);
    const { seriesStart, seriesEnd } = parser;
    const hash = hashSeries(this.#bytes, seriesStart, seriesEnd);
    const address = this.#lookUp(this.#bytes, seriesStart, seriesEnd, hash);
    if (address >= 0) {
      this.#take((this.#starts[address >>> 8] as number) + (address & 255), parser.hasTimestamp, parser.hasExemplar);
      this.#pointBehind(address);
      return true;
    }
    this.#takeExtra(hash);
    return true;
  }

  #takeExtra(hash: number): void {
    const parser = this.#parser;
    const extras = this.#extras;
    let id = extras.find(this.#view, parser.seriesStart, parser.seriesEnd, hash);
    if (id < 0) {
      id = this.#resolveNew(hash);
      if (id < 0) return;
    }
    const own = parser.hasTimestamp && this.#options.honorTimestamps;
    const mark = extras.seen(id);
    const repeated = mark >>> 1 === this.#generation;
    let flags = extras.flags(id);
    const dropped = (flags & DROPPED) !== 0;
    if (!repeated) {
      const before = mark >>> 1 === this.#generation - 1;
      if (!before && !dropped) this.#counts.added++;
      extras.setSeen(id, this.#generation * 2 + (before ? 1 : 0));
      const untracked = own && !this.#options.trackTimestampsStaleness ? UNTRACKED : 0;
      flags = (flags & ~UNTRACKED) | untracked;
      extras.setFlags(id, flags);
    }
    if ((flags & GROUPED) !== 0) {
      this.#takeGrouped(extras.part(id) as GroupPart, flags, own, parser.hasExemplar);
    }
    if (!dropped) this.#emit(-1 - id, extras.ref(id), own, parser.hasExemplar, repeated);
  }

  /** Labels, relabeling, series ref of a series text that was never seen. -1 beyond the sample limit. */
  #resolveNew(hash: number): number {
    const parser = this.#parser;
    if (this.#isPlain && merger.merge(parser, this.#bytes, this.#target, this.#options, labelBytes)) {
      if (this.#isBeyondLimit()) return -1;
      return this.#addExtra(hash, this.#appender!.seriesOfBytes(labelBytes), 0, undefined);
    }
    const exposed: string[] = [];
    parser.labels(exposed);
    const part = this.#partOf(exposed);
    const { histograms, appendMetadata } = this.#options;
    const isGrouped = part !== undefined && part.role !== Role.member;
    if (isGrouped && (part.role === Role.created || !histograms.alwaysScrapeClassic)) {
      return this.#addExtra(hash, 0, DROPPED | GROUPED, part);
    }
    const labels = this.#storedLabels(exposed);
    if (labels !== undefined && this.#isBeyondLimit()) return -1;
    const ref = labels === undefined ? 0 : this.#appender!.series(labels);
    if (ref !== 0) part?.group.members.push(ref);
    if (ref !== 0 && appendMetadata) this.#made.push({ ref, name: exposed[1] as string });
    const flags = (labels === undefined ? DROPPED : 0) | (isGrouped ? GROUPED : 0);
    return this.#addExtra(hash, ref, flags, part);
  }

  #addExtra(hash: number, ref: SeriesRef, flags: number, part: GroupPart | undefined): number {
    const { seriesStart, seriesEnd } = this.#parser;
    return this.#extras.add(this.#view, seriesStart, seriesEnd, hash, ref, flags, this.#typeCode, part);
  }

  /** Whether there is one sample more than the limit allows. The scrape is going to fail then: count on, but make no more series. */
  #isBeyondLimit(): boolean {
    const { sampleLimit } = this.#options;
    if (sampleLimit === 0 || this.#counts.kept + this.#batch.count < sampleLimit) return false;
    this.#counts.kept++;
    return true;
  }

  /** Where a new series belongs, if series are grouped at all. */
  #partOf(exposed: readonly string[]): GroupPart | undefined {
    const { histograms } = this.#options;
    const hearsCreated = this.#hearsCreated;
    if (!histograms.convertClassic && !hearsCreated) return undefined;
    const options = { converts: histograms.convertClassic, hearsCreated };
    const grouping = groupingOf(exposed, this.#typeCode, options);
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
    this.#knownFamilies ??= this.#families.all(this.#blocks);
    return this.#knownFamilies;
  }

  /** Hands on what is known of families: for series that are new, and for all of a family that was told anew. */
  #appendMetadata(): void {
    const appender = this.#appender!;
    const families = this.#familiesNow();
    for (const { ref, name } of this.#made) {
      const family = familyOfSeries(families, name);
      if (family !== undefined) appender.updateMetadata(ref, { ...family });
    }
    if (this.#changedFamilies.size === 0) return;
    const parser = this.#parser.another();
    const update = (entry: number, ref: SeriesRef) => {
      const { bytes, length } = this.#textOf(entry);
      parser.reset(bytes, length);
      parser.next();
      const exposed: string[] = [];
      parser.labels(exposed);
      const family = familyOfSeries(families, exposed[1] as string);
      if (family !== undefined && this.#changedFamilies.has(family)) appender.updateMetadata(ref, { ...family });
    };
    for (let e = 0; e < this.#count; e++) if (this.#flags[e] === 0) update(e, this.#refs[e] as number);
    const extras = this.#extras;
    for (let id = 0; id < extras.size; id++) {
      if (extras.flags(id) === 0 && (extras.seen(id) & 1) === 1) update(-1 - id, extras.ref(id));
    }
  }

  /** The series of an entry went from the storage meanwhile: makes it again from its text. */
  #resolveAgain(entry: number): SeriesRef {
    const parser = this.#parser.another();
    const { bytes, length, typeCode } = this.#textOf(entry);
    parser.reset(bytes, length);
    parser.typeCode = typeCode;
    parser.next();
    const exposed: string[] = [];
    parser.labels(exposed);
    const labels = this.#storedLabels(exposed);
    const ref = labels === undefined ? 0 : this.#appender!.series(labels);
    const old = entry >= 0 ? (this.#refs[entry] as number) : this.#extras.ref(-1 - entry);
    this.#synthesis?.move(old, ref);
    if (entry >= 0) this.#refs[entry] = ref;
    else this.#extras.setRef(-1 - entry, ref);
    return ref;
  }

  #textOf(entry: number): { bytes: Uint8Array; length: number; typeCode: number } {
    if (entry < 0) {
      const id = -1 - entry;
      const bytes = new Uint8Array(this.#extras.textBytes(id) + 16);
      return { bytes, length: endSample(bytes, this.#extras.copyText(id, bytes)), typeCode: this.#extras.typeCode(id) };
    }
    let block = 0;
    while ((this.#starts[block + 1] as number) <= entry) block++;
    const { words } = this.#blocks[block] as Block;
    const at = BLOCK_HEADER_WORDS + (entry - (this.#starts[block] as number)) * ENTRY_WORDS;
    const bytes = new Uint8Array(seriesBytes(words, at) + 16);
    return { bytes, length: endSample(bytes, copySeries(words, at, bytes, 0)), typeCode: entryType(words, at) };
  }

  #lookUp(bytes: Uint8Array, start: number, end: number, hash: number): number {
    if (this.#count === 0) return -1;
    this.#index ??= new SeriesIndex(
      this.#blocks,
      this.#count,
      (block, index) => ((this.#flags[(this.#starts[block] as number) + index] as number) & REPEATED) !== 0,
    );
    return this.#index.find(bytes, start, end, hash);
  }

  /** The entry with the same text that is not marked as a repetition. */
  #firstOf(number: number): number {
    const { bytes, length } = this.#textOf(number);
    const textEnd = withoutEnd(length);
    const address = this.#lookUp(bytes, 0, textEnd, hashSeries(bytes, 0, textEnd));
    return address < 0 ? number : (this.#starts[address >>> 8] as number) + (address & 255);
  }

  /** Expects the entry after this one next, and remembers the type in force. */
  #pointBehind(address: number): void {
    let block = address >>> 8;
    let index = (address & 255) + 1;
    const { words } = this.#blocks[block] as Block;
    this.#typeCode = entryType(words, BLOCK_HEADER_WORDS + (index - 1) * ENTRY_WORDS);
    if (index >= entryCount(words)) {
      block++;
      index = 0;
    }
    this.#block = block;
    this.#entry = index;
  }

  #atTrailer(): boolean {
    const trailer = this.#trailer;
    if (this.#count === 0 || this.#end - this.#position !== trailer.length) return false;
    for (let i = 0; i < trailer.length; i++) if (this.#bytes[this.#position + i] !== trailer[i]) return false;
    return true;
  }

  /** From the first difference on, it is recorded which entries the body has; up to there it had all. */
  #startMarking(): void {
    if (this.#marking) return;
    this.#marking = true;
    this.#seen ??= new Uint32Array(this.#count);
    const seen = this.#seen;
    const generation = this.#generation;
    const upTo = (this.#starts[this.#block] as number) + this.#entry;
    for (let e = 0; e < upTo; e++) {
      const before = this.#presence === "all" || (seen[e] as number) >>> 1 === generation - 1;
      if (!before && ((this.#flags[e] as number) & (DROPPED | REPEATED)) === 0) this.#counts.added++;
      seen[e] = generation * 2 + (before ? 1 : 0);
    }
    if (this.#presence !== "all") return;
    seen.fill((generation - 1) * 2, upTo);
    this.#presence = "some";
  }

  /** Type in force at the entry before this one. */
  #typeBefore(block: number, index: number): number {
    if (index === 0 && block === 0) return 0;
    const before = index === 0 ? block - 1 : block;
    const { words } = this.#blocks[before] as Block;
    const last = index === 0 ? entryCount(words) - 1 : index - 1;
    return last < 0 ? 0 : entryType(words, BLOCK_HEADER_WORDS + last * ENTRY_WORDS);
  }

  #noteFamily(kind: Entry): void {
    const { family, metricType } = this.#parser;
    const what = kind === Entry.type ? "type" : kind === Entry.help ? "help" : "unit";
    const text = kind === Entry.type ? metricType : this.#parser.text;
    const { appendMetadata, synthesizesStarts, typeAndUnitLabels } = this.#options;
    if (appendMetadata || synthesizesStarts || typeAndUnitLabels) {
      const families = this.#familiesNow();
      const known = families.get(family);
      applyNote(families, { family, kind: what, text });
      if (known !== undefined || appendMetadata) this.#changedFamilies.add(families.get(family) as FamilyMetadata);
    }
    this.#families.note(family, what, text, this.#generation);
  }

  #checkSampleLimit(): void {
    const { sampleLimit } = this.#options;
    if (sampleLimit > 0 && this.#counts.kept > sampleLimit)
      throw new ScrapeError("sample limit exceeded", "sample_limit");
  }

  #flush(): void {
    const batch = this.#batch;
    const appender = this.#appender!;
    this.#addStartTimes();
    const { startTimes } = batch;
    const refused = appender.appendBatch(batch.refs, batch.halves, batch.count, this.#t, batch.verdicts, startTimes);
    if (refused === 0) return;
    for (let i = 0; i < batch.count; i++) {
      let verdict = batch.verdicts[i] as Append;
      if (verdict === Append.ok) continue;
      let ref = batch.refs[i] as number;
      if (verdict === Append.unknownRef) {
        ref = this.#resolveAgain(batch.entries[i] as number);
        verdict = appender.append(ref, this.#t, batch.values[i] as number, startTimes?.[i]);
      }
      if (verdict !== Append.ok) this.#synthesis?.forget(ref);
      this.#countVerdict(verdict);
    }
  }

  /** Gives the samples of the batch the start timestamps that the scrape told, or that are made up. */
  #addStartTimes(): void {
    const batch = this.#batch;
    const hears = this.#options.startTimes && this.#groups.size > 0;
    if (!hears && this.#synthesis === undefined) return;
    const startTimes = batch.withStartTimes().fill(0, 0, batch.count);
    for (let i = 0; hears && i < batch.count; i++) {
      const group = this.#partAt(batch.entries[i] as number)?.group;
      if (group?.touchedIn === this.#generation) startTimes[i] = group.createdNow;
    }
    this.#synthesis?.takeBatch(
      batch,
      this.#t,
      this.#generation,
      (at) => this.#isCumulative(batch.entries[at] as number),
      () => {},
    );
  }

  /** Where a series stands among those that belong together. */
  #partAt(entry: number): GroupPart | undefined {
    return entry >= 0 ? this.#parts?.[entry] : this.#extras.part(-1 - entry);
  }

  #isCumulative(entry: number): boolean {
    const parser = this.#parser.another();
    const { bytes, length } = this.#textOf(entry);
    parser.reset(bytes, length);
    parser.next();
    const exposed: string[] = [];
    parser.labels(exposed);
    const name = exposed[1] as string;
    const family = familyOfSeries(this.#familiesNow(), name);
    return family !== undefined && isCumulative(family.type, name);
  }

  #countVerdict(verdict: Append): void {
    if (verdict === Append.outOfOrder) this.#counts.outOfOrder++;
    else if (verdict === Append.duplicate) this.#counts.duplicates++;
    else if (verdict === Append.outOfBounds || verdict === Append.tooOld) this.#counts.outOfBounds++;
  }

  /** Ends what went away, forgets what nobody needs, and renews the template when it has stopped fitting. */
  #finish(): void {
    const generation = this.#generation;
    this.#endMissing();
    if (this.#options.appendMetadata) this.#appendMetadata();
    this.#synthesis?.keepSeen(generation);
    this.#lastSuccessful = this.#counts.scraped;
    this.#families.expire(generation);
    if (!this.#marking) {
      this.#extras.clear();
      this.#seen = undefined;
      this.#index = undefined;
      this.#presence = "all";
      this.#rebuildPause = 1;
      this.#rebuildWait = 0;
      return;
    }
    this.#presence = "some";
    this.#extras.keepSeen(generation);
    this.#rebuildWait--;
    if (this.#rebuildWait > 0) return;
    this.#rebuildWait = this.#rebuildPause;
    this.#rebuildPause = Math.min(this.#rebuildPause * 2, MAX_REBUILD_PAUSE);
    this.#rebuild();
  }

  #endMissing(): void {
    const before = this.#generation - 1;
    const missing = new Set<SeriesRef>();
    if (!this.#marking) {
      if (this.#presence !== "all") {
        for (let e = 0; e < this.#count; e++) {
          const wasThere = this.#presence === "some" && (this.#seen![e] as number) >>> 1 === before;
          if (!wasThere && ((this.#flags[e] as number) & (DROPPED | REPEATED)) === 0) this.#counts.added++;
        }
      }
    } else {
      const seen = this.#seen as Uint32Array;
      for (let e = 0; e < this.#count; e++) {
        const isTracked = ((this.#flags[e] as number) & UNENDING) === 0;
        if ((seen[e] as number) >>> 1 === before && isTracked) missing.add(this.#refs[e] as number);
      }
    }
    const extras = this.#extras;
    for (let id = 0; id < extras.size; id++) {
      if (extras.seen(id) >>> 1 === before && (extras.flags(id) & UNENDING) === 0) missing.add(extras.ref(id));
    }
    this.#groups.tracked(before, this.#options.trackTimestampsStaleness, missing);
    if (missing.size === 0) return;
    // Two texts may name one series, by relabeling for instance: it goes on while one of them is there.
    for (let e = 0; e < this.#count; e++) {
      if (!this.#marking || (this.#seen![e] as number) >>> 1 === this.#generation)
        missing.delete(this.#refs[e] as number);
    }
    for (let id = 0; id < extras.size; id++) {
      if (extras.seen(id) >>> 1 === this.#generation) missing.delete(extras.ref(id));
    }
    const here = new Set<SeriesRef>();
    this.#groups.tracked(this.#generation, true, here);
    for (const ref of here) missing.delete(ref);
    for (const ref of missing) this.#appender!.appendStale(ref, this.#t);
  }

  /** Takes this body, which is known to be good, for the new template. */
  #rebuild(): void {
    const parser = this.#parser;
    const builder = this.#builder;
    const bytes = this.#bytes;
    const extras = this.#extras;
    const claimed = new Uint8Array(this.#count);
    const claimedExtras = new Uint8Array(extras.size);
    const lines = this.#lines;
    const refs = new Uint32Array(lines);
    const flags = new Uint8Array(lines);
    let parts: (GroupPart | undefined)[] | undefined;
    let count = 0;
    let runStart = 0;
    parser.seek(0);
    parser.typeCode = 0;
    for (let kind = parser.next(); kind !== Entry.end; kind = parser.next()) {
      if (kind === Entry.type) builder.note(parser.family, "type", parser.metricType);
      else if (kind === Entry.help) builder.note(parser.family, "help", parser.text);
      else if (kind === Entry.unit) builder.note(parser.family, "unit", parser.text);
      if (kind !== Entry.sample) continue;
      const { seriesStart, seriesEnd, valueStart, typeCode } = parser;
      const hash = hashSeries(bytes, seriesStart, seriesEnd);
      const address = this.#lookUp(bytes, seriesStart, seriesEnd, hash);
      if (seriesEnd - seriesStart > MAX_SERIES_BYTES || count === refs.length) {
        builder.abandon();
        return;
      }
      if (address >= 0) {
        const old = (this.#starts[address >>> 8] as number) + (address & 255);
        refs[count] = this.#refs[old] as number;
        const part = this.#parts?.[old];
        if (part !== undefined) (parts ??= [])[count] = part;
        flags[count] = (this.#flags[old] as number) | (claimed[old] === 0 ? 0 : REPEATED);
        claimed[old] = 1;
      } else {
        const id = extras.find(this.#view, seriesStart, seriesEnd, hash);
        if (id < 0) {
          builder.abandon();
          return;
        }
        refs[count] = extras.ref(id);
        const part = extras.part(id);
        if (part !== undefined) (parts ??= [])[count] = part;
        flags[count] = extras.flags(id) | (claimedExtras[id] === 0 ? 0 : REPEATED);
        claimedExtras[id] = 1;
      }
      builder.add(this.#view, runStart, seriesStart, seriesEnd, valueStart, typeCode, hash);
      runStart = parser.position - 1;
      count++;
    }
    this.#replaceTemplate(builder.finish(), refs.subarray(0, count), flags.subarray(0, count));
    this.#parts = parts;
    const groups = new Set<SampleGroup>();
    if (parts !== undefined) for (const part of parts) if (part !== undefined) groups.add(part.group);
    this.#groups.keep(groups);
    this.#trailer = bytes.slice(runStart, this.#end);
    extras.clear();
    this.#presence = "all";
  }

  #replaceTemplate(blocks: Block[], refs: Uint32Array, flags: Uint8Array): void {
    this.#families.replaceTemplate(this.#blocks, blocks, this.#generation);
    this.#store.release(this.#blocks);
    this.#blocks = blocks;
    this.#starts = new Int32Array(blocks.length + 1);
    for (let b = 0; b < blocks.length; b++) {
      const { words } = blocks[b] as Block;
      this.#starts[b + 1] = (this.#starts[b] as number) + entryCount(words);
    }
    this.#count = refs.length;
    this.#refs = refs;
    this.#flags = flags;
    this.#seen = undefined;
    this.#index = undefined;
  }

  /** A scrape failed: the cache is again what it was before it, but for what it learnt about families. */
  #abandon(): void {
    const generation = this.#generation;
    this.#generation = generation - 1;
    this.#groups.unsee(generation);
    if (!this.#marking) return;
    const seen = this.#seen as Uint32Array;
    for (let e = 0; e < this.#count; e++) seen[e] = markBefore(seen[e] as number, generation);
    this.#extras.unsee(generation);
  }
}
