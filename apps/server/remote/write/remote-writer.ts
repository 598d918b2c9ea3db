// Remote write as a whole: one queue for each endpoint, kept as long as its configuration stays the same.
import type { Registry } from "@narthex/client";
import type { Logger } from "@narthex/toolkit";
import type { Tracer } from "@narthex/tracing";
import type { LogFeed, LogPosition } from "@narthex/tsdb";
import type { Config } from "../../config/index.ts";
import { remoteWrite } from "../../config/schema/remote.ts";
import type { RemoteWriteConfig } from "../../config/types.ts";
import type { DialMetrics, DialObserver } from "../../scrape/dial-metrics.ts";
import type { Clock } from "../../scrape/index.ts";
import { configHash } from "../config-hash.ts";
import { makeSigner, type RequestSigner, signingOf } from "../signer.ts";
import { RemoteWriteMessage } from "../wire.ts";
import { type FamilyEntry, MetadataSender } from "./metadata-sender.ts";
import { WriteClient } from "./write-client.ts";
import { WriteMetrics } from "./write-metrics.ts";
import { type AppendedCounts, WriteQueue } from "./write-queue.ts";

export interface RemoteWriterOptions {
  /** The log that is sent. */
  readonly feed: LogFeed;
  /** What was appended since the start. */
  readonly appended: () => AppendedCounts;
  /** What targets say about their families now. */
  readonly families: () => Iterable<FamilyEntry>;
  readonly registry: Registry;
  readonly logger: Logger;
  /** Traces attempts to send; nothing is traced unless given. */
  readonly tracer?: Tracer;
  readonly clock: Clock;
  /** For the User-Agent header. */
  readonly version: string;
  readonly flushDeadlineMs: number;
  readonly typeAndUnitLabels: boolean;
  readonly dials?: DialMetrics;
}

interface Running {
  readonly queue: WriteQueue;
  readonly metadata: MetadataSender | undefined;
}

/** Where a queue takes over from another that sent to the same place. */
interface Succession {
  readonly from: LogPosition;
  readonly startTime: number;
}

export class RemoteWriter {
  readonly #options: RemoteWriterOptions;
  readonly #metrics: WriteMetrics;
  #running: ReadonlyMap<string, Running> = new Map();
  #externalLabels: readonly string[] = [];
  #observe: DialObserver | undefined;
  /** Queues that are being flushed. */
  readonly #stopping = new Set<Promise<void>>();

