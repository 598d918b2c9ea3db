// Metadata of version 1.0: what all targets say about their families, in requests of its own, again and again.
import { compress, WireWriter } from "@narthex/encoding";
import type { Metadata } from "@narthex/model";
import type { Logger } from "@narthex/toolkit";
import type { Tracer } from "@narthex/tracing";
import type { RemoteWriteConfig } from "../../config/types.ts";
import type { Clock, Timer } from "../../scrape/index.ts";
import { untilFinal } from "./backoff.ts";
import { encodeMetadataV1 } from "./encode-v1.ts";
import type { QueueCounters } from "./queue-counters.ts";
import type { WriteClient } from "./write-client.ts";

/** A family's name and what is said of it. */
export type FamilyEntry = readonly [family: string, metadata: Metadata];

export interface MetadataSenderOptions {
  /** Of the endpoint, for traces. */
  readonly name: string;
  readonly config: RemoteWriteConfig;
  readonly client: () => WriteClient;
  /** What targets say now; the same may come many times. */
  readonly families: () => Iterable<FamilyEntry>;
  readonly counters: QueueCounters;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Traces attempts; nothing is traced unless given. */
  readonly tracer?: Tracer | undefined;
}

export class MetadataSender {
  readonly #options: MetadataSenderOptions;
  readonly #callOff = new AbortController();
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: MetadataSenderOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, config } = this.#options;
    this.#timer = clock.after(config.metadata.sendIntervalMs, () => {
      this.#running = this.#sendAll();
      void this.#running.then(() => {
        if (!this.#callOff.signal.aborted) this.start();
      });
    });
  }

  stop(): Promise<void> {
    this.#callOff.abort();
    this.#timer?.cancel();
    return this.#running;
  }

  async #sendAll(): Promise<void> {
    const { config, families, counters, logger } = this.#options;
    const entries = distinct(families());
    const { maxSamplesPerSend } = config.metadata;
    for (let from = 0; from < entries.length; from += maxSamplesPerSend) {
      const part = entries.slice(from, from + maxSamplesPerSend);
      const error = await this.#send(part);
      if (this.#callOff.signal.aborted) return;
      if (error === undefined) continue;
      counters.failed.metadata += part.length;
      logger.error("non-recoverable error while sending metadata", { count: part.length, err: error });
    }
  }

  async #send(entries: readonly FamilyEntry[]): Promise<string | undefined> {
    const { name, config, client, counters, clock, logger, tracer } = this.#options;
    const writer = new WireWriter(4096);
    encodeMetadataV1(entries, writer);
    const body = compress(writer.view());
    const { signal } = this.#callOff;
    const outcome = await untilFinal(
      async (number) => {
        const began = clock.monotonic();
        const span = tracer?.start("Remote Metadata Send Batch");
        const remote_url = config.url.toString();
        span?.setAll({ metadata: entries.length, try: number, remote_name: name, remote_url });
        const sent = await client().send(body, number, signal, span);
        if (span !== undefined && sent.kind !== "sent") span.fail(sent.error);
        span?.end();
        counters.durations.observe((clock.monotonic() - began) / 1000);
        return sent;
      },
      { ...config.queue, clock },
      {
        onPause: () => {},
        onRetry: (err) => {
          counters.retried.metadata += entries.length;
          logger.debug("Failed to send metadata, retrying", { err });
        },
      },
      signal,
    );
    if (outcome === undefined || signal.aborted) return undefined;
    if (outcome.kind === "failed") return outcome.error;
    counters.sent.metadata += entries.length;
    counters.metadataBytes += body.length;
    return undefined;
  }
}

/** Each thing that is said of a family once, in the order in which it was first said. */
function distinct(families: Iterable<FamilyEntry>): FamilyEntry[] {
  const entries = new Map<string, FamilyEntry>();
  for (const entry of families) {
    const [family, { type, help, unit }] = entry;
    const key = JSON.stringify([family, type, help, unit]);
    if (!entries.has(key)) entries.set(key, entry);
  }
  return [...entries.values()];
}
