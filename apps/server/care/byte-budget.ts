// How many bytes several readers may hold together.

/** Bytes that are taken before they are held, so that the sum never passes the limit. */
export class ByteBudget {
  readonly limitBytes: number;
  #taken = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** False, and nothing is taken, when fewer bytes are left. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.limitBytes) return false;
    this.#taken += bytes;
    return true;
  }

  /** A holder that has nothing yet. */
  lease(): ByteLease {
    return new ByteLease(this);
  }

  /** Gives back bytes that were taken. */
  give(bytes: number): void {
    this.#taken -= bytes;
  }
}

/** What one holder has of a budget. */
export class ByteLease {
  readonly #budget: ByteBudget;
  #bytes = 0;

  constructor(budget: ByteBudget) {
    this.#budget = budget;
  }

  /** Bytes that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** False, and what is held stays as it was, when the budget has not so many more. */
  grow(bytes: number): boolean {
    if (!this.#budget.take(bytes)) return false;
    this.#bytes += bytes;
    return true;
  }

  /** Gives everything back. */
  release(): void {
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
  }
}
