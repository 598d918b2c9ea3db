// The time that a suspected member has to speak up: long at first, shorter with everyone who suspects it too.
//
// Source of the formulas: hashicorp/memberlist, after "Lifeguard" (https://arxiv.org/abs/1707.00788).
import type { Clock, Timer } from "../clock.ts";

const MULTIPLIER = 4;
const MAX_MULTIPLIER = 6;

export class Suspicion {
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #minMs: number;
  readonly #maxMs: number;
  /** Confirmations that make the time the shortest. */
  readonly #wanted: number;
  readonly #from: Set<string>;
  readonly #run: () => void;
  #timer: Timer;

  /** `run` is called when the time is up, unless it is called off. `members` are known ones, this one and the suspect included. */
  constructor(from: string, members: number, probeIntervalMs: number, clock: Clock, run: () => void) {
    const wanted = MULTIPLIER - 2;
    this.#wanted = members - 2 < wanted ? 0 : wanted;
    this.#minMs = MULTIPLIER * Math.max(1, Math.log10(Math.max(1, members))) * probeIntervalMs;
    this.#maxMs = MAX_MULTIPLIER * this.#minMs;
    this.#from = new Set([from]);
    this.#clock = clock;
    this.#startedMs = clock.now();
    this.#run = run;
    this.#timer = clock.after(this.#wanted < 1 ? this.#minMs : this.#maxMs, run);
  }

  /** Somebody else suspects it too. Returns whether that is news: then others should hear of it. */
  confirm(from: string): boolean {
    const confirmations = this.#from.size - 1;
    if (confirmations >= this.#wanted || this.#from.has(from)) return false;
    this.#from.add(from);
    const share = Math.log(confirmations + 2) / Math.log(this.#wanted + 1);
    const totalMs = Math.max(this.#minMs, this.#maxMs - share * (this.#maxMs - this.#minMs));
    this.#timer.cancel();
    this.#timer = this.#clock.after(totalMs - (this.#clock.now() - this.#startedMs), this.#run);
    return true;
  }

  cancel(): void {
    this.#timer.cancel();
  }
}
