// One target's timer: waits for its moment, fetches, takes in, reports, and again.
import { ExpositionError } from "@narthex/exposition";
import type { Appendable, Appender, SeriesRef } from "@narthex/storage";
import { Append } from "@narthex/storage";
import { goDuration, type Logger } from "@narthex/toolkit";
import type { Span, SpanStart, Tracer } from "@narthex/tracing";
import type { ScrapeConfig } from "../config/types.ts";
import { BodyLeash } from "./body-leash.ts";
import type { Clock, Timer } from "./clock.ts";
import { parserFor } from "./content-type.ts";
import type { FetchedBody, FetchRequest } from "./http-client.ts";
import { reportLabels } from "./sample-labels.ts";
import { emptyCounts } from "./scrape-counts.ts";
import { ScrapeError } from "./scrape-error.ts";
import type { ScrapeMetrics } from "./scrape-metrics.ts";
import { nextScrapeTime, type Target } from "./target.ts";
import type { TargetCache } from "./target-cache.ts";

/** A scrape that starts no later than this after its ideal moment gets that moment as its time. */
const ALIGNMENT_TOLERANCE_MS = 2;
/** Timers do not notice when the wall clock is set or the machine sleeps: so often it is looked at. */
const LONGEST_NAP_MS = 30_000;
const CLIENT: SpanStart = { kind: "client" };

/** What all loops of a process share. */
export interface ScrapeEnvironment {
  readonly appendable: Appendable;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: ScrapeMetrics;
  readonly offsetSeed: bigint;
  /** Traces scrapes; nothing is traced unless given. */
  readonly tracer?: Tracer | undefined;
}

/** What a loop needs of its pool. */
export interface LoopSettings {
  readonly config: ScrapeConfig;
  readonly headers: Readonly<Record<string, string>>;
  /** Writes a failed scrape into the job's failure log, if it has one. */
  readonly logFailure: (target: Target, message: string) => void;
  fetch(request: FetchRequest): Promise<FetchedBody>;
}

/** How a target's last scrape went. */
export interface TargetState {
  lastError: string;
  /** Milliseconds since the epoch; undefined before the first scrape. */
  lastScrape: number | undefined;
  lastScrapeDurationSeconds: number;
  health: "up" | "down" | "unknown";
  /** Series of the last scrape that the storage would not make: a budget is used up. */
  refusedSeries: number;
}

/** The loop of one target. `start` it once; after `stop` it is done for good. */
export class ScrapeLoop {
  target: Target;
  readonly state: TargetState = {
    lastError: "",
    lastScrape: undefined,
    lastScrapeDurationSeconds: 0,
    health: "unknown",
    refusedSeries: 0,
  };
  readonly cache: TargetCache;
  readonly #environment: ScrapeEnvironment;
  readonly #settings: LoopSettings;
  readonly #counts = emptyCounts();
  readonly #reports: ReportSeries;
  readonly #leash = new BodyLeash();
  readonly #intervalText: string;
  #timer: Timer | undefined;
  /** The ideal moment of the scrape that is due next or running. */
  #due = 0;
  #lastStart: number | undefined;
  #running: AbortController | undefined;
  #stopped = false;
  #flushesSeen = 0;
  /** Fails every scrape without a request; "" for scraping as usual. */
  forcedError = "";

  constructor(target: Target, cache: TargetCache, settings: LoopSettings, environment: ScrapeEnvironment) {
    this.target = target;
    this.cache = cache;
    this.#settings = settings;
    this.#environment = environment;
    this.#reports = new ReportSeries(target, settings.config.extraScrapeMetrics);
    this.#intervalText = goDuration(target.intervalMs);
    this.#flushesSeen = cache.forcedFlushes;
  }

  /** Sets the timer for the first scrape, at the target's own phase. */
  start(): void {
    const now = this.#environment.clock.now();
    this.#due = Math.round(nextScrapeTime(this.target, this.#environment.offsetSeed, now));
    this.#arm();
  }

