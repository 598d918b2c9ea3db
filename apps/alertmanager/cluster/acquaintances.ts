// Peers by address, as an operator thinks of them: those that are here, and those that are missed and looked for again.
import { type Endpoint, formatEndpoint } from "./endpoint.ts";

/** Missed peers that are looked for; what comes on top is left to come back by itself. */
const MAX_MISSED = 256;

interface Missed {
  readonly endpoint: Endpoint;
  readonly sinceMs: number;
}

export class Acquaintances {
  readonly #here = new Set<string>();
  readonly #missed = new Map<string, Missed>();

  get missed(): readonly Endpoint[] {
    return [...this.#missed.values()].map(({ endpoint }) => endpoint);
  }

  get missedCount(): number {
    return this.#missed.size;
  }

  /** A peer that nobody has met yet is missed from the start. */
  expect(endpoint: Endpoint, nowMs: number): void {
    const address = formatEndpoint(endpoint);
    if (!this.#here.has(address)) this.#miss(address, endpoint, nowMs);
  }

  joined(endpoint: Endpoint): void {
    const address = formatEndpoint(endpoint);
    this.#here.add(address);
    this.#missed.delete(address);
  }

  left(endpoint: Endpoint, nowMs: number): void {
    const address = formatEndpoint(endpoint);
    this.#here.delete(address);
    this.#miss(address, endpoint, nowMs);
  }

  /** No longer looks for those that are missed since before then. */
  giveUp(beforeMs: number): void {
    for (const [address, { sinceMs }] of this.#missed) if (sinceMs <= beforeMs) this.#missed.delete(address);
  }

  #miss(address: string, endpoint: Endpoint, nowMs: number): void {
    if (this.#missed.size < MAX_MISSED) this.#missed.set(address, { endpoint, sinceMs: nowMs });
  }
}
