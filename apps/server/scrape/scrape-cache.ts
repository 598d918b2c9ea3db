// What one target exposes, remembered so that the next scrape costs little: the kernel of scraping.
//
// A body is walked along the template of an earlier one: where the bytes up to the next value are the expected ones,
// the series is known without being looked at. Where they are not, the next few entries are tried (series went away),
// then the series text is looked up by hash (other order), and only what is unknown is parsed, relabeled and resolved.
import { Entry, parseFloatBytes, type SampleParser, scanDecimal, TextParser } from "@narthex/exposition";
import { type Labels, NORMAL_NAN_HIGH, NORMAL_NAN_LOW } from "@narthex/model";
import type { Appender, SeriesRef } from "@narthex/storage";
import type { CacheOptions } from "./cache-options.ts";
import { ExemplarBatch } from "./exemplar-batch.ts";
import { ExtraSeriesSet } from "./extra-series.ts";
import { FamilyMemory } from "./family-memory.ts";
import { LineLog } from "./line-log.ts";
import { Presence, Sighting } from "./presence.ts";
import type { SampleBatch } from "./sample-batch.ts";
import { type GroupPart, type SampleGroup, SampleGroups } from "./sample-groups.ts";
import { SampleSink, type SeriesSource } from "./sample-sink.ts";
import { emptyCounts, REFUSED_PAUSE, type ScrapeCounts } from "./scrape-counts.ts";
import { SeriesMaker } from "./series-maker.ts";
import { endSample, lineStartBefore, SeriesScan } from "./series-text.ts";
import { DROPPED, GROUPED, REFUSED, REPEATED, type SeriesLine, TargetTemplate, UNTRACKED } from "./target-template.ts";
import {
  BLOCK_HEADER_WORDS,
  type Block,
  ENTRY_RUN_BYTES,
  ENTRY_TEXT,
  ENTRY_WORDS,
  entryCount,
  entryType,
  type FamilyMetadata,
  hashSeries,
  runMatches,
  type TemplateBuilder,
  type TemplateStore,
} from "./template.ts";
import { templateOf } from "./template-renewal.ts";

/** Entries tried after the expected one before the series text is looked up. */
const NEARBY_ENTRIES = 4;
/** A body that keeps missing its template is built anew every so many scrapes at the most. */
const MAX_REBUILD_PAUSE = 32;
/** What a failed scrape may leave behind: twice the series of the last good one, and so many more. */
const FLUSH_SLACK = 1000;

const LINE_BREAK = 0x0a;
const SPACE = 0x20;

const scan = new SeriesScan();
const exemplars = new ExemplarBatch();
/** Of the body at hand, if it is being noted. */
const log = new LineLog();
/** Stands in for the parser of a cache's first scrape. */
const noParser = new TextParser();

/** One target's cache. Not reentrant; `scrape` runs straight through. */
export class ScrapeCache implements SeriesSource {
  readonly #batch: SampleBatch;
  readonly #builder: TemplateBuilder;
  readonly #template: TargetTemplate;
  readonly #extras = new ExtraSeriesSet();
  readonly #families = new FamilyMemory();
  readonly #groups = new SampleGroups();
  readonly #presence: Presence;
  readonly #maker: SeriesMaker;
  readonly #sink: SampleSink;
  #options: CacheOptions;
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
  /** Whether the log is told of each line. */
  #isLogging = false;
  #parser: SampleParser = noParser;
  #appender: Appender | undefined;
  #counts: ScrapeCounts = emptyCounts();

  /** `target` are the labels every series gets. The batch may be shared by all caches of a process, the store should. */
  constructor(target: Labels, options: CacheOptions, store: TemplateStore, batch: SampleBatch) {
    this.#options = options;
    this.#batch = batch;
    this.#sink = new SampleSink(batch, this);
    this.#builder = store.builder;
    this.#template = new TargetTemplate(store);
    this.#presence = new Presence(this.#template, this.#extras, this.#groups);
    this.#maker = new SeriesMaker(target, options, this.#template, this.#groups, this.#families);
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
    return this.#template.count + this.#extras.size;
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
      this.#hearStartTimes();
      this.#sink.flush(this.#options.sampleLimit);
      this.#finish();
    } catch (error) {
      counts.kept = Math.max(counts.kept, this.#batch.count);
      this.#presence.abandon();
      throw error;
    } finally {
      this.#sink.end();
      this.#appender = undefined;
      this.#bytes = new Uint8Array(0);
      this.#maker.end();
      log.clear();
      exemplars.clear();
    }
  }

  /** Ends all series of the last good scrape with a stale marker at `t`: the target failed, or went away. */
  endAll(appender: Appender, t: number): void {
    for (const ref of this.present()) appender.appendStale(ref, t);
    this.#presence.endAll();
    if (this.#extras.size > 2 * this.#lastSuccessful + FLUSH_SLACK) {
      this.#extras.clear();
      this.#presence.forgetExtras();
      this.#forcedFlushes++;
    }
  }

