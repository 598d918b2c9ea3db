// The parts that events are made of: alerts, groups, silences and rules as the schema has them.
import type { Labels } from "@narthex/model";
import { type Alert, alertName, isResolvedAt } from "../alert/alert.ts";
import type { InhibitRuleParts } from "../inhibit/inhibitor.ts";
import { hashOf } from "../label/fingerprint.ts";
import type { LabelMatcher, MatchType } from "../matcher/matcher.ts";
import type { Moment } from "../moment/moment.ts";
import { keyHash } from "../notify/delivery.ts";
import type { Silence } from "../silence/silence.ts";
import { type Message, message, timestamp } from "./message.ts";

const MATCHER_TYPES: Readonly<Record<MatchType, string>> = {
  "=": "TYPE_EQUAL",
  "=~": "TYPE_REGEXP",
  "!=": "TYPE_NOT_EQUAL",
  "!~": "TYPE_NOT_REGEXP",
};

/** A group of alerts as events name it. */
export interface RecordedGroup {
  readonly key: string;
  readonly labels: Labels;
  readonly receiver: string;
  /** The route's; only notifications tell them. */
  readonly matchers?: readonly LabelMatcher[];
  /** Another one each time that the group is made; only notifications tell it. */
  readonly uuid?: string;
}

export function labelSetMessage(labels: Iterable<readonly [string, string]>): Message {
  return message({ labels: Array.from(labels, ([key, value]) => message({ key, value })) });
}

/** `at` decides whether it is over. */
export function alertMessage(alert: Alert, at: Moment): Message {
  return message({
    fingerprint: fingerprintText(alert.fingerprint),
    name: alertName(alert),
    labels: labelSetMessage(alert.labels),
    annotations: labelSetMessage(alert.annotations),
    startsAt: timestamp(alert.startsAt),
    endsAt: timestamp(alert.endsAt),
    resolved: isResolvedAt(alert, at),
  });
}

/** With the hash by which the notification log knows it. */
export function groupedAlertMessage(alert: Alert, at: Moment): Message {
  return message({ hash: String(hashOf(alert.labels)), details: alertMessage(alert, at) });
}

export function hashMessages(hashes: readonly bigint[]): readonly Message[] {
  return hashes.map((hash) => message({ hash: String(hash) }));
}

export function mutedAlertMessage(alert: Alert): Message {
  return message({ labels: labelSetMessage(alert.labels), fingerprint: fingerprintText(alert.fingerprint) });
}

export function groupMessage({ key, labels, receiver, matchers = [], uuid = "" }: RecordedGroup): Message {
  return message({
    groupKey: key,
    groupLabels: labelSetMessage(labels),
    groupId: keyHash(key),
    receiverName: receiver,
    matchers: matchers.map(matcherMessage),
    groupUuid: uuid,
  });
}

export function silenceMessage(silence: Silence): Message {
  const sets = silence.matcherSets.map((set) => message({ matchers: set.map(matcherMessage) }));
  return message({
    id: silence.id,
    // The schema had one set of matchers before it had several: readers of that find the first one here.
    matchers: sets[0]?.["matchers"],
    annotations: silence.annotations.size === 0 ? undefined : labelSetMessage(silence.annotations),
    startsAt: timestamp(silence.startsAt),
    endsAt: timestamp(silence.endsAt),
    updatedAt: timestamp(silence.updatedAt),
    createdBy: silence.createdBy,
    comment: silence.comment,
    matcherSets: sets,
  });
}

export function ruleMessage({ name, sourceMatchers, targetMatchers, equal }: InhibitRuleParts): Message {
  return message({
    sourceMatchers: sourceMatchers.map(matcherMessage),
    targetMatchers: targetMatchers.map(matcherMessage),
    equalLabels: equal,
    name,
  });
}

/** A fingerprint, 16 hex digits, as the decimal text of an unsigned integer. */
export function fingerprintText(fingerprint: string): string {
  return String(BigInt(`0x${fingerprint}`));
}

function matcherMessage(matcher: LabelMatcher): Message {
  return message({
    type: MATCHER_TYPES[matcher.type],
    name: matcher.name,
    pattern: matcher.value,
    rendered: matcher.toString(),
  });
}
