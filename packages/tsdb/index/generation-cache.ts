// A cache in two generations, for what blocks are asked for again and again: dashboards and rules repeat their queries.

/** A cache that a budget bounds. */
export interface Ageing {
  /** Begins a new generation and forgets the one before the last. */
  age(): void;
}

/**
 * What all caches of a kind may hold together, in units of their own. When a generation is full, in whichever of them,
 * all begin a new one and forget the one before the last: nothing is kept that was not used for two generations.
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

  spend(amount: number): void {
    this.#used += amount;
    if (this.#used <= this.#total / 2) return;
    this.#used = amount;
    for (const member of this.#members) member.age();
  }
}

/** Values by number. Bounded by its budget alone; `close` gives everything back. */
export class GenerationCache<V> {
  #young = new Map<number, V>();
  #old = new Map<number, V>();
  readonly #budget: CacheBudget;
  readonly #weigh: (value: V) => number;
  readonly #renew: (value: V) => V;

  /** `weigh` says what a value costs; `renew` may copy one that lives on, so that memory it shared with others goes. */
  constructor(budget: CacheBudget, weigh: (value: V) => number, renew: (value: V) => V = (value) => value) {
    this.#budget = budget;
    this.#weigh = weigh;
    this.#renew = renew;
    budget.join(this);
  }

  get(key: number): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    return this.set(key, this.#renew(old));
  }

  set(key: number, value: V): V {
    this.#budget.spend(this.#weigh(value));
    this.#young.set(key, value);
    return value;
  }

  /** Begins a new generation: called by the budget. */
  age(): void {
    this.#old = this.#young;
    this.#young = new Map();
  }

  close(): void {
    this.#budget.leave(this);
    this.#young.clear();
    this.#old.clear();
  }
}
