// Saying that something of another member was refused, without letting it fill the log.
import type { Logger } from "@narthex/toolkit";
import type { Clock } from "../clock.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";

/** One line for each kind within so long; the next one says how many there were. */
const QUIET_MS = 10_000;

export class Refusals {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, { nextMs: number; unsaid: number }>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** `what` is one of a few words in the code. */
  refuse(what: string, from: Endpoint, error: Error): void {
    const kind = this.#kinds.get(what) ?? { nextMs: 0, unsaid: 0 };
    this.#kinds.set(what, kind);
    const now = this.#clock.now();
    if (now < kind.nextMs) {
      kind.unsaid++;
      return;
    }
    const since = kind.unsaid === 0 ? {} : { refusedSince: kind.unsaid };
    this.#logger.warn(`Refused a ${what} of another peer`, {
      from: formatEndpoint(from),
      err: error.message,
      ...since,
    });
    kind.nextMs = now + QUIET_MS;
    kind.unsaid = 0;
  }
}
