// What tests of scraping and discovery share: a clock turned by hand, and a complete job to vary.
import { PLAIN_HTTP } from "@narthex/toolkit";
import type { ScrapeConfig } from "../config/types.ts";
import { Relabeler } from "../relabel/index.ts";
import type { CacheOptions } from "./cache-options.ts";
import type { Clock, Timer } from "./clock.ts";

/** A clock that stands still until it is turned. */
export class ManualClock implements Clock {
  #now: number;
  /** By how much the wall clock was set forward, all in all. */
  #stepped = 0;
  #timers: { at: number; callback: () => void }[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now + this.#stepped;
  }

  monotonic(): number {
    return this.#now;
  }

  /** Sets the wall clock forward, or back; timers do not notice. */
  step(ms: number): void {
    this.#stepped += ms;
  }

  after(ms: number, callback: () => void): Timer {
    const timer = { at: this.#now + Math.max(0, ms), callback };
    this.#timers.push(timer);
    return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  /** Lets so much time pass. */
  pass(ms: number): void {
    this.turnTo(this.#now + ms);
  }

  /** Turns to `time` (as it was before any step), ringing the timers on the way in order, each at its own moment. */
  turnTo(time: number): void {
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= time).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = time;
  }
}

/** Waits until a condition holds, at most five seconds. */
export async function until(condition: () => boolean, what = "condition"): Promise<void> {
  const end = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A job with the reference's defaults, scraped every second. */
export function scrapeConfig(overrides: Partial<ScrapeConfig> = {}): ScrapeConfig {
  return {
    jobName: "j",
    honorLabels: false,
    honorTimestamps: true,
    trackTimestampsStaleness: false,
    params: new Map(),
    scrapeIntervalMs: 1000,
    scrapeTimeoutMs: 1000,
    scrapeProtocols: ["OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0", "PrometheusText0.0.4"],
    fallbackScrapeProtocol: "",
    scrapeNativeHistograms: false,
    alwaysScrapeClassicHistograms: false,
    convertClassicHistogramsToNhcb: false,
    scrapeFailureLogFile: "",
    metricsPath: "/metrics",
    scheme: "http",
    enableCompression: true,
    bodySizeLimitBytes: 0,
    sampleLimit: 0,
    targetLimit: 0,
    labelLimit: 0,
    labelNameLengthLimit: 0,
    labelValueLengthLimit: 0,
    nativeHistogramBucketLimit: 0,
    nativeHistogramMinBucketFactor: 0,
    keepDroppedTargets: 0,
    metricNameValidationScheme: "utf8",
    metricNameEscapingScheme: "allow-utf-8",
    extraScrapeMetrics: false,
    discovery: [],
    http: PLAIN_HTTP,
    relabelConfigs: [],
    metricRelabelConfigs: [],
    ...overrides,
  };
}

/** What a job with the reference's defaults makes of samples, exemplars included. */
export function cacheOptions(overrides: Partial<CacheOptions> = {}): CacheOptions {
  return {
    honorLabels: false,
    metricRelabeler: new Relabeler([]),
    labelLimit: 0,
    labelNameLengthLimit: 0,
    labelValueLengthLimit: 0,
    nameValidationScheme: "utf8",
    honorTimestamps: true,
    trackTimestampsStaleness: false,
    sampleLimit: 0,
    histograms: {
      scrapeNative: false,
      alwaysScrapeClassic: false,
      convertClassic: false,
      bucketLimit: 0,
      maxSchema: 8,
    },
    exemplars: true,
    appendMetadata: false,
    typeAndUnitLabels: false,
    startTimeZeros: false,
    startTimes: false,
    synthesizesStarts: false,
    ...overrides,
  };
}
