// Which queries run or wait right now, who asked them, and the way to end one.
import { setMaxListeners } from "node:events";
import type { Span } from "@narthex/tracing";

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

/** Whoever waits for an answer. */
export interface Asker {
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  /** Of which the work is a part, where it is traced. */
  readonly span?: Span | undefined;
}

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

/** What a query holds while it runs. Its signal is made when somebody looks at it: most queries are over before. */
export class QueryTicket implements Asker {
  readonly query: RunningQuery;
  span: Span | undefined;
  readonly #asker: Asker;
  readonly #forget: () => void;
  #controller: AbortController | undefined;
  #killed = false;
  readonly #abort = (): void => this.#controller?.abort();

  constructor(query: RunningQuery, asker: Asker, forget: () => void) {
    this.query = query;
    this.#asker = asker;
    this.#forget = forget;
  }

  /** Aborts when the asker is gone or somebody killed the query. */
  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const { signal } = this.#asker;
    const controller = new AbortController();
    this.#controller = controller;
    // Rules share one signal: many listeners on it are no leak.
    setMaxListeners(0, signal, controller.signal);
    if (signal.aborted || this.#killed) controller.abort();
    else signal.addEventListener("abort", this.#abort);
    return controller.signal;
  }

  /** Whether the signal aborted, as far as anybody looked at it; and whether the query was killed. */
  get isStopped(): boolean {
    return this.#killed || this.#controller?.signal.aborted === true;
  }

  kill(): void {
    this.#killed = true;
    this.#abort();
  }

  end(): void {
    this.#forget();
    if (this.#controller !== undefined) this.#asker.signal.removeEventListener("abort", this.#abort);
  }
}

/** Bounded by the gate in front of queries and by the number of rules. */
export class RunningQueries {
  readonly #running = new Map<number, QueryTicket>();
  #lastId = 0;

  /** Oldest first. */
  get list(): RunningQuery[] {
    return [...this.#running.values()].map(({ query }) => query);
  }

  /** Enters a query; `end` must follow. */
  begin(query: Omit<RunningQuery, "id" | "state">, asker: Asker): QueryTicket {
    const id = ++this.#lastId;
    const { expr, startMs, endMs, stepMs, begunMs, origin } = query;
    const entry: RunningQuery = { id, expr, startMs, endMs, stepMs, begunMs, origin, state: "waiting" };
    const ticket = new QueryTicket(entry, asker, () => this.#running.delete(id));
    this.#running.set(id, ticket);
    return ticket;
  }

  /** Ends a query: its asker is told that it was canceled. False when there is none of that number (any more). */
  kill(id: number): boolean {
    const found = this.#running.get(id);
    found?.kill();
    return found !== undefined;
  }
}
