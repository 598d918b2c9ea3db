// What goes wrong again and again is logged now and then, or the log would be the next thing to fill a disk.
import type { Attributes, Logger } from "@narthex/toolkit";
import type { Clock } from "../clock.ts";

/** One line in so much time, whatever happens. */
const INTERVAL_MS = 10_000;

export class Complaints {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #nextMs = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Logs an error, with how many were not logged since the last one. */
  say(message: string, attributes: Attributes): void {
    const now = this.#clock.now();
    if (now < this.#nextMs) {
      this.#unsaid++;
      return;
    }
    this.#nextMs = now + INTERVAL_MS;
    const more = this.#unsaid === 0 ? {} : { not_logged: this.#unsaid };
    this.#unsaid = 0;
    this.#logger.error(message, { ...attributes, ...more });
  }
}
