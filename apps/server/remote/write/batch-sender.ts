// Sends the batches of one queue: encodes them, tries until a receiver says yes or no, and counts what became of them.
import { compressInto, maxCompressedLength, WireWriter } from "@narthex/encoding";
import type { Logger } from "@narthex/toolkit";
import type { Span, Tracer } from "@narthex/tracing";
import type { RemoteWriteConfig } from "../../config/types.ts";
import type { Clock } from "../../scrape/index.ts";
import { RemoteWriteMessage } from "../wire.ts";
import { untilFinal } from "./backoff.ts";
import { encodeV1 } from "./encode-v1.ts";
import { EncoderV2 } from "./encode-v2.ts";
import type { OutgoingBatch } from "./outgoing-batch.ts";
import type { QueueCounters } from "./queue-counters.ts";
import type { RetryLog } from "./retry-log.ts";
import type { SeriesTable } from "./series-table.ts";
import type { WriteClient, WrittenCounts } from "./write-client.ts";

export interface BatchSenderOptions {
  /** Of the endpoint, for traces. */
  readonly name: string;
  readonly config: RemoteWriteConfig;
  readonly series: SeriesTable;
  readonly counters: QueueCounters;
  readonly client: () => WriteClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Traces attempts; nothing is traced unless given. */
  readonly tracer?: Tracer | undefined;
  readonly retryLog: RetryLog;
  /** Calls everything off. */
  readonly signal: AbortSignal;
}

/** One per queue: any number of batches may be under way at once. */
export class BatchSender {
  /** Milliseconds since the epoch: when a batch was last done, and until when the receiver wants no more shards. */
  lastDone = 0;
  troubledUntil = 0;
  /** Entries that were done since somebody set these to 0, and seconds that this took, over all batches. */
  done = 0;
  seconds = 0;
  readonly #options: BatchSenderOptions;
  readonly #isV1: boolean;
  readonly #encoderV2: EncoderV2;
  readonly #writer = new WireWriter(64 * 1024);
  #compressed: Uint8Array = new Uint8Array(0);

  constructor(options: BatchSenderOptions) {
    this.#options = options;
    this.#isV1 = options.config.protobufMessage === RemoteWriteMessage.v1;
    this.#encoderV2 = new EncoderV2(options.series);
  }

  /** Milliseconds: what is older is not sent. */
  get oldestWanted(): number {
    const { clock, config } = this.#options;
    const { sampleAgeLimitMs } = config.queue;
    return sampleAgeLimitMs === 0 ? Number.NEGATIVE_INFINITY : clock.now() - sampleAgeLimitMs;
  }

