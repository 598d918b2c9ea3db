// The query log: one JSON line per query, in the file that the configuration names. It never holds a query up.
import { createWriteStream, openSync, type WriteStream } from "node:fs";
import type { Counter, Gauge } from "@narthex/client";
import type { Span } from "@narthex/tracing";
import type { QueryOrigin } from "./running-queries.ts";
import { timeText } from "./time-text.ts";

/** Lines waiting for a slow disk, in bytes; beyond it new ones are dropped and counted. */
const MAX_PENDING_BYTES = 4 << 20;
/** What the reference writes for a query that is not traced. */
const NO_SPAN = "0".repeat(16);
const NO_TRACE = "0".repeat(32);

/** What a line tells. Times are milliseconds, timings seconds. */
export interface QueryRecord {
  readonly expr: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly origin: QueryOrigin | undefined;
  readonly timings: {
    readonly queueSeconds: number;
    readonly totalSeconds: number;
    readonly preparationSeconds: number;
    readonly evaluationSeconds: number;
    readonly sortSeconds: number;
  };
  readonly samples: number;
  readonly samplesRead: number;
  readonly peakSamples: number;
  readonly error: string | undefined;
  /** The evaluation's, where it is traced. */
  readonly span?: Span | undefined;
}

export class QueryLog {
  readonly #enabled: Gauge;
  readonly #failures: Counter;
  #stream: WriteStream | undefined;

  constructor(enabled: Gauge, failures: Counter) {
    this.#enabled = enabled;
    this.#failures = failures;
  }

  get isOpen(): boolean {
    return this.#stream !== undefined;
  }

  /** Opens a file anew, also when it is the same (it may have been rotated away); "" ends logging. Throws when it cannot be opened; then the old one goes on. */
  open(path: string): void {
    const stream = path === "" ? undefined : createWriteStream(path, { fd: openLog(path) });
    // A full disk must not end the process; lines that are lost are counted.
    stream?.on("error", () => this.#failures.inc());
    this.#stream?.end();
    this.#stream = stream;
    this.#enabled.set(stream === undefined ? 0 : 1);
  }

  write(record: QueryRecord): void {
    if (this.#stream === undefined) return;
    if (this.#stream.destroyed || this.#stream.writableLength > MAX_PENDING_BYTES) {
      this.#failures.inc();
      return;
    }
    this.#stream.write(`${JSON.stringify(lineOf(record))}\n`);
  }

  /** Resolves once everything is in the file. */
  close(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream === undefined || stream.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      stream.once("close", resolve);
      stream.end();
    });
  }
}

function openLog(path: string): number {
  try {
    return openSync(path, "a", 0o640);
  } catch (error) {
    throw new Error(`can't create json log file: ${(error as Error).message}`, { cause: error });
  }
}

function lineOf(record: QueryRecord): object {
  const { expr, startMs, endMs, stepMs, origin, timings, samples, samplesRead, peakSamples, error, span } = record;
  return {
    time: new Date().toISOString(),
    level: "INFO",
    source: "query-log.ts",
    msg: "promql query logged",
    params: { end: timeText(endMs), query: expr, start: timeText(startMs), step: Math.floor(stepMs / 1000) },
    stats: {
      timings: {
        evalTotalTime: rounded(timings.preparationSeconds + timings.evaluationSeconds + timings.sortSeconds),
        resultSortTime: rounded(timings.sortSeconds),
        queryPreparationTime: rounded(timings.preparationSeconds),
        innerEvalTime: rounded(timings.evaluationSeconds),
        execQueueTime: rounded(timings.queueSeconds),
        execTotalTime: rounded(timings.totalSeconds),
      },
      samples: { totalQueryableSamples: samples, samplesRead, peakSamples },
    },
    ...(error === undefined ? {} : { error }),
    spanID: span?.spanId ?? NO_SPAN,
    traceID: span?.traceId ?? NO_TRACE,
    ...originOf(origin),
  };
}

function originOf(origin: QueryOrigin | undefined): object {
  switch (origin?.kind) {
    case undefined:
      return {};
    case "http":
      return {
        httpRequest: {
          clientIP: origin.client,
          method: origin.method,
          path: origin.path,
          ...(origin.user === "" ? {} : { user: origin.user }),
        },
      };
    case "rule":
      return { ruleGroup: { file: origin.file, name: origin.group } };
  }
}

/** Whole nanoseconds. */
function rounded(seconds: number): number {
  return Math.round(seconds * 1e9) / 1e9;
}