  /** Series that the last good scrape had and that end when they are missing. */
  present(): Set<SeriesRef> {
    return this.#presence.present(this.#options.trackTimestampsStaleness);
  }

  /** Families and what is known of them, those included that were declared at most 10 scrapes ago. */
  metadata(): ReadonlyMap<string, FamilyMetadata> {
    return this.#families.all(this.#template.blocks);
  }

  /** How many families `metadata` would list, and about how many bytes their texts take; families counted twice at most. */
  get metadataSize(): { readonly entries: number; readonly bytes: number } {
    return this.#families.size;
  }

  /** Gives up the shared templates. The cache is as new afterwards. */
  release(): void {
    this.#template.release();
    this.#extras.clear();
    this.#groups.clear();
    this.#sink.synthesis = undefined;
    this.#families.clear();
    this.#presence.clear();
  }

  #begin(
    bytes: Uint8Array,
    length: number,
    parser: SampleParser,
    appender: Appender,
    t: number,
    counts: ScrapeCounts,
  ): void {
    this.#presence.begin();
    parser.reset(bytes, length);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = parser.end;
    this.#position = 0;
    this.#block = 0;
    this.#entry = 0;
    this.#typeCode = 0;
    this.#t = t;
    this.#parser = parser;
    this.#appender = appender;
    this.#counts = counts;
    this.#sink.begin(appender, t, this.#presence.scrape, counts, this.#options.synthesizesStarts);
    this.#maker.begin(parser, bytes, appender, this.#options);
    // Of a first body each line is read one by one: noting where they stand makes the template without reading it again.
    this.#isLogging = this.#template.count === 0;
    log.clear();
  }

  #walk(): void {
    const template = this.#template;
    const { blocks } = template;
    if (template.count === 0) {
      this.#startMarking();
      while (this.#takeParsed());
      return;
    }
    for (;;) {
      this.#followTemplate();
      if (this.#block === blocks.length && template.isTrailer(this.#bytes, this.#position, this.#end)) return;
      this.#startMarking();
      if (this.#block < blocks.length && this.#skipAhead()) continue;
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
    const template = this.#template;
    const { refs, flags, starts, blocks } = template;
    batch.reserve(template.count - (starts[this.#block] as number) + 1);
    let { refs: outRefs, entries: outEntries, values } = batch;
    let n = batch.count;
    let position = this.#position;
    const marking = this.#presence.isMarking;
    const startedAt = position;
    let scraped = 0;
    let block = this.#block;
    let index = this.#entry;
    walk: for (; block < blocks.length; block++, index = 0) {
      const { words } = blocks[block] as Block;
      const base = starts[block] as number;
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
    if (position !== startedAt) this.#typeCode = template.typeBefore(block, index);
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
    const template = this.#template;
    const repeated = this.#presence.isMarking && ((template.flags[number] as number) & REPEATED) !== 0;
    this.#take(repeated ? template.firstOf(number) : number, hasTimestamp, hasExemplar);
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
    const template = this.#template;
    let flags = template.flags[number] as number;
    if ((flags & REFUSED) !== 0) {
      flags = this.#tryAgain(number, flags);
      template.flags[number] = flags;
    }
    let repeated = (flags & REPEATED) !== 0;
    if (this.#presence.isMarking && !repeated) {
      const sighting = this.#presence.sight(number);
      repeated = sighting === Sighting.again;
      if (sighting === Sighting.fresh && (flags & DROPPED) === 0) this.#counts.added++;
    }
    const own = hasTimestamp && this.#options.honorTimestamps;
    if ((flags & GROUPED) !== 0) this.#takeGrouped(template.part(number) as GroupPart, flags, own, hasExemplar);
    if ((flags & DROPPED) !== 0) return;
    const untracked = own && !this.#options.trackTimestampsStaleness ? UNTRACKED : 0;
    if (!repeated) template.flags[number] = (flags & ~UNTRACKED) | untracked;
    this.#emit(number, template.refs[number] as number, own, hasExemplar, repeated);
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
    this.#groups.take(part, value, own ? parser.timestamp : this.#t, own, this.#presence.scrape);
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
    const options = { ...this.#options, synthesis: this.#sink.synthesis };
    this.#groups.append(this.#appender!, this.#presence.scrape, options, counts, mayAdd);
  }

  /** The value at the end of the batch, for an entry of a series, with a time of its own. */
  #appendAlone(entry: number, ref: SeriesRef, t: number): void {
    const batch = this.#batch;
    batch.entries[batch.count] = entry;
    // What tells when the series began mostly stands behind it: what the scrape before said has to do.
    const startTime = this.#options.startTimes ? (this.#partAt(entry)?.group.createdNow ?? 0) : 0;
    this.#sink.appendAlone(ref, t, startTime);
  }

  /** Tries the entries after the expected one: what stood before them is gone. */
  #skipAhead(): boolean {
    if (this.#position === 0) return false;
    const { blocks } = this.#template;
    let block = this.#block;
    let index = this.#entry;
    for (let tried = 0; tried < NEARBY_ENTRIES; tried++) {
      index++;
      if (index >= entryCount((blocks[block] as Block).words)) {
        block++;
        index = 0;
        if (block >= blocks.length) return false;
      }
      const { words } = blocks[block] as Block;
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
    const bytes = this.#bytes;
    const start = this.#position === 0 ? 0 : this.#position + 1;
    const first = bytes[start] as number;
    if (start >= this.#end || first === 0x23 || first === LINE_BREAK || first === SPACE || first === 0x09) return false;
    scan.run(bytes, start, this.#end);
    const { end: i, hash } = scan;
    const valueStart = i + 1;
    if (bytes[i] !== SPACE || valueStart >= this.#end) return false;
    const address = this.#template.lookUp(bytes, start, i, hash);
    if (address < 0) return false;
    const after = scanDecimal(bytes, valueStart, this.#batch.values, this.#batch.count);
    if (after < 0 || bytes[after] !== LINE_BREAK) return false;
    this.#counts.scraped++;
    this.#take(this.#template.numberOf(address), false, false);
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
    this.#counts.scraped++;
    this.#setValue(parser.value);
    const { seriesStart, seriesEnd } = parser;
    const hash = hashSeries(this.#bytes, seriesStart, seriesEnd);
    const address = this.#template.lookUp(this.#bytes, seriesStart, seriesEnd, hash);
    if (address >= 0) {
      this.#take(this.#template.numberOf(address), parser.hasTimestamp, parser.hasExemplar);
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
      id = this.#addExtra(hash);
      if (id < 0) return;
    }
    if (this.#isLogging) log.add(parser, this.#typeCode, hash, -1 - id);
    const own = parser.hasTimestamp && this.#options.honorTimestamps;
    let flags = extras.flags(id);
    if ((flags & REFUSED) !== 0) {
      flags = this.#tryAgain(-1 - id, flags);
      extras.setFlags(id, flags);
    }
    const dropped = (flags & DROPPED) !== 0;
    const sighting = this.#presence.sightExtra(id);
    if (sighting !== Sighting.again) {
      if (sighting === Sighting.fresh && !dropped) this.#counts.added++;
      const untracked = own && !this.#options.trackTimestampsStaleness ? UNTRACKED : 0;
      flags = (flags & ~UNTRACKED) | untracked;
      extras.setFlags(id, flags);
    }
    if ((flags & GROUPED) !== 0) this.#takeGrouped(extras.part(id) as GroupPart, flags, own, parser.hasExemplar);
    if (!dropped) this.#emit(-1 - id, extras.ref(id), own, parser.hasExemplar, sighting === Sighting.again);
  }

  /** Makes the series of a text that was never seen. -1 for one sample more than the limit allows. */
  #addExtra(hash: number): number {
    const { seriesStart, seriesEnd } = this.#parser;
    const { sampleLimit } = this.#options;
    const maker = this.#maker;
    const isFull = sampleLimit > 0 && this.#counts.kept + this.#batch.count >= sampleLimit;
    if (!maker.make(this.#typeCode, isFull)) {
      // The scrape is going to fail: count on, but make no more series.
      this.#counts.kept++;
      return -1;
    }
    const { ref, flags, part } = maker;
    return this.#extras.add(this.#view, seriesStart, seriesEnd, hash, ref, flags, this.#typeCode, part);
  }

  /** The series of an entry went from the storage meanwhile: makes it again from its text. */
  #resolveAgain(entry: number): SeriesRef {
    const ref = this.#maker.makeAgain(this.#lineOf(entry));
    const old = entry >= 0 ? (this.#template.refs[entry] as number) : this.#extras.ref(-1 - entry);
    this.#sink.synthesis?.move(old, ref);
    if (entry >= 0) this.#template.setRef(entry, ref);
    else this.#extras.setRef(-1 - entry, ref);
    return ref;
  }

  /** The storage would not make a series: now and then it is asked again. Answers what is special about the series now. */
  #tryAgain(entry: number, flags: number): number {
    const isDue = this.#presence.scrape % REFUSED_PAUSE === 0;
    if (isDue && this.#resolveAgain(entry) !== 0) return flags & ~(DROPPED | REFUSED);
    this.#counts.refused++;
    return flags;
  }

  #lineOf(entry: number): SeriesLine {
    if (entry >= 0) return this.#template.lineOf(entry);
    const extras = this.#extras;
    const id = -1 - entry;
    const bytes = new Uint8Array(extras.textBytes(id) + 16);
    return { bytes, length: endSample(bytes, extras.copyText(id, bytes)), typeCode: extras.typeCode(id) };
  }

  /** Expects the entry after this one next, and remembers the type in force. */
  #pointBehind(address: number): void {
    let block = address >>> 8;
    let index = (address & 255) + 1;
    const { words } = this.#template.blocks[block] as Block;
    this.#typeCode = entryType(words, BLOCK_HEADER_WORDS + (index - 1) * ENTRY_WORDS);
    if (index >= entryCount(words)) {
      block++;
      index = 0;
    }
    this.#block = block;
    this.#entry = index;
  }

  /** From the first difference on, it is recorded which entries the body has; up to there it had all. */
  #startMarking(): void {
    if (this.#presence.isMarking) return;
    const upTo = (this.#template.starts[this.#block] as number) + this.#entry;
    this.#counts.added += this.#presence.startMarking(upTo);
  }

  #noteFamily(kind: Entry): void {
    const { family, kind: what, text } = this.#maker.noteFamily(kind, this.#presence.scrape);
    if (this.#isLogging) log.note(family, what, text);
  }

  /** Gives the samples of the batch the start timestamps that the scrape told. */
  #hearStartTimes(): void {
    if (!this.#options.startTimes || this.#groups.size === 0) return;
    const batch = this.#batch;
    const { scrape } = this.#presence;
    const startTimes = batch.withStartTimes().fill(0, 0, batch.count);
    for (let i = 0; i < batch.count; i++) {
      const group = this.#partAt(batch.entries[i] as number)?.group;
      if (group?.touchedIn === scrape) startTimes[i] = group.createdNow;
    }
  }

  /** Where a series stands among those that belong together. */
  #partAt(entry: number): GroupPart | undefined {
    return entry >= 0 ? this.#template.part(entry) : this.#extras.part(-1 - entry);
  }

  /** See `SeriesSource`. */
  makeAgain(at: number): SeriesRef {
    return this.#resolveAgain(this.#batch.entries[at] as number);
  }

  /** See `SeriesSource`. */
  isCumulative(at: number): boolean {
    return this.#maker.isCumulative(this.#lineOf(this.#batch.entries[at] as number));
  }

  /** See `SeriesSource`: the entry moves with its sample. */
  moved(): void {}

  /** Ends what went away, forgets what nobody needs, and renews the template when it has stopped fitting. */
  #finish(): void {
    const presence = this.#presence;
    if (!presence.isMarking) this.#counts.added += presence.freshOfAll();
    for (const ref of presence.missing(this.#options.trackTimestampsStaleness)) {
      this.#appender!.appendStale(ref, this.#t);
    }
    if (this.#options.appendMetadata) this.#appendMetadata();
    this.#sink.synthesis?.keepSeen(presence.scrape);
    this.#lastSuccessful = this.#counts.scraped;
    this.#families.expire(presence.scrape);
    presence.settle();
    if (!presence.isMarking) {
      this.#extras.clear();
      this.#template.forgetIndex();
      this.#rebuildPause = 1;
      this.#rebuildWait = 0;
      return;
    }
    this.#rebuildWait--;
    if (this.#rebuildWait <= 0) {
      this.#rebuildWait = this.#rebuildPause;
      this.#rebuildPause = Math.min(this.#rebuildPause * 2, MAX_REBUILD_PAUSE);
      if (this.#rebuild()) return;
    }
    this.#extras.keepSeen(presence.scrape);
  }

  #appendMetadata(): void {
    this.#maker.appendMetadata((show) => {
      const template = this.#template;
      const extras = this.#extras;
      for (let e = 0; e < template.count; e++) {
        if (template.flags[e] === 0) show(template.lineOf(e), template.refs[e] as number);
      }
      for (let id = 0; id < extras.size; id++) {
        if (extras.flags(id) === 0 && (extras.seen(id) & 1) === 1) show(this.#lineOf(-1 - id), extras.ref(id));
      }
    });
  }

  /** Takes this body, which is known to be good, for the new template. False when it cannot be one. */
  #rebuild(): boolean {
    const template = this.#template;
    const extras = this.#extras;
    if (!this.#isLogging) log.read(this.#parser, this.#bytes);
    const content = templateOf(log, this.#bytes, this.#view, this.#end, template, extras, this.#builder);
    if (content === undefined) return false;
    this.#families.replaceTemplate(template.blocks, content.blocks, this.#presence.scrape);
    template.replace(content);
    const groups = new Set<SampleGroup>();
    for (const part of content.parts ?? []) if (part !== undefined) groups.add(part.group);
    this.#groups.keep(groups);
    extras.clear();
    this.#presence.settleAnew();
    return true;
  }
}
