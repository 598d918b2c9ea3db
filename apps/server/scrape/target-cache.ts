// The memory of one target, whatever format it speaks: one cache for the text formats, one for protobuf.
import { ProtobufParser, type SampleParser } from "@narthex/exposition";
import type { Labels } from "@narthex/model";
import type { Appender } from "@narthex/storage";
import type { CacheOptions } from "./cache-options.ts";
import { MetricCache } from "./metric-cache.ts";
import type { SampleBatch } from "./sample-batch.ts";
import { ScrapeCache } from "./scrape-cache.ts";
import type { ScrapeCounts } from "./scrape-counts.ts";
import type { FamilyMetadata, TemplateStore } from "./template.ts";

/** Holds the cache of the format that came last; when a target changes its format, series that both name go on. */
export class TargetCache {
  readonly #target: Labels;
  readonly #store: TemplateStore;
  readonly #batch: SampleBatch;
  #options: CacheOptions;
  #text: ScrapeCache | undefined;
  #metrics: MetricCache | undefined;
  /** Forced flushes of caches that were let go. */
  #flushesBefore = 0;

  /** `target` are the labels every series gets; batch and store may be shared by all caches of a process. */
  constructor(target: Labels, options: CacheOptions, store: TemplateStore, batch: SampleBatch) {
    this.#target = target;
    this.#options = options;
    this.#store = store;
    this.#batch = batch;
  }

  /** New limits and the like. Labels that were settled already stay as they are. */
  set options(options: CacheOptions) {
    this.#options = options;
    if (this.#text !== undefined) this.#text.options = options;
    if (this.#metrics !== undefined) this.#metrics.options = options;
  }

  /** How often what failed scrapes left behind had to be thrown away. */
  get forcedFlushes(): number {
    return this.#flushesBefore + (this.#text?.forcedFlushes ?? 0) + (this.#metrics?.forcedFlushes ?? 0);
  }

  /** Series known. */
  get size(): number {
    return (this.#text?.size ?? 0) + (this.#metrics?.size ?? 0);
  }

  /** Takes in one body; see `ScrapeCache.scrape` and `MetricCache.scrape`. */
  scrape(
    bytes: Uint8Array,
    length: number,
    parser: SampleParser | ProtobufParser,
    appender: Appender,
    t: number,
    counts: ScrapeCounts,
  ): void {
    if (parser instanceof ProtobufParser) {
      this.#metrics ??= new MetricCache(this.#target, this.#options, this.#batch);
      this.#metrics.scrape(bytes, length, parser, appender, t, counts);
      this.#text = this.#leave(this.#text, this.#metrics, appender, t);
    } else {
      this.#text ??= new ScrapeCache(this.#target, this.#options, this.#store, this.#batch);
      this.#text.scrape(bytes, length, parser, appender, t, counts);
      this.#metrics = this.#leave(this.#metrics, this.#text, appender, t);
    }
  }

  /** Ends all series of the last good scrape with a stale marker at `t`: the target failed, or went away. */
  endAll(appender: Appender, t: number): void {
    this.#text?.endAll(appender, t);
    this.#metrics?.endAll(appender, t);
  }

  /** Families and what is known of them, those included that were declared at most 10 scrapes ago. */
  metadata(): ReadonlyMap<string, FamilyMetadata> {
    return this.#metrics?.metadata() ?? this.#text?.metadata() ?? new Map();
  }

  /** How many families `metadata` would list, and about how many bytes their texts take; families counted twice at most. */
  get metadataSize(): { readonly entries: number; readonly bytes: number } {
    return this.#metrics?.metadataSize ?? this.#text?.metadataSize ?? { entries: 0, bytes: 0 };
  }

  /** Gives up everything. The cache is as new afterwards. */
  release(): void {
    this.#text?.release();
    this.#metrics?.release();
  }

  /** Lets go of the cache of the other format, ending what only that one had. */
  #leave(
    old: ScrapeCache | MetricCache | undefined,
    now: ScrapeCache | MetricCache,
    appender: Appender,
    t: number,
  ): undefined {
    if (old === undefined) return;
    const here = now.present();
    for (const ref of old.present()) if (!here.has(ref)) appender.appendStale(ref, t);
    this.#flushesBefore += old.forcedFlushes;
    old.release();
  }
}
