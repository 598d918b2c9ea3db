// What one target exposes as text, remembered so that the next scrape costs little: which series it has (known-series.ts), along which
// its next body is walked (body-walk.ts), which of them are there (presence.ts), and what its families are.
import type { SampleParser } from "@narthex/exposition";
import type { Labels } from "@narthex/model";
import type { Appender, SeriesRef } from "@narthex/storage";
import { BodyWalk } from "./body-walk.ts";
import type { CacheOptions } from "./cache-options.ts";
import { FamilyMemory } from "./family-memory.ts";
import { KnownSeries } from "./known-series.ts";
import { Presence } from "./presence.ts";
import type { SampleBatch } from "./sample-batch.ts";
import { type SampleGroup, SampleGroups } from "./sample-groups.ts";
import { SampleIntake } from "./sample-intake.ts";
import { emptyCounts, type ScrapeCounts } from "./scrape-counts.ts";
import { SeriesMaker } from "./series-maker.ts";
import type { FamilyMetadata, TemplateBuilder, TemplateStore } from "./template.ts";

/** A body that keeps missing its template is built anew every so many scrapes at the most. */
const MAX_REBUILD_PAUSE = 32;
/** What a failed scrape may leave behind: twice the series of the last good one, and so many more. */
const FLUSH_SLACK = 1000;

/** One target's cache. Not reentrant; `scrape` runs straight through. */
export class ScrapeCache {
  readonly #builder: TemplateBuilder;
  readonly #known: KnownSeries;
  readonly #families = new FamilyMemory();
  readonly #groups = new SampleGroups();
  readonly #presence: Presence;
  readonly #maker: SeriesMaker;
  readonly #intake: SampleIntake;
  readonly #walk: BodyWalk;
  #options: CacheOptions;
  #lastSuccessful = 0;
  #rebuildWait = 0;
  #rebuildPause = 1;
  #forcedFlushes = 0;

  /** `target` are the labels every series gets. The batch may be shared by all caches of a process, the store should. */
  constructor(target: Labels, options: CacheOptions, store: TemplateStore, batch: SampleBatch) {
    this.#options = options;
    this.#builder = store.builder;
    this.#known = new KnownSeries(store);
    const { template, extras } = this.#known;
    this.#presence = new Presence(template, extras, this.#groups);
    this.#maker = new SeriesMaker(target, options, template, this.#groups, this.#families);
    this.#intake = new SampleIntake(this.#known, this.#groups, this.#presence, this.#maker, options, batch);
    this.#walk = new BodyWalk(this.#known, this.#presence, this.#maker, this.#intake);
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
    return this.#known.size;
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
    const { batch } = this.#intake;
    this.#presence.begin();
    this.#walk.begin(bytes, length, parser, counts);
    this.#intake.begin(parser, appender, t, counts, this.#options);
    this.#maker.begin(parser, bytes, appender, this.#options);
    try {
      this.#walk.run();
      this.#intake.flush();
      this.#finish(appender, t, counts);
    } catch (error) {
      counts.kept = Math.max(counts.kept, batch.count);
      this.#presence.abandon();
      throw error;
    } finally {
      this.#intake.end();
      this.#maker.end();
      this.#walk.end();
    }
  }

  /** Ends all series of the last good scrape with a stale marker at `t`: the target failed, or went away. */
  endAll(appender: Appender, t: number): void {
    for (const ref of this.present()) appender.appendStale(ref, t);
    this.#presence.endAll();
    const { extras } = this.#known;
    if (extras.size > 2 * this.#lastSuccessful + FLUSH_SLACK) {
      extras.clear();
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
    return this.#families.all(this.#known.template.blocks);
  }

  /** How many families `metadata` would list, and about how many bytes their texts take; families counted twice at most. */
  get metadataSize(): { readonly entries: number; readonly bytes: number } {
    return this.#families.size;
  }

  /** Gives up the shared templates. The cache is as new afterwards. */
  release(): void {
    this.#known.release();
    this.#groups.clear();
    this.#intake.forget();
    this.#families.clear();
    this.#presence.clear();
  }

  /** Ends what went away, forgets what nobody needs, and renews the template when it has stopped fitting. */
  #finish(appender: Appender, t: number, counts: ScrapeCounts): void {
    const presence = this.#presence;
    const { template, extras } = this.#known;
    if (!presence.isMarking) counts.added += presence.freshOfAll();
    for (const ref of presence.missing(this.#options.trackTimestampsStaleness)) appender.appendStale(ref, t);
    if (this.#options.appendMetadata) this.#maker.appendMetadata((show) => this.#known.visitPlain(show));
    this.#intake.settle();
    this.#lastSuccessful = counts.scraped;
    this.#families.expire(presence.scrape);
    presence.settle();
    if (!presence.isMarking) {
      extras.clear();
      template.forgetIndex();
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
    extras.keepSeen(presence.scrape);
  }

  /** Takes this body, which is known to be good, for the new template. False when it cannot be one. */
  #rebuild(): boolean {
    const { template, extras } = this.#known;
    const content = this.#walk.templateOfBody(this.#builder);
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
