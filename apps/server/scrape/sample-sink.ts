// The way of one scrape's samples from a target's cache to the storage: most of them together, those with a time of their own one by one.
// What the storage says is counted; a series that it has forgotten is made again.
import { Append, type Appender, type SeriesRef } from "@narthex/storage";
import type { SampleBatch } from "./sample-batch.ts";
import { MAX_FUTURE_MS, type ScrapeCounts } from "./scrape-counts.ts";
import { ScrapeError } from "./scrape-error.ts";
import { StartSynthesis, Taken } from "./start-synthesis.ts";

/** What a cache knows of a sample's series, by the sample's position in the batch. */
export interface SeriesSource {
  /** The storage has forgotten the series: makes it again and returns its ref; 0 when it is refused now, which is counted, or not wanted. */
  makeAgain(at: number): SeriesRef;
  /** Whether the series only ever grows. */
  isCumulative(at: number): boolean;
  /** The sample stands elsewhere now, as some before it were left out. */
  moved(from: number, to: number): void;
}

/** One target's. */
export class SampleSink {
  /** What is to be appended together. May be shared by all sinks of a process, as scrapes are taken in one after another. */
  readonly batch: SampleBatch;
  /** Makes start timestamps up, where that is wanted. */
  synthesis: StartSynthesis | undefined;
  readonly #source: SeriesSource;
  #appender: Appender | undefined;
  #counts: ScrapeCounts | undefined;
  #t = 0;
  #scrape = 0;

  constructor(batch: SampleBatch, source: SeriesSource) {
    this.batch = batch;
    this.#source = source;
  }

  /** Scrape number `scrape` begins, whose samples have the time `t` unless they have their own. */
  begin(appender: Appender, t: number, scrape: number, counts: ScrapeCounts, synthesizesStarts: boolean): void {
    this.#appender = appender;
    this.#t = t;
    this.#scrape = scrape;
    this.#counts = counts;
    this.synthesis = synthesizesStarts ? (this.synthesis ?? new StartSynthesis()) : undefined;
    this.batch.clear();
  }

  /** The scrape is over. */
  end(): void {
    this.batch.clear();
    this.#appender = undefined;
    this.#counts = undefined;
  }

  /**
   * Appends the sample behind the end of the batch by itself, with a time of its own: its value stands there, and whatever its source
   * goes by. `startTime` is what the target told of it, 0 for nothing.
   */
  appendAlone(ref: SeriesRef, t: number, startTime: number): void {
    const counts = this.#counts as ScrapeCounts;
    if (t > this.#t + MAX_FUTURE_MS) {
      counts.outOfBounds++;
      return;
    }
    const { synthesis, batch } = this;
    const at = batch.count;
    let value = batch.values[at] as number;
    let start = startTime;
    if (synthesis !== undefined && start === 0) {
      const taken = synthesis.takeFloat(ref, t, value, this.#scrape, () => this.#source.isCumulative(at));
      if (taken === Taken.leftOut) return;
      if (taken === Taken.adjusted) ({ value, startTime: start } = synthesis);
    }
    const appender = this.#appender as Appender;
    let known = ref;
    let verdict = appender.append(known, t, value, start);
    if (verdict === Append.unknownRef) {
      known = this.#source.makeAgain(at);
      if (known === 0) {
        counts.kept--;
        return;
      }
      verdict = appender.append(known, t, value, start);
    }
    if (verdict !== Append.ok) synthesis?.forget(known);
    this.count(verdict);
  }

  /** Appends the batch. Throws a `ScrapeError` when the scrape had more samples than `sampleLimit` (0: any number). */
  flush(sampleLimit: number): void {
    const counts = this.#counts as ScrapeCounts;
    if (sampleLimit > 0 && counts.kept > sampleLimit) throw new ScrapeError("sample limit exceeded", "sample_limit");
    const { batch, synthesis } = this;
    const appender = this.#appender as Appender;
    const source = this.#source;
    const isCumulative = (at: number): boolean => source.isCumulative(at);
    const moved = (from: number, to: number): void => source.moved(from, to);
    synthesis?.takeBatch(batch, this.#t, this.#scrape, isCumulative, moved);
    const { refs, halves, values, verdicts, startTimes } = batch;
    if (appender.appendBatch(refs, halves, batch.count, this.#t, verdicts, startTimes) === 0) return;
    for (let i = 0; i < batch.count; i++) {
      let verdict = verdicts[i] as Append;
      if (verdict === Append.ok) continue;
      let ref = refs[i] as number;
      if (verdict === Append.unknownRef) {
        ref = source.makeAgain(i);
        if (ref === 0) {
          counts.kept--;
          continue;
        }
        verdict = appender.append(ref, this.#t, values[i] as number, startTimes?.[i]);
      }
      if (verdict !== Append.ok) synthesis?.forget(ref);
      this.count(verdict);
    }
  }

  /** Counts what the storage said of a sample. */
  count(verdict: Append): void {
    const counts = this.#counts as ScrapeCounts;
    if (verdict === Append.outOfOrder) counts.outOfOrder++;
    else if (verdict === Append.duplicate) counts.duplicates++;
    else if (verdict === Append.outOfBounds || verdict === Append.tooOld) counts.outOfBounds++;
  }
}
