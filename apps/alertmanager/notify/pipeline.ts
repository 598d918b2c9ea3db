// From a flushed group to its receiver: what is muted stays behind, what is left goes to all integrations at the same time.
import type { Alert } from "../alert/alert.ts";
import type { Peer } from "../cluster/peer.ts";
import { type EventSink, noEvents } from "../event/event.ts";
import { mutedByInhibition, mutedBySilence } from "../event/events.ts";
import type { Inhibitor } from "../inhibit/inhibitor.ts";
import { hashOf } from "../label/fingerprint.ts";
import type { Silencer } from "../silence/silencer.ts";
import type { Intervener } from "../time-interval/intervener.ts";
import type { Flush } from "./delivery.ts";
import type { Integration } from "./integration.ts";
import type { NotifyMetrics } from "./notify-metrics.ts";

/** What a flush found about an alert. */
export interface AlertMark {
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
}

/** What a flush finds, for the group's own state. */
export interface FlushFindings {
  /** About each alert, by fingerprint. */
  mark(fingerprint: string, mark: AlertMark): void;
  /** Names of the time intervals that keep the whole group from being told; empty when none does. */
  mutedBy(names: readonly string[]): void;
}

export interface PipelineOptions {
  readonly receivers: ReadonlyMap<string, readonly Integration[]>;
  readonly inhibitor: Inhibitor;
  readonly silencer: Silencer;
  readonly intervener: Intervener;
  readonly peer: Peer;
  readonly metrics: NotifyMetrics;
  /** Undefined: nobody takes note. */
  readonly events?: EventSink;
}

export class Pipeline {
  readonly #options: PipelineOptions;

  constructor(options: PipelineOptions) {
    this.#options = options;
  }

  get receivers(): ReadonlyMap<string, readonly Integration[]> {
    return this.#options.receivers;
  }

  /**
   * Runs a flush. Resolves when every integration was told what is new for it, or had nothing to be told; rejects with all their
   * failures when some failed. None of them waits for another.
   */
  async run(flush: Flush, alerts: readonly Alert[], findings: FlushFindings): Promise<void> {
    const { peer, receivers } = this.#options;
    await peer.untilReady(flush.signal);
    const uninhibited = this.#withoutInhibited(alerts, findings);
    if (uninhibited.length === 0 || this.#isMuted(flush, uninhibited, findings)) return;
    const left = this.#withoutSilenced(uninhibited, findings);
    if (left.length === 0) return;
    const integrations = receivers.get(flush.receiver) ?? [];
    const unmuted = new Set(left);
    const muted = alerts.filter((alert) => !unmuted.has(alert));
    const told: Flush = { ...flush, mutedHashes: muted.map(({ labels }) => hashOf(labels)) };
    const outcomes = await Promise.allSettled(integrations.map((integration) => integration.run(told, left)));
    const failures = outcomes.filter((outcome) => outcome.status === "rejected").map(({ reason }) => reason as Error);
    if (failures.length > 0) throw new AggregateError(failures, failures.map(({ message }) => message).join("\n"));
  }

  #withoutInhibited(alerts: readonly Alert[], findings: FlushFindings): Alert[] {
    const { inhibitor, metrics, events = noEvents } = this.#options;
    const left = alerts.filter((alert) => {
      const inhibition = inhibitor.inhibition(alert.labels);
      findings.mark(alert.fingerprint, {
        silencedBy: [],
        inhibitedBy: inhibition === undefined ? [] : [inhibition.source],
      });
      if (inhibition !== undefined)
        events.record(mutedByInhibition(alert, inhibitor.ruleOf(inhibition), inhibition.source));
      return inhibition === undefined;
    });
    if (left.length < alerts.length) metrics.suppressed("inhibition", alerts.length - left.length);
    return left;
  }

  #withoutSilenced(alerts: readonly Alert[], findings: FlushFindings): Alert[] {
    const { silencer, metrics, events = noEvents } = this.#options;
    const left = alerts.filter((alert) => {
      const silencedBy = silencer.silencedBy(alert.labels);
      findings.mark(alert.fingerprint, { silencedBy, inhibitedBy: [] });
      for (const id of silencedBy) {
        const silence = silencer.silence(id);
        if (silence !== undefined) events.record(mutedBySilence(alert, silence));
      }
      return silencedBy.length === 0;
    });
    if (left.length < alerts.length) metrics.suppressed("silence", alerts.length - left.length);
    return left;
  }

  /** Out of its active intervals, or in one that mutes. */
  #isMuted(
    { activeTimeIntervals, muteTimeIntervals, nowMs }: Flush,
    alerts: readonly Alert[],
    findings: FlushFindings,
  ): boolean {
    const { intervener, metrics } = this.#options;
    const isInactive = activeTimeIntervals.length > 0 && intervener.containing(activeTimeIntervals, nowMs).length === 0;
    const muting = muteTimeIntervals.length === 0 ? [] : intervener.containing(muteTimeIntervals, nowMs);
    findings.mutedBy(isInactive ? activeTimeIntervals : muting);
    if (isInactive) metrics.suppressed("active_time_interval", alerts.length);
    else if (muting.length > 0) metrics.suppressed("mute_time_interval", alerts.length);
    return isInactive || muting.length > 0;
  }
}
