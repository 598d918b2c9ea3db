// How many queries run at once, and how long others wait for their turn.
import { QueryError } from "@narthex/promql";
import type { Asker } from "./running-queries.ts";

/** Queries that may wait, per running one; beyond that they are turned away at once. */
const WAITING_PER_SLOT = 100;

export class QueryGate {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get running(): number {
    return this.#running;
  }

  /** Resolves when it is this query's turn; `leave` must follow. Rejects after `timeoutMs` or when the asker leaves. */
  enter(timeoutMs: number, asker: Asker): Promise<void> | undefined {
    if (this.#running < this.#limit) {
      this.#running++;
      return undefined;
    }
    if (this.#waiting.length >= this.#limit * WAITING_PER_SLOT)
      return Promise.reject(new QueryError("timeout", "query timed out in query queue: too many queries wait already"));
    const { signal } = asker;
    return new Promise((resolve, reject) => {
      const giveUp = (error: QueryError) => (): void => {
        const at = this.#waiting.indexOf(enter);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        stop();
        reject(error);
      };
      const onAbort = giveUp(new QueryError("canceled", "query was canceled in query queue"));
      const timer = setTimeout(giveUp(new QueryError("timeout", "query timed out in query queue")), timeoutMs);
      const stop = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const enter = (): void => {
        stop();
        resolve();
      };
      signal.addEventListener("abort", onAbort);
      this.#waiting.push(enter);
    });
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}
