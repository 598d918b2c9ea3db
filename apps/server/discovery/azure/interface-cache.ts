// What network interfaces said, kept for a while: asking for each costs a request.
import type { InterfaceAddresses } from "./machine.ts";

/** So many at most; those that were not asked for longest go first. */
const MAX_INTERFACES = 5000;

interface Kept {
  readonly addresses: InterfaceAddresses;
  /** Milliseconds on the cache's clock. */
  readonly until: number;
}

/** Kept for ten to thirteen intervals, so that not all are asked for again at once. */
export class InterfaceCache {
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();

  /** `now`: milliseconds from some moment on. */
  constructor(intervalMs: number, now: () => number) {
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  get(id: string): InterfaceAddresses | undefined {
    const kept = this.#kept.get(id);
    if (kept === undefined) return undefined;
    this.#kept.delete(id);
    if (this.#now() >= kept.until) return undefined;
    this.#kept.set(id, kept);
    return kept.addresses;
  }

  set(id: string, addresses: InterfaceAddresses): void {
    const until = this.#now() + this.#intervalMs * (10 + 3 * Math.random());
    this.#kept.delete(id);
    this.#kept.set(id, { addresses, until });
    if (this.#kept.size <= MAX_INTERFACES) return;
    const [oldest] = this.#kept.keys();
    this.#kept.delete(oldest as string);
  }
}
