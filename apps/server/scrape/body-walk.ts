// The kernel of scraping: a body is walked along the template of an earlier one. Where the bytes up to the next value are the expected
// ones, the series is known without being looked at. Where they are not, the next few entries are tried (series went away), then the
// series text is looked up by hash (other order), and only what is unknown is parsed, relabeled and resolved.
import { Entry, parseFloatBytes, type SampleParser, scanDecimal, TextParser } from "@narthex/exposition";
import type { KnownSeries } from "./known-series.ts";
import { LineLog } from "./line-log.ts";
import type { Presence } from "./presence.ts";
import type { SampleIntake } from "./sample-intake.ts";
import { emptyCounts, type ScrapeCounts } from "./scrape-counts.ts";
import type { SeriesMaker } from "./series-maker.ts";
import { lineStartBefore, SeriesScan } from "./series-text.ts";
import { REPEATED, type TemplateContent } from "./target-template.ts";
import {
  BLOCK_HEADER_WORDS,
  type Block,
  ENTRY_RUN_BYTES,
  ENTRY_TEXT,
  ENTRY_WORDS,
  entryCount,
  entryType,
  hashSeries,
  runMatches,
  type TemplateBuilder,
} from "./template.ts";
import { templateOf } from "./template-renewal.ts";

/** Entries tried after the expected one before the series text is looked up. */
const NEARBY_ENTRIES = 4;

const LINE_BREAK = 0x0a;
const SPACE = 0x20;

const scan = new SeriesScan();
/** Of the body at hand, if it is being noted. */
const log = new LineLog();
/** Stands in for the parser before the first scrape. */
const noParser = new TextParser();

/** Walks over one target's bodies, one after the other. */
export class BodyWalk {
  readonly #known: KnownSeries;
  readonly #presence: Presence;
  readonly #maker: SeriesMaker;
  readonly #intake: SampleIntake;
  // The body, and where the walk stands in it and in the template.
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #end = 0;
  #parser: SampleParser = noParser;
  #counts: ScrapeCounts = emptyCounts();
  #position = 0;
  #block = 0;
  #entry = 0;
  #typeCode = 0;
  /** Whether the log is told of each line. */
  #isLogging = false;

  constructor(known: KnownSeries, presence: Presence, maker: SeriesMaker, intake: SampleIntake) {
    this.#known = known;
    this.#presence = presence;
    this.#maker = maker;
    this.#intake = intake;
  }

  /** Stands before `bytes[0, length)`, which `parser` reads. At least 8 more bytes must exist. */
  begin(bytes: Uint8Array, length: number, parser: SampleParser, counts: ScrapeCounts): void {
    parser.reset(bytes, length);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = parser.end;
    this.#parser = parser;
    this.#counts = counts;
    this.#position = 0;
    this.#block = 0;
    this.#entry = 0;
    this.#typeCode = 0;
    // Of a first body each line is read one by one: noting where they stand makes the template without reading it again.
    this.#isLogging = this.#known.template.count === 0;
    log.clear();
  }

  /** Lets go of the body. */
  end(): void {
    this.#bytes = new Uint8Array(0);
    log.clear();
  }

  /** Hands all samples to the intake. Throws an `ExpositionError` or a `ScrapeError` when the body will not do. */
  run(): void {
    const { template } = this.#known;
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

  /** The template that this body makes, which was walked over to its end; undefined when it cannot be one. */
  templateOfBody(builder: TemplateBuilder): TemplateContent | undefined {
    if (!this.#isLogging) log.read(this.#parser, this.#bytes);
    const { template, extras } = this.#known;
    return templateOf(log, this.#bytes, this.#view, this.#end, template, extras, builder);
  }

  /** The hot loop: as long as the bytes are those of the template. Stops before the first run that differs. */
  #followTemplate(): void {
    const bytes = this.#bytes;
    const view = this.#view;
    const end = this.#end;
    const { batch } = this.#intake;
    const { template } = this.#known;
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
        this.#intake.setValue(parser.value);
      } else {
        parser.resumeAfterValue(lineStartBefore(bytes, valueStart, runStart), end);
      }
      hasTimestamp = parser.hasTimestamp;
      hasExemplar = parser.hasExemplar;
      end = parser.position - 1;
    }
    const { template } = this.#known;
    const repeated = this.#presence.isMarking && ((template.flags[number] as number) & REPEATED) !== 0;
    this.#intake.take(repeated ? template.firstOf(number) : number, hasTimestamp, hasExemplar);
    return end;
  }

  /** Reads a value that the fast path left alone, and returns where it ends; `start` itself when it is none. */
  #scanUnusual(start: number): number {
    const bytes = this.#bytes;
    let end = start;
    while (end < this.#end && bytes[end] !== SPACE && bytes[end] !== LINE_BREAK) end++;
    try {
      this.#intake.setValue(parseFloatBytes(bytes, start, end));
      return end;
    } catch {
      return start;
    }
  }

  /** Tries the entries after the expected one: what stood before them is gone. */
  #skipAhead(): boolean {
    if (this.#position === 0) return false;
    const { blocks } = this.#known.template;
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
    const { template } = this.#known;
    const address = template.lookUp(bytes, start, i, hash);
    if (address < 0) return false;
    const { batch } = this.#intake;
    const after = scanDecimal(bytes, valueStart, batch.values, batch.count);
    if (after < 0 || bytes[after] !== LINE_BREAK) return false;
    this.#counts.scraped++;
    this.#intake.take(template.numberOf(address), false, false);
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
    this.#intake.setValue(parser.value);
    const { seriesStart, seriesEnd } = parser;
    const hash = hashSeries(this.#bytes, seriesStart, seriesEnd);
    const { template } = this.#known;
    const address = template.lookUp(this.#bytes, seriesStart, seriesEnd, hash);
    if (address >= 0) {
      this.#intake.take(template.numberOf(address), parser.hasTimestamp, parser.hasExemplar);
      this.#pointBehind(address);
      return true;
    }
    this.#takeExtra(hash);
    return true;
  }

  #takeExtra(hash: number): void {
    const parser = this.#parser;
    let id = this.#known.extras.find(this.#view, parser.seriesStart, parser.seriesEnd, hash);
    if (id < 0) {
      id = this.#addExtra(hash);
      if (id < 0) return;
    }
    if (this.#isLogging) log.add(parser, this.#typeCode, hash, -1 - id);
    this.#intake.takeExtra(id, parser.hasTimestamp, parser.hasExemplar);
  }

  /** Makes the series of a text that was never seen. -1 for one sample more than the limit allows. */
  #addExtra(hash: number): number {
    const { seriesStart, seriesEnd } = this.#parser;
    const maker = this.#maker;
    if (!maker.make(this.#typeCode, this.#intake.isFull)) {
      // The scrape is going to fail: count on, but make no more series.
      this.#counts.kept++;
      return -1;
    }
    const { ref, flags, part } = maker;
    return this.#known.extras.add(this.#view, seriesStart, seriesEnd, hash, ref, flags, this.#typeCode, part);
  }

  /** Expects the entry after this one next, and remembers the type in force. */
  #pointBehind(address: number): void {
    let block = address >>> 8;
    let index = (address & 255) + 1;
    const { words } = this.#known.template.blocks[block] as Block;
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
    const upTo = (this.#known.template.starts[this.#block] as number) + this.#entry;
    this.#counts.added += this.#presence.startMarking(upTo);
  }

  #noteFamily(kind: Entry): void {
    const { family, kind: what, text } = this.#maker.noteFamily(kind, this.#presence.scrape);
    if (this.#isLogging) log.note(family, what, text);
  }
}