  /** The request, in memory of its own. */
  #encode(batch: OutgoingBatch): Uint8Array {
    const writer = this.#writer;
    writer.clear();
    if (this.#isV1) encodeV1(batch, this.#options.series, writer);
    else this.#encoderV2.encode(batch, writer);
    const needed = maxCompressedLength(writer.length);
    if (this.#compressed.length < needed) this.#compressed = new Uint8Array(needed * 2);
    return this.#compressed.slice(0, compressInto(writer.view(), this.#compressed));
  }

  /** Sends a batch, for as long as it takes. False when it was called off: then whoever did so counts what is pending. */
  async send(batch: OutgoingBatch): Promise<boolean> {
    const { clock, logger, counters, client, config, retryLog, signal } = this.#options;
    const began = clock.monotonic();
    const given = { samples: batch.samples, histograms: batch.histograms, exemplars: batch.exemplars };
    let body = this.#encode(batch);
    let oldest = config.queue.sampleAgeLimitMs === 0 ? Infinity : batch.minTime;
    const { maxTime } = batch;
    const { length } = body;
    let written = { samples: 0, histograms: 0, exemplars: 0, isConfirmed: false };
    const attempt = async (number: number) => {
      if (oldest < this.oldestWanted) {
        this.#dropOld(batch);
        if (batch.count === 0) return { kind: "sent", written } as const;
        body = this.#encode(batch);
        oldest = batch.minTime;
      }
      counters.sent.samples += batch.samples;
      counters.sent.histograms += batch.histograms;
      counters.sent.exemplars += batch.exemplars;
      const sendBegan = clock.monotonic();
      const span = this.#startSpan(batch, body.length, number);
      const outcome = await client().send(body, number, signal, span);
      if (span !== undefined && outcome.kind !== "sent") span.fail(outcome.error);
      span?.end();
      counters.durations.observe((clock.monotonic() - sendBegan) / 1000);
      written = sum(written, outcome.written);
      if (outcome.kind !== "sent" || this.#isV1) return outcome;
      const { samples, histograms, exemplars } = outcome.written;
      if (samples + histograms + exemplars > 0) return outcome;
      return { kind: "failed", error: nothingWritten(batch), written: outcome.written } as const;
    };
    const watch = {
      onPause: (ms: number, _error: string, isAskedFor: boolean) => {
        this.troubledUntil = Math.max(this.troubledUntil, clock.now() + 2 * ms);
        if (isAskedFor) {
          logger.info("Retrying after duration specified by Retry-After header", { duration: `${ms / 1000}s` });
        }
      },
      onRetry: (error: string) => {
        counters.retried.samples += batch.samples;
        counters.retried.histograms += batch.histograms;
        counters.retried.exemplars += batch.exemplars;
        retryLog.retrying(error);
      },
    };
    const outcome = await untilFinal(attempt, { ...config.queue, clock }, watch, signal);
    if (outcome === undefined || signal.aborted) return false;
    counters.bytes += length;
    counters.highestSentSeconds = Math.max(counters.highestSentSeconds, Math.floor(maxTime / 1000));
    // A receiver of 1.0 need not say what it wrote.
    const isTrusted = outcome.kind === "sent" && this.#isV1 && !written.isConfirmed;
    this.#settle(batch, isTrusted ? batch : written, outcome.kind === "failed" ? outcome.error : undefined);
    for (const kind of ["samples", "histograms", "exemplars"] as const) counters.pending[kind] -= given[kind];
    this.done += given.samples + given.histograms + given.exemplars;
    this.seconds += (clock.monotonic() - began) / 1000;
    this.lastDone = clock.now();
    return true;
  }

  #startSpan({ samples, exemplars, histograms }: OutgoingBatch, bytes: number, attempt: number): Span | undefined {
    const { tracer, name, config } = this.#options;
    if (tracer?.isOn !== true) return undefined;
    const span = tracer.start("Remote Send Batch");
    span?.setAll({ request_size: bytes, samples, try: attempt, remote_name: name, remote_url: config.url.toString() });
    if (exemplars > 0) span?.set("exemplars", exemplars);
    if (histograms > 0) span?.set("histograms", histograms);
    return span;
  }

  #dropOld(batch: OutgoingBatch): void {
    const { samples, histograms, exemplars } = batch;
    batch.dropBefore(this.oldestWanted);
    const { counters } = this.#options;
    counters.drop("too_old", "samples", samples - batch.samples);
    counters.drop("too_old", "histograms", histograms - batch.histograms);
    counters.drop("too_old", "exemplars", exemplars - batch.exemplars);
  }

  /** Counts and tells what of a batch was not written. */
  #settle(
    batch: OutgoingBatch,
    written: { readonly samples: number; readonly histograms: number; readonly exemplars: number },
    error: string | undefined,
  ): void {
    const { logger, config, counters } = this.#options;
    const { failed } = counters;
    const missing = {
      failedSampleCount: Math.max(0, batch.samples - written.samples),
      failedHistogramCount: Math.max(0, batch.histograms - written.histograms),
      failedExemplarCount: Math.max(0, batch.exemplars - written.exemplars),
    };
    failed.samples += missing.failedSampleCount;
    failed.histograms += missing.failedHistogramCount;
    failed.exemplars += missing.failedExemplarCount;
    if (error !== undefined && config.failedRequestLogging) {
      const { samples, histograms, exemplars } = batch;
      logger.debug("Failed to send remote write request", { samples, histograms, exemplars, err: error });
    }
    if (error !== undefined) logger.error("non-recoverable error", { ...missing, err: error });
    else if (missing.failedSampleCount + missing.failedHistogramCount + missing.failedExemplarCount > 0) {
      logger.error(
        "we got 2xx status code from the Receiver yet statistics indicate some data was not written; investigation needed",
        missing,
      );
    }
  }
}

function sum(a: WrittenCounts, b: WrittenCounts): WrittenCounts {
  return {
    samples: a.samples + b.samples,
    histograms: a.histograms + b.histograms,
    exemplars: a.exemplars + b.exemplars,
    isConfirmed: a.isConfirmed || b.isConfirmed,
  };
}

function nothingWritten({ samples, histograms, exemplars }: OutgoingBatch): string {
  return (
    `sent v2 request with ${samples} samples, ${histograms} histograms and ${exemplars} exemplars; got 2xx, but PRW 2.0 ` +
    "response header statistics indicate 0 samples, 0 histograms and 0 exemplars were accepted; assumining failure e.g. " +
    "the target only supports PRW 1.0 prometheus.WriteRequest, but does not check the Content-Type header correctly"
  );
}
