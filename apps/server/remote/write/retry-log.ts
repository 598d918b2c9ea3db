// What would be told again and again is told once a minute.
import type { Logger } from "@narthex/toolkit";
import type { Clock } from "../../scrape/index.ts";

const REPEAT_AFTER_MS = 60_000;

/** The talkative part of a queue's log: the same text comes at most once a minute, as in the reference. */
export class RetryLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  #lastError = "";
  #lastTime = Number.NEGATIVE_INFINITY;
  #lastUnknown = Number.NEGATIVE_INFINITY;

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  retrying(error: string): void {
    const now = this.#clock.monotonic();
    if (error === this.#lastError && now < this.#lastTime + REPEAT_AFTER_MS) return;
    this.#lastError = error;
    this.#lastTime = now;
    this.#logger.warn("Failed to send batch, retrying", { err: error });
  }

  /** Samples whose series the log never named, or that was forgotten. */
  unknownSeries(kind: string, ref: number): void {
    const now = this.#clock.monotonic();
    if (now < this.#lastUnknown + REPEAT_AFTER_MS) return;
    this.#lastUnknown = now;
    this.#logger.info(`Dropped ${kind} for series that was not explicitly dropped via relabelling`, { ref });
  }
}
