// Which queries run or wait right now, who asked them, and the way to end one.
import { setMaxListeners } from "node:events";

/** Who asked. */
export type QueryOrigin =
  | {
      readonly kind: "http";
      readonly client: string;
      /** "" where nobody had to say who they are. */
      readonly user: string;
      readonly userAgent: string;
      readonly method: string;
      readonly path: string;
    }
  | { readonly kind: "rule"; readonly file: string; readonly group: string };

export interface RunningQuery {
  readonly id: number;
  readonly expr: string;
  /** Milliseconds, as are the two below. */
  readonly startMs: number;
  readonly endMs: number;
  /** 0 for an instant query. */
  readonly stepMs: number;
  readonly begunMs: number;
  readonly origin: QueryOrigin | undefined;
  state: "waiting" | "running";
}

/** What a query holds while it runs. */
export interface QueryTicket {
  readonly query: RunningQuery;
  /** Aborts when the asker is gone or somebody killed the query. */
  readonly signal: AbortSignal;
  end(): void;
}

/** Bounded by the gate in front of queries and by the number of rules. */
export class RunningQueries {
  readonly #running = new Map<number, { query: RunningQuery; controller: AbortController }>();
  #lastId = 0;

  /** Oldest first. */
  get list(): RunningQuery[] {
    return [...this.#running.values()].map(({ query }) => query);
  }

  /** Enters a query; `end` must follow. */
  begin(query: Omit<RunningQuery, "id" | "state">, signal: AbortSignal): QueryTicket {
    const id = ++this.#lastId;
    const controller = new AbortController();
    const abort = (): void => controller.abort();
    // Rules share one signal: many listeners on it are no leak.
    setMaxListeners(0, signal, controller.signal);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
    const entry: RunningQuery = { ...query, id, state: "waiting" };
    this.#running.set(id, { query: entry, controller });
    return {
      query: entry,
      signal: controller.signal,
      end: () => {
        this.#running.delete(id);
        signal.removeEventListener("abort", abort);
      },
    };
  }

  /** Ends a query: its asker is told that it was canceled. False when there is none of that number (any more). */
  kill(id: number): boolean {
    const found = this.#running.get(id);
    found?.controller.abort();
    return found !== undefined;
  }
}
