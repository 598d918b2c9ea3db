// What the dispatcher counts, and the state of all alerts as its groups see them.
import { Counter, Gauge, type Registry, Summary } from "@narthex/client";
import { isResolvedAt } from "../alert/alert.ts";
import type { Clock } from "../clock.ts";
import { Moment } from "../moment/moment.ts";
import type { AggregationGroup } from "./aggregation-group.ts";

type AlertState = "active" | "suppressed" | "unprocessed";

const STATES: readonly AlertState[] = ["active", "suppressed", "unprocessed"];

export class DispatchMetrics {
  /** Set by the dispatcher in force. */
  groups: () => Iterable<AggregationGroup> = () => [];
  readonly #groupCount: Gauge;
  readonly #processing: Summary;
  readonly #clock: Clock;

  /** `namesGroups` adds the group's key as a label. */
  constructor(registry: Registry, namesGroups: boolean, clock: Clock) {
    this.#clock = clock;
    const registers = [registry];
    const prefix = "alertmanager_dispatcher";
    const alerts: Gauge<readonly string[]> = new Gauge({
      name: "alertmanager_alerts",
      help: "How many alerts by state.",
      labelNames: namesGroups ? ["state", "group_key"] : ["state"],
      registers,
      collect: () => {
        alerts.reset();
        if (namesGroups) this.#countByGroup(alerts);
        else for (const [state, count] of this.#count(this.groups())) alerts.labels(state).set(count);
      },
    });
    this.#groupCount = new Gauge({
      name: `${prefix}_aggregation_groups`,
      help: "Number of active aggregation groups",
      registers,
    });
    this.#processing = new Summary({
      name: `${prefix}_alert_processing_duration_seconds`,
      help: "Summary of latencies for the processing of alerts.",
      registers,
    });
    // Groups have no limit here, and nobody contends for them: there for whoever watches them.
    for (const [name, help] of [
      ["limit_reached", "Number of times when dispatcher failed to create new aggregation group due to limit."],
      ["creation_retries", "Number of CAS retries while creating aggregation groups under contention."],
      ["creation_given_up", "Number of alerts dropped because aggregation group creation exceeded the retry limit."],
    ] as const)
      new Counter({ name: `${prefix}_aggregation_group_${name}_total`, help, registers });
  }

  setGroups(count: number): void {
    this.#groupCount.set(count);
  }

  startProcessing(): () => void {
    return this.#processing.startTimer();
  }

  #countByGroup(alerts: Gauge<readonly string[]>): void {
    for (const group of this.groups())
      for (const [state, count] of this.#count([group])) alerts.labels(state, group.key).set(count);
  }

  /** An alert in several groups counts once, in the state that says most. */
  #count(groups: Iterable<AggregationGroup>): Map<AlertState, number> {
    const now = Moment.fromMs(this.#clock.now());
    const states = new Map<string, AlertState>();
    for (const group of groups)
      for (const alert of group.values()) {
        if (isResolvedAt(alert, now)) continue;
        const state = stateOf(group, alert.fingerprint);
        const known = states.get(alert.fingerprint);
        if (known === undefined || rank(state) > rank(known)) states.set(alert.fingerprint, state);
      }
    const counts = new Map<AlertState, number>(STATES.map((state) => [state, 0]));
    for (const state of states.values()) counts.set(state, (counts.get(state) as number) + 1);
    return counts;
  }
}

function stateOf(group: AggregationGroup, fingerprint: string): AlertState {
  const mark = group.markOf(fingerprint);
  if (mark === undefined) return "unprocessed";
  return mark.silencedBy.length > 0 || mark.inhibitedBy.length > 0 ? "suppressed" : "active";
}

function rank(state: AlertState): number {
  return state === "suppressed" ? 2 : state === "active" ? 1 : 0;
}
