// Asking again what was asked first, while nobody waits. The runtime compiles what runs often: without this the first thousand of the
// small queries that dashboards and people send would each take half as long again.
import type { StorageRequest } from "./request.ts";

/** Processor time that a process spends on it in all, in milliseconds; it begins with the first query. */
const BUDGET_MS = 400;
/** So long at a time, and so long a pause, so that neither a scrape nor a request feels it; milliseconds. */
const SLICE_MS = 3;
const PAUSE_MS = 20;
/** Different requests that are kept. */
const MOST_REQUESTS = 32;
/** Requests that read more would take too long for a slice: they are compiled soon enough. */
export const PRACTICE_SAMPLES = 1000;

/** Milliseconds on a clock that never goes back, and timers; tests put in their own. */
export interface PracticeClock {
  now(): number;
  /** Calls `run` after `ms`, but keeps no process alive. Returns what calls it off. */
  later(run: () => void, ms: number): () => void;
}

const systemClock: PracticeClock = {
  now: () => performance.now(),
  later(run, ms) {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
};

export class Practice {
  /** By kind and text. */
  readonly #requests = new Map<string, StorageRequest>();
  readonly #run: (request: StorageRequest) => void;
  readonly #clock: PracticeClock;
  #leftMs = BUDGET_MS;
  #next = 0;
  #callOff: (() => void) | undefined;

  /** `run` answers a request to nobody, at once; what it throws counts for nothing. */
  constructor(run: (request: StorageRequest) => void, clock: PracticeClock = systemClock) {
    this.#run = run;
    this.#clock = clock;
  }

  /** Takes a small request that was answered just now. */
  take(request: StorageRequest): void {
    if (this.#leftMs <= 0 || this.#requests.size >= MOST_REQUESTS) return;
    const key = keyOf(request);
    if (key === undefined || this.#requests.has(key)) return;
    this.#requests.set(key, request);
    this.#callOff ??= this.#clock.later(() => this.#slice(), PAUSE_MS);
  }

  close(): void {
    this.#leftMs = 0;
    this.#callOff?.();
    this.#requests.clear();
  }

  #slice(): void {
    const began = this.#clock.now();
    const requests = [...this.#requests.values()];
    let spent = 0;
    while (spent < SLICE_MS) {
      try {
        this.#run(requests[this.#next++ % requests.length] as StorageRequest);
      } catch {
        // Whoever asked was told.
      }
      spent = this.#clock.now() - began;
    }
    this.#leftMs -= spent;
    if (this.#leftMs > 0) this.#callOff = this.#clock.later(() => this.#slice(), PAUSE_MS);
    else this.close();
  }
}

/** What people and dashboards ask; undefined for anything else. */
function keyOf(request: StorageRequest): string | undefined {
  switch (request.kind) {
    case "instant":
    case "range":
      return `${request.kind} ${request.expr}`;
    case "labelNames":
    case "series":
      return `${request.kind} ${request.selectors.join(" ")}`;
    case "labelValues":
      return `${request.kind} ${request.name} ${request.selectors.join(" ")}`;
    default:
      return undefined;
  }
}
