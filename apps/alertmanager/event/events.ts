// All events, by what they tell of.
import type { BuildInfo } from "@narthex/toolkit";
import type { Alert } from "../alert/alert.ts";
import type { InhibitRuleParts } from "../inhibit/inhibitor.ts";
import type { Delivery } from "../notify/delivery.ts";
import type { NotifyReason } from "../notify/reason.ts";
import type { Silence } from "../silence/silence.ts";
import type { Event } from "./event.ts";
import { durationText, message } from "./message.ts";
import {
  alertMessage,
  fingerprintText,
  groupedAlertMessage,
  groupMessage,
  hashMessages,
  mutedAlertMessage,
  type RecordedGroup,
  ruleMessage,
  silenceMessage,
} from "./messages.ts";

const REASONS: Readonly<Record<NotifyReason, string>> = {
  none: "",
  unknown: "",
  "first notification": "NOTIFY_REASON_FIRST_NOTIFICATION",
  "new alerts added": "NOTIFY_REASON_NEW_ALERTS_IN_GROUP",
  "some alerts resolved": "NOTIFY_REASON_NEW_RESOLVED_ALERTS",
  "all alerts resolved": "NOTIFY_REASON_ALL_ALERTS_RESOLVED",
  "repeat interval elapsed": "NOTIFY_REASON_REPEAT_INTERVAL_ELAPSED",
};

export function startedUp({ version, goVersion, buildUser, buildDate }: BuildInfo): Event {
  const platform = `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`;
  const context = { go: goVersion, platform, user: buildUser, date: buildDate, tags: "typescript" };
  const buildContext = `(${Object.entries(context)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ")})`;
  return { type: "alertmanager_startup_event", content: () => message({ version, buildContext }) };
}

/** Everything else has ended when this is recorded. */
export const shutDown: Event = { type: "alertmanager_shutdown_event", content: () => ({}) };

/** An alert that was not known before. */
export function alertCreated(alert: Alert): Event {
  return { type: "alert_created", content: (at) => ({ alert: alertMessage(alert, at) }) };
}

/** An alert that its group did not have before. */
export function alertGrouped(alert: Alert, group: RecordedGroup): Event {
  return {
    type: "alert_grouped",
    content: (at) => ({ alert: groupedAlertMessage(alert, at), groupInfo: groupMessage(group) }),
  };
}

/** An alert that is over, and everybody was told so. */
export function alertResolved(alert: Alert, group: RecordedGroup): Event {
  return {
    type: "alert_resolved",
    content: (at) => ({ alert: groupedAlertMessage(alert, at), groupInfo: groupMessage(group) }),
  };
}

/** What an integration was told. Hashes are those of the notification log. */
export interface RecordedNotification {
  readonly delivery: Delivery;
  /** What was told, in its order. */
  readonly alerts: readonly Alert[];
  readonly firing: readonly bigint[];
  readonly resolved: readonly bigint[];
  readonly integration: { readonly name: string; readonly index: number };
}

/** A notification that the other side has taken. */
export function notified({ delivery, alerts, firing, resolved, integration }: RecordedNotification): Event {
  return {
    type: "notification",
    content: (at) =>
      message({
        alerts: alerts.map((alert) => groupedAlertMessage(alert, at)),
        firingAlerts: hashMessages(firing),
        resolvedAlerts: hashMessages(resolved),
        mutedAlerts: hashMessages(delivery.mutedHashes),
        groupInfo: groupMessage({
          key: delivery.groupKey,
          labels: delivery.groupLabels,
          receiver: delivery.receiver,
          matchers: delivery.matchers,
          uuid: delivery.groupUuid,
        }),
        repeatInterval: durationText(delivery.repeatIntervalMs),
        reason: REASONS[delivery.reason],
        flushId: String(delivery.flushId),
        integration: message({ name: integration.name, index: String(integration.index) }),
      }),
  };
}

export function silenceCreated(silence: Silence): Event {
  return { type: "silence_created", content: () => ({ silence: silenceMessage(silence) }) };
}

/** The silence as it is from now on. */
export function silenceUpdated(silence: Silence): Event {
  return { type: "silence_updated", content: () => ({ silence: silenceMessage(silence) }) };
}

/** An alert of which nobody was told, because of a silence. */
export function mutedBySilence(alert: Alert, silence: Silence): Event {
  return {
    type: "silence_muted_alert",
    content: () => ({ silence: silenceMessage(silence), mutedAlert: mutedAlertMessage(alert) }),
  };
}

/** An alert of which nobody was told, because of another one, whose fingerprint is `source`. */
export function mutedByInhibition(alert: Alert, rule: InhibitRuleParts, source: string): Event {
  return {
    type: "inhibition_muted_alert",
    content: () => ({
      inhibitRules: [ruleMessage(rule)],
      mutedAlert: mutedAlertMessage(alert),
      inhibitingFingerprints: [fingerprintText(source)],
    }),
  };
}
