// The notification log: the last notification of every group to every integration, so that nobody is told the same twice.
import { Counter, Gauge, Histogram, type Registry, Summary } from "@narthex/client";
import type { Logger } from "@narthex/toolkit";
import type { Clock } from "../clock.ts";
import type { Peer } from "../cluster/peer.ts";
import { Moment } from "../moment/moment.ts";
import {
  decodedRecords,
  framed,
  type LoadedState,
  noStore,
  StateFile,
  type StateStore,
  takingSound,
} from "../state/state-file.ts";
import { decodeEntry, encodeEntry, entryKey, type LogEntry, type LogReceiver, type ReceiverData } from "./entry.ts";

export interface NotificationLogOptions {
  /** Undefined: nothing is kept. */
  readonly file: string | undefined;
  readonly retentionMs: number;
  readonly clock: Clock;
  readonly peer: Peer;
  readonly logger: Logger;
  readonly registry: Registry;
}

/** What is to be remembered of a notification. */
export interface LoggedNotification {
  readonly receiver: LogReceiver;
  readonly groupKey: string;
  readonly firing: readonly bigint[];
  readonly resolved: readonly bigint[];
  readonly data: ReceiverData;
  /** It is forgotten after so long, or after the retention where that is shorter. */
  readonly expiryMs: number;
}

export class NotificationLog {
  readonly #options: NotificationLogOptions;
  readonly #entries = new Map<string, LogEntry>();
  readonly #file: StateStore;
  readonly #metrics: ReturnType<typeof makeMetrics>;

  constructor(options: NotificationLogOptions) {
    this.#options = options;
    this.#metrics = makeMetrics(options.registry);
    this.#file = options.file === undefined ? noStore : new StateFile(options.file, () => this.snapshot());
  }

  /** Reads what an earlier process left. */
  load(): Promise<LoadedState> {
    const refuse = (error: Error): void =>
      this.#options.logger.error("A notification of the log is not understood, and left out", { err: error.message });
    return this.#file.load(takingSound(decodeEntry, (entry) => this.#store(entry), refuse));
  }

  /** The last notification, if it is remembered. */
  find(groupKey: string, receiver: LogReceiver): LogEntry | undefined {
    const end = this.#metrics.queryDuration.startTimer();
    this.#metrics.queries.inc();
    const entry = this.#entries.get(entryKey(groupKey, receiver));
    end();
    return entry;
  }

  /** Resolves once the notification is on the disk. */
  async log(notification: LoggedNotification): Promise<void> {
    const { receiver, groupKey, firing, resolved, data, expiryMs } = notification;
    const now = Moment.fromMs(this.#options.clock.now());
    const known = this.#entries.get(entryKey(groupKey, receiver));
    // A peer whose clock is ahead has told of a later one.
    if (known?.timestamp.isAfter(now) === true) return;
    const { retentionMs } = this.#options;
    const expiresAt = now.plusMs(expiryMs > 0 ? Math.min(expiryMs, retentionMs) : retentionMs);
    const entry = { groupKey, receiver, timestamp: now, firing, resolved, data, expiresAt };
    this.#store(entry);
    const record = encodeEntry(entry);
    this.#options.peer.broadcast("nfl", framed(record));
    await this.#file.append(record);
  }

  /** Takes what a peer knows; of two entries the later one stays. Throws for what are no records. */
  merge(bytes: Uint8Array): void {
    const now = Moment.fromMs(this.#options.clock.now());
    const { entries: arrived, refused } = decodedRecords(bytes, decodeEntry);
    if (refused !== undefined)
      this.#options.logger.warn("A peer's notification is not understood, and left out", { err: refused.message });
    for (const entry of arrived) {
      const known = this.#entries.get(entryKey(entry.groupKey, entry.receiver));
      if (entry.expiresAt.isBefore(now) || (known !== undefined && !known.timestamp.isBefore(entry.timestamp)))
        continue;
      this.#store(entry);
      const record = encodeEntry(entry);
      this.#options.peer.broadcast("nfl", framed(record));
      this.#metrics.propagated.inc();
      this.#file.append(record).catch((error: Error) => {
        this.#options.logger.error("Keeping a peer's notification log entry failed", { err: error.message });
      });
    }
  }

  /** Everything, as `merge` of another takes it. */
  snapshot(): Uint8Array {
    return Buffer.concat([...this.#entries.values()].map((entry) => framed(encodeEntry(entry))));
  }

  /** Forgets what has expired, and writes the file anew. */
  async maintain(): Promise<void> {
    this.#metrics.maintenance.inc();
    try {
      const collected = this.#metrics.gcDuration.startTimer();
      this.#collect();
      collected();
      const written = this.#metrics.snapshotDuration.startTimer();
      this.#metrics.snapshotSize.set(await this.#file.compact());
      written();
    } catch (error) {
      this.#metrics.maintenanceErrors.inc();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#collect();
    await this.#file.close();
  }

  #store(entry: LogEntry): void {
    this.#entries.set(entryKey(entry.groupKey, entry.receiver), entry);
  }

  #collect(): void {
    const now = Moment.fromMs(this.#options.clock.now());
    for (const [key, { expiresAt }] of this.#entries) if (!expiresAt.isAfter(now)) this.#entries.delete(key);
  }
}

function makeMetrics(registry: Registry): {
  readonly queries: Counter;
  readonly queryDuration: Histogram;
  readonly propagated: Counter;
  readonly maintenance: Counter;
  readonly maintenanceErrors: Counter;
  readonly gcDuration: Summary;
  readonly snapshotDuration: Summary;
  readonly snapshotSize: Gauge;
} {
  const registers = [registry];
  const prefix = "alertmanager_nflog";
  const counter = (name: string, help: string): Counter => new Counter({ name: `${prefix}_${name}`, help, registers });
  const summary = (name: string, help: string): Summary => new Summary({ name: `${prefix}_${name}`, help, registers });
  counter("query_errors_total", "Number notification log received queries that failed.");
  return {
    queries: counter("queries_total", "Number of notification log queries were received."),
    queryDuration: new Histogram({
      name: `${prefix}_query_duration_seconds`,
      help: "Duration of notification log query evaluation.",
      registers,
    }),
    propagated: counter(
      "gossip_messages_propagated_total",
      "Number of received gossip messages that have been further gossiped.",
    ),
    maintenance: counter("maintenance_total", "How many maintenances were executed for the notification log."),
    maintenanceErrors: counter(
      "maintenance_errors_total",
      "How many maintenances were executed for the notification log that failed.",
    ),
    gcDuration: summary("gc_duration_seconds", "Duration of the last notification log garbage collection cycle."),
    snapshotDuration: summary("snapshot_duration_seconds", "Duration of the last notification log snapshot."),
    snapshotSize: new Gauge({
      name: `${prefix}_snapshot_size_bytes`,
      help: "Size of the last notification log snapshot in bytes.",
      registers,
    }),
  };
}
