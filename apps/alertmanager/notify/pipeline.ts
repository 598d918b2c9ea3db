// From a flushed group to its receiver: what is muted stays behind, what is left goes to all integrations at the same time.
import type { Alert } from "../alert/alert.ts";
import type { Peer } from "../cluster/peer.ts";
import type { Inhibitor } from "../inhibit/inhibitor.ts";
import type { Silencer } from "../silence/silencer.ts";
import type { Intervener } from "../time-interval/intervener.ts";
import type { Flush } from "./delivery.ts";
import type { Integration } from "./integration.ts";
import type { MutedGroups } from "./muted-groups.ts";
import type { NotifyMetrics } from "./notify-metrics.ts";

/** What a flush did with each alert, by fingerprint; for the group's own state. */
export type MarkAlert = (
  fingerprint: string,
  status: { readonly silencedBy: readonly string[]; readonly inhibitedBy: readonly string[] },
) => void;

export interface PipelineOptions {
  readonly receivers: ReadonlyMap<string, readonly Integration[]>;
  readonly inhibitor: Inhibitor;
  readonly silencer: Silencer;
  readonly intervener: Intervener;
  readonly mutedGroups: MutedGroups;
  readonly peer: Peer;
  readonly metrics: NotifyMetrics;
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
  async run(flush: Flush, alerts: readonly Alert[], mark: MarkAlert): Promise<void> {
    const { peer, receivers } = this.#options;
    await peer.untilReady(flush.signal);
    const uninhibited = this.#withoutInhibited(alerts, mark);
    if (uninhibited.length === 0 || !this.#isActive(flush, uninhibited) || this.#isMuted(flush, uninhibited)) return;
    const left = this.#withoutSilenced(uninhibited, mark);
    if (left.length === 0) return;
    const integrations = receivers.get(flush.receiver) ?? [];
    const outcomes = await Promise.allSettled(integrations.map((integration) => integration.run(flush, left)));
    const failures = outcomes.filter((outcome) => outcome.status === "rejected").map(({ reason }) => reason as Error);
    if (failures.length > 0) throw new AggregateError(failures, failures.map(({ message }) => message).join("\n"));
  }

  #withoutInhibited(alerts: readonly Alert[], mark: MarkAlert): Alert[] {
    const { inhibitor, metrics } = this.#options;
    const left = alerts.filter((alert) => {
      const inhibition = inhibitor.inhibition(alert.labels);
      mark(alert.fingerprint, { silencedBy: [], inhibitedBy: inhibition === undefined ? [] : [inhibition.source] });
      return inhibition === undefined;
    });
    if (left.length < alerts.length) metrics.suppressed("inhibition", alerts.length - left.length);
    return left;
  }

  #withoutSilenced(alerts: readonly Alert[], mark: MarkAlert): Alert[] {
    const { silencer, metrics } = this.#options;
    const left = alerts.filter((alert) => {
      const silencedBy = silencer.silencedBy(alert.labels);
      mark(alert.fingerprint, { silencedBy, inhibitedBy: [] });
      return silencedBy.length === 0;
    });
    if (left.length < alerts.length) metrics.suppressed("silence", alerts.length - left.length);
    return left;
  }

  #isActive({ activeTimeIntervals, routeId, groupKey, nowMs }: Flush, alerts: readonly Alert[]): boolean {
    const { intervener, mutedGroups, metrics } = this.#options;
    const isActive = activeTimeIntervals.length === 0 || intervener.containing(activeTimeIntervals, nowMs).length > 0;
    mutedGroups.set(routeId, groupKey, isActive ? [] : activeTimeIntervals);
    if (!isActive) metrics.suppressed("active_time_interval", alerts.length);
    return isActive;
  }

  #isMuted({ muteTimeIntervals, routeId, groupKey, nowMs }: Flush, alerts: readonly Alert[]): boolean {
    const { intervener, mutedGroups, metrics } = this.#options;
    const mutedBy = muteTimeIntervals.length === 0 ? [] : intervener.containing(muteTimeIntervals, nowMs);
    mutedGroups.set(routeId, groupKey, mutedBy);
    if (mutedBy.length > 0) metrics.suppressed("mute_time_interval", alerts.length);
    return mutedBy.length > 0;
  }
}
