// A bounded record of the last notifications: what went to whom, why, what came back, how often it was tried.
import type { Clock } from "../clock.ts";
import { Moment } from "../moment/moment.ts";
import type { Answer } from "../notify/delivery.ts";

/** Older records make room for new ones. */
const MAX_RECORDS = 10_000;
/** Attempts of one notification that are kept one by one; further ones are only counted. */
const MAX_ATTEMPTS = 10;
const MAX_TEXT = 500;
/** Fingerprints kept of one notification. */
const MAX_ALERTS = 100;

export type Outcome = "pending" | "sent" | "failed";

export interface RecordedNotification {
  readonly receiver: string;
  /** `webhook[0]`. */
  readonly integration: string;
  readonly groupKey: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly reason: string;
  readonly firing: number;
  readonly resolved: number;
  /** Fingerprints of what was told. */
  readonly alerts: readonly string[];
}

/** One failed attempt. */
export interface RecordedAttempt {
  readonly at: string;
  readonly error: string;
}

/** A notification while it is being sent, and afterwards. */
export class NotificationRecord {
  readonly id: number;
  readonly notification: RecordedNotification;
  readonly startedAt: Moment;
  readonly #clock: Clock;
  #finishedAt: Moment | undefined;
  #outcome: Outcome = "pending";
  #attempts = 0;
  readonly #failures: RecordedAttempt[] = [];
  #answer: Answer | undefined;
  #error = "";

  constructor(id: number, notification: RecordedNotification, clock: Clock) {
    this.id = id;
    this.notification = { ...notification, alerts: notification.alerts.slice(0, MAX_ALERTS) };
    this.#clock = clock;
    this.startedAt = this.#now();
  }

  get outcome(): Outcome {
    return this.#outcome;
  }

  /** Notes an attempt that failed. */
  attempt(error: string): void {
    this.#attempts++;
    if (this.#failures.length < MAX_ATTEMPTS)
      this.#failures.push({ at: this.#now().toRfc3339Millis(), error: cut(error) });
  }

  succeed(answer: Answer): void {
    this.#attempts++;
    this.#outcome = "sent";
    this.#answer = { status: answer.status, text: cut(answer.text) };
    this.#finishedAt = this.#now();
  }

  fail(error: string): void {
    this.#outcome = "failed";
    this.#error = cut(error);
    this.#finishedAt = this.#now();
  }

  toJSON(): object {
    return {
      id: this.id,
      ...this.notification,
      startedAt: this.startedAt.toRfc3339Millis(),
      finishedAt: this.#finishedAt?.toRfc3339Millis(),
      outcome: this.#outcome,
      attempts: this.#attempts,
      failures: this.#failures,
      answer: this.#answer,
      error: this.#error === "" ? undefined : this.#error,
    };
  }

  #now(): Moment {
    return Moment.fromMs(this.#clock.now());
  }
}

/** Which records to list. */
export interface RecordFilter {
  readonly receiver?: string | undefined;
  readonly integration?: string | undefined;
  readonly groupKey?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly outcome?: string | undefined;
  readonly limit: number;
}

export class NotificationRecords {
  readonly #clock: Clock;
  readonly #ring: NotificationRecord[] = [];
  #nextId = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(notification: RecordedNotification): NotificationRecord {
    const record = new NotificationRecord(this.#nextId, notification, this.#clock);
    this.#ring[(this.#nextId - 1) % MAX_RECORDS] = record;
    this.#nextId++;
    return record;
  }

  /** Latest first. */
  list(filter: RecordFilter): NotificationRecord[] {
    const found: NotificationRecord[] = [];
    const oldest = Math.max(1, this.#nextId - MAX_RECORDS);
    for (let id = this.#nextId - 1; id >= oldest && found.length < filter.limit; id--) {
      const record = this.#ring[(id - 1) % MAX_RECORDS] as NotificationRecord;
      if (fits(record, filter)) found.push(record);
    }
    return found;
  }
}

function fits({ notification, outcome }: NotificationRecord, filter: RecordFilter): boolean {
  return (
    (filter.receiver === undefined || notification.receiver === filter.receiver) &&
    (filter.integration === undefined || notification.integration === filter.integration) &&
    (filter.groupKey === undefined || notification.groupKey === filter.groupKey) &&
    (filter.outcome === undefined || outcome === filter.outcome) &&
    (filter.fingerprint === undefined || notification.alerts.includes(filter.fingerprint))
  );
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
