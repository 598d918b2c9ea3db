// Spans that wait for their collector, and their way there, batch by batch. Source of the bounds: OpenTelemetry's batch span processor.
import type { Logger } from "@narthex/toolkit";
import type { Clock } from "./clock.ts";
import { encodeExportRequest, refusalOf, type TraceResource } from "./export-request.ts";
import { RandomIds } from "./random-ids.ts";
import { sendWithRetries } from "./retries.ts";
import type { Span, SpanSink } from "./span.ts";
import type { SpanExporter } from "./span-exporter.ts";

/** Spans that may wait; those that come beyond are lost. */
export const MAX_WAITING = 2048;
/** Spans of one request at most. */
export const MAX_BATCH = 512;
/** No span waits longer for its batch, unless another batch is under way. */
export const INTERVAL_MS = 5000;
/** The same trouble is told so often. */
const TELL_EVERY_MS = 60_000;

export interface SpanBatcherOptions {
  /** Closed in the end. */
  readonly exporter: SpanExporter;
  readonly resource: TraceResource;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Standard: `Math.random`. */
  readonly random?: () => number;
  /** Told of all that happens to spans. */
  readonly onOutcome?: OnOutcome | undefined;
}

/** What becomes of a span: it is lost where the queue is full, or the collector does not take it. */
export type SpanOutcome = "sent" | "lost";
export type OnOutcome = (outcome: SpanOutcome, count: number) => void;
/** What became of spans so far. */
export type SpanCounts = Readonly<Record<SpanOutcome, number>>;

/** Sends one request at a time. Whatever goes wrong costs spans, nothing else. */
export class SpanBatcher implements SpanSink {
  readonly ids: RandomIds = new RandomIds();
  readonly #options: SpanBatcherOptions;
  /** Aborts when a stop begins, `#aborting` when its time is up. */
  readonly #stopping = new AbortController();
  readonly #aborting = new AbortController();
  #waiting: Span[] = [];
  #timer: { cancel(): void } | undefined;
  #sending: Promise<void> | undefined;
  #sent = 0;
  #lost = 0;
  /** Of `#lost`, how many the log knows of. */
  #toldLost = 0;
  #trouble = "";
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(options: SpanBatcherOptions) {
    this.#options = options;
  }

  get counts(): SpanCounts {
    return { sent: this.#sent, lost: this.#lost };
  }

  now(): number {
    return this.#options.clock.now();
  }

  add(span: Span): void {
    if (this.#stopping.signal.aborted || this.#waiting.length >= MAX_WAITING) {
      this.#lose(1);
      return;
    }
    this.#waiting.push(span);
    if (this.#sending !== undefined) return;
    if (this.#waiting.length >= MAX_BATCH) this.#begin();
    else this.#timer ??= this.#options.clock.after(INTERVAL_MS, () => this.#begin());
  }

  /** Takes nothing more and sends what waits, for so long; the rest, and what does not arrive at once, is lost. Never rejects. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    const deadline = this.#options.clock.after(timeoutMs, () => this.#aborting.abort());
    this.#begin();
    await this.#sending;
    deadline.cancel();
    this.#options.exporter.close();
  }

  #begin(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sending ??= this.#send();
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      await this.#sendBatch(batch);
    }
    this.#sending = undefined;
  }

  async #sendBatch(batch: readonly Span[]): Promise<void> {
    const { exporter, resource, clock, random = Math.random } = this.#options;
    const { signal } = this.#aborting;
    try {
      // After the deadline of a stop nothing is tried any more.
      signal.throwIfAborted();
      const body = encodeExportRequest(resource, batch);
      const answer = await sendWithRetries(body, { exporter, clock, random, hurry: this.#stopping.signal }, signal);
      this.#sent += batch.length;
      this.#options.onOutcome?.("sent", batch.length);
      const refusal = refusalOf(answer);
      if (refusal !== "") this.#tell("The tracing collector refused spans", refusal);
      else if (this.#lost > this.#toldLost && this.#trouble === "") {
        this.#tell("Spans were lost: too many waited for the tracing collector", "");
      } else if (this.#trouble !== "") this.#recovered();
    } catch (error) {
      this.#lose(batch.length);
      this.#tell("Sending spans to the tracing collector failed", (error as Error).message);
    }
  }

  #lose(count: number): void {
    this.#lost += count;
    this.#options.onOutcome?.("lost", count);
  }

  /** Again and again the same would drown the log. */
  #tell(message: string, trouble: string): void {
    const now = this.#options.clock.now();
    if (trouble === this.#trouble && now - this.#toldAt < TELL_EVERY_MS) return;
    this.#trouble = trouble;
    this.#toldAt = now;
    const err = trouble === "" ? {} : { err: trouble };
    this.#options.logger.error(message, { ...err, lost: this.#lost - this.#toldLost });
    this.#toldLost = this.#lost;
  }

  #recovered(): void {
    this.#options.logger.info("Spans reach the tracing collector again", { lost: this.#lost - this.#toldLost });
    this.#toldLost = this.#lost;
    this.#trouble = "";
    this.#toldAt = Number.NEGATIVE_INFINITY;
  }
}
