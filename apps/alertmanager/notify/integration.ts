// One integration of one receiver in the pipeline: what is new for it, telling it, trying again, remembering that it was told.
import type { Logger } from "@narthex/toolkit";
import { type Alert, isResolvedAt } from "../alert/alert.ts";
import { type Clock, pause } from "../clock.ts";
import type { EventSink } from "../event/event.ts";
import { notified } from "../event/events.ts";
import { Moment } from "../moment/moment.ts";
import type { LogReceiver } from "../nflog/entry.ts";
import type { NotificationLog } from "../nflog/notification-log.ts";
import type { NotificationRecord, NotificationRecords } from "../record/notification-records.ts";
import { Backoff } from "./backoff.ts";
import { type AlertHashes, alertHashes, notifyReason } from "./dedup.ts";
import { type Answer, CANCELED, DEADLINE, type Delivery, type Flush, type Notifier } from "./delivery.ts";
import type { NotifyMetrics } from "./notify-metrics.ts";
import { NotifyError } from "./reason.ts";

/** What all integrations work with. */
export interface IntegrationEnvironment {
  readonly clock: Clock;
  readonly log: NotificationLog;
  readonly metrics: NotifyMetrics;
  readonly records: NotificationRecords;
  readonly logger: Logger;
  /** Undefined: nobody takes note. */
  readonly events?: EventSink;
  /** Milliseconds to wait for peers that come first. */
  readonly waitMs: () => number;
  readonly random?: () => number;
}

export class Integration {
  readonly name: string;
  readonly index: number;
  readonly receiver: string;
  readonly sendsResolved: boolean;
  readonly notifier: Notifier;
  readonly #environment: IntegrationEnvironment;
  readonly #logReceiver: LogReceiver;

  constructor(
    identity: {
      readonly name: string;
      readonly index: number;
      readonly receiver: string;
      readonly sendsResolved: boolean;
    },
    notifier: Notifier,
    environment: IntegrationEnvironment,
  ) {
    this.name = identity.name;
    this.index = identity.index;
    this.receiver = identity.receiver;
    this.sendsResolved = identity.sendsResolved;
    this.notifier = notifier;
    this.#environment = environment;
    this.#logReceiver = { groupName: this.receiver, integration: this.name, index: this.index };
  }

  /** Where its last notifications are found in the log. */
  get logReceiver(): LogReceiver {
    return this.#logReceiver;
  }

