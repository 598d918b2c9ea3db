// How well this member itself keeps up, as far as it can tell from answers that it missed: it is slower to suspect others then.

const MAX_SCORE = 7;

export class Health {
  #score = 0;

  /** 0 (well) to 7. */
  get score(): number {
    return this.#score;
  }

  /** An interval, longer the worse this member keeps up. */
  scaled(intervalMs: number): number {
    return intervalMs * (this.#score + 1);
  }

  change(delta: number): void {
    this.#score = Math.min(MAX_SCORE, Math.max(0, this.#score + delta));
  }
}
