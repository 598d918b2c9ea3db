// Questions that wait for an answer by packet: who asked for what, and until when.
import type { Clock, Timer } from "../clock.ts";

/** Questions that are open at a time; members ask one or two a second. */
const MAX_OPEN = 4096;

interface Question {
  readonly timer: Timer;
  readonly answered: () => void;
  readonly refused: () => void;
}

export class Answers {
  readonly #clock: Clock;
  readonly #open = new Map<number, Question>();
  #sequence = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A number for a question. */
  next(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  /**
   * Calls one of `answered` and `late`, once; `refused` for each member that says it got no answer either. Returns false, and does
   * nothing, when too many questions are open.
   */
  expect(
    sequence: number,
    withinMs: number,
    on: { readonly answered: () => void; readonly late: () => void; readonly refused?: () => void },
  ): boolean {
    if (this.#open.size >= MAX_OPEN) return false;
    const timer = this.#clock.after(withinMs, () => {
      this.#open.delete(sequence);
      on.late();
    });
    this.#open.set(sequence, { timer, answered: on.answered, refused: on.refused ?? (() => {}) });
    return true;
  }

  answer(sequence: number): void {
    const question = this.#open.get(sequence);
    if (question === undefined) return;
    this.#open.delete(sequence);
    question.timer.cancel();
    question.answered();
  }

  refuse(sequence: number): void {
    this.#open.get(sequence)?.refused();
  }

  close(): void {
    for (const { timer } of this.#open.values()) timer.cancel();
    this.#open.clear();
  }
}
