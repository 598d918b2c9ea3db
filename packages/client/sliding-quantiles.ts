// Quantiles over a window that slides.

/** What observations are condensed into. */
export interface QuantileSketch {
  /** Takes in observations, which must ascend. */
  merge(incoming: Float64Array): void;
  /** The estimate for `q`, NaN without observations. */
  query(q: number): number;
  reset(): void;
  /** Number of observations. */
  readonly count: number;
}

/** What is asked of a window. */
export interface QuantileWindow {
  /** Ascending. */
  readonly quantiles: readonly number[];
  readonly makeSketch: () => QuantileSketch;
  /** How long one step of the window lasts; Infinity for a window that never slides. */
  readonly stepMs: number;
  readonly ageBuckets: number;
  /** How many observations wait before they are sorted and merged. */
  readonly bufferSize: number;
}

/** Room for the observations that wait, to begin with. */
const FIRST_ROOM = 16;

/**
 * Estimates over the last `ageBuckets` steps. Each of as many streams has seen everything since it was last emptied; they are emptied
 * in turn, so that the oldest covers nearly the whole window. What comes in waits in one buffer for all of them.
 */
export class SlidingQuantiles {
  readonly #window: QuantileWindow;
  readonly #now: () => number;
  readonly #streams: QuantileSketch[];
  #waiting = new Float64Array(FIRST_ROOM);
  #waitingCount = 0;
  #oldest = 0;
  #turnMs: number;

  /** `now` in milliseconds since the epoch. */
  constructor(window: QuantileWindow, now: () => number) {
    this.#window = window;
    this.#now = now;
    this.#streams = Array.from({ length: window.ageBuckets }, () => window.makeSketch());
    this.#turnMs = now() + window.stepMs;
  }

  insert(value: number): void {
    if (this.#turnMs < Infinity && this.#now() >= this.#turnMs) this.#turn();
    if (this.#waitingCount === this.#waiting.length) this.#makeRoom();
    this.#waiting[this.#waitingCount++] = value;
  }

  /** One for each quantile, NaN when nothing was observed within the window. */
  estimates(): number[] {
    this.#merge();
    if (this.#now() >= this.#turnMs) this.#turn();
    const stream = this.#streams[this.#oldest] as QuantileSketch;
    return this.#window.quantiles.map((q) => stream.query(q));
  }

  /** Number of observations within the window. */
  get count(): number {
    this.#merge();
    if (this.#now() >= this.#turnMs) this.#turn();
    return (this.#streams[this.#oldest] as QuantileSketch).count;
  }

  reset(): void {
    this.#waitingCount = 0;
    for (const stream of this.#streams) stream.reset();
  }

  #makeRoom(): void {
    if (this.#waiting.length >= this.#window.bufferSize) {
      this.#merge();
      return;
    }
    const larger = new Float64Array(Math.min(this.#window.bufferSize, this.#waiting.length * 4));
    larger.set(this.#waiting);
    this.#waiting = larger;
  }

  #merge(): void {
    if (this.#waitingCount === 0) return;
    const sorted = this.#waiting.subarray(0, this.#waitingCount).sort();
    for (const stream of this.#streams) stream.merge(sorted);
    this.#waitingCount = 0;
  }

  #turn(): void {
    // What waits came before the turn.
    this.#merge();
    const { stepMs } = this.#window;
    const steps = Math.floor((this.#now() - this.#turnMs) / stepMs) + 1;
    for (let i = 0; i < Math.min(steps, this.#streams.length); i++) {
      (this.#streams[this.#oldest] as QuantileSketch).reset();
      this.#oldest = (this.#oldest + 1) % this.#streams.length;
    }
    this.#turnMs += steps * stepMs;
  }
}