  /** Tells what is new. Rejects when that failed for good, or until the flush's time was up. */
  async run(flush: Flush, alerts: readonly Alert[]): Promise<void> {
    const { clock, log, metrics, waitMs } = this.#environment;
    await pause(clock, waitMs(), flush.signal);
    const now = Moment.fromMs(clock.now());
    const hashes = alertHashes(alerts, now);
    const last = log.find(flush.groupKey, this.#logReceiver);
    const reason = notifyReason(last, hashes, {
      sendsResolved: this.sendsResolved,
      repeatIntervalMs: flush.repeatIntervalMs,
      nowMs: flush.nowMs,
    });
    if (reason === "none") return;
    const data = new Map(reason === "first notification" ? [] : last?.data);
    const span = flush.span?.child("notify.RetryStage.Exec");
    const delivery: Delivery = { ...flush, reason, data, span };
    metrics.attempt(this);
    const told = this.sendsResolved ? alerts : alerts.filter((alert) => !isResolvedAt(alert, now));
    const isSilentEnd = !this.sendsResolved && hashes.firing.length === 0;
    try {
      if (!isSilentEnd) await this.#tell(delivery, told, hashes);
    } catch (error) {
      span?.fail(error);
      throw error;
    } finally {
      span?.set("alerting.group.name", this.receiver);
      span?.set("alerting.integration.name", this.name);
      span?.set("alerting.alerts.count", told.length);
      span?.end();
    }
    await log.log({
      receiver: this.#logReceiver,
      groupKey: flush.groupKey,
      ...hashes,
      data,
      expiryMs: 2 * flush.repeatIntervalMs,
    });
  }

  async #tell(delivery: Delivery, alerts: readonly Alert[], hashes: AlertHashes): Promise<void> {
    const record = this.#environment.records.begin({
      receiver: this.receiver,
      integration: `${this.name}[${this.index}]`,
      groupKey: delivery.groupKey,
      groupLabels: delivery.groupLabels.toObject(),
      reason: delivery.reason,
      firing: hashes.firing.length,
      resolved: hashes.resolved.length,
      alerts: alerts.map(({ fingerprint }) => fingerprint),
    });
    try {
      const answer = await this.#attempts(delivery, alerts, record);
      record.succeed(answer);
      this.#environment.events?.record(notified({ delivery, alerts, ...hashes, integration: this }));
    } catch (error) {
      const failure = error as NotifyError;
      record.fail(failure.message);
      this.#environment.metrics.failure(this, failure.reason);
      throw failure;
    }
  }

  async #attempts(delivery: Delivery, alerts: readonly Alert[], record: NotificationRecord): Promise<Answer> {
    const { clock, metrics, logger, random } = this.#environment;
    const backoff = new Backoff(random);
    const identity = `${this.receiver}/${this.name}[${this.index}]`;
    const { signal } = delivery;
    let last: NotifyError | undefined;
    for (let attempt = 1; ; attempt++) {
      if (signal.aborted) throw gaveUp(identity, attempt - 1, last, signal);
      const started = clock.now();
      const outcome = await this.#once(delivery, alerts);
      const failed = outcome instanceof NotifyError;
      metrics.request(this, (clock.now() - started) / 1000, failed);
      if (!failed) {
        if (attempt > 1)
          logger.info("Notify success", {
            receiver: this.receiver,
            integration: `${this.name}[${this.index}]`,
            aggrGroup: delivery.groupKey,
            attempts: attempt,
            numAlerts: alerts.length,
          });
        return outcome;
      }
      record.attempt(outcome.message);
      if (!outcome.isRetryable) {
        const text = `${identity}: notify retry canceled due to unrecoverable error after ${attempt} attempts: ${outcome.message}`;
        throw new NotifyError(text, { reason: outcome.reason, cause: outcome });
      }
      if (!signal.aborted) {
        if (outcome.message !== last?.message)
          logger.warn("Notify attempt failed, will retry later", {
            receiver: this.receiver,
            integration: `${this.name}[${this.index}]`,
            aggrGroup: delivery.groupKey,
            attempts: attempt,
            err: outcome.message,
          });
        last = outcome;
      }
      await pause(this.#environment.clock, backoff.next(), signal);
    }
  }

  async #once(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer | NotifyError> {
    const span = delivery.span?.child("notify.Integration.Notify", { kind: "client" });
    try {
      return await this.notifier.notify(span === undefined ? delivery : { ...delivery, span }, alerts);
    } catch (error) {
      // Whatever else is thrown is a template, or a mistake of ours: trying again would not help.
      const failure =
        error instanceof NotifyError ? error : new NotifyError((error as Error).message, { cause: error });
      span?.set("alerting.notify.error.recoverable", failure.isRetryable);
      span?.fail(failure);
      return failure;
    } finally {
      span?.set("alerting.notify.integration.name", this.name);
      span?.set("alerting.alerts.count", alerts.length);
      span?.end();
    }
  }
}

function gaveUp(identity: string, attempts: number, last: NotifyError | undefined, signal: AbortSignal): NotifyError {
  const isLate = signal.reason === DEADLINE;
  const message = last?.message ?? (isLate ? DEADLINE : CANCELED);
  const reason = last?.reason ?? (isLate ? "contextDeadlineExceeded" : "contextCanceled");
  return new NotifyError(`${identity}: notify retry canceled after ${attempts} attempts: ${message}`, { reason });
}
