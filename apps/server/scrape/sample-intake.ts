// What becomes of a sample whose series is known: it goes with the batch, alone with a time of its own, into a group, or nowhere.
import type { SampleParser } from "@narthex/exposition";
import { NORMAL_NAN_HIGH, NORMAL_NAN_LOW } from "@narthex/model";
import type { Appender, SeriesRef } from "@narthex/storage";
import type { CacheOptions } from "./cache-options.ts";
import { ExemplarBatch } from "./exemplar-batch.ts";
import type { KnownSeries } from "./known-series.ts";
import { type Presence, Sighting } from "./presence.ts";
import type { SampleBatch } from "./sample-batch.ts";
import type { GroupPart, SampleGroups } from "./sample-groups.ts";
import { SampleSink, type SeriesSource } from "./sample-sink.ts";
import { emptyCounts, REFUSED_PAUSE, type ScrapeCounts } from "./scrape-counts.ts";
import type { SeriesMaker } from "./series-maker.ts";
import { DROPPED, GROUP_ONLY, GROUPED, REFUSED, REPEATED, UNTRACKED } from "./target-template.ts";

const exemplars = new ExemplarBatch();

/** One target's. Within a scrape, the value of the sample at hand stands at the end of the batch. */
export class SampleIntake implements SeriesSource {
  /** May be shared by all intakes of a process, as scrapes are taken in one after another. */
  readonly batch: SampleBatch;
  readonly #known: KnownSeries;
  readonly #groups: SampleGroups;
  readonly #presence: Presence;
  readonly #maker: SeriesMaker;
  readonly #sink: SampleSink;
  // Of the scrape in progress.
  #options: CacheOptions;
  #t = 0;
  #parser: SampleParser | undefined;
  #appender: Appender | undefined;
  #counts: ScrapeCounts = emptyCounts();

  constructor(
    known: KnownSeries,
    groups: SampleGroups,
    presence: Presence,
    maker: SeriesMaker,
    options: CacheOptions,
    batch: SampleBatch,
  ) {
    this.#known = known;
    this.#groups = groups;
    this.#presence = presence;
    this.#maker = maker;
    this.#options = options;
    this.batch = batch;
    this.#sink = new SampleSink(batch, this);
  }

  /** A scrape begins, whose samples have the time `t` unless they have their own. */
  begin(parser: SampleParser, appender: Appender, t: number, counts: ScrapeCounts, options: CacheOptions): void {
    this.#parser = parser;
    this.#appender = appender;
    this.#t = t;
    this.#counts = counts;
    this.#options = options;
    this.#sink.begin(appender, t, this.#presence.scrape, counts, options.synthesizesStarts);
  }

  /** The scrape is over. */
  end(): void {
    this.#sink.end();
    this.#parser = undefined;
    this.#appender = undefined;
    exemplars.clear();
  }

  /** The value of the sample at hand; a NaN becomes the usual one. */
  setValue(value: number): void {
    const { batch } = this;
    if (!Number.isNaN(value)) {
      batch.values[batch.count] = value;
      return;
    }
    batch.halves[2 * batch.count] = NORMAL_NAN_LOW;
    batch.halves[2 * batch.count + 1] = NORMAL_NAN_HIGH;
  }

  /** Settles the sample at hand, which is of entry `number` of the template. */
  take(number: number, hasTimestamp: boolean, hasExemplar: boolean): void {
    const { template } = this.#known;
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

  /** Settles the sample at hand, which is of the series at `id` beside the template. */
  takeExtra(id: number, hasTimestamp: boolean, hasExemplar: boolean): void {
    const { extras } = this.#known;
    const own = hasTimestamp && this.#options.honorTimestamps;
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
    if ((flags & GROUPED) !== 0) this.#takeGrouped(extras.part(id) as GroupPart, flags, own, hasExemplar);
    if (!dropped) this.#emit(-1 - id, extras.ref(id), own, hasExemplar, sighting === Sighting.again);
  }

  /** Whether one more sample would be more than the limit allows. */
  get isFull(): boolean {
    const { sampleLimit } = this.#options;
    return sampleLimit > 0 && this.#counts.kept + this.batch.count >= sampleLimit;
  }

  /** The body was read to its end: groups and the batch go to the storage. Throws a `ScrapeError` when they are too many samples. */
  flush(): void {
    this.#appendGroups();
    this.#counts.kept += this.batch.count;
    this.#hearStartTimes();
    this.#sink.flush(this.#options.sampleLimit);
  }

  /** The scrape was a good one: start times that were made up for series it had not are forgotten. */
  settle(): void {
    this.#sink.synthesis?.keepSeen(this.#presence.scrape);
  }

  /** Forgets what it knows from one scrape to the next. */
  forget(): void {
    this.#sink.synthesis = undefined;
  }

  /** Puts the sample at hand on its way to the storage: with the batch, or alone when it has a time of its own. */
  #emit(entry: number, ref: SeriesRef, ownTimestamp: boolean, hasExemplar: boolean, repeated: boolean): void {
    const { batch } = this;
    const parser = this.#parser as SampleParser;
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
    this.#counts.exemplarsOutOfOrder += exemplars.flush(this.#appender as Appender, ref);
  }

