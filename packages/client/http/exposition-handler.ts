// What every way to serve metrics over HTTP does: choose format and compression, gather, bound, count, and say what went wrong.
// Source of option names, answers and the handler's own metrics: client_golang, promhttp.
import { Counter, type CounterChild } from "../counter.ts";
import type { EscapingScheme } from "../format/escaping.ts";
import { type ExpositionFormat, negotiateFormat } from "../format/negotiation.ts";
import { Gauge } from "../gauge.ts";
import { type Exposable, type Registry, register } from "../registry.ts";
import { type ContentEncoding, negotiateEncoding } from "./encoding.ts";

/** How metrics are served. */
export interface HandlerOptions {
  /** What is served; the process-wide `register` unless given. */
  readonly registry?: Exposable;
  /**
   * When a collector fails: "httpError" (unless given) answers 500, "continue" serves the others, "throw" leaves it to who called the
   * handler.
   */
  readonly errorHandling?: "httpError" | "continue" | "throw";
  /** Told of each error. */
  readonly onError?: (error: unknown) => void;
  /** More requests than these at once are answered 503; no bound unless given. */
  readonly maxRequestsInFlight?: number;
  /** Gathering that takes longer is answered 503; no bound unless given. */
  readonly timeoutSeconds?: number;
  readonly disableCompression?: boolean;
  /** Formats to choose from; all unless given. */
  readonly formats?: readonly ExpositionFormat[];
  /** What becomes of names in UTF-8 when the client does not say; "underscores" unless given. */
  readonly escaping?: EscapingScheme;
  /** Where to count requests (`promhttp_metric_handler_*`); nowhere unless given. */
  readonly selfMetrics?: Registry;
}

/** What of a request decides about the answer. */
export interface HandlerRequest {
  readonly method: string;
  readonly accept: string | undefined;
  readonly acceptEncoding: string | undefined;
  /** Values of `name[]` in the query. */
  readonly names: readonly string[];
}

/** An answer. `done` is to be called when it was sent, or could not be. */
export interface HandlerAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly encoding: ContentEncoding | undefined;
  readonly body: AsyncIterable<Uint8Array> | undefined;
  readonly done: (failed?: boolean) => void;
}

/** Answers requests for metrics. */
export class ExpositionHandler {
  readonly #options: HandlerOptions;
  readonly #encodings: readonly ContentEncoding[];
  readonly #counts: SelfMetrics | undefined;
  #inFlight = 0;

  /** `encodings` are what the sender can do, best first. */
  constructor(options: HandlerOptions, encodings: readonly ContentEncoding[]) {
    this.#options = options;
    this.#encodings = options.disableCompression === true ? [] : encodings;
    this.#counts = options.selfMetrics && selfMetricsOf(options.selfMetrics);
  }

  async answer(request: HandlerRequest): Promise<HandlerAnswer> {
    const { maxRequestsInFlight = Infinity, timeoutSeconds = Infinity } = this.#options;
    if (request.method !== "GET" && request.method !== "HEAD") {
      return this.#plain(405, "Method not allowed.\n", { Allow: "GET, HEAD" });
    }
    if (this.#inFlight >= maxRequestsInFlight) {
      return this.#plain(503, `Limit of concurrent requests reached (${maxRequestsInFlight}), try again later.\n`);
    }
    this.#begin();
    const { format, escaping, contentType } = negotiateFormat(
      request.accept,
      this.#options.escaping,
      this.#options.formats,
    );
    try {
      const gathered = this.#gather(format, escaping, request.names);
      const chunks = await within(timeoutSeconds, gathered);
      if (chunks === undefined) {
        // It goes on, and counts as in flight, until it is done.
        void gathered.catch((error) => this.#failed(error)).finally(() => this.#end());
        return this.#plain(503, `Exceeded configured timeout of ${timeoutSeconds}s.\n`);
      }
      const encoding = negotiateEncoding(request.acceptEncoding, this.#encodings);
      return {
        status: 200,
        headers: {
          "Content-Type": contentType,
          ...(encoding === undefined ? {} : { "Content-Encoding": encoding }),
          Vary: "Accept, Accept-Encoding",
        },
        encoding,
        body: request.method === "HEAD" ? undefined : chunks,
        done: this.#once(),
      };
    } catch (error) {
      this.#end();
      this.#failed(error);
      if (this.#options.errorHandling === "throw") throw error;
      const message = error instanceof Error ? error.message : String(error);
      return this.#plain(500, `An error has occurred while serving metrics:\n\n${message}\n`);
    }
  }

  #gather(
    format: ExpositionFormat,
    escaping: EscapingScheme,
    names: readonly string[],
  ): Promise<AsyncIterable<Uint8Array>> {
    const registry = this.#options.registry ?? register;
    return registry.stream(format, {
      escaping,
      ...(names.length === 0 ? {} : { names }),
      ...(this.#options.errorHandling === "continue" ? { onCollectError: (error) => this.#failed(error) } : {}),
    });
  }

  #failed(error: unknown): void {
    this.#counts?.gatheringErrors.inc();
    this.#options.onError?.(error);
  }

  #begin(): void {
    this.#inFlight++;
    this.#counts?.inFlight.inc();
  }

  #end(): void {
    this.#inFlight--;
    this.#counts?.inFlight.dec();
  }

  #once(): (failed?: boolean) => void {
    let open = true;
    return (failed = false) => {
      if (!open) return;
      open = false;
      this.#counts?.requests(200);
      if (failed) this.#counts?.encodingErrors.inc();
      this.#end();
    };
  }

  #plain(status: number, text: string, headers: Record<string, string> = {}): HandlerAnswer {
    this.#counts?.requests(status);
    return {
      status,
      headers: { "Content-Type": "text/plain; charset=utf-8", ...headers },
      encoding: undefined,
      body: (async function* () {
        yield new TextEncoder().encode(text);
      })(),
      done: () => undefined,
    };
  }
}

interface SelfMetrics {
  readonly requests: (status: number) => void;
  readonly inFlight: Gauge;
  readonly gatheringErrors: CounterChild;
  readonly encodingErrors: CounterChild;
}

/** Several handlers of one registry count together. */
function selfMetricsOf(registry: Registry): SelfMetrics {
  const requests = registry.getOrRegister(
    new Counter({
      name: "promhttp_metric_handler_requests_total",
      help: "Total number of scrapes by HTTP status code.",
      labelNames: ["code"],
      registers: [],
    }),
  );
  const errors = registry.getOrRegister(
    new Counter({
      name: "promhttp_metric_handler_errors_total",
      help: "Total number of internal errors encountered by the promhttp metric handler.",
      labelNames: ["cause"],
      registers: [],
    }),
  );
  for (const code of [200, 500, 503]) requests.labels(code);
  return {
    requests: (status) => requests.inc({ code: status }),
    inFlight: registry.getOrRegister(
      new Gauge({
        name: "promhttp_metric_handler_requests_in_flight",
        help: "Current number of scrapes being served.",
        registers: [],
      }),
    ),
    gatheringErrors: errors.labels("gathering"),
    encodingErrors: errors.labels("encoding"),
  };
}

/** What a promise resolves to, or undefined when it takes longer. */
async function within<T>(seconds: number, promise: Promise<T>): Promise<T | undefined> {
  if (seconds === Infinity) return promise;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