  /** No more scrapes; one that runs is called off. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#running?.abort();
  }

  /**
   * For a loop that was stopped because its target is gone: ends its series after two more intervals and a tenth, with
   * markers at the time of the first tick from now on, then calls `done`. The returned function calls this off.
   */
  endSeriesLater(done: () => void): () => void {
    if (this.#lastStart === undefined) {
      this.cache.release();
      done();
      return () => {};
    }
    const { clock } = this.#environment;
    const { intervalMs } = this.target;
    const now = clock.now();
    const tick = this.#due > now ? this.#due : this.#due + Math.ceil((now - this.#due) / intervalMs) * intervalMs;
    const timer = clock.after(tick + intervalMs + intervalMs / 10 - now, () => {
      this.#endSeries(tick);
      done();
    });
    return () => {
      timer.cancel();
      this.cache.release();
    };
  }

  #arm(): void {
    if (this.#stopped) return;
    const { clock, offsetSeed } = this.#environment;
    const now = clock.now();
    // The clock was set back by more than an interval: better scrapes out of order than none until it has caught up.
    if (this.#due - now > 2 * this.target.intervalMs) {
      this.#due = Math.round(nextScrapeTime(this.target, offsetSeed, now));
    }
    this.#timer = clock.after(Math.min(this.#due - now, LONGEST_NAP_MS), () => {
      // Timers may ring early, by a fraction or because the clock was set back: then wait for the rest.
      if (clock.now() < this.#due - 1) this.#arm();
      else void this.#scrapeAndReport();
    });
  }

  /** Never rejects: whatever goes wrong becomes the target's last error. */
  async #scrapeAndReport(): Promise<void> {
    const { clock, metrics } = this.#environment;
    const { intervalMs } = this.target;
    const started = clock.now();
    const startedMonotonic = clock.monotonic();
    if (this.#lastStart !== undefined) {
      metrics.intervalLength.labels(this.#intervalText).observe((startedMonotonic - this.#lastStart) / 1000);
    }
    this.#lastStart = startedMonotonic;
    const late = started - this.#due;
    const aligned = late <= Math.min(intervalMs / 100, ALIGNMENT_TOLERANCE_MS);
    const t = aligned ? this.#due : Math.round(started);
    const span = this.#environment.tracer?.start("scrape");
    try {
      await this.#scrape(t, started, startedMonotonic, span);
    } catch (error) {
      span?.fail(error);
      this.#environment.logger.error("Scrape commit failed", { target: this.target.url.href, err: String(error) });
      this.#settle(started, (error as Error).message);
    }
    span?.end();
    // Ticks that passed while the scrape ran are left out.
    const after = clock.now();
    this.#due += intervalMs;
    if (this.#due < after) this.#due += Math.floor((after - this.#due) / intervalMs + 1) * intervalMs;
    this.#arm();
  }

  async #scrape(t: number, started: number, startedMonotonic: number, span: Span | undefined): Promise<void> {
    let body: FetchedBody | undefined;
    let failure = "";
    let code = "other";
    try {
      if (this.forcedError !== "") throw new ScrapeError(this.forcedError, "target_limit");
      body = await this.#fetch(span?.child("scrapeRequest", CLIENT));
    } catch (error) {
      if (this.#stopped) return;
      failure = (error as Error).message;
      code = error instanceof ScrapeError ? error.code : "other";
    }
    if (this.#stopped) {
      body?.release();
      return;
    }
    this.#leash.note(code === "body_size_limit" || code === "body_memory");
    const { appendable, clock, metrics } = this.#environment;
    let appender = appendable.appender();
    Object.assign(this.#counts, emptyCounts());
    const appending = span?.child("scrapeAppend");
    if (body !== undefined) {
      try {
        const parser =
          body.length === 0 ? undefined : parserFor(body.contentType, this.#settings.config.fallbackScrapeProtocol);
        if (parser === undefined) this.cache.endAll(appender, t);
        else this.cache.scrape(body.bytes, body.length, parser, appender, t, this.#counts);
      } catch (error) {
        appender.rollback();
        if (!(error instanceof ScrapeError) && !(error instanceof ExpositionError)) throw error;
        failure = error.message;
        code = error instanceof ScrapeError ? error.code : "other";
        appending?.fail(error);
        appender = appendable.appender();
      } finally {
        body.release();
      }
    }
    if (failure !== "") this.cache.endAll(appender, t);
    appending?.end();
    const durationSeconds = (clock.monotonic() - startedMonotonic) / 1000;
    this.#reports.write(appender, t, {
      up: failure === "",
      durationSeconds,
      counts: this.#counts,
      bodyBytes: body === undefined ? (code === "body_size_limit" ? -1 : 0) : body.length,
      config: this.#settings.config,
      target: this.target,
    });
    const committing = span?.child("scrapeCommit");
    appender.commit();
    committing?.end();
    if (span !== undefined) describe(span, this.#counts, body?.length ?? 0, failure);
    this.#settle(started, failure, durationSeconds);
    metrics.scrapeDuration.observe(durationSeconds);
    this.#count(failure, code);
  }

  /** Ends `span`, which is the request's. */
  async #fetch(span: Span | undefined): Promise<FetchedBody> {
    const abort = new AbortController();
    this.#running = abort;
    const { config } = this.#settings;
    const headers: Record<string, string> = {
      ...this.#settings.headers,
      "X-Prometheus-Scrape-Timeout-Seconds": String(this.target.timeoutMs / 1000),
    };
    if (span !== undefined) {
      span.set("url", redacted(this.target.url));
      span.tell(headers);
    }
    try {
      return await this.#settings.fetch({
        url: this.target.url,
        headers,
        timeoutMs: this.target.timeoutMs,
        bodyLimitBytes: this.#leash.limit(config.bodySizeLimitBytes),
        isSuspect: this.#leash.isTaut,
        unixSocket: this.target.unixSocket,
        signal: abort.signal,
      });
    } catch (error) {
      span?.fail(error);
      throw error;
    } finally {
      this.#running = undefined;
      span?.end();
    }
  }

  #settle(started: number, failure: string, durationSeconds = 0): void {
    this.state.lastError = failure;
    this.state.lastScrape = started;
    this.state.lastScrapeDurationSeconds = durationSeconds;
    this.state.health = failure === "" ? "up" : "down";
  }

  #count(failure: string, code: string): void {
    const { metrics, logger } = this.#environment;
    const counts = this.#counts;
    if (failure !== "") {
      const attributes = { scrape_pool: this.#settings.config.jobName, target: this.target.url.href, err: failure };
      logger.debug("Scrape failed", attributes);
      this.#settings.logFailure(this.target, failure);
      if (code === "sample_limit") metrics.exceededSampleLimit.inc();
      else if (code === "body_size_limit") metrics.exceededBodySizeLimit.inc();
      else if (code === "label_limit") metrics.exceededLabelLimits.inc();
      else if (code === "bucket_limit") metrics.exceededBucketLimit.inc();
    }
    if (counts.refused > 0 && this.state.refusedSeries === 0) {
      const where = { scrape_pool: this.#settings.config.jobName, target: this.target.url.href };
      logger.warn("New series were refused: a series budget is used up, or memory is short", {
        ...where,
        num_refused: counts.refused,
      });
    }
    this.state.refusedSeries = counts.refused;
    const flushes = this.cache.forcedFlushes;
    if (flushes > this.#flushesSeen) metrics.cacheFlushForced.inc(flushes - this.#flushesSeen);
    this.#flushesSeen = flushes;
    if (counts.outOfOrder + counts.duplicates + counts.outOfBounds + counts.exemplarsOutOfOrder === 0) return;
    metrics.outOfOrder.inc(counts.outOfOrder);
    metrics.duplicateTimestamp.inc(counts.duplicates);
    metrics.outOfBounds.inc(counts.outOfBounds);
    metrics.exemplarOutOfOrder.inc(counts.exemplarsOutOfOrder);
    const warn = (message: string, dropped: number) => {
      if (dropped === 0) return;
      const where = { scrape_pool: this.#settings.config.jobName, target: this.target.url.href };
      logger.warn(message, { ...where, num_dropped: dropped });
    };
    warn("Error on ingesting out-of-order samples", counts.outOfOrder);
    warn("Error on ingesting samples with different value but same timestamp", counts.duplicates);
    warn("Error on ingesting samples that are too old or are too far into the future", counts.outOfBounds);
    warn("Error on ingesting out-of-order exemplars", counts.exemplarsOutOfOrder);
  }

  #endSeries(t: number): void {
    try {
      const appender = this.#environment.appendable.appender();
      this.cache.endAll(appender, t);
      this.#reports.end(appender, t);
      appender.commit();
    } catch (error) {
      this.#environment.logger.warn("Stale commit failed", { target: this.target.url.href, err: String(error) });
    }
    this.cache.release();
  }
}

/** What a traced scrape came to. */
function describe(
  span: Span,
  { scraped, kept, added }: { readonly scraped: number; readonly kept: number; readonly added: number },
  bytes: number,
  failure: string,
): void {
  span.setAll({ samples_scraped: scraped, samples_added: kept, series_added: added, bytes });
  if (failure !== "") span.fail(failure);
}

/** Without the password. */
function redacted(url: URL): string {
  if (url.password === "") return url.href;
  const shown = new URL(url);
  shown.password = "xxxxx";
  return shown.href;
}

interface Report {
  readonly up: boolean;
  readonly durationSeconds: number;
  readonly counts: { readonly scraped: number; readonly kept: number; readonly added: number };
  readonly bodyBytes: number;
  readonly config: ScrapeConfig;
  readonly target: Target;
}

/** `up` and its kin: what every scrape says about itself, whatever became of it. */
class ReportSeries {
  readonly #target: Target;
  readonly #values: readonly (readonly [name: string, value: (report: Report) => number])[];
  readonly #refs: SeriesRef[] = [];

  constructor(target: Target, extra: boolean) {
    this.#target = target;
    this.#values = extra ? [...REPORTS, ...EXTRA_REPORTS] : REPORTS;
  }

  write(appender: Appender, t: number, report: Report): void {
    for (const [i, [name, value]] of this.#values.entries()) {
      const ref = this.#refs[i] ?? this.#resolve(appender, i, name);
      if (appender.append(ref, t, value(report)) !== Append.unknownRef) continue;
      appender.append(this.#resolve(appender, i, name), t, value(report));
    }
  }

  end(appender: Appender, t: number): void {
    for (const ref of this.#refs) if (ref !== undefined) appender.appendStale(ref, t);
  }

  #resolve(appender: Appender, index: number, name: string): SeriesRef {
    const ref = appender.series(reportLabels(name, this.#target.labels), true);
    this.#refs[index] = ref;
    return ref;
  }
}

const REPORTS: readonly (readonly [string, (report: Report) => number])[] = [
  ["up", ({ up }) => (up ? 1 : 0)],
  ["scrape_duration_seconds", ({ durationSeconds }) => durationSeconds],
  ["scrape_samples_scraped", ({ counts }) => counts.scraped],
  ["scrape_samples_post_metric_relabeling", ({ counts }) => counts.kept],
  ["scrape_series_added", ({ counts }) => counts.added],
];

const EXTRA_REPORTS: readonly (readonly [string, (report: Report) => number])[] = [
  ["scrape_timeout_seconds", ({ target }) => target.timeoutMs / 1000],
  ["scrape_sample_limit", ({ config }) => config.sampleLimit],
  ["scrape_body_size_bytes", ({ bodyBytes }) => bodyBytes],
];