  #appendAlone(entry: number, ref: SeriesRef, t: number): void {
    this.batch.entries[this.batch.count] = entry;
    // What tells when the series began mostly stands behind it: what the scrape before said has to do.
    const startTime = this.#options.startTimes ? (this.#known.partOf(entry)?.group.createdNow ?? 0) : 0;
    this.#sink.appendAlone(ref, t, startTime);
  }

  /** Gives the sample at hand to a group. */
  #takeGrouped(part: GroupPart, flags: number, own: boolean, hasExemplar: boolean): void {
    const parser = this.#parser as SampleParser;
    const value = this.batch.values[this.batch.count] as number;
    this.#groups.take(part, value, own ? parser.timestamp : this.#t, own, this.#presence.scrape);
    if ((flags & GROUP_ONLY) !== 0) this.#counts.scraped--;
    // Histograms take no exemplars without a time: those of a bucket that stays the same would come again and again.
    if (!hasExemplar || !this.#options.exemplars || !parser.exemplarHasTimestamp) return;
    const flat: string[] = [];
    parser.exemplarLabels(flat);
    part.group.exemplars.add(flat, parser.exemplarValue, parser.exemplarTimestamp);
  }

  #appendGroups(): void {
    const { sampleLimit } = this.#options;
    const counts = this.#counts;
    const mayAdd = () => sampleLimit === 0 || counts.kept + this.batch.count <= sampleLimit;
    const options = { ...this.#options, synthesis: this.#sink.synthesis };
    this.#groups.append(this.#appender as Appender, this.#presence.scrape, options, counts, mayAdd);
  }

  /** Gives the samples of the batch the start timestamps that the scrape told. */
  #hearStartTimes(): void {
    if (!this.#options.startTimes || this.#groups.size === 0) return;
    const { batch } = this;
    const { scrape } = this.#presence;
    const startTimes = batch.withStartTimes().fill(0, 0, batch.count);
    for (let i = 0; i < batch.count; i++) {
      const group = this.#known.partOf(batch.entries[i] as number)?.group;
      if (group?.touchedIn === scrape) startTimes[i] = group.createdNow;
    }
  }

  /** The storage would not make a series: now and then it is asked again. Answers what is special about the series now. */
  #tryAgain(entry: number, flags: number): number {
    let now = flags;
    if (this.#presence.scrape % REFUSED_PAUSE === 0) {
      this.#resolveAgain(entry);
      now = (flags & ~(DROPPED | REFUSED)) | this.#maker.flags;
    }
    if ((now & REFUSED) !== 0) this.#counts.refused++;
    return now;
  }

  /** Makes the series of an entry again, from its text; the maker tells what came of it. */
  #resolveAgain(entry: number): void {
    this.#maker.makeAgain(this.#known.lineOf(entry));
    const { ref } = this.#maker;
    this.#sink.synthesis?.move(this.#known.refOf(entry), ref);
    this.#known.setRef(entry, ref);
  }

  /** See `SeriesSource`. */
  makeAgain(at: number): SeriesRef {
    const entry = this.batch.entries[at] as number;
    this.#resolveAgain(entry);
    const { ref, flags } = this.#maker;
    this.#known.addFlags(entry, flags);
    if ((flags & REFUSED) !== 0) this.#counts.refused++;
    return ref;
  }

  /** See `SeriesSource`. */
  isCumulative(at: number): boolean {
    return this.#maker.isCumulative(this.#known.lineOf(this.batch.entries[at] as number));
  }

  /** See `SeriesSource`: the entry moves with its sample. */
  moved(): void {}
}
