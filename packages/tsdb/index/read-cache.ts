// The bound of what a thread keeps of blocks for the next query: dashboards and rules repeat their queries.

/** What a thread may keep, in bytes, unless told otherwise. */
const DEFAULT_BYTES = 48 * 1024 * 1024;

/** A cache that the budget bounds. */
export interface Ageing {
  /** Begins a new generation and forgets the one before the last. */
  age(): void;
}

/**
 * What all caches together may hold, in bytes. When a generation is full, in whichever of them, all begin a new one and
 * forget the one before the last: nothing is kept that was not used for two generations.
 */
export class CacheBudget {
  #total: number;
  readonly #members = new Set<Ageing>();
  #used = 0;

  constructor(total: number) {
    this.#total = total;
  }

  get total(): number {
    return this.#total;
  }

  /** Sets anew what they may hold. */
  limit(total: number): void {
    this.#total = total;
  }

  join(member: Ageing): void {
    this.#members.add(member);
  }

  leave(member: Ageing): void {
    this.#members.delete(member);
  }

  /** Forgets everything. */
  clear(): void {
    this.#used = 0;
    for (let round = 0; round < 2; round++) for (const member of this.#members) member.age();
  }

  spend(amount: number): void {
    this.#used += amount;
    if (this.#used <= this.#total / 2) return;
    this.#used = amount;
    for (const member of this.#members) member.age();
  }
}

/** The budget of this thread. */
export const readBudget: CacheBudget = new CacheBudget(DEFAULT_BYTES);