  constructor(options: RemoteWriterOptions) {
    this.#options = options;
    this.#metrics = new WriteMetrics(() => this.queues, options.appended);
    options.registry.registerMetric(this.#metrics);
  }

  get queues(): readonly WriteQueue[] {
    return [...this.#running.values()].map(({ queue }) => queue);
  }

  /** Milliseconds: the least of what all queues sent last; 0 without queues. What is older is not needed any more. */
  get lowestSentTime(): number {
    const times = this.queues.map(({ counters }) => counters.highestSentSeconds * 1000);
    return times.length === 0 ? 0 : Math.min(...times);
  }

  /**
   * Takes over a configuration: queues whose own configuration and external labels are the same go on, all others end, and flush
   * meanwhile. Throws for endpoints that are the same twice; then nothing changes. An endpoint whose requests cannot be signed is
   * logged: it goes on with the credentials it had, or is not sent to, and the others are taken over all the same.
   */
  apply({ remoteWrite: endpoints, global }: Pick<Config, "remoteWrite" | "global">): void {
    const hashes = new Map<string, RemoteWriteConfig>();
    for (const config of endpoints) {
      const hash = configHash(remoteWrite.encode(config as never));
      if (hashes.has(hash)) {
        throw new Error(
          `duplicate remote write configs are not allowed, found duplicate for URL: ${config.url.toString()}`,
        );
      }
      hashes.set(hash, config);
    }
    const external = global.externalLabels.pairs;
    const isSameOutside =
      external.length === this.#externalLabels.length && external.every((text, i) => text === this.#externalLabels[i]);
    this.#externalLabels = external;
    const { feed, clock, flushDeadlineMs } = this.#options;
    const from = feed.position;
    const startTime = clock.now();
    const next = new Map<string, Running>();
    const ending = new Map(this.#running);
    for (const [hash, config] of hashes) {
      const running = this.#running.get(hash);
      if (running === undefined || !isSameOutside) continue;
      const signing = this.#signing(hash, config, "the endpoint goes on with the credentials it had");
      if (signing !== undefined) running.queue.setClient(this.#client(config, signing.signer));
      next.set(hash, running);
      ending.delete(hash);
    }
    const ended = [...ending.values()];
    for (const { queue, metadata } of ended) {
      this.#track(Promise.all([queue.stop(flushDeadlineMs), metadata?.stop()]));
    }
    for (const [hash, config] of hashes) {
      if (next.has(hash)) continue;
      // What another queue was to send to the same place from now on is this one's, late samples too.
      const before = ended.find(({ queue }) => queue.config.url.reveal() === config.url.reveal());
      const opened = this.#open(hash, config, { from, startTime: before?.queue.startTime ?? startTime });
      if (opened !== undefined) next.set(hash, opened);
    }
    // In the order of the configuration.
    this.#running = new Map(
      [...hashes.keys()].flatMap((hash) => (next.has(hash) ? [[hash, next.get(hash) as Running]] : [])),
    );
    feed.whenWritten = this.#running.size === 0 ? undefined : () => this.#notify();
  }

  /** Flushes all queues, up to the deadline, and ends. */
  async stop(): Promise<void> {
    const { feed, flushDeadlineMs, registry } = this.#options;
    feed.whenWritten = undefined;
    for (const { queue, metadata } of this.#running.values()) {
      this.#track(Promise.all([queue.stop(flushDeadlineMs), metadata?.stop()]));
    }
    this.#running = new Map();
    await Promise.all(this.#stopping);
    registry.unregister(this.#metrics);
  }

  #notify(): void {
    for (const { queue } of this.#running.values()) queue.watcher.notify();
  }

  #track(work: Promise<unknown>): void {
    const tracked: Promise<void> = work
      .catch((error: unknown) =>
        this.#options.logger.error("Stopping a remote write queue failed", { err: error as Error }),
      )
      .then(() => {
        this.#stopping.delete(tracked);
      });
    this.#stopping.add(tracked);
  }

  #client(config: RemoteWriteConfig, signer: RequestSigner | undefined): WriteClient {
    const { version, dials, clock } = this.#options;
    // Its series are there from the first endpoint on.
    this.#observe ??= dials?.observer("remote_storage_write_client");
    const observe = this.#observe;
    return new WriteClient({ config, version, signer, observe, now: () => clock.now() });
  }

  #loggerFor(hash: string, config: RemoteWriteConfig): Logger {
    return this.#options.logger.with({ remote_name: nameOf(hash, config), url: config.url.toString() });
  }

  /** The signer that a configuration asks for, if it does; undefined, and logged with its consequence, when there is none to be had. */
  #signing(
    hash: string,
    config: RemoteWriteConfig,
    consequence: string,
  ): { readonly signer: RequestSigner | undefined } | undefined {
    const kind = signingOf(config);
    if (kind === undefined) return { signer: undefined };
    try {
      const signer = makeSigner(config);
      if (signer === undefined) throw new Error("a certificate is not supported");
      return { signer };
    } catch (error) {
      const err = error as Error;
      this.#loggerFor(hash, config).error(`Requests cannot be signed by ${kind}: ${consequence}`, { err });
      return undefined;
    }
  }

  #open(hash: string, config: RemoteWriteConfig, { from, startTime }: Succession): Running | undefined {
    const { feed, appended, families, clock, typeAndUnitLabels, tracer } = this.#options;
    const signing = this.#signing(hash, config, "nothing is sent to this endpoint");
    if (signing === undefined) return undefined;
    const name = nameOf(hash, config);
    const logger = this.#loggerFor(hash, config);
    const queue = new WriteQueue({
      name,
      config,
      externalLabels: this.#externalLabels,
      typeAndUnitLabels,
      client: this.#client(config, signing.signer),
      feed,
      from,
      startTime,
      appended,
      clock,
      logger,
      tracer,
    });
    const isV1 = config.protobufMessage === RemoteWriteMessage.v1;
    if (config.metadata.send && !isV1) {
      logger.debug("metadata_config.send is not needed with remote write 2.0: metadata comes from the log");
    }
    const metadata =
      config.metadata.send && isV1
        ? new MetadataSender({
            name,
            config,
            client: () => queue.client,
            families,
            counters: queue.counters,
            clock,
            logger,
            tracer,
          })
        : undefined;
    queue.start();
    metadata?.start();
    return { queue, metadata };
  }
}

function nameOf(hash: string, config: RemoteWriteConfig): string {
  return config.name || hash.slice(0, 6);
}
