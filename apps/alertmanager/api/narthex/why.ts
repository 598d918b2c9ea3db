// Why an alert is told to whom, or is not: every step that decides, and what comes next.
import type { Labels } from "@narthex/model";
import type { AggregationGroup } from "../../dispatch/aggregation-group.ts";
import type { Route } from "../../dispatch/route.ts";
import { fingerprintOf } from "../../label/fingerprint.ts";
import { Moment } from "../../moment/moment.ts";
import type { ApiContext, ApiState } from "../v2/api-context.ts";

/** What stands against telling of an alert now, the first of them in the order in which the pipeline asks. */
export type Obstacle = "inhibited" | "outside_active_time" | "muted_by_time" | "silenced" | "acknowledged";

const SENTENCES: Readonly<Record<Obstacle, string>> = {
  inhibited: "another alert inhibits it",
  outside_active_time: "none of its route's active time intervals holds now",
  muted_by_time: "a mute time interval of its route holds now",
  silenced: "a silence covers it",
  acknowledged: "somebody has acknowledged it",
};
/** Annotation of the silence that an acknowledgement is. */
export const ACKNOWLEDGED = "narthex_acknowledged";

/** The routes of a label set, from the root down to where it ends. */
export function routesJson(labels: Labels, { dispatcher }: ApiState): object[] {
  return dispatcher.routesOf(labels).map(routeJson);
}

export function routeJson(route: Route): object {
  const { options } = route;
  return {
    receiver: options.receiver,
    path: pathOf(route),
    routeId: route.id,
    groupBy: options.groupsByAll ? ["..."] : [...options.groupBy],
    groupWaitSeconds: options.groupWaitMs / 1000,
    groupIntervalSeconds: options.groupIntervalMs / 1000,
    repeatIntervalSeconds: options.repeatIntervalMs / 1000,
    muteTimeIntervals: options.muteTimeIntervals,
    activeTimeIntervals: options.activeTimeIntervals,
  };
}

function pathOf(route: Route): string[] {
  return [...(route.parent === undefined ? [] : pathOf(route.parent)), `{${route.matchers.join(",")}}`];
}

/** `labels` may be those of an alert that does not exist: then groups and times are what they would be. */
export function whyJson(labels: Labels, context: ApiContext): object {
  const state = context.state();
  const fingerprint = fingerprintOf(labels);
  const alert = context.alerts.get(fingerprint);
  const nowMs = context.clock.now();
  const inhibition = state.inhibitor.inhibition(labels);
  const silences = context.silencer
    .silencedBy(labels)
    .map((id) => context.silences.get(id))
    .filter((silence) => silence !== undefined);
  return {
    fingerprint,
    labels: labels.toObject(),
    isKnown: alert !== undefined,
    isFiring: alert !== undefined && (alert.endsAt.isZero || alert.endsAt.isAfter(Moment.fromMs(nowMs))),
    inhibition:
      inhibition === undefined
        ? undefined
        : {
            rule: inhibition.rule,
            ruleName: inhibition.ruleName,
            source: inhibition.source,
            sourceLabels: context.alerts.get(inhibition.source)?.labels.toObject(),
          },
    silences: silences.map(({ id, createdBy, comment, endsAt, annotations }) => ({
      id,
      createdBy,
      comment,
      endsAt: endsAt.toRfc3339Millis(),
      isAcknowledgement: annotations.has(ACKNOWLEDGED),
    })),
    routes: state.dispatcher.routesOf(labels).map((route) => {
      const intervals = intervalsOf(route, state, nowMs);
      const isAcknowledged = silences.some(({ annotations }) => annotations.has(ACKNOWLEDGED));
      const obstacle: Obstacle | undefined =
        inhibition !== undefined
          ? "inhibited"
          : intervals.isInactive
            ? "outside_active_time"
            : intervals.mutedBy.length > 0
              ? "muted_by_time"
              : silences.length > 0
                ? isAcknowledged
                  ? "acknowledged"
                  : "silenced"
                : undefined;
      const group = state.dispatcher.groupOf(labels, route);
      return {
        ...routeJson(route),
        mutedByIntervals: intervals.mutedBy,
        isOutsideActiveIntervals: intervals.isInactive,
        obstacle,
        explanation: obstacle === undefined ? "nothing stands against telling of it" : SENTENCES[obstacle],
        ...(group === undefined ? {} : groupJson(group, context, state)),
      };
    }),
  };
}

function intervalsOf(
  { options }: Route,
  { intervener }: ApiState,
  nowMs: number,
): { mutedBy: string[]; isInactive: boolean } {
  const { muteTimeIntervals, activeTimeIntervals } = options;
  return {
    mutedBy: intervener.containing(muteTimeIntervals, nowMs),
    isInactive: activeTimeIntervals.length > 0 && intervener.containing(activeTimeIntervals, nowMs).length === 0,
  };
}

function groupJson(group: AggregationGroup, { log, records }: ApiContext, { dispatcher }: ApiState): object {
  const { receiver, repeatIntervalMs } = group.route.options;
  const integrations = dispatcher.pipeline.receivers.get(receiver) ?? [];
  return {
    groupKey: group.key,
    groupLabels: group.labels.toObject(),
    groupSize: group.size,
    nextFlush: Moment.fromMs(group.nextFlushMs).toRfc3339Millis(),
    integrations: integrations.map(({ name, index, logReceiver, sendsResolved }) => {
      const last = log.find(group.key, logReceiver);
      const [record] = records.list({ receiver, integration: `${name}[${index}]`, groupKey: group.key, limit: 1 });
      return {
        integration: `${name}[${index}]`,
        sendsResolved,
        lastNotified: last?.timestamp.toRfc3339Millis(),
        repeatsAfter: last?.timestamp.plusMs(repeatIntervalMs).toRfc3339Millis(),
        lastRecord: record,
      };
    }),
  };
}
